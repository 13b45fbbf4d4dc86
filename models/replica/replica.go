// Package replica knows which processes run over the database: each keeps a row of how it stands, and renews it every few seconds. A row that
// is not renewed is of a process that died or that the database can't hear; after an hour it is forgotten.
//
// Ages are told by the database's clock, so that a process whose own clock is wrong neither seems dead nor takes the others for dead.
package replica

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// How often a process says that it lives, for how long it is believed, and for how long it is remembered.
const (
	BeatEvery  = 5 * time.Second
	LivesFor   = 15 * time.Second
	Remembered = time.Hour
)

// State is whether something that a process may use works.
type State string

// The states of hint and Redis.
const (
	None State = "" // the process has no use for it
	On   State = "on"
	Off  State = "off"
)

// Report is how a process stands at one moment.
type Report struct {
	FeedSeq  int64         // the change up to which it has read
	FeedAge  time.Duration // how long ago it last read the changes to their end
	Hint     State
	Redis    State
	Spooled  int64 // batches of usage that wait for the database
	KeysHeld int64
	Lookups  int64 // of keys, since the process started
	Reads    int64 // of them, those that asked the database
}

// Replica is a process as its row tells.
type Replica struct {
	BootID    db.ID
	Name      string
	Version   string
	EdgeAddr  string // "" when verification is at the portal's address alone
	StartedAt time.Time
	SeenAt    time.Time
	SkewMS    int64 // by how much its clock is ahead of the database's
	FeedSeq   int64
	FeedMS    int64
	Hint      State
	Redis     State
	Spooled   int64
	KeysHeld  int64
	Lookups   int64 // since the beat before
	Reads     int64
	Alive     bool `gorm:"-"`
}

// Skew is by how much its clock is ahead of the database's; negative when it is behind.
func (r Replica) Skew() time.Duration { return time.Duration(r.SkewMS) * time.Millisecond }

// FeedAge is how long before its last beat it had read the changes to their end.
func (r Replica) FeedAge() time.Duration { return time.Duration(r.FeedMS) * time.Millisecond }

// Store reads rows.
type Store struct {
	db  *db.DB
	now func(context.Context) (time.Time, error)
}

// NewStore returns the store over d.
func NewStore(d *db.DB) *Store { return NewStoreAt(d, databaseClock(d)) }

// NewStoreAt is NewStore with another clock than the database's.
func NewStoreAt(d *db.DB, now func(context.Context) (time.Time, error)) *Store { return &Store{d, now} }

// Fleet is all replicas at one moment.
type Fleet struct {
	Now      time.Time // by the database's clock
	LastSeq  int64     // of the newest change
	Replicas []Replica // living ones first, then by name
}

// Fleet reads them. Fault: Forbidden for who is not staff.
func (s *Store) Fleet(ctx context.Context, a actor.Actor) (Fleet, error) {
	if !permission.Staff(a.StaffRole, permission.StaffReplicasRead) {
		return Fleet{}, fault.Lacking(string(permission.StaffReplicasRead), "")
	}
	now, err := s.now(ctx)
	if err != nil {
		return Fleet{}, err
	}
	f := Fleet{Now: now}
	g := s.db.Read(ctx)
	err = g.Raw(`SELECT boot_id, name, version, edge_addr, started_at, seen_at, skew_ms, feed_seq, feed_ms, hint, redis, spooled, keys_held, lookups, reads
		FROM replicas WHERE seen_at > ? ORDER BY CASE WHEN seen_at > ? THEN 0 ELSE 1 END, name, boot_id LIMIT 200`, now.Add(-Remembered), now.Add(-LivesFor)).Scan(&f.Replicas).Error
	if err != nil {
		return Fleet{}, err
	}
	for i := range f.Replicas {
		f.Replicas[i].Alive = f.Replicas[i].SeenAt.After(now.Add(-LivesFor))
	}
	return f, g.Raw("SELECT COALESCE(MAX(seq), 0) FROM changes").Scan(&f.LastSeq).Error
}

// databaseClock is PostgreSQL's own, and for SQLite this machine's: the file is on it.
func databaseClock(d *db.DB) func(context.Context) (time.Time, error) {
	if d.Dialect == db.SQLite {
		return func(context.Context) (time.Time, error) { return d.Now(), nil }
	}
	return func(ctx context.Context) (now time.Time, err error) {
		err = d.Read(ctx).Raw("SELECT clock_timestamp()").Scan(&now).Error
		return now.UTC(), err
	}
}
