package scim

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// AddUser makes somebody one whom the directory manages: the account of their address is joined, or made without a password when there is none, and is a member of the
// organization if the directory says active, and out of it if not. Faults: Unauthenticated for a token that works no more, Invalid, also for an address in no domain of the organization's,
// Conflict with ErrTaken for one who is there and at the bounds, Forbidden where the portal lets no such account be made, RateLimited.
func (s *Store) AddUser(ctx context.Context, a actor.Actor, p Person) (User, error) {
	var out User
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := entered(tx, a); err != nil {
			return err
		}
		if err := p.check(); err != nil {
			return err
		}
		if err := within(tx, a.OrganizationID, p.UserName); err != nil {
			return err
		}
		if err := free(tx, a.OrganizationID, db.ID{}, p.UserName); err != nil {
			return err
		}
		if err := changes(tx, a, 1); err != nil {
			return err
		}
		if err := roomFor(tx, "SELECT COUNT(*) FROM scim_users WHERE organization_id = ?", a.OrganizationID, MaxUsers); err != nil {
			return err
		}
		who, made, err := s.account(tx, a, p)
		if err != nil {
			return err
		}
		id := db.NewID()
		if err := insertUser(tx, a, id, who, p); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.DirectoryUserAdded, TargetKind: "user", TargetID: who, OrganizationID: a.OrganizationID, Personal: map[string]string{"email": p.UserName}})
		if out, err = userOf(tx.DB, a.OrganizationID, id); err != nil {
			return err
		}
		if p.Active {
			err = s.join(tx, a, out, made)
		} else {
			err = s.leave(tx, a, out)
		}
		if err != nil {
			return err
		}
		out, err = userOf(tx.DB, a.OrganizationID, id)
		return err
	})
	return out, err
}

