package catalog

import (
	"context"
	"regexp"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// Scope is resource:action within one API. Withdrawn is for ever, and its name is not used again.
type Scope struct {
	ID          db.ID
	APIID       db.ID `gorm:"column:api_id"`
	Name        string
	Sentence    string // what it allows, for people
	Sensitive   bool   // needs approval, whatever the plan
	WithdrawnAt *time.Time
	CreatedAt   time.Time
}

var scopeForm = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,39}:[a-z][a-z0-9_.-]{0,39}$`)

// ScopeInput is what staff says of a scope.
type ScopeInput struct {
	Name      string
	Sentence  string
	Sensitive bool
}

func (in *ScopeInput) check() error {
	var p fault.Problems
	p.Check(scopeForm.MatchString(in.Name), "scope", "A scope is resource:action in lower case, such as orders:read.")
	in.Sentence = org.CheckText(&p, "sentence", in.Sentence, 200)
	p.Check(in.Sentence != "", "sentence", "Say in a sentence what this allows.")
	return p.Err()
}

// AddScope adds a scope. Faults: Forbidden, NotFound, Conflict, Invalid, also for a name that was ever used.
func (s *Store) AddScope(ctx context.Context, a actor.Actor, apiID db.ID, in ScopeInput) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		if api.IsPortal {
			return fault.New(fault.Conflict, "The portal’s own API has the scopes that its version of Gatehouse brings.")
		}
		if err := in.check(); err != nil {
			return err
		}
		if _, err := tx.Run("INSERT INTO scopes (id, api_id, name, sentence, sensitive, created_at) VALUES (?, ?, ?, ?, ?, ?)", db.NewID(), apiID, in.Name, in.Sentence, in.Sensitive, tx.Now); err != nil {
			return taken(err, "scope", "This API has or had a scope of that name. Names are not used again.")
		}
		audit.Record(tx, a, audit.Event{Act: audit.ScopeAdded, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"scope": in.Name}})
		return nil
	})
}

// ChangeScope sets sentence and sensitivity; the name stays. Faults: Forbidden, NotFound, Conflict, Invalid.
func (s *Store) ChangeScope(ctx context.Context, a actor.Actor, apiID, scopeID db.ID, in ScopeInput) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		scope, err := one[Scope](tx.DB, "SELECT * FROM scopes WHERE id = ? AND api_id = ? AND withdrawn_at IS NULL", scopeID, apiID)
		if err != nil {
			return err
		}
		in.Name = scope.Name
		if err := in.check(); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.ScopeChanged, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"scope": scope.Name}})
		_, err = tx.Run("UPDATE scopes SET sentence = ?, sensitive = ? WHERE id = ?", in.Sentence, in.Sensitive, scopeID)
		return err
	})
}

// WithdrawScope ends a scope for ever: it is gone from every access and key at once. Its route rules stay, so that its routes are refused rather
// than open. Faults: Forbidden, NotFound, also when it is withdrawn already, Conflict.
func (s *Store) WithdrawScope(ctx context.Context, a actor.Actor, apiID, scopeID db.ID) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		if api.IsPortal {
			return fault.New(fault.Conflict, "The portal’s own API has the scopes that its version of Gatehouse brings.")
		}
		scope, err := one[Scope](tx.DB, "SELECT * FROM scopes WHERE id = ? AND api_id = ? AND withdrawn_at IS NULL", scopeID, apiID)
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.ScopeWithdrawn, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"scope": scope.Name}})
		_, err = tx.Run("UPDATE scopes SET withdrawn_at = ? WHERE id = ?", tx.Now, scopeID)
		return err
	})
}

// ScopeNames are the names of scopes, in their order.
func ScopeNames(scopes []Scope) []string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = s.Name
	}
	return names
}
