package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// named reads sources with their names; those that there are not are left out, and what is deleted is not there.
func named(g *gorm.DB, list []Source) ([]Source, error) {
	var out []Source
	for _, s := range list {
		if s.Kind == Installation {
			out = append(out, Source{Kind: Installation})
			continue
		}
		var rows []struct{ Name, APIName, APISlug string }
		err := g.Raw("SELECT "+sourceColumns+" FROM (SELECT CAST(? AS "+textType+") AS subject_kind, "+subjectID(g)+" AS subject_id) r"+sourceTables+`
			WHERE (o.id IS NOT NULL AND o.deleted_at IS NULL) OR i.id IS NOT NULL OR l.id IS NOT NULL OR c.id IS NOT NULL`, string(s.Kind), s.ID).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out = append(out, ruleRow{SubjectKind: s.Kind, SubjectID: s.ID, Name: r.Name, APIName: r.APIName, APISlug: r.APISlug}.source())
		}
	}
	return out, nil
}

const textType = "TEXT"

func subjectID(g *gorm.DB) string {
	if g.Name() == "postgres" {
		return "CAST(? AS uuid)"
	}
	return "?"
}

// Subject reads what a policy can be set for, with its names, for staff. Faults: Forbidden, NotFound.
func (s *Store) Subject(ctx context.Context, a actor.Actor, of Source) (Source, error) {
	if !may(a, permission.StaffPolicyRead) {
		return Source{}, fault.Lacking(string(permission.StaffPolicyRead), "")
	}
	found, err := named(s.db.Read(ctx), []Source{of})
	if err == nil && len(found) == 0 {
		err = fault.Missing()
	}
	if err != nil {
		return Source{}, err
	}
	return found[0], nil
}

// Parts lists the plans and scopes of an API, which can have policies of their own; retired and withdrawn ones are left out.
func (s *Store) Parts(ctx context.Context, a actor.Actor, api db.ID) ([]Source, error) {
	if !may(a, permission.StaffPolicyRead) {
		return nil, fault.Lacking(string(permission.StaffPolicyRead), "")
	}
	var rows []ruleRow
	err := s.db.Read(ctx).Raw(`SELECT * FROM (SELECT 'plan' AS subject_kind, l.id AS subject_id, l.name AS name, p.name AS api_name, p.slug AS api_slug, 0 AS rank FROM plans l JOIN apis p ON p.id = l.api_id WHERE p.id = ? AND l.retired_at IS NULL
		UNION ALL SELECT 'scope', c.id, c.name, p.name, p.slug, 1 FROM scopes c JOIN apis p ON p.id = c.api_id WHERE p.id = ? AND c.withdrawn_at IS NULL) parts ORDER BY rank, name`, api, api).Scan(&rows).Error
	out := make([]Source, len(rows))
	for i, r := range rows {
		out[i] = r.source()
	}
	return out, err
}

// APIs lists the APIs by name, for staff who look for what to set a policy for.
func (s *Store) APIs(ctx context.Context, a actor.Actor) ([]Source, error) {
	if !may(a, permission.StaffPolicyRead) {
		return nil, fault.Lacking(string(permission.StaffPolicyRead), "")
	}
	var rows []ruleRow
	err := s.db.Read(ctx).Raw("SELECT 'api' AS subject_kind, p.id AS subject_id, p.name, p.slug AS api_slug FROM apis p ORDER BY LOWER(p.name), p.id").Scan(&rows).Error
	out := make([]Source, len(rows))
	for i, r := range rows {
		out[i] = r.source()
	}
	return out, err
}

// Share is what of a change falls on one organization.
type Share struct {
	OrganizationID   db.ID
	OrganizationName string
	Keys             int
	UsedLastHour     int // before the preview
}

// MaxShares is how many organizations a preview names, those with most keys first; all are counted.
const MaxShares = 100

// summary is what a change hits.
type summary struct {
	Shares        []Share
	Organizations int
	UsedLastHour  int
	ByRule        map[string]int // keys that break each rule, without EndBefore
	EndBefore     int            // keys that end by themselves within ProposedNotice days of the preview
	keys          int
}