func insertUser(tx *db.Tx, a actor.Actor, id, who db.ID, p Person) error {
	var stopped *time.Time
	if !p.Active {
		stopped = &tx.Now
	}
	_, err := tx.Run(`INSERT INTO scim_users (id, organization_id, user_id, user_name, external_id, display_name, given_name, family_name, formatted_name, stopped_at, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, a.OrganizationID, who, p.UserName, p.ExternalID, p.DisplayName, p.GivenName, p.FamilyName, p.FormattedName, stopped, tx.Now, tx.Now)
	if db.Duplicate(err) { // the account stands in this directory under another name
		return userTaken()
	}
	return err
}

// account is the one of the person's address; made says that it was not there before.
func (s *Store) account(tx *db.Tx, a actor.Actor, p Person) (id db.ID, made bool, err error) {
	var found []struct {
		ID              db.ID
		EmailVerifiedAt *time.Time
	}
	if err := tx.Raw("SELECT id, email_verified_at FROM users WHERE email = ? AND deleted_at IS NULL", p.UserName).Scan(&found).Error; err != nil {
		return id, false, err
	}
	if len(found) > 0 {
		if found[0].EmailVerifiedAt == nil { // a stranger may have prepared it (A15)
			return id, false, fault.New(fault.Conflict, "The account of %s has not verified this address yet. Send the user again when its person has opened the link of the mail.", p.UserName)
		}
		return found[0].ID, false, nil
	}
	ok, err := account.TakeTx(tx, "directory accounts of "+a.OrganizationID.String(), maxAccounts, day)
	if err != nil {
		return id, false, err
	}
	if !ok {
		return id, false, fault.Later(day, "Those were many new accounts for one day. Try again tomorrow.")
	}
	u, _, err := s.accounts.ProvisionTx(tx, a, account.NewUser{Email: p.UserName, Name: p.called(), DisplayName: p.shown()}, map[string]string{"means": "directory"})
	return u.ID, true, err
}

// changes counts what a directory adds or renames (L7). Faults: RateLimited.
func changes(tx *db.Tx, a actor.Actor, n int) error {
	if n == 0 {
		return nil
	}
	later := fault.Later(day, "That were very many changes for one day. Try again tomorrow.")
	if n > maxChanges {
		return later
	}
	ok, err := account.TakeManyTx(tx, "directory changes of "+a.OrganizationID.String(), n, maxChanges, day)
	if err == nil && !ok {
		return later
	}
	return err
}

func roomFor(tx *db.Tx, query string, organizationID db.ID, most int) error {
	var n int
	err := tx.Raw(query, organizationID).Scan(&n).Error
	if err == nil && n >= most {
		return fault.New(fault.Conflict, "There are %d already, which is the most that one directory can have.", n)
	}
	return err
}

// ChangeUser has edit change what the directory says of somebody, given how they stand; an error of edit changes nothing, and it may be asked more than once. The
// account keeps its own address and name. Who is told not to be active is taken out of the organization, with their sessions; who left or was removed otherwise stays
// out until the directory took them out, too. Faults: as AddUser's, NotFound, Conflict for the last owner.
func (s *Store) ChangeUser(ctx context.Context, a actor.Actor, id db.ID, edit func(User, *Person) error) (User, error) {
	var out User
	err := s.db.Tx(s.hurry(ctx, a, id, edit), func(tx *db.Tx) error {
		if err := entered(tx, a); err != nil {
			return err
		}
		u, err := userOf(tx.DB, a.OrganizationID, id)
		if err != nil {
			return err
		}
		p := u.Person()
		if err := edit(u, &p); err != nil {
			return err
		}
		if err := s.rename(tx, a, u, &p); err != nil {
			return err
		}
		if err := s.activate(tx, a, u, p.Active); err != nil {
			return err
		}
		out, err = userOf(tx.DB, a.OrganizationID, id)
		return err
	})
	return out, err
}

// hurry is the context of a change: urgent when it takes a member out, which a full disk must not hold up (REL-8). Who is taken out has come in by what is not urgent.
func (s *Store) hurry(ctx context.Context, a actor.Actor, id db.ID, edit func(User, *Person) error) context.Context {
	u, err := s.User(ctx, a, id)
	if err != nil || u.Role == "" {
		return ctx
	}
	p := u.Person()
	if err := edit(u, &p); err != nil || p.Active {
		return ctx
	}
	return db.Urgent(ctx)
}

// rename writes the names.
func (s *Store) rename(tx *db.Tx, a actor.Actor, u User, p *Person) error {
	if err := p.check(); err != nil {
		return err
	}
	changed := p.changed(u.Person())
	if len(changed) == 0 {
		return nil
	}
	if err := changes(tx, a, 1); err != nil {
		return err
	}
	event := audit.Event{Act: audit.DirectoryUserChanged, TargetKind: "user", TargetID: u.UserID, OrganizationID: a.OrganizationID, Details: map[string]string{"changed": strings.Join(changed, " ")}}
	if p.UserName != u.UserName {
		if err := within(tx, a.OrganizationID, p.UserName); err != nil {
			return err
		}
		if err := free(tx, a.OrganizationID, u.ID, p.UserName); err != nil {
			return err
		}
		event.Personal = map[string]string{"email": p.UserName}
	}
	if _, err := tx.Run(`UPDATE scim_users SET user_name = ?, external_id = ?, display_name = ?, given_name = ?, family_name = ?, formatted_name = ?, updated_at = ? WHERE id = ?`,
		p.UserName, p.ExternalID, p.DisplayName, p.GivenName, p.FamilyName, p.FormattedName, tx.Now, u.ID); err != nil {
		return err
	}
	audit.Record(tx, a, event)
	return nil
}

// activate brings the membership to what the directory says.
func (s *Store) activate(tx *db.Tx, a actor.Actor, u User, active bool) error {
	switch {
	case active && u.Role == "" && u.StoppedAt != nil:
		if err := within(tx, a.OrganizationID, u.Address); err != nil {
			return err
		}
		if err := changes(tx, a, 1); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE scim_users SET stopped_at = NULL, updated_at = ? WHERE id = ?", tx.Now, u.ID); err != nil {
			return err
		}
		return s.join(tx, a, u, false)
	case !active && (u.Role != "" || u.StoppedAt == nil):
		if _, err := tx.Run("UPDATE scim_users SET stopped_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, u.ID); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.DirectoryUserChanged, TargetKind: "user", TargetID: u.UserID, OrganizationID: a.OrganizationID, Details: map[string]string{"changed": "active", "from": "active", "to": "inactive"}})
		return s.leave(tx, a, u)
	}
	return nil
}

// RemoveUser ends the membership, and what the directory said; the account stays. Check is asked first, how they stand. Faults: as ChangeUser's.
func (s *Store) RemoveUser(ctx context.Context, a actor.Actor, id db.ID, check func(User) error) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		if err := entered(tx, a); err != nil {
			return err
		}
		u, err := userOf(tx.DB, a.OrganizationID, id)
		if err != nil {
			return err
		}
		if err := check(u); err != nil {
			return err
		}
		if err := s.leave(tx, a, u); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM scim_group_members WHERE scim_id = ?", u.ID); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM scim_users WHERE id = ?", u.ID); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.DirectoryUserRemoved, TargetKind: "user", TargetID: u.UserID, OrganizationID: a.OrganizationID, Personal: map[string]string{"email": u.UserName}})
		return nil
	})
}
