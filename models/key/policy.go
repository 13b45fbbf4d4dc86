package key

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// Expiry is what a developer chose as the end of a key.
type Expiry = policy.Expiry

// DateLayout is how a day is written in forms.
const DateLayout = policy.DateLayout

// Rules reads what holds for a new key of an app that is granted pairs. The app must be one that the caller has found through Places.
func (s *Store) Rules(ctx context.Context, appID db.ID, pairs []Pair) (policy.Effective, error) {
	g := s.db.Read(ctx)
	offered, err := choices(g, appID)
	if err != nil {
		return policy.Effective{}, err
	}
	offered = slices.DeleteFunc(offered, func(c Choice) bool { return !slices.Contains(pairs, c.Pair()) })
	return rulesFor(g, appID, offered)
}

// RulesOf reads what holds for a new key with the grants of one that there is, as its rotation makes. The row needs its grants.
func (s *Store) RulesOf(ctx context.Context, r Row) (policy.Effective, error) {
	return policy.For(s.db.Read(ctx), r.Subject())
}

// rulesFor reads what holds for a new key of an app with these scopes.
func rulesFor(g *gorm.DB, appID db.ID, scopes []Choice) (policy.Effective, error) {
	subject, err := subjectOf(g, appID, scopes)
	if err != nil {
		return policy.Effective{}, err
	}
	return policy.For(g, subject)
}

// subjectOf is what policies go by: the app's organization, the APIs and scopes, and the plans of its access to them.
func subjectOf(g *gorm.DB, appID db.ID, scopes []Choice) (policy.Subject, error) {
	s := policy.Subject{APIs: apisOf(scopes)}
	for _, c := range scopes {
		s.ScopeIDs = append(s.ScopeIDs, c.ScopeID)
	}
	var found []db.ID
	if err := g.Raw("SELECT organization_id FROM apps WHERE id = ?", appID).Scan(&found).Error; err != nil || len(found) == 0 {
		return s, err
	}
	s.OrganizationID = found[0]
	if len(s.APIs) == 0 {
		return s, nil
	}
	err := g.Raw("SELECT plan_id FROM access WHERE app_id = ? AND api_id IN ? AND state IN ('approved', 'suspended')", appID, s.APIs).Scan(&s.PlanIDs).Error
	return s, err
}

// Subject is what policies go by; the row needs its grants.
func (r Row) Subject() policy.Subject {
	s := policy.Subject{OrganizationID: r.OrganizationID}
	for _, g := range r.Grants {
		if !slices.Contains(s.APIs, g.APIID) {
			s.APIs = append(s.APIs, g.APIID)
		}
		if !g.PlanID.IsZero() && !slices.Contains(s.PlanIDs, g.PlanID) {
			s.PlanIDs = append(s.PlanIDs, g.PlanID)
		}
		s.ScopeIDs = append(s.ScopeIDs, g.ScopeID)
	}
	return s
}

// heldRules reads what holds for a key that there is; a tightening whose notice runs does not count yet.
func heldRules(tx *db.Tx, r Row) (policy.Effective, error) {
	rows := []Row{r}
	if err := withGrants(tx.DB, rows); err != nil {
		return policy.Effective{}, err
	}
	book, err := policy.Load(tx.DB, tx.Now)
	return book.Held(rows[0].Subject(), r.CreatedAt), err
}

// workingKeys counts those keys of an app to which a rule applies that are neither revoked nor at their end, old ones in their overlap included.
func workingKeys(tx *db.Tx, app db.ID, of policy.Source) (int, error) {
	query, args := "SELECT COUNT(*) FROM keys k WHERE k.app_id = ? AND "+living, []any{app, tx.Now, tx.Now}
	switch of.Kind {
	case policy.API:
		query += " AND EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.api_id = ?)"
	case policy.Plan:
		query += " AND EXISTS (SELECT 1 FROM key_grants g JOIN plans n ON n.api_id = g.api_id WHERE g.key_id = k.id AND n.id = ?)"
	case policy.Scope:
		query += " AND EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.scope_id = ?)"
	}
	if of.Kind == policy.API || of.Kind == policy.Plan || of.Kind == policy.Scope {
		args = append(args, of.ID)
	}
	var n int
	err := tx.Raw(query, args...).Scan(&n).Error
	return n, err
}

// roomForKey holds the number of working keys of every policy that applies.
func roomForKey(tx *db.Tx, app db.ID, e policy.Effective) error {
	for _, most := range e.PerApp {
		n, err := workingKeys(tx, app, most.Source)
		if err != nil {
			return err
		}
		if n >= most.Value {
			return most.TooMany()
		}
	}
	return nil
}

// roomForOverlap lets an app be at most one key above a policy's number. It locks the app, so that rotations at once count each other.
func roomForOverlap(tx *db.Tx, app db.ID, e policy.Effective, overlapDays int) error {
	if overlapDays == 0 {
		return nil
	}
	if tx.Home.Dialect == db.Postgres {
		if err := tx.Exec("SELECT 1 FROM apps WHERE id = ? FOR UPDATE", app).Error; err != nil {
			return err
		}
	}
	for _, most := range e.PerApp {
		n, err := workingKeys(tx, app, most.Source)
		switch {
		case err != nil:
			return err
		case n <= most.Value:
		case most.Source.Kind == policy.Installation:
			return fault.New(fault.Conflict, "This portal’s policy allows %d keys an app, and more of this app work now, old ones in their overlap included. Rotate without overlap, or revoke one that nothing uses, or wait until an overlap ends.", most.Value)
		default:
			return fault.New(fault.Conflict, "The policy of %[1]s allows %[2]d keys an app, and more of this app work now, old ones in their overlap included. Rotate without overlap, or revoke one that nothing uses, or wait until an overlap ends.", most.Source.Label(), most.Value)
		}
	}
	return nil
}

// networksForOverlap refuses to make a second key without networks where a policy asks for them. A rotation without overlap is not refused: it is how a
// leaked key is replaced, and the new one has its notice.
func networksForOverlap(e policy.Effective, b Bounds, overlapDays int) error {
	if overlapDays == 0 || !e.Networks.On || len(b.Networks) > 0 {
		return nil
	}
	if e.Networks.Source.Kind == policy.Installation {
		return fault.New(fault.Conflict, "This portal’s policy asks each key to name the networks that it is used from, and this one names none. Name them on the key’s page first.")
	}
	return fault.New(fault.Conflict, "The policy of %s asks each key to name the networks that it is used from, and this one names none. Name them on the key’s page first.", e.Networks.Source.Label())
}
