package key

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Filter narrows a list of keys. Zero fields do not narrow, nor does a State that there is not.
type Filter struct {
	Query          string    `json:"query,omitempty"`       // in the name, or a hint: gk_live_…T3xy, or its last four characters
	OrganizationID db.ID     `json:"-"`                     // of the console
	Owner          string    `json:"owner,omitempty"`       // in the organization's name
	AppID          db.ID     `json:"-"`                     // of the console
	App            string    `json:"app,omitempty"`         // in the app's name
	Scope          string    `json:"scope,omitempty"`       // exact
	API            string    `json:"api,omitempty"`         // slug
	Environment    string    `json:"environment,omitempty"` // live or test
	State          string    `json:"state,omitempty"`       // one of States
	CreatedFrom    time.Time `json:"created_from,omitzero"` // [CreatedFrom, CreatedTo)
	CreatedTo      time.Time `json:"created_to,omitzero"`
	UsedLastHour   bool      `json:"used_last_hour,omitempty"`
	Unused         bool      `json:"unused,omitempty"` // never used
	Import         string    `json:"import,omitempty"` // id of an import: its keys
	Leaked         bool      `json:"leaked,omitempty"` // reported as leaked, and not settled
	anyCase        bool      // the hint in Query is found whatever its case, when nothing else is
}

// UnknownFilter says of a filter's value that it is none: it would narrow nothing, and a mass revocation would take too much.
func UnknownFilter() error {
	return fault.New(fault.Invalid, "Part of this filter could not be read, and would narrow nothing. Choose its status, environment, days and use from the form.")
}

// check refuses values that where would pass over. Faults: Invalid.
func (f Filter) check() error {
	if f.State != "" && !slices.Contains(States, StateName(f.State)) || f.Environment != "" && !apikey.Environment(f.Environment).Valid() {
		return UnknownFilter()
	}
	return nil
}

// States are the states by which lists can be narrowed.
var States = []StateName{Active, ExpiringNow, Paused, Suspended, Stopped, Rotated, Unowned, Expired, Revoked}

// living is true of keys that are neither revoked nor at their end; two arguments, both now.
const living = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) AND (k.overlap_ends_at IS NULL OR k.overlap_ends_at > ?)"

const suspendedNow = "(k.suspended_at IS NOT NULL AND (k.suspended_until IS NULL OR k.suspended_until > ?))"

// ownerStopped is true of keys that their owner, organization or app stops; three arguments, all now.
const ownerStopped = `(u.deleted_at IS NOT NULL OR o.deleted_at IS NOT NULL OR a.deleted_at IS NOT NULL
	OR (u.suspended_at IS NOT NULL AND (u.suspended_until IS NULL OR u.suspended_until > ?))
	OR (o.suspended_at IS NOT NULL AND (o.suspended_until IS NULL OR o.suspended_until > ?))
	OR (a.suspended_at IS NOT NULL AND (a.suspended_until IS NULL OR a.suspended_until > ?)))`

// carried are the scopes that access carries; one argument, now.
const carried = `FROM access x JOIN access_scopes xs ON xs.access_id = x.id JOIN scopes s ON s.id = xs.scope_id AND s.api_id = x.api_id AND s.withdrawn_at IS NULL
	JOIN apis p ON p.id = x.api_id WHERE (x.state = 'approved' OR (x.state = 'suspended' AND x.suspended_until <= ?)) AND ` + retiredAPI + ` = 0`

const holdsAny = "EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id)"

// stoppedNow is true of keys that their owner, organization, app or access stops, as Row.stopped has it; four arguments, all now. It asks of each key what its
// access carries: right where most keys pass, as among the active ones.
const stoppedNow = "(" + ownerStopped + " OR (" + holdsAny + " AND NOT EXISTS (SELECT 1 FROM key_grants h WHERE h.key_id = k.id AND EXISTS (SELECT 1 " + carried +
	" AND x.app_id = k.app_id AND x.api_id = h.api_id AND xs.scope_id = h.scope_id))))"

