// Package bulk does one thing to many keys at once: revoke, pause, resume or give them an earlier end. First a preview, which fixes exactly which keys
// it takes; then, once, the act: a job that works in parts of a transaction each, goes on after a restart, and can be stopped between two parts (K9).
// The act is one event, with its outcome in another; what became of each key is kept with the act and read on the key's page.
package bulk

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Prefix is how the id of an act on many keys is shown.
const Prefix = "bulk"

// PreviewLife is for how long a preview can be carried out.
const PreviewLife = time.Hour

// Bulk is an act on many keys.
type Bulk struct {
	ID         db.ID
	Verb       key.Verb
	MadeBy     *db.ID
	Filter     string     // JSON of a key.Filter; empty for resuming
	OfBulk     *db.ID     // of resuming: whose keys
	EndsAt     *time.Time // of shortening
	Reason     string
	Keys       int   // fixed by the preview
	Used       int   // of these, used in the hour before the preview
	Calls      int64 // in that hour
	Done       int   // changed by the act
	LeftAlone  int   // when it came to them, there was nothing to change any more
	ExpiresAt  time.Time
	StartedAt  *time.Time // nil: a preview
	StartedBy  *db.ID
	MovedAt    *time.Time
	StoppedAt  *time.Time // when staff asked for it
	FinishedAt *time.Time
	ToldAt     *time.Time
	CreatedAt  time.Time
}

// Wanted is the filter that the preview was made with.
func (b Bulk) Wanted() key.Filter {
	var f key.Filter
	if json.Unmarshal([]byte(b.Filter), &f) != nil {
		return key.Filter{}
	}
	return f
}

// Running reports whether the job is at it.
func (b Bulk) Running() bool { return b.StartedAt != nil && b.FinishedAt == nil }

// Stale reports whether it is a preview that can't be carried out any more.
func (b Bulk) Stale(now time.Time) bool { return b.StartedAt == nil && !now.Before(b.ExpiresAt) }

// Share is what falls on one app.
type Share struct {
	OrganizationID   db.ID
	OrganizationName string
	AppID            db.ID
	AppName          string
	Keys             int
	Used             int   // in the hour before the preview
	Calls            int64 // in that hour
}

// MaxShares is how many shares a Detail names: the largest.
const MaxShares = 100

// Detail is an act with whom it hits.
type Detail struct {
	Bulk
	Shares        []Share // the largest
	Apps          int
	Organizations int
	Verifiers     int    // of the keys, those by which gateways ask about other keys
	StartedByName string // empty for a preview
}

// Options of a Store; all are required.
type Options struct {
	DB     *db.DB
	Keys   *key.Store
	Outbox *outbox.Outbox
	Link   func(path string) string
}

// Store keeps acts on many keys. Safe for concurrent use.
type Store struct {
	db     *db.DB
	keys   *key.Store
	outbox *outbox.Outbox
	link   func(path string) string
}

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{o.DB, o.Keys, o.Outbox, o.Link} }

func may(a actor.Actor, p permission.Name) bool {
	return a.Trusted() || a.SignedIn() && permission.Staff(a.StaffRole, p)
}

func read(g *gorm.DB, id db.ID) (Bulk, error) {
	var found []Bulk
	err := g.Raw("SELECT * FROM key_bulks WHERE id = ?", id).Scan(&found).Error
	return one(found, err)
}

// locked reads an act and keeps it as it is until the commit.
func locked(tx *db.Tx, id db.ID) (Bulk, error) {
	var found []Bulk
	err := tx.Raw("SELECT * FROM key_bulks WHERE id = ?"+lock(tx), id).Scan(&found).Error
	return one(found, err)
}

func lock(tx *db.Tx) string {
	if tx.Home.Dialect == db.Postgres {
		return " FOR UPDATE"
	}
	return ""
}

func one(found []Bulk, err error) (Bulk, error) {
	if err == nil && len(found) == 0 {
		err = fault.Missing()
	}
	if err != nil {
		return Bulk{}, err
	}
	return found[0], nil
}

// Get reads an act with whom it hits. Faults: Forbidden, NotFound.
func (s *Store) Get(ctx context.Context, a actor.Actor, id db.ID) (Detail, error) {
	if !may(a, permission.StaffKeysRead) {
		return Detail{}, fault.Lacking(string(permission.StaffKeysRead), "")
	}
	g := s.db.Read(ctx)
	b, err := read(g, id)
	if err != nil {
		return Detail{}, err
	}
	d := Detail{Bulk: b}
	err = g.Raw(`SELECT z.organization_id, o.name AS organization_name, z.app_id, a.name AS app_name, z.keys, z.used, z.calls
		FROM key_bulk_shares z JOIN apps a ON a.id = z.app_id JOIN organizations o ON o.id = z.organization_id
		WHERE z.bulk_id = ? ORDER BY z.keys DESC, o.name, a.name LIMIT ?`, id, MaxShares).Scan(&d.Shares).Error
	if err != nil {
		return Detail{}, err
	}
	var counts struct{ Apps, Organizations, Verifiers int }
	err = g.Raw(`SELECT COUNT(*) AS apps, COUNT(DISTINCT organization_id) AS organizations,
		(SELECT COUNT(*) FROM key_grants g JOIN scopes s ON s.id = g.scope_id JOIN apis p ON p.id = g.api_id JOIN key_bulk_keys y ON y.key_id = g.key_id
			WHERE y.bulk_id = ? AND p.is_portal AND s.name = 'keys:verify') AS verifiers
		FROM key_bulk_shares WHERE bulk_id = ?`, id, id).Scan(&counts).Error
	d.Apps, d.Organizations, d.Verifiers = counts.Apps, counts.Organizations, counts.Verifiers
	if err == nil && b.StartedBy != nil {
		err = g.Raw("SELECT name FROM users WHERE id = ?", b.StartedBy).Scan(&d.StartedByName).Error
	}
	return d, err
}
