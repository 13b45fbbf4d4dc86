// Package refusal keeps why calls were refused, for seven days, by the request id that each answer tells; and it answers whether a call would be
// allowed, by the same function.
//
// The edge hands over each refusal. A Recorder keeps so many of each app and code a minute, and so many of all, counts the rest, and writes what it
// kept each second. It never makes a call wait and costs one that is allowed nothing. What is kept has no secret in it: texts are searched for keys,
// a path has no query, and of an address only the network is kept, unless the address is what was refused.
package refusal

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Keep is how long refusals are kept.
const Keep = 7 * 24 * time.Hour

// Door is where the question was asked.
type Door string

// The doors.
const (
	Authz  Door = "authz"  // a gateway held the call back
	Verify Door = "verify" // a service asked about the key of its caller
	Whoami Door = "whoami" // the holder of the key asked who it is
	Portal Door = "api"    // a call of the portal's own API
)

var requestID = regexp.MustCompile(`^req_[0-9a-hjkmnp-tv-z]{16}$`)

// IsRequestID reports whether text has the form of a request id.
func IsRequestID(text string) bool { return requestID.MatchString(text) }

// Refusal is one refused call, as far as its reader may see it.
type Refusal struct {
	ID                                 db.ID
	RequestID                          string
	At                                 time.Time
	KeyID, AppID, OrganizationID       db.ID // zero where unknown, or none of the reader's business
	APIID                              db.ID `gorm:"column:api_id"`
	PublisherID                        db.ID
	Environment                        string
	Door                               Door
	Code, Cause, Detail                string
	Status                             int
	Method, Path, Address, Origin      string
	Seen                               keyring.Seen `gorm:"-"`
	KeyName, KeyHint, AppName, OrgName string
	APIName, APISlug                   string
	Own                                bool `gorm:"-"` // the key is one of the reader's organizations, or the reader is staff
	MayManageKey, MayAskAccess         bool `gorm:"-"` // as a member of the key's organization
}

// Why is the cause; none where no key was judged, or the reader may not know it.
func (r *Refusal) Why() keyring.Cause { return keyring.ParseCause(r.Cause) }

// Judged is the code of a decision; ok is false for a refusal before any key was judged.
func (r *Refusal) Judged() (keyring.Code, bool) {
	code, ok := keyring.ParseCode(r.Code)
	return code, ok && code <= keyring.Valid
}

// Store reads refusals, and answers what would be one.
type Store struct {
	db    *db.DB
	keys  *key.Store
	rates ratelimit.Limiter
}

// NewStore returns the store over d; keys are those that may be asked about.
func NewStore(d *db.DB, keys *key.Store) *Store { return &Store{db: d, keys: keys} }

// Limited has Ask look at the rates that l counts, without charging them. Call it before the first Ask; without it rates are taken for unused.
func (s *Store) Limited(l ratelimit.Limiter) { s.rates = l }

// View says whose refusals are looked at, and which of them. The zero filter fields take everything.
type View struct {
	Actor actor.Actor
	// Everything looks over all organizations: for staff with staff:usage:read.
	Everything bool
	// Share looks at the app that it opens to the actor, and at nothing else; it stands before Everything.
	Share db.ID

	App, Key, API db.ID
	Code          string
	Since, Until  time.Time
}

// reading is a condition on refusals r, with its arguments.
type reading struct {
	query string
	args  []any
}

func (w *reading) add(set bool, condition string, arg any) {
	if set {
		w.query += " AND " + condition
		w.args = append(w.args, arg)
	}
}

// mine is SQL for the organizations in which the actor has a permission; it takes Members' argument and the roles.
func mine(a actor.Actor) (query string, args func(permission.Name) []any) {
	members, arg := a.Members()
	query = "(SELECT m.organization_id FROM " + members + " m JOIN organizations mo ON mo.id = m.organization_id WHERE mo.deleted_at IS NULL AND m.role IN ?)"
	return query, func(p permission.Name) []any { return []any{arg, permission.OrgRoles(p)} }
}