// Preview is a change with what it hits.
type Preview struct {
	Change
	summary
}

// Change reads a change with what it hits, for staff. Faults: Forbidden, NotFound.
func (s *Store) Change(ctx context.Context, a actor.Actor, id db.ID) (Preview, error) {
	if !may(a, permission.StaffPolicyRead) {
		return Preview{}, fault.Lacking(string(permission.StaffPolicyRead), "")
	}
	g := s.db.Read(ctx)
	var found []Change
	if err := g.Raw("SELECT * FROM key_policy_changes WHERE id = ?", id).Scan(&found).Error; err != nil {
		return Preview{}, err
	}
	if len(found) == 0 {
		return Preview{}, fault.Missing()
	}
	p := Preview{Change: found[0]}
	if err := json.Unmarshal([]byte(p.Summary), &p.summary); err != nil {
		return Preview{}, fmt.Errorf("policy change %s: %w", id, err)
	}
	p.Source = Source{Kind: p.SubjectKind, ID: p.SubjectID}
	if sources, err := named(g, []Source{p.Source}); err != nil {
		return Preview{}, err
	} else if len(sources) > 0 {
		p.Source = sources[0]
	}
	if p.MadeAt == nil {
		return p, nil
	}
	err := g.Raw("SELECT COUNT(*) FROM key_policy_change_keys WHERE change_id = ? AND told_at IS NULL", id).Scan(&p.Untold).Error
	return p, err
}

// Hit is one key that a change hits.
type Hit struct {
	KeyID            db.ID
	Name             string
	Prefix, LastFour string
	AppName          string
	OrganizationName string
	Breaks           int // see BreaksOf
	LastUsedAt       *time.Time
	CreatedAt        time.Time
	ExpiresAt        *time.Time // nil: without end
}

// Fate is when a hit key ends once the change's notice is over, at the moment over; moved is false when the change leaves its end as it is.
func (c Change) Fate(h Hit, over time.Time) (end time.Time, moved bool) {
	if h.Breaks&bits[Life] == 0 || h.EndsBefore(over) {
		return time.Time{}, false
	}
	days := 0
	if after := c.After(); after.MaxDays != nil {
		days = *after.MaxDays
	}
	end = LatestEnd(h.CreatedAt, days, over)
	return end, h.ExpiresAt == nil || h.ExpiresAt.After(end)
}

// EndsBefore reports whether the key ends by itself before a notice is over.
func (h Hit) EndsBefore(over time.Time) bool { return h.ExpiresAt != nil && !h.ExpiresAt.After(over) }

// Hits reads a page of the keys that a change hits, for staff; used narrows it to those used in the hour before the
// preview. Faults: Forbidden, Invalid for a foreign cursor.
func (s *Store) Hits(ctx context.Context, a actor.Actor, c Change, used bool, r db.PageRequest) (db.Page[Hit], error) {
	if !may(a, permission.StaffPolicyRead) {
		return db.Page[Hit]{}, fault.Lacking(string(permission.StaffPolicyRead), "")
	}
	l := db.Listing[Hit]{
		Name: "policy hits " + c.ID.String(), Select: `SELECT k.id AS key_id, k.name, k.prefix, k.last_four, a.name AS app_name, o.name AS organization_name, z.breaks, k.last_used_at, k.created_at, k.expires_at
			FROM key_policy_change_keys z JOIN keys k ON k.id = z.key_id JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id WHERE z.change_id = ?`,
		Args: []any{c.ID}, IDExpr: "z.key_id", ID: func(h Hit) db.ID { return h.KeyID }, Default: "change",
		Sorts: map[string]db.Sort[Hit]{"change": {Expr: "z.change_id", Value: func(Hit) any { return c.ID.String() }}}, // all the same: the index has them by key
	}
	if used {
		l.Name += " used"
		l.Select += " AND k.last_used_at > ?"
		l.Args = append(l.Args, c.CreatedAt.Add(-time.Hour))
	}
	return db.List(ctx, s.db, l, r)
}
