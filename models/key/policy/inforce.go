package policy

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// InForce is what an organization is held to: the rules of each source that can apply to one of its keys, widest first, what holds whatever its keys
// are granted, and what is planned.
type InForce struct {
	Always  Effective // of the installation and the organization alone
	Rules   []Rule
	Planned []Planned // with the names of their sources
}

// Rules reads what an organization is held to: for its members, programs with policies:read, and staff. Only the APIs to which one of its apps has access
// are told of. Faults: NotFound.
func (s *Store) Rules(ctx context.Context, a actor.Actor, organization db.ID) (InForce, error) {
	g := s.db.Read(ctx)
	members, arg := a.Members()
	var n int64
	if err := g.Raw("SELECT COUNT(*) FROM organizations o WHERE o.id = ? AND o.deleted_at IS NULL AND (? = 1 OR EXISTS (SELECT 1 FROM "+members+" m WHERE m.organization_id = o.id))",
		organization, one(may(a, permission.StaffPolicyRead)), arg).Scan(&n).Error; err != nil {
		return InForce{}, err
	}
	if n == 0 {
		return InForce{}, fault.Missing()
	}
	book, err := Load(g, s.db.Now())
	if err != nil {
		return InForce{}, err
	}
	subject, err := reach(g, a, organization)
	if err != nil {
		return InForce{}, err
	}
	out := InForce{Always: book.For(Subject{OrganizationID: organization})}
	for _, r := range book.Rules() {
		if !subject.Under(r.Source) {
			continue
		}
		out.Rules = append(out.Rules, r)
		for _, p := range book.Planned(r.Source) {
			p.Source = r.Source
			out.Planned = append(out.Planned, p)
		}
	}
	return out, nil
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// lately is how many of a person's latest acts tell where they work.
const lately = 500

// LastPlace is the organization of the actor's in which they last did something that the audit log tells of; zero when there is none. Signing in, or what they do
// for the portal, is in none.
func (s *Store) LastPlace(ctx context.Context, a actor.Actor) (db.ID, error) {
	var ids []db.ID
	members, arg := a.Members()
	err := s.db.Read(ctx).Raw(`SELECT e.organization_id FROM (SELECT seq, organization_id FROM audit_events WHERE actor_id = ? ORDER BY seq DESC LIMIT ?) e
		JOIN `+members+` m ON m.organization_id = e.organization_id JOIN organizations o ON o.id = m.organization_id WHERE o.deleted_at IS NULL ORDER BY e.seq DESC LIMIT 1`, a.UserID, lately, arg).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return db.ID{}, err
	}
	return ids[0], nil
}

// reach is all that a key of the organization could be held by, as far as the actor may know.
func reach(g *gorm.DB, a actor.Actor, organization db.ID) (Subject, error) {
	unseen, hidden := a.Hidden()
	args := append([]any{organization}, hidden...)
	s := Subject{OrganizationID: organization}
	var rows []struct{ APIID, PlanID db.ID }
	err := g.Raw(`SELECT x.api_id, x.plan_id FROM access x JOIN apps a ON a.id = x.app_id
		WHERE a.organization_id = ? AND a.deleted_at IS NULL AND x.state IN ('approved', 'suspended') AND a.id NOT IN `+unseen, args...).Scan(&rows).Error
	for _, r := range rows {
		s.APIs, s.PlanIDs = append(s.APIs, r.APIID), append(s.PlanIDs, r.PlanID)
	}
	if err != nil || len(rows) == 0 {
		return s, err
	}
	err = g.Raw(`SELECT DISTINCT xs.scope_id FROM access_scopes xs JOIN access x ON x.id = xs.access_id JOIN apps a ON a.id = x.app_id
		WHERE a.organization_id = ? AND a.deleted_at IS NULL AND x.state IN ('approved', 'suspended') AND a.id NOT IN `+unseen, args...).Scan(&s.ScopeIDs).Error
	return s, err
}

// Source gives a source its names, where the book has them.
func (b Book) Source(s Source) Source {
	for _, r := range b.rules {
		if r.Source.compare(s) == 0 {
			return r.Source
		}
	}
	return s
}

// DuesOf reads what the people of keys were told, by key.
func DuesOf(g *gorm.DB, keys []db.ID) (map[db.ID][]Due, error) {
	out := map[db.ID][]Due{}
	for len(keys) > 0 {
		n := min(len(keys), 500)
		var rows []struct {
			KeyID                  db.ID
			Rule                   string
			SubjectKind            Kind
			SubjectID              db.ID
			Name, APIName, APISlug string
			Days, Told             int
			DueAt, CreatedAt       time.Time
		}
		err := g.Raw("SELECT r.key_id, r.rule, r.subject_kind, r.subject_id, r.days, r.told, r.due_at, r.created_at, "+sourceColumns+" FROM key_policy_dues r"+sourceTables+
			" WHERE r.key_id IN ? ORDER BY r.key_id, r.rule", keys[:n]).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.KeyID] = append(out[r.KeyID], Due{r.KeyID, r.Rule, Source{Kind: r.SubjectKind, ID: r.SubjectID, Name: r.Name, API: r.APIName, Slug: r.APISlug}, r.Days, r.DueAt, r.CreatedAt, r.Told})
		}
		keys = keys[n:]
	}
	return out, nil
}
