package key

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Pair names what is granted: a scope of an API.
type Pair struct {
	API   string // slug
	Scope string // name
}

// Grant is one pair that a key holds, with the standing of what it rests on.
type Grant struct {
	KeyID                db.ID
	APIID                db.ID
	ScopeID              db.ID
	API                  string
	APIName              string
	Scope                string
	Sentence             string
	Sensitive            bool
	Portal               int // 1: of the portal’s own API
	WithdrawnAt          *time.Time
	Retired              int
	AccessState          string // approved, suspended, or empty: none in force
	AccessSuspendedUntil *time.Time
	PlanID               db.ID // of that access; zero: none in force
	Allowed              int
	GrantedAt            *time.Time // nil: when the key was made
	KeyCreatedAt         time.Time
	LastUsedAt           *time.Time
}

// Standing says whether a grant counts now.
type Standing string

// The standings of a grant (K6).
const (
	GrantHolds     Standing = "holds"
	GrantSuspended Standing = "suspended" // the app's access is suspended
	GrantEnded     Standing = "ended"     // the app's access ended
	GrantLowered   Standing = "lowered"   // the access no longer carries the scope
	GrantWithdrawn Standing = "withdrawn" // the publisher withdrew the scope, or retired the API
)

// Standing tells what the grant is worth at now.
func (g Grant) Standing(now time.Time) Standing {
	switch {
	case g.WithdrawnAt != nil || g.Retired == 1:
		return GrantWithdrawn
	case g.AccessState == "":
		return GrantEnded
	case g.AccessState == "suspended" && (g.AccessSuspendedUntil == nil || now.Before(*g.AccessSuspendedUntil)):
		return GrantSuspended
	case g.Allowed == 0:
		return GrantLowered
	}
	return GrantHolds
}

// retiredAPI is 1 for an API p that was retired, itself or in all of its versions.
const retiredAPI = `CASE WHEN p.retired_at IS NOT NULL OR (EXISTS (SELECT 1 FROM api_versions v WHERE v.api_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM api_versions v WHERE v.api_id = p.id AND v.state <> 'retired')) THEN 1 ELSE 0 END`

const grantsQuery = `SELECT g.key_id, g.api_id, g.scope_id, p.slug AS api, p.name AS api_name, s.name AS scope, s.sentence, s.sensitive, s.withdrawn_at, CASE WHEN p.is_portal THEN 1 ELSE 0 END AS portal,
	` + retiredAPI + ` AS retired, COALESCE(x.state, '') AS access_state, x.suspended_until AS access_suspended_until, x.plan_id,
	CASE WHEN xs.scope_id IS NULL THEN 0 ELSE 1 END AS allowed, g.granted_at, k.created_at AS key_created_at, w.last_used_at
	FROM key_grants g JOIN keys k ON k.id = g.key_id JOIN scopes s ON s.id = g.scope_id JOIN apis p ON p.id = g.api_id
	LEFT JOIN access x ON x.app_id = k.app_id AND x.api_id = g.api_id AND x.state IN ('approved', 'suspended')
	LEFT JOIN access_scopes xs ON xs.access_id = x.id AND xs.scope_id = g.scope_id
	LEFT JOIN key_grant_uses w ON w.key_id = g.key_id AND w.scope_id = g.scope_id
	WHERE g.key_id IN ? ORDER BY p.slug, s.name`

// withGrants fills the grants of all rows by one query.
func withGrants(g *gorm.DB, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	ids := make([]db.ID, len(rows))
	place := make(map[db.ID]int, len(rows))
	for i, r := range rows {
		ids[i], place[r.ID] = r.ID, i
	}
	var grants []Grant
	if err := g.Raw(grantsQuery, ids).Scan(&grants).Error; err != nil {
		return err
	}
	for _, one := range grants {
		r := &rows[place[one.KeyID]]
		r.Grants = append(r.Grants, one)
	}
	return nil
}

// Choice is one scope that a new key of an app may be granted: within the app's approved access.
type Choice struct {
	APIID      db.ID
	API        string
	APIName    string
	DataDomain string
	IsPortal   bool
	ScopeID    db.ID
	Scope      string
	Sentence   string
	Sensitive  bool
	HasLive    int
	HasTest    int
}

// Pair is what the choice grants.
func (c Choice) Pair() Pair { return Pair{c.API, c.Scope} }

// In reports whether the API of the choice is served in an environment. An API that names no address serves both.
func (c Choice) In(environment string) bool {
	if c.IsPortal || c.HasLive+c.HasTest == 0 {
		return true
	}
	return environment == "live" && c.HasLive == 1 || environment == "test" && c.HasTest == 1
}

const choicesQuery = `SELECT p.id AS api_id, p.slug AS api, p.name AS api_name, p.data_domain, p.is_portal, s.id AS scope_id, s.name AS scope, s.sentence, s.sensitive,
	CASE WHEN EXISTS (SELECT 1 FROM api_environments e WHERE e.api_id = p.id AND e.environment = 'live' AND e.base_url <> '') THEN 1 ELSE 0 END AS has_live,
	CASE WHEN EXISTS (SELECT 1 FROM api_environments e WHERE e.api_id = p.id AND e.environment = 'test' AND e.base_url <> '') THEN 1 ELSE 0 END AS has_test
	FROM access x JOIN access_scopes xs ON xs.access_id = x.id JOIN scopes s ON s.id = xs.scope_id JOIN apis p ON p.id = x.api_id
	WHERE x.app_id = ? AND x.state = 'approved' AND s.withdrawn_at IS NULL AND ` + retiredAPI + ` = 0 ORDER BY p.is_portal, p.name, s.name`

func choices(g *gorm.DB, appID db.ID) ([]Choice, error) {
	var out []Choice
	err := g.Raw(choicesQuery, appID).Scan(&out).Error
	return out, err
}

// Choices lists what a new key of the app may be granted. The app must be one that the caller has found through Apps.
func (s *Store) Choices(ctx context.Context, appID db.ID) ([]Choice, error) {
	return choices(s.db.Read(ctx), appID)
}

// Presets reads the presets of the APIs of what is offered, by API.
func (s *Store) Presets(ctx context.Context, offered []Choice) (map[db.ID][]catalog.Preset, error) {
	var apis []db.ID
	for _, c := range offered {
		if !slices.Contains(apis, c.APIID) {
			apis = append(apis, c.APIID)
		}
	}
	if len(apis) == 0 {
		return nil, nil
	}
	return catalog.PresetsOf(s.db.Read(ctx), apis)
}

// WaitingAccess is a request for access that nobody has decided yet.
type WaitingAccess struct {
	ID      db.ID
	APIName string
}

// Waiting lists the requests of the app that wait for a decision, oldest first. The app must be one that the caller has found through Places.
func (s *Store) Waiting(ctx context.Context, appID db.ID) ([]WaitingAccess, error) {
	var out []WaitingAccess
	err := s.db.Read(ctx).Raw(`SELECT x.id, p.name AS api_name FROM access x JOIN apis p ON p.id = x.api_id
		WHERE x.app_id = ? AND x.state = 'requested' ORDER BY x.created_at, x.id`, appID).Scan(&out).Error
	return out, err
}