// scope is the condition that a reader may see a row at all: as a member of the key's organization, or of the one that publishes the API. Who only
// publishes learns nothing of a key that is unknown there, so that no filter by it finds the row (D3). An app of their own that is limited to others is in
// neither case there (Z2). Fault: Forbidden for Everything without the permission.
func (v *View) scope(now time.Time) (w reading, err error) {
	if !v.Share.IsZero() {
		shared, with := v.Actor.Shared(v.Share, actor.ReadUsage, now)
		w.query, w.args = " WHERE r.app_id IN "+shared, with
	} else if v.Everything {
		if !v.Actor.Trusted() && !permission.Staff(v.Actor.StaffRole, permission.StaffUsageRead) {
			return w, fault.Lacking(string(permission.StaffUsageRead), "")
		}
		w.query = " WHERE 1 = 1"
	} else {
		orgs, args := mine(v.Actor)
		published := "r.publisher_id IN " + orgs
		if !v.App.IsZero() || !v.Key.IsZero() {
			published += " AND r.code <> 'NOT_FOUND'"
		}
		unseen, hidden := v.Actor.Hidden()
		w.query = " WHERE (r.organization_id IN " + orgs + " OR " + published + ") AND (r.app_id IS NULL OR r.app_id NOT IN " + unseen + ")"
		w.args = slices.Concat(args(permission.UsageRead), args(permission.UsageRead), hidden)
		w.add(v.Actor.Environment != "", "r.environment = ?", v.Actor.Environment)
	}
	return w, nil
}

func (v *View) where(now time.Time) (reading, error) {
	w, err := v.scope(now)
	w.add(!v.App.IsZero(), "r.app_id = ?", v.App)
	w.add(!v.Key.IsZero(), "r.key_id = ?", v.Key)
	w.add(!v.API.IsZero(), "r.api_id = ?", v.API)
	w.add(v.Code != "", "r.code = ?", v.Code)
	return w, err
}

// What is true of an API x that the reader may know of: it stands in the catalogue for them, or the app has or had access. Its arguments are those of
// catalog.Open, and the app.
const (
	known      = `(x.is_portal OR ` + catalog.Open + ` OR EXISTS (SELECT 1 FROM access c WHERE c.api_id = x.id AND c.app_id = `
	knownToApp = known + `?))`
	knownToRow = known + `r.app_id))`
)

// columns are what a list and a page show, with the reader's role in the key's organization.
func columns(v *View) (query string, args []any) {
	members, arg := v.Actor.Members()
	return `SELECT r.id, r.request_id, r.at, r.key_id, r.app_id, r.organization_id, r.api_id, r.publisher_id, r.environment, r.door, r.code, r.cause, r.detail,
		r.status, r.method, r.path, r.address, r.origin, r.seen AS seen_text, COALESCE(k.name, '') AS key_name, COALESCE(k.prefix || '…' || k.last_four, '') AS key_hint,
		k.created_by, k.responsible_id, COALESCE(a.name, '') AS app_name, COALESCE(o.name, '') AS org_name, COALESCE(p.name, '') AS api_name, COALESCE(p.slug, '') AS api_slug,
		COALESCE((SELECT m.role FROM ` + members + ` m WHERE m.organization_id = r.organization_id), '') AS role,
		CASE WHEN EXISTS (SELECT 1 FROM apis x WHERE x.id = r.api_id AND ` + knownToRow + `) THEN 1 ELSE 0 END AS api_known
		FROM refusals r LEFT JOIN keys k ON k.id = r.key_id LEFT JOIN apps a ON a.id = r.app_id LEFT JOIN organizations o ON o.id = r.organization_id
		LEFT JOIN apis p ON p.id = r.api_id`, append([]any{arg}, catalog.VisibleArgs(v.Actor)...)
}

// row is a Refusal as it is read.
type row struct {
	Refusal
	SeenText                 string
	CreatedBy, ResponsibleID *db.ID
	Role                     string
	APIKnown                 int `gorm:"column:api_known"` // 1: the reader may know of the API
}

// shown is the refusal as far as its reader may see it.
func (r row) shown(v *View) Refusal {
	out := r.Refusal
	out.Own = v.Everything || !v.Share.IsZero() || permission.Org(r.Role, permission.UsageRead)
	out.MayManageKey = key.Row{Key: key.Key{CreatedBy: r.CreatedBy, ResponsibleID: r.ResponsibleID}, Role: r.Role}.MayManage(v.Actor.UserID)
	out.MayAskAccess = permission.Org(r.Role, permission.AccessRequest)
	_ = json.Unmarshal([]byte(r.SeenText), &out.Seen) // of our own making; what can't be read is not shown
	if !v.Share.IsZero() {
		out.forShare()
	}
	switch {
	case v.Everything && v.Share.IsZero():
	case !out.Own:
		out.forPublisher()
	case out.Code == keyring.NotFound.String() || r.APIKnown == 0:
		// An API at which the key has nothing may be one that its holder must not know of.
		out.APIID, out.PublisherID, out.APIName, out.APISlug, out.Seen.APIDomain = db.ID{}, db.ID{}, "", "", ""
	}
	return out
}

// forShare leaves out which key it was, what that is bound to, and from where it was used: a share of the usage tells what was refused, and why.
func (r *Refusal) forShare() {
	r.KeyID, r.KeyName, r.KeyHint, r.Address, r.Origin, r.Detail, r.Seen = db.ID{}, "", "", "", "", "", keyring.Seen{}
	r.MayManageKey, r.MayAskAccess = false, false
}