// stoppedAll is stoppedNow for where few keys pass and all must be looked at: what access carries is read once. The CASE keeps PostgreSQL from making a join of
// it, which would read it anew for each key.
const stoppedAll = "(" + ownerStopped + " OR (" + holdsAny + " AND NOT EXISTS (SELECT 1 FROM key_grants h WHERE h.key_id = k.id AND CASE WHEN (k.app_id, h.scope_id) IN (SELECT x.app_id, xs.scope_id " + carried + ") THEN 1 ELSE 0 END = 1)))"

// where is SQL of our own that ends inside a WHERE, with its arguments.
func (f Filter) where(now time.Time) (string, []any) {
	q, args := "1 = 1", []any(nil)
	add := func(cond string, more ...any) { q, args = q+" AND "+cond, append(args, more...) }
	f.state(now, add)
	if f.Query != "" {
		if four, ok := lastFour(f.Query); ok && f.anyCase {
			add("LOWER(k.last_four) = ?", strings.ToLower(four))
		} else if ok {
			add("(k.last_four = ? OR LOWER(k.name) LIKE ? ESCAPE '!')", four, like(f.Query))
		} else {
			add("LOWER(k.name) LIKE ? ESCAPE '!'", like(f.Query))
		}
	}
	if !f.OrganizationID.IsZero() {
		add("o.id = ?", f.OrganizationID)
	}
	if !f.AppID.IsZero() {
		add("a.id = ?", f.AppID)
	}
	if f.Owner != "" {
		add("k.app_id IN (SELECT y.id FROM apps y JOIN organizations z ON z.id = y.organization_id WHERE LOWER(z.name) LIKE ? ESCAPE '!')", like(f.Owner))
	}
	if f.App != "" {
		add("k.app_id IN (SELECT y.id FROM apps y WHERE LOWER(y.name) LIKE ? ESCAPE '!')", like(f.App))
	}
	if f.Environment != "" {
		add("k.environment = ?", f.Environment)
	}
	if f.API != "" {
		add("EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.api_id = (SELECT p.id FROM apis p WHERE p.slug = ?))", f.API)
	}
	if f.Scope != "" {
		add("EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.scope_id IN (SELECT c.id FROM scopes c WHERE c.name = ?))", f.Scope)
	}
	if !f.CreatedFrom.IsZero() {
		add("k.created_at >= ?", f.CreatedFrom)
	}
	if !f.CreatedTo.IsZero() {
		add("k.created_at < ?", f.CreatedTo)
	}
	if f.Import != "" {
		add("k.import_id = ?", importOf(f.Import))
	}
	if f.Leaked {
		add("EXISTS (SELECT 1 FROM leak_incidents i WHERE i.key_id = k.id AND i.closed_at IS NULL)")
	}
	if f.Unused {
		add("k.last_used_at IS NULL")
	}
	if f.UsedLastHour {
		add("k.last_used_at > ?", now.Add(-time.Hour))
	}
	return q, args
}

func (f Filter) state(now time.Time, add func(string, ...any)) {
	switch StateName(f.State) {
	case Active:
		add(living+" AND k.paused_at IS NULL AND NOT "+suspendedNow+" AND NOT "+stoppedNow, now, now, now, now, now, now, now)
	case Stopped:
		add(living+" AND k.paused_at IS NULL AND NOT "+suspendedNow+" AND "+stoppedAll, now, now, now, now, now, now, now)
	case ExpiringNow:
		add(living+" AND k.overlap_ends_at IS NULL AND k.expires_at <= ?", now, now, now.Add(ExpiresSoon))
	case Paused:
		add(living+" AND k.paused_at IS NOT NULL", now, now)
	case Suspended:
		add(living+" AND "+suspendedNow, now, now, now)
	case Rotated:
		add(living+" AND k.overlap_ends_at IS NOT NULL", now, now)
	case Unowned:
		add(living+" AND "+OrphanedSQL, now, now)
	case Expired:
		add("k.revoked_at IS NULL AND (k.expires_at <= ? OR k.overlap_ends_at <= ?)", now, now)
	case Revoked:
		add("k.revoked_at IS NOT NULL")
	}
}

// like makes the pattern of "contains, whatever the case".
func like(s string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(strings.TrimSpace(s))) + "%"
}

