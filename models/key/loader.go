package key

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Loader reads from the database what verification decides from. It implements keyring.Loader: each call sees all that was committed
// before. A key costs two indexed queries.
type Loader struct {
	db       *db.DB
	versions []string
	sealer   *secret.Sealer // of the secrets of imports
}

var _ keyring.Loader = (*Loader)(nil)

// NewLoader makes a loader that opens no secrets of imports; versions are those of the peppers in use, as in secret.Root.Versions.
func NewLoader(d *db.DB, versions []string) *Loader { return &Loader{db: d, versions: versions} }

// Loader is the loader of the store's database and peppers.
func (s *Store) Loader() *Loader { return &Loader{s.db, s.versions, s.sealer} }

// factRow is a key with what stops it.
type factRow struct {
	Row
	Held           boundsRow `gorm:"embedded"`
	PersonalUserID *db.ID
	Digest         []byte // of LoadPart alone
}

const factQuery = "SELECT " + rowColumns + ", " + boundsColumns + ", o.personal_user_id" + rowTables + factCondition + " AND k.digest = ?"

// factCondition is of the keys that verification knows; its argument is the versions of peppers.
const factCondition = " WHERE k.digest_algorithm IN ('hmac-sha256', 'imported-sha256', 'imported-hmac-sha256') AND k.pepper_version IN ?" + importFinished

const importFinished = " AND (k.import_id IS NULL OR EXISTS (SELECT 1 FROM key_imports i WHERE i.id = k.import_id AND i.finished_at IS NOT NULL))"

// LoadKey implements keyring.Loader.
func (l *Loader) LoadKey(ctx context.Context, digest keyring.Digest) (*keyring.Facts, error) {
	return l.load(ctx, factQuery, digest[:])
}

const factByIDQuery = "SELECT " + rowColumns + ", " + boundsColumns + ", o.personal_user_id" + rowTables + factCondition + " AND k.id = ?"

// LoadByID is LoadKey for who knows which key is meant, and not its text.
func (l *Loader) LoadByID(ctx context.Context, id db.ID) (*keyring.Facts, error) {
	return l.load(ctx, factByIDQuery, id)
}

func (l *Loader) load(ctx context.Context, query string, by any) (*keyring.Facts, error) {
	var rows []factRow
	g := l.db.Read(ctx)
	if err := g.Raw(query, append(slices.Clone(l.versions), importedVersion), by).Scan(&rows).Error; err != nil {
		return nil, err
	}
	var id db.ID // of no key: as many queries are asked for a text that is unknown as for one that is somebody's, so that time does not tell them apart (D3)
	if len(rows) > 0 {
		id = rows[0].ID
	}
	var grants []grantFact
	if err := g.Raw(grantFactQuery, id).Scan(&grants).Error; err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, nil
	}
	f, err := rows[0].facts()
	if err != nil {
		return nil, err
	}
	f.Reach = reach(rows[0].DataDomain, grants)
	return f, nil
}

func (r factRow) facts() (*keyring.Facts, error) {
	f := &keyring.Facts{ID: keyring.ID(r.ID), Name: r.Name, RevokedAt: nanos(r.RevokedAt), ExpiresAt: nanos(r.ExpiresAt), Paused: r.PausedAt != nil, App: r.app()}
	f.Environment, _ = keyring.ParseEnvironment(r.Environment)
	var err error
	f.Extra, err = r.extra()
	return f, err
}

func (r factRow) app() *keyring.App {
	return &keyring.App{
		ID: keyring.ID(r.AppID), Name: r.AppName, SuspendedUntil: suspension(r.AppSuspendedAt, r.AppSuspendedUntil), Deleted: r.AppDeletedAt != nil,
		Org: &keyring.Org{
			ID: keyring.ID(r.OrganizationID), Name: r.OrganizationName, SuspendedUntil: suspension(r.OrgSuspendedAt, r.OrgSuspendedUntil), Deleted: r.OrgDeletedAt != nil,
			User: keyring.ID(db.Deref(r.PersonalUserID)), UserSuspendedUntil: suspension(r.OwnerSuspendedAt, r.OwnerSuspendedUntil), UserDeleted: r.OwnerDeletedAt != nil,
		},
	}
}