// coarse are the codes of which a publisher is not told the cause, being the holder's own affair (D3).
var coarse = map[string]bool{"REVOKED": true, "PAUSED": true, "SUSPENDED": true}

// forPublisher leaves of the key what the answer to the publisher's own question tells (D3): of an unknown one nothing.
func (r *Refusal) forPublisher() {
	seen := r.Seen
	if r.Code == keyring.NotFound.String() {
		r.KeyID, r.AppID, r.OrganizationID, r.KeyName, r.AppName, r.OrgName = db.ID{}, db.ID{}, db.ID{}, "", "", ""
		r.Cause, seen = keyring.UnknownKey.String(), keyring.Seen{}
	}
	if coarse[r.Code] || r.Code == keyring.WrongAPI.String() && r.Why() != keyring.VersionRetired {
		r.Cause = ""
	}
	r.KeyHint = ""
	seen.Networks, seen.Origins, seen.Domain, seen.RevokedAt, seen.SuspendedUntil, seen.More = nil, nil, "", 0, 0, 0
	r.Seen = seen
}

// sorts are the orders of the list.
var sorts = map[string]db.Sort[row]{"at": {Expr: "r.at", Value: func(r row) any { return r.At }}}

// List reads a page of refusals, the newest first. Faults: Forbidden, Invalid for a forged cursor.
func (s *Store) List(ctx context.Context, v View, p db.PageRequest) (db.Page[Refusal], error) {
	w, err := v.where(s.db.Now())
	if err != nil {
		return db.Page[Refusal]{}, err
	}
	w.add(!v.Since.IsZero(), "r.at >= ?", v.Since)
	w.add(!v.Until.IsZero(), "r.at < ?", v.Until)
	query, args := columns(&v)
	rows, err := db.List(ctx, s.db, db.Listing[row]{
		Name: "refusals", Select: query + w.query, Args: append(args, w.args...), IDExpr: "r.id", ID: func(r row) db.ID { return r.ID }, Sorts: sorts, Default: "-at",
	}, p)
	if err != nil {
		return db.Page[Refusal]{}, err
	}
	page := db.Page[Refusal]{Next: rows.Next, Previous: rows.Previous, Sort: rows.Sort}
	for _, r := range rows.Rows {
		page.Rows = append(page.Rows, r.shown(&v))
	}
	return page, nil
}

// Open reads the refusal of a request. Of View only Actor and Everything count. Faults: Forbidden; NotFound, for an unknown one, one of others, and one
// that was left out alike.
func (s *Store) Open(ctx context.Context, v View, request string) (Refusal, error) {
	v = View{Actor: v.Actor, Everything: v.Everything}
	w, err := v.where(s.db.Now())
	if err != nil {
		return Refusal{}, err
	}
	if !IsRequestID(request) {
		return Refusal{}, fault.Missing()
	}
	w.add(true, "r.request_id = ?", request)
	w.add(true, "r.at >= ?", s.db.Now().Add(-Keep))
	query, args := columns(&v)
	var rows []row
	if err := s.db.Read(ctx).Raw(query+w.query, append(args, w.args...)...).Scan(&rows).Error; err != nil {
		return Refusal{}, err
	}
	if len(rows) == 0 {
		return Refusal{}, fault.Missing()
	}
	return rows[0].shown(&v), nil
}

// Codes are those of the refusals that the reader of v may see, whatever v filters by, in no order. Fault: Forbidden.
func (s *Store) Codes(ctx context.Context, v View) (codes []string, err error) {
	w, err := v.scope(s.db.Now())
	if err != nil {
		return nil, err
	}
	w.add(true, "r.at >= ?", s.db.Now().Add(-Keep))
	err = s.db.Read(ctx).Raw("SELECT DISTINCT r.code FROM refusals r"+w.query, w.args...).Scan(&codes).Error
	return codes, err
}

// LeftOut counts the refusals that were not kept, being too many at once; a filter by key does not narrow it, since it is not known which keys they
// were of. Fault: Forbidden.
func (s *Store) LeftOut(ctx context.Context, v View) (n int64, err error) {
	v.Key = db.ID{}
	v.Actor.Environment = "" // not known either
	w, err := v.where(s.db.Now())
	if err != nil {
		return 0, err
	}
	w.add(!v.Since.IsZero(), "r.minute >= ?", v.Since.Truncate(time.Minute))
	w.add(!v.Until.IsZero(), "r.minute < ?", v.Until)
	err = s.db.Read(ctx).Raw("SELECT COALESCE(CAST(SUM(r.refusals) AS bigint), 0) FROM refusals_left_out r"+w.query, w.args...).Row().Scan(&n)
	return n, err
}