// lastFour reads the last four characters out of a hint, of a whole key, or of four characters alone.
func lastFour(q string) (string, bool) {
	q = strings.TrimSpace(q)
	if i := strings.LastIndex(q, "…"); i >= 0 {
		q = q[i+len("…"):]
	} else if i := strings.LastIndex(q, "..."); i >= 0 {
		q = q[i+3:]
	} else if len(q) > 20 && strings.Count(q, "_") == 2 {
		q = q[len(q)-4:]
	}
	if len(q) != 4 {
		return "", false
	}
	for i := range len(q) {
		if c := q[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "", false
		}
	}
	return q, true
}

// name goes into cursors, so that one of another filter is refused.
func (f Filter) name(list string) string {
	b, err := json.Marshal(f)
	if err != nil { // can't be: strings, times and a bool
		return list
	}
	return list + "/" + f.OrganizationID.String() + "/" + f.AppID.String() + "/" + string(b)
}

// endOfTime stands for "never" where a list is sorted by expiry or last use.
var (
	endOfTime   = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	startOfTime = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
)

func (s *Store) sorts() map[string]db.Sort[Row] {
	never, none := "253402214400000000", "0" // microseconds: how SQLite keeps times here
	if s.db.Dialect == db.Postgres {
		never, none = "TIMESTAMPTZ '9999-12-31 00:00:00+00'", "TIMESTAMPTZ '1970-01-01 00:00:00+00'"
	}
	or := func(p *time.Time, other time.Time) any {
		if p == nil {
			return other
		}
		return *p
	}
	return map[string]db.Sort[Row]{
		"created": {Expr: "k.created_at", Value: func(r Row) any { return r.CreatedAt }},
		"name":    {Expr: "LOWER(k.name)", Value: func(r Row) any { return r.NameKey }},
		"expires": {Expr: "COALESCE(k.expires_at, " + never + ")", Value: func(r Row) any { return or(r.ExpiresAt, endOfTime) }},
		"used":    {Expr: "COALESCE(k.last_used_at, " + none + ")", Value: func(r Row) any { return or(r.LastUsedAt, startOfTime) }},
	}
}

// List reads a page of the keys of the actor's organizations, with their grants: two queries. Sorts: created, name, expires, used; newest
// first unless said.
func (s *Store) List(ctx context.Context, a actor.Actor, f Filter, r db.PageRequest) (db.Page[Row], error) {
	if a.Environment != "" {
		f.Environment = a.Environment
	}
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	return s.orAnyCase(ctx, f, r, func(f Filter) db.Listing[Row] {
		where, args := f.where(s.db.Now())
		return db.Listing[Row]{
			Name: f.name("keys"), Select: "SELECT " + rowColumns + ", m.role, CASE WHEN EXISTS (SELECT 1 FROM key_policy_dues z WHERE z.key_id = k.id) THEN 1 ELSE 0 END AS has_due" + rowTables +
				" JOIN " + members + " m ON m.organization_id = o.id WHERE a.deleted_at IS NULL AND o.deleted_at IS NULL AND a.id NOT IN " + unseen + " AND " + where,
			Args: append(append([]any{arg}, hidden...), args...),
		}
	})
}

// ListAll reads a page of all keys, for staff, also those of deleted apps. Faults: Forbidden.
func (s *Store) ListAll(ctx context.Context, a actor.Actor, f Filter, r db.PageRequest) (db.Page[Row], error) {
	if !mayStaff(a, permission.StaffKeysRead) {
		return db.Page[Row]{}, fault.Lacking(string(permission.StaffKeysRead), "")
	}
	return s.orAnyCase(ctx, f, r, func(f Filter) db.Listing[Row] {
		where, args := f.where(s.db.Now())
		return db.Listing[Row]{Name: f.name("all keys"), Select: "SELECT " + rowColumns + rowTables + " WHERE " + where, Args: args}
	})
}

// orAnyCase lists, and when nothing is found of a hint that somebody may have noted down in another case, lists again ignoring that.
func (s *Store) orAnyCase(ctx context.Context, f Filter, r db.PageRequest, listing func(Filter) db.Listing[Row]) (db.Page[Row], error) {
	page, err := s.list(ctx, listing(f), r)
	if _, hint := lastFour(f.Query); err != nil || len(page.Rows) > 0 || !hint {
		return page, err
	}
	f.anyCase = true
	return s.list(ctx, listing(f), db.PageRequest{Sort: r.Sort, Size: r.Size})
}

