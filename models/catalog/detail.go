package catalog

import (
	"context"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// Detail is an API with all that belongs to it. Rules and Invited are read for staff only.
type Detail struct {
	API
	PublisherName string
	Versions      []Version
	Environments  []Environment
	Scopes        []Scope // without those withdrawn, but for staff
	Plans         []Plan  // without those retired, but for staff
	Presets       []Preset
	Rules         []RouteRule
	Invited       []Named
}

// Named is an organization by id and name.
type Named struct {
	ID   db.ID
	Name string
}

// meant is true of an API x that its visibility offers to the reader; insiders of those who publish it and of staff. Each reader is asked for as a user and as the organization of a key, of which at most one is not zero.
const (
	meant = `(x.visibility = 'public'
	OR (x.visibility = 'signed_in' AND (EXISTS (SELECT 1 FROM users u WHERE u.id = ?) OR EXISTS (SELECT 1 FROM organizations p WHERE p.id = ?)))
	OR (x.visibility = 'invited' AND EXISTS (SELECT 1 FROM api_organizations i LEFT JOIN members m ON m.organization_id = i.organization_id AND m.user_id = ?
		WHERE i.api_id = x.id AND (m.user_id IS NOT NULL OR i.organization_id = ?))))`
	insiders = `EXISTS (SELECT 1 FROM members m WHERE m.organization_id = x.publisher_id AND m.user_id = ?) OR x.publisher_id = ?
	OR EXISTS (SELECT 1 FROM users u WHERE u.id = ? AND (u.staff_role IN ? OR ' ' || ` + staffrole.Effective + ` || ' ' LIKE '% staff:apis:read %'))`
)

// Shown is the condition under which API x stands in the catalogue for a reader. Its arguments are VisibleArgs.
const Shown = `x.retired_at IS NULL AND ((EXISTS (SELECT 1 FROM api_versions v WHERE v.api_id = x.id AND v.state IN ('live', 'deprecated')) AND ` + meant + `) OR ` + insiders + `)`

// Open is the condition under which a reader may read what was written about API x. Other than Shown it holds on when the API is retired.
// Its arguments are VisibleArgs.
const Open = `((EXISTS (SELECT 1 FROM api_versions v WHERE v.api_id = x.id AND v.state <> 'draft') AND ` + meant + `) OR ` + insiders + `)`

// VisibleArgs are the arguments of Shown and of Open for a reader.
func VisibleArgs(a actor.Actor) []any {
	var user, program db.ID
	if a.SignedIn() {
		user = a.UserID
	}
	if a.Program() {
		program = a.OrganizationID
	}
	return []any{user, program, a.Membership("m"), program, a.Membership("m"), program, user, permission.BuiltInWith(permission.StaffAPIsRead)}
}

// Listed is an API in the catalogue's list.
type Listed struct {
	API
	PublisherName string
	States        string // of its versions, separated by commas
	ScopeCount    int64
	LiveVersion   string // the newest one that is live; empty without
	Keys          int64  // that may call it, for staff's list
}

// Visible lists the APIs that the actor may see, by name, the portal's own last; search looks in name, summary and slug. At most 500.
func (s *Store) Visible(ctx context.Context, a actor.Actor, search string) ([]Listed, error) {
	like := org.Like(search)
	var rows []Listed
	err := s.db.Read(ctx).Raw(`SELECT x.*, o.name AS publisher_name, (SELECT COUNT(*) FROM scopes c WHERE c.api_id = x.id AND c.withdrawn_at IS NULL) AS scope_count,
		COALESCE((SELECT v.name FROM api_versions v WHERE v.api_id = x.id AND v.state = 'live' ORDER BY v.created_at DESC, v.id DESC LIMIT 1), '') AS live_version
		FROM apis x JOIN organizations o ON o.id = x.publisher_id WHERE `+Shown+` AND (LOWER(x.name) LIKE ? ESCAPE '!' OR LOWER(x.summary) LIKE ? ESCAPE '!' OR x.slug LIKE ? ESCAPE '!')
		ORDER BY x.is_portal, LOWER(x.name), x.id LIMIT 500`, append(VisibleArgs(a), like, like, like)...).Scan(&rows).Error
	return rows, err
}

// BySlug reads an API that the actor may see. Faults: NotFound.
func (s *Store) BySlug(ctx context.Context, a actor.Actor, slug string) (Detail, error) {
	q := s.db.Read(ctx)
	api, err := one[API](q, "SELECT x.* FROM apis x WHERE x.slug = ? AND "+Shown, append([]any{slug}, VisibleArgs(a)...)...)
	if err != nil {
		return Detail{}, err
	}
	return s.detail(q, api, false)
}

// ByID reads any API for staff, also a retired one. Faults: Forbidden, NotFound.
func (s *Store) ByID(ctx context.Context, a actor.Actor, id db.ID) (Detail, error) {
	if err := org.RequireStaff(a, permission.StaffAPIsRead); err != nil {
		return Detail{}, err
	}
	q := s.db.Read(ctx)
	api, err := one[API](q, "SELECT * FROM apis WHERE id = ?", id)
	if err != nil {
		return Detail{}, err
	}
	return s.detail(q, api, true)
}

func (s *Store) detail(q *gorm.DB, api API, staff bool) (Detail, error) {
	d := Detail{API: api}
	type query struct {
		into any
		sql  string
	}
	queries := []query{
		{&d.PublisherName, "SELECT o.name FROM organizations o JOIN apis x ON x.publisher_id = o.id WHERE x.id = ?"},
		{&d.Versions, "SELECT id, api_id, name, state, sunset_at, created_at, updated_at FROM api_versions WHERE api_id = ? ORDER BY created_at DESC, id DESC LIMIT 200"},
		{&d.Environments, "SELECT * FROM api_environments WHERE api_id = ? ORDER BY environment"},
	}
	if staff {
		queries = append(queries,
			query{&d.Scopes, "SELECT * FROM scopes WHERE api_id = ? ORDER BY CASE WHEN withdrawn_at IS NULL THEN 0 ELSE 1 END, name LIMIT 500"},
			query{&d.Plans, "SELECT * FROM plans WHERE api_id = ? ORDER BY CASE WHEN retired_at IS NULL THEN 0 ELSE 1 END, created_at, id LIMIT 200"},
			query{&d.Rules, rulesOf},
			query{&d.Invited, "SELECT o.id, o.name FROM api_organizations i JOIN organizations o ON o.id = i.organization_id WHERE i.api_id = ? ORDER BY o.name, o.id"})
	} else {
		queries = append(queries,
			query{&d.Scopes, "SELECT * FROM scopes WHERE api_id = ? AND withdrawn_at IS NULL ORDER BY name LIMIT 500"},
			query{&d.Plans, "SELECT * FROM plans WHERE api_id = ? AND retired_at IS NULL ORDER BY created_at, id LIMIT 200"})
	}
	for _, next := range queries {
		if err := q.Raw(next.sql, api.ID).Scan(next.into).Error; err != nil {
			return d, err
		}
	}
	presets, err := PresetsOf(q, []db.ID{api.ID})
	if err != nil {
		return d, err
	}
	d.Presets = presets[api.ID]
	if api.IsPortal { // it is where the portal is, wherever that was when it was written
		for i := range d.Environments {
			d.Environments[i].BaseURL = s.link("")
		}
	}
	return d, nil
}

// All lists every API for staff, retired ones last. Faults: Forbidden.
func (s *Store) All(ctx context.Context, a actor.Actor, search string) ([]Listed, error) {
	if err := org.RequireStaff(a, permission.StaffAPIsRead); err != nil {
		return nil, err
	}
	like := org.Like(search)
	var rows []Listed
	err := s.db.Read(ctx).Raw(`SELECT x.*, o.name AS publisher_name, (SELECT COUNT(*) FROM scopes c WHERE c.api_id = x.id AND c.withdrawn_at IS NULL) AS scope_count,
		(SELECT COUNT(DISTINCT g.key_id) FROM key_grants g JOIN keys k ON k.id = g.key_id WHERE g.api_id = x.id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?)) AS keys
		FROM apis x JOIN organizations o ON o.id = x.publisher_id WHERE LOWER(x.name) LIKE ? ESCAPE '!' OR x.slug LIKE ? ESCAPE '!' OR LOWER(o.name) LIKE ? ESCAPE '!'
		ORDER BY CASE WHEN x.retired_at IS NULL THEN 0 ELSE 1 END, LOWER(x.name), x.id LIMIT 500`, s.db.Now(), like, like, like).Scan(&rows).Error
	return rows, err
}

// Publishers lists the organizations that can publish an API or be invited to one, the company's first. Faults: Forbidden.
func (s *Store) Publishers(ctx context.Context, a actor.Actor) ([]Named, error) {
	if err := org.RequireStaff(a, permission.StaffAPIsRead); err != nil {
		return nil, err
	}
	var rows []Named
	err := s.db.Read(ctx).Raw("SELECT id, name FROM organizations WHERE kind <> 'personal' AND deleted_at IS NULL ORDER BY CASE WHEN kind = 'company' THEN 0 ELSE 1 END, name, id LIMIT 1000").Scan(&rows).Error
	return rows, err
}