// extra is nil for most keys. Bounds that can't be read are an error: the key is not judged rather than judged without them.
func (r factRow) extra() (*keyring.Extra, error) {
	b, err := r.Held.bounds()
	if err != nil {
		return nil, fmt.Errorf("key %s: bounds: %w", r.ID.Show(IDPrefix), err)
	}
	e := b.extra()
	e.OverlapEnd, e.SuspendedUntil = nanos(r.OverlapEndsAt), suspension(r.SuspendedAt, r.SuspendedUntil)
	if r.Held.RateBurst != nil {
		e.Limit.Burst = *r.Held.RateBurst
	}
	if e.OverlapEnd == 0 && e.SuspendedUntil == 0 && e.Limit.None() && e.Metadata == nil && e.Networks == nil && e.Origins == nil {
		return nil, nil
	}
	return &e, nil
}

// extra is how verification is told of the bounds.
func (b Bounds) extra() keyring.Extra {
	e := keyring.Extra{Networks: keyring.NewNetworks(b.Networks)}
	if len(b.Origins) > 0 {
		e.Origins = keyring.NewOrigins(b.Origins)
	}
	if !b.Rate.None() {
		e.Limit = ratelimit.Limit{Requests: b.Rate.Requests, Period: time.Duration(b.Rate.Period) * time.Second}
	}
	if b.Metadata != "" {
		e.Metadata = json.RawMessage(b.Metadata)
	}
	return e
}

func nanos(p *time.Time) int64 {
	if p == nil {
		return 0
	}
	return p.UnixNano()
}

func suspension(at, until *time.Time) int64 {
	switch {
	case at == nil:
		return 0
	case until == nil:
		return keyring.Forever
	}
	return until.UnixNano()
}

// grantFact is one granted scope with the access that it rests on: the one in force, or else the last that ended.
type grantFact struct {
	KeyID             db.ID
	APIID             db.ID
	Publisher         db.ID
	Scope             string
	WithdrawnAt       *time.Time
	Retired           int
	AccessID          db.ID
	State             string
	SuspendedUntil    *time.Time
	Allowed           int
	RateRequests      int
	RatePeriodSeconds int
	Burst             int
	QuotaMonth        *int64
	QuotaDay          *int64
}

const grantFactQuery = grantFacts + "WHERE g.key_id = ? ORDER BY g.api_id, s.name"

const grantFacts = `SELECT g.key_id, g.api_id, p.publisher_id AS publisher, s.name AS scope, s.withdrawn_at, ` + retiredAPI + ` AS retired,
	x.id AS access_id, x.state, x.suspended_until, CASE WHEN xs.scope_id IS NULL THEN 0 ELSE 1 END AS allowed,
	n.rate_requests, n.rate_period_seconds, n.burst, n.quota_month, n.quota_day
	FROM key_grants g JOIN keys k ON k.id = g.key_id JOIN scopes s ON s.id = g.scope_id JOIN apis p ON p.id = g.api_id
	JOIN access x ON x.id = (SELECT y.id FROM access y WHERE y.app_id = k.app_id AND y.api_id = g.api_id AND y.state IN ('approved', 'suspended', 'ended')
		ORDER BY CASE WHEN y.state = 'ended' THEN 1 ELSE 0 END, y.updated_at DESC, y.id LIMIT 1)
	JOIN plans n ON n.id = x.plan_id
	LEFT JOIN access_scopes xs ON xs.access_id = x.id AND xs.scope_id = g.scope_id
	`