func (s *Store) list(ctx context.Context, l db.Listing[Row], r db.PageRequest) (db.Page[Row], error) {
	l.IDExpr, l.ID, l.Sorts, l.Default = "k.id", func(r Row) db.ID { return r.ID }, s.sorts(), "-created"
	page, err := db.List(ctx, s.db, l, r)
	if err != nil {
		return page, err
	}
	return page, withGrants(s.db.Read(ctx), page.Rows)
}

// Place is an app of the actor's with what a form or filter needs to know of it.
type Place struct {
	AppID            db.ID // zero: the organization has no app
	AppName          string
	OrganizationID   db.ID
	OrganizationName string
	Role             string
	Stopped          int
}

// MayMake reports whether the reader may make keys there.
func (p Place) MayMake() bool { return permission.Org(p.Role, permission.KeysMake) }

// Places lists the actor's organizations with their apps, by name, in one query; an organization without apps stands once, with no app.
func (s *Store) Places(ctx context.Context, a actor.Actor) ([]Place, error) {
	var out []Place
	now := s.db.Now()
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	err := s.db.Read(ctx).Raw(`SELECT a.id AS app_id, COALESCE(a.name, '') AS app_name, o.id AS organization_id, o.name AS organization_name, m.role, CASE WHEN
		(a.suspended_at IS NOT NULL AND (a.suspended_until IS NULL OR a.suspended_until > ?)) OR
		(o.suspended_at IS NOT NULL AND (o.suspended_until IS NULL OR o.suspended_until > ?)) THEN 1 ELSE 0 END AS stopped
		FROM `+members+` m JOIN organizations o ON o.id = m.organization_id LEFT JOIN apps a ON a.organization_id = o.id AND a.deleted_at IS NULL AND a.id NOT IN `+unseen+`
		WHERE o.deleted_at IS NULL ORDER BY LOWER(o.name), o.id, LOWER(a.name), a.id`, append([]any{now, now, arg}, hidden...)...).Scan(&out).Error
	return out, err
}

// APIChoice is an API by which a list can be narrowed.
type APIChoice struct {
	Slug string
	Name string
}

// UsedAPIs lists the APIs on which the actor's keys hold grants, by name.
func (s *Store) UsedAPIs(ctx context.Context, a actor.Actor) ([]APIChoice, error) {
	var out []APIChoice
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	err := s.db.Read(ctx).Raw(`SELECT p.slug, p.name FROM apis p WHERE EXISTS (SELECT 1 FROM key_grants g JOIN keys k ON k.id = g.key_id
		JOIN apps a ON a.id = k.app_id JOIN `+members+` m ON m.organization_id = a.organization_id WHERE g.api_id = p.id AND a.deleted_at IS NULL AND a.id NOT IN `+unseen+`)
		ORDER BY p.name`, append([]any{arg}, hidden...)...).Scan(&out).Error
	return out, err
}

// AllAPIs lists all APIs by name, for staff's filter.
func (s *Store) AllAPIs(ctx context.Context) ([]APIChoice, error) {
	var out []APIChoice
	err := s.db.Read(ctx).Raw("SELECT slug, name FROM apis ORDER BY name").Scan(&out).Error
	return out, err
}

// Example is the call that an API shows as its example in an environment.
type Example struct {
	APIName string
	BaseURL string
	Method  string
	Path    string
	Body    string
}

// ExampleFor reads the example call of the first of the key's APIs that has one in the key's environment; ok is false when none has.
func (s *Store) ExampleFor(ctx context.Context, keyID db.ID) (e Example, ok bool, err error) {
	var rows []Example
	err = s.db.Read(ctx).Raw(`SELECT p.name AS api_name, e.base_url, e.example_method AS method, e.example_path AS path, e.example_body AS body
		FROM keys k JOIN key_grants g ON g.key_id = k.id JOIN apis p ON p.id = g.api_id
		JOIN api_environments e ON e.api_id = p.id AND e.environment = k.environment
		WHERE k.id = ? AND e.base_url <> '' AND e.example_path <> '' AND NOT p.is_portal ORDER BY p.name, e.example_path LIMIT 1`, keyID).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return Example{}, false, err
	}
	return rows[0], true, nil
}
