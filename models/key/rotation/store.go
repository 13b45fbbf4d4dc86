// Package rotation is what happens after a key was rotated: both keys' traffic side by side, retiring the old one early, a longer overlap once, undoing it
// all while the overlap lasts, and the mails that tell of its end (K10). Rotating itself is key.Store's.
package rotation

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Codes of the conflicts that a program can answer by saying that it knows.
const (
	UsedSince   = "KEY_USED_SINCE"   // Retire: the old key was used after the moment that the caller named
	NewKeyInUse = "NEW_KEY_WAS_USED" // Undo: the new key was used already
)

const day = 24 * time.Hour

// Store changes and reads rotations. Safe for concurrent use.
type Store struct {
	db   *db.DB
	keys *key.Store
}

// NewStore makes a store.
func NewStore(d *db.DB, keys *key.Store) *Store { return &Store{d, keys} }

// Pair is a key that was rotated and the new one.
type Pair struct {
	Old, New key.Row
}

// RotatedAt is when the overlap began.
func (p Pair) RotatedAt() time.Time { return p.New.CreatedAt }

// Latest is the last moment to which the overlap can be extended: key.MaxOverlap days after the rotation, or the old key's own expiry.
func (p Pair) Latest() time.Time {
	latest := p.RotatedAt().AddDate(0, 0, key.MaxOverlap)
	if p.Old.ExpiresAt != nil && p.Old.ExpiresAt.Before(latest) {
		return *p.Old.ExpiresAt
	}
	return latest
}

// running reads and locks the rotation of an old key that the actor may manage, while its overlap lasts.
func running(tx *db.Tx, a actor.Actor, id db.ID) (Pair, error) {
	old, err := key.ManagedTx(tx, a, id)
	if err != nil {
		return Pair{}, err
	}
	switch {
	case old.OverlapEndsAt == nil:
		return Pair{}, fault.New(fault.Conflict, "This key was not rotated, or its rotation was undone.")
	case old.RevokedAt != nil:
		return Pair{}, fault.New(fault.Conflict, "The old key was revoked, which is final.")
	case !old.Living(tx.Now), !old.Living(old.UpdatedAt): // the key knows a later time than a clock that is behind
		return Pair{}, fault.New(fault.Conflict, "The overlap is over: the old key has stopped, which is final.")
	}
	var ids []db.ID
	if err := tx.Raw("SELECT id FROM keys WHERE rotated_from = ? AND rotation_undone_at IS NULL", id).Scan(&ids).Error; err != nil {
		return Pair{}, err
	}
	if len(ids) == 0 {
		return Pair{}, fault.Missing()
	}
	next, err := key.RowTx(tx, ids[0])
	return Pair{old, next}, err
}

// record notes an act on the old key, and that verification must read it anew on every replica (K8).
func record(tx *db.Tx, a actor.Actor, act audit.Act, p Pair, details map[string]string) {
	details["hint"], details["name"], details["successor"] = p.Old.Hint(), p.Old.Name, p.New.ID.Show(key.IDPrefix)
	audit.Record(tx, a, audit.Event{Act: act, TargetKind: "key", TargetID: p.Old.ID, OrganizationID: p.Old.OrganizationID, Details: details})
	change.Record(tx, change.Key, p.Old.ID)
}