// reach puts the granted scopes together by API. A scope counts while it is in the app's access and not withdrawn (K6).
func reach(domain string, grants []grantFact) *keyring.Reach {
	r := &keyring.Reach{Domain: domain}
	for _, g := range grants {
		n := len(r.Grants)
		if n == 0 || r.Grants[n-1].Access.API != keyring.ID(g.APIID) {
			r.Grants = append(r.Grants, keyring.Grant{Access: g.access()})
			n++
		}
		if g.WithdrawnAt == nil && g.Allowed == 1 {
			r.Grants[n-1].Scopes = append(r.Grants[n-1].Scopes, g.Scope)
		}
	}
	for _, g := range r.Grants {
		slices.Sort(g.Scopes) // as bytes, whatever the database's collation
	}
	return r
}

func (g grantFact) access() *keyring.Access {
	a := &keyring.Access{
		ID: keyring.ID(g.AccessID), API: keyring.ID(g.APIID), Publisher: keyring.ID(g.Publisher), State: keyring.AccessActive,
		Limit: ratelimit.Limit{Requests: g.RateRequests, Period: time.Duration(g.RatePeriodSeconds) * time.Second, Burst: g.Burst},
	}
	if g.QuotaMonth != nil {
		a.Quota = *g.QuotaMonth
	}
	if g.QuotaDay != nil {
		a.QuotaDay = *g.QuotaDay
	}
	switch {
	case g.State == "ended" || g.Retired == 1:
		a.State = keyring.AccessEnded
	case g.State == "suspended":
		a.State, a.SuspendedUntil = keyring.AccessSuspended, nanos(g.SuspendedUntil)
	}
	return a
}

// LoadAPIs implements keyring.Loader.
func (l *Loader) LoadAPIs(ctx context.Context) ([]*keyring.API, error) {
	return loadAPIs(l.db.Read(ctx), nil)
}

// LoadAPI reads one API, without compiling it. Fault: NotFound.
func (l *Loader) LoadAPI(ctx context.Context, id db.ID) (*keyring.API, error) {
	apis, err := loadAPIs(l.db.Read(ctx), []db.ID{id})
	switch {
	case err != nil:
		return nil, err
	case len(apis) == 0:
		return nil, fault.Missing()
	}
	return apis[0], nil
}

// loadAPIs reads some APIs, or all for none, without compiling them.
func loadAPIs(g *gorm.DB, ids []db.ID) ([]*keyring.API, error) {
	var rows []struct {
		ID                db.ID
		Slug              string
		PublisherID       db.ID
		DataDomain        string
		RefusesUndeclared bool
		IsPortal          bool
		ReportOnlyUntil   *time.Time // in both environments
		ReportOnlyLive    *time.Time
		ReportOnlyTest    *time.Time
		HasLive, HasTest  int
	}
	err := g.Raw(`SELECT p.id, p.slug, p.publisher_id, p.data_domain, p.refuses_undeclared, p.is_portal, p.report_only_until, p.report_only_live_until AS report_only_live, p.report_only_test_until AS report_only_test,
		CASE WHEN EXISTS (SELECT 1 FROM api_environments e WHERE e.api_id = p.id AND e.environment = 'live' AND e.base_url <> '') THEN 1 ELSE 0 END AS has_live,
		CASE WHEN EXISTS (SELECT 1 FROM api_environments e WHERE e.api_id = p.id AND e.environment = 'test' AND e.base_url <> '') THEN 1 ELSE 0 END AS has_test
		FROM apis p WHERE ? = 0 OR p.id IN ? ORDER BY p.slug`, len(ids), ids).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	apis := make([]*keyring.API, len(rows))
	byID := make(map[db.ID]*keyring.API, len(rows))
	for i, r := range rows {
		c := Choice{IsPortal: r.IsPortal, HasLive: r.HasLive, HasTest: r.HasTest}
		apis[i] = &keyring.API{
			ID: keyring.ID(r.ID), Slug: r.Slug, Publisher: keyring.ID(r.PublisherID), Domain: r.DataDomain,
			Live: c.In("live"), Test: c.In("test"), RefuseUndeclared: r.RefusesUndeclared,
		}
		if r.IsPortal { // goes with any data domain
			apis[i].Domain = ""
		} else {
			both := nanos(r.ReportOnlyUntil)
			apis[i].ReportOnlyLiveUntil, apis[i].ReportOnlyTestUntil = max(both, nanos(r.ReportOnlyLive)), max(both, nanos(r.ReportOnlyTest))
		}
		byID[r.ID] = apis[i]
	}
	var rules []struct {
		APIID        db.ID
		Method       string
		PathTemplate string
		Cost         int
		Scope        string
		VersionState string
	}
	err = g.Raw(`SELECT r.api_id, r.method, r.path_template, r.cost, s.name AS scope, COALESCE(v.state, '') AS version_state
		FROM route_rules r JOIN scopes s ON s.id = r.scope_id LEFT JOIN api_versions v ON v.id = r.version_id
		WHERE ? = 0 OR r.api_id IN ? ORDER BY r.api_id, r.id`, len(ids), ids).Scan(&rules).Error
	for _, r := range rules {
		if api := byID[r.APIID]; api != nil {
			api.Rules = append(api.Rules, keyring.Rule{Method: r.Method, Template: r.PathTemplate, Scope: r.Scope, Cost: r.Cost, Retired: r.VersionState == "retired"})
		}
	}
	return apis, err
}

