package account

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Binding is the rule of a domain whose people sign in by one provider.
type Binding struct {
	Domain         string // as in addresses
	OrganizationID db.ID  // whose domain it is
	Provider       string // its name in the settings
	Label          string // what people call it
}

// BindingOf tells the rule for an address, if there is one. Hold keeps the rule as it is until the transaction ends.
type BindingOf func(q *gorm.DB, address string, hold bool) (Binding, bool, error)

// BindBy has every way into an account ask fn, which knows domains. It is called while the program is put together.
func (s *Store) BindBy(fn BindingOf) { s.binding = fn }

func (s *Store) bindingOf(q *gorm.DB, address string, hold bool) (Binding, bool, error) {
	if s.binding == nil {
		return Binding{}, false, nil
	}
	return s.binding(q, address, hold)
}

// BoundError is in the chain of the fault of who has to sign in by a provider.
type BoundError struct{ Binding Binding }

// Error is for logs.
func (e *BoundError) Error() string { return "bound to " + e.Binding.Provider }

// refusedBy is the answer to everybody who tries another way in at a bound domain, whether there is such an account or not (A6).
func refusedBy(b Binding) error {
	return fault.Wrap(&BoundError{b}, fault.Conflict, "People with an address at %s sign in by %s.", b.Domain, b.Label)
}

// BoundBy tells the rule for an address, which may be nobody's, if there is one.
func (s *Store) BoundBy(ctx context.Context, address string) (Binding, bool, error) {
	return s.bindingOf(s.db.Read(ctx), address, false)
}

// spared reports whether a binding leaves a user their own way in, which is a password and a second factor, or a passkey: the owners of the organization, and the
// portal's admins, so that somebody can get in when the provider can't let them in. Who has no second factor is not spared.
func spared(q *gorm.DB, u User, b Binding) (bool, error) {
	if u.ID.IsZero() {
		return false, nil
	}
	var n int64
	err := q.Raw(`SELECT COUNT(*) FROM users u WHERE u.id = ? AND u.deleted_at IS NULL AND EXISTS (SELECT 1 FROM factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
		AND (u.staff_role = ? OR EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id AND m.organization_id = ? AND m.role = ?))`,
		u.ID, permission.StaffAdmin, b.OrganizationID, permission.Owner).Scan(&n).Error
	return n > 0, err
}

// mayEnter holds the rule of their domain against a way into a user's account. Faults: Conflict.
func (s *Store) mayEnter(tx *db.Tx, u User, e Entry) error {
	b, bound, err := s.bindingOf(tx.DB, u.Email, true)
	if err != nil || !bound || e.Means == BySetup {
		return err
	}
	switch {
	case e.Means == ByProvider && e.By == b.Provider && domainOf(e.Vouched) == b.Domain:
		return nil
	case e.Means == ByProvider && e.By == b.Provider:
		return fault.New(fault.Conflict, "%s does not say that you have an address at %s, which your account here is for. Sign in there with that one.", b.Label, b.Domain)
	case slices.Contains([]Means{ByPassword, ByPasskey}, e.Means):
		if ok, err := spared(tx.DB, u, b); err != nil || ok {
			return err
		}
	}
	return refusedBy(b)
}

// stays refuses to let a user out of a binding by another address. Faults: Conflict.
func (s *Store) stays(q *gorm.DB, u User) error {
	b, bound, err := s.bindingOf(q, u.Email, false)
	if err != nil || !bound {
		return err
	}
	if ok, err := spared(q, u, b); err != nil || ok {
		return err
	}
	return fault.New(fault.Conflict, "People with an address at %s sign in by %s, so yours stays as it is.", b.Domain, b.Label)
}

// UnbindBy has fn take a user out of the organization of a binding that they get out of, as part of a transaction, and tell its owners; out: they were a member, and are none
// now. It is called while the program is put together.
func (s *Store) UnbindBy(fn func(tx *db.Tx, u User, b Binding) (out bool, err error)) {
	s.unbindBy = fn
}

// unbind takes the user of a link that restores an address out of the organization whose rule that leads them out of, and tells what they are to know of it. To refuse
// the address instead would let whoever stole an account keep it, at a domain of their own.
func (s *Store) unbind(tx *db.Tx, link oneTimeLink) ([]outbox.Line, error) {
	var rows []User
	if err := tx.Raw("SELECT * FROM users WHERE id = ? AND deleted_at IS NULL", link.UserID).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return nil, err
	}
	b, bound, err := s.bindingOf(tx.DB, rows[0].Email, false)
	if err != nil || !bound || s.unbindBy == nil {
		return nil, err
	}
	if next, still, err := s.bindingOf(tx.DB, link.Email, false); err != nil || still && next.OrganizationID == b.OrganizationID {
		return nil, err
	}
	if ok, err := spared(tx.DB, rows[0], b); err != nil || ok {
		return nil, err
	}
	out, err := s.unbindBy(tx, rows[0], b)
	if err != nil || !out {
		return nil, err
	}
	return []outbox.Line{outbox.L("People with an address at %v sign in by %s. Your account has none there any more, so you are no longer a member of the organization that requires it. It can invite you again.", b.Domain, b.Label)}, nil
}

// EndSessionsAt ends all sessions of people with an address at a domain but keep, at once (S4), as part of the caller's transaction: another rule holds there for getting
// in. The caller records the act.
func EndSessionsAt(tx *db.Tx, domain string, keep db.ID) error {
	var users []db.ID
	if err := tx.Raw("DELETE FROM sessions WHERE id <> ? AND user_id IN (SELECT id FROM users WHERE email LIKE ?) RETURNING user_id", keep, "%@"+domain).Scan(&users).Error; err != nil {
		return err
	}
	slices.SortFunc(users, func(x, y db.ID) int { return slices.Compare(x[:], y[:]) })
	change.RecordMany(tx, change.Session, slices.Compact(users))
	return nil
}
