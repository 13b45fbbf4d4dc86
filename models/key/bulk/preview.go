package bulk

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Wish is what is wanted of the keys that a filter finds.
type Wish struct {
	Verb   key.Verb // Revoking, Pausing or Shortening
	Filter key.Filter
	EndsAt time.Time // of Shortening
}

// Preview fixes the keys that the filter finds and that the verb could change something of; a key made later is none of them (K9). Faults: Forbidden, Invalid
// (verb, ends) also when the filter is empty, names a state or an environment that there is not, or finds nothing.
func (s *Store) Preview(ctx context.Context, a actor.Actor, w Wish) (db.ID, error) {
	if !may(a, permission.StaffKeysManage) {
		return db.ID{}, fault.Denied()
	}
	f, err := w.Filter.Kept()
	if err != nil {
		return db.ID{}, err
	}
	if f == (key.Filter{}) {
		return db.ID{}, fault.New(fault.Invalid, "Narrow the list first: an act on many keys never takes all of them.")
	}
	if err := w.check(s.db.Now()); err != nil {
		return db.ID{}, err
	}
	filter, err := json.Marshal(f)
	if err != nil {
		return db.ID{}, err
	}
	b := Bulk{ID: db.NewID(), Verb: w.Verb, Filter: string(filter)}
	if w.Verb == key.Shortening {
		b.EndsAt = &w.EndsAt
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		return s.fix(tx, a, b, func() (int64, error) { return key.FixTx(tx, f, w.Verb, w.EndsAt, b.ID) })
	})
	return b.ID, err
}

func (w Wish) check(now time.Time) error {
	var bad fault.Problems
	bad.Check(w.Verb == key.Revoking || w.Verb == key.Pausing || w.Verb == key.Shortening, "verb", "Choose what is done to the keys.")
	bad.Check(w.Verb != key.Shortening || w.EndsAt.After(now), "ends", "Choose a day that is yet to come.")
	return bad.Err()
}

// PreviewResume fixes the keys that an act paused and that are still paused by it. Faults: Forbidden, NotFound, Invalid when there is none, or when the act was none that pauses.
func (s *Store) PreviewResume(ctx context.Context, a actor.Actor, of db.ID) (db.ID, error) {
	if !may(a, permission.StaffKeysManage) {
		return db.ID{}, fault.Denied()
	}
	b := Bulk{ID: db.NewID(), Verb: key.Resuming, OfBulk: &of}
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		paused, err := read(tx.DB, of)
		if err != nil {
			return err
		}
		if paused.Verb != key.Pausing || paused.FinishedAt == nil {
			return fault.New(fault.Invalid, "There is nothing to resume: this act paused no keys, or is still at it.")
		}
		return s.fix(tx, a, b, func() (int64, error) {
			return tx.Run(`INSERT INTO key_bulk_keys (bulk_id, key_id) SELECT b.id, k.id FROM key_bulk_keys z JOIN keys k ON k.id = z.key_id JOIN key_bulks b ON b.id = ?
				WHERE z.bulk_id = ? AND z.result = 1 AND k.paused_at IS NOT NULL AND k.paused_cause = 'bulk' AND k.revoked_at IS NULL`, b.ID, of)
		})
	})
	return b.ID, err
}

// fix writes the preview: its row, its keys by choose, and whom it hits.
func (s *Store) fix(tx *db.Tx, a actor.Actor, b Bulk, choose func() (int64, error)) error {
	_, err := tx.Run("INSERT INTO key_bulks (id, verb, made_by, filter, of_bulk, ends_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		b.ID, string(b.Verb), a.UserID.Ref(), b.Filter, b.OfBulk, b.EndsAt, tx.Now.Add(PreviewLife), tx.Now)
	if err != nil {
		return err
	}
	n, err := choose()
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Invalid, "This finds no key of which anything would change.")
	}
	hour := tx.Now.Add(-time.Hour)
	_, err = tx.Run(`INSERT INTO key_bulk_shares (bulk_id, app_id, organization_id, keys, used, calls)
		SELECT z.bulk_id, a.id, a.organization_id, COUNT(*), SUM(CASE WHEN k.last_used_at > ? THEN 1 ELSE 0 END), COALESCE(SUM(c.calls), 0)
		FROM key_bulk_keys z JOIN keys k ON k.id = z.key_id JOIN apps a ON a.id = k.app_id
		LEFT JOIN (SELECT s.key_id, SUM(x.calls) AS calls FROM usage_minutes x JOIN usage_series s ON s.id = x.series_id WHERE x.at > ? GROUP BY s.key_id) c ON c.key_id = k.id
		WHERE z.bulk_id = ? GROUP BY z.bulk_id, a.id, a.organization_id`, hour, hour, b.ID)
	if err != nil {
		return err
	}
	_, err = tx.Run(`UPDATE key_bulks SET keys = ?, used = (SELECT SUM(used) FROM key_bulk_shares WHERE bulk_id = ?), calls = (SELECT SUM(calls) FROM key_bulk_shares WHERE bulk_id = ?)
		WHERE id = ?`, n, b.ID, b.ID, b.ID)
	audit.Record(tx, a, audit.Event{Act: audit.KeysPreviewed, TargetKind: "key_bulk", TargetID: b.ID, Details: b.details(int(n))})
	return err
}

// details are what the audit log holds of the act.
func (b Bulk) details(keys int) map[string]string {
	d := map[string]string{"verb": string(b.Verb), "keys": strconv.Itoa(keys)}
	for name, value := range map[string]string{"filter": b.Filter, "reason": b.Reason} {
		if value != "" {
			d[name] = value
		}
	}
	if b.OfBulk != nil {
		d["of"] = b.OfBulk.Show(Prefix)
	}
	if b.EndsAt != nil {
		d["ends"] = b.EndsAt.UTC().Format(time.RFC3339)
	}
	return d
}