// maxChanges is how many changes one poll applies; beyond, everything is read anew, which costs less.
const maxChanges = 5000

// Changes implements keyring.Loader. A feed that ends before seq is another one: a backup was restored, or a standby took over that had not
// heard of everything. Then nothing that was known is believed.
func (l *Loader) Changes(ctx context.Context, seq int64) ([]keyring.Change, int64, error) {
	last, err := change.Last(ctx, l.db)
	switch {
	case err != nil || seq < 0 || last == seq:
		return nil, last, err
	case last < seq:
		return []keyring.Change{{Kind: keyring.KindAll}}, last, nil
	}
	rows, err := change.Since(ctx, l.db, seq, maxChanges)
	if err != nil || len(rows) == 0 {
		return nil, seq, err
	}
	if len(rows) == maxChanges {
		last, err := change.Last(ctx, l.db)
		return []keyring.Change{{Kind: keyring.KindAll}}, last, err
	}
	return RingChanges(rows), rows[len(rows)-1].Seq, nil
}

// RingChanges translates changes of the house into those of the keyring: for Loader.Changes, and for DB.OnCommit, by which the process that
// made a change knows it before it answers (K8).
func RingChanges(rows []db.Change) []keyring.Change {
	out := make([]keyring.Change, 0, len(rows))
	for _, r := range rows {
		kind, ok := ringKinds[r.Kind]
		if ok && kind != 0 {
			out = append(out, keyring.Change{Kind: kind, ID: keyring.ID(r.SubjectID)})
		} else if !ok { // of a newer program: better to read too much
			out = append(out, keyring.Change{Kind: keyring.KindAll})
		}
	}
	return out
}

var ringKinds = map[string]keyring.Kind{
	change.Key: keyring.KindKey, change.KeyCreated: keyring.KindKey, change.App: keyring.KindApp, change.Organization: keyring.KindOrganization,
	change.User: keyring.KindUser, change.API: keyring.KindAPI, change.Import: keyring.KindImport,
	change.Access:  keyring.KindApp, // its subject is the app: all keys of the app are read anew
	change.Session: 0, change.Setting: 0,
}

// LastUsed returns the living keys that were used in the last day, most recent first, at most limit: for filling a Ring in the background
// after a start, so that a busy gateway's first calls don't all wait for the database.
func (l *Loader) LastUsed(ctx context.Context, limit int) ([]keyring.ID, error) {
	var rows []struct{ ID db.ID }
	err := l.db.Read(ctx).Raw(`SELECT id FROM keys WHERE last_used_at > ? AND revoked_at IS NULL AND pepper_version IN ?
		ORDER BY last_used_at DESC LIMIT ?`, l.db.Now().Add(-24*time.Hour), l.versions, limit).Scan(&rows).Error
	ids := make([]keyring.ID, len(rows))
	for i, r := range rows {
		ids[i] = keyring.ID(r.ID)
	}
	return ids, err
}
