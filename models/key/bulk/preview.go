package bulk

import (
	"context"
	"encoding/json"
	"slices"
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
		return db.ID{}, fault.Lacking(string(permission.StaffKeysManage), "")
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
	ids, err := s.keys.Select(ctx, f, w.Verb, w.EndsAt, s.db.Now())
	if err != nil {
		return db.ID{}, err
	}
	return b.ID, s.fix(ctx, a, b, ids)
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
		return db.ID{}, fault.Lacking(string(permission.StaffKeysManage), "")
	}
	g := s.db.Read(ctx)
	paused, err := read(g, of)
	if err != nil {
		return db.ID{}, err
	}
	if paused.Verb != key.Pausing || paused.FinishedAt == nil {
		return db.ID{}, fault.New(fault.Invalid, "There is nothing to resume: this act paused no keys, or is still at it.")
	}
	var ids []db.ID
	err = g.Raw(`SELECT k.id FROM key_bulk_keys z JOIN keys k ON k.id = z.key_id
		WHERE z.bulk_id = ? AND z.result = 1 AND k.paused_at IS NOT NULL AND k.paused_cause = 'bulk' AND k.revoked_at IS NULL ORDER BY k.id`, of).Scan(&ids).Error
	if err != nil {
		return db.ID{}, err
	}
	b := Bulk{ID: db.NewID(), Verb: key.Resuming, OfBulk: &of}
	return b.ID, s.fix(ctx, a, b, ids)
}

// keysAtOnce is how many keys of a preview one transaction writes: SQLite has one writer, and all others wait for it meanwhile.
const keysAtOnce = 2000

// fix writes the preview: its row, its keys, and last whom it hits, with which it counts. One that a restart cuts short has no keys in it, is carried out by nobody, and is swept.
func (s *Store) fix(ctx context.Context, a actor.Actor, b Bulk, ids []db.ID) error {
	if len(ids) == 0 {
		return fault.New(fault.Invalid, "This finds no key of which anything would change.")
	}
	ctx = forVerb(ctx, b.Verb)
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO key_bulks (id, verb, made_by, filter, of_bulk, ends_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			b.ID, string(b.Verb), a.UserID.Ref(), b.Filter, b.OfBulk, b.EndsAt, tx.Now.Add(PreviewLife), tx.Now)
		return err
	})
	for part := range slices.Chunk(ids, keysAtOnce) {
		if err == nil {
			err = s.db.Tx(ctx, func(tx *db.Tx) error { return insertKeys(tx, b.ID, part) })
		}
	}
	if err != nil {
		return err
	}
	hour := s.db.Now().Add(-time.Hour)
	var shares []share
	err = s.db.Read(ctx).Raw(`SELECT a.id AS app_id, a.organization_id, COUNT(*) AS keys, SUM(CASE WHEN k.last_used_at > ? THEN 1 ELSE 0 END) AS used, COALESCE(SUM(c.calls), 0) AS calls
		FROM key_bulk_keys z JOIN keys k ON k.id = z.key_id JOIN apps a ON a.id = k.app_id
		LEFT JOIN (SELECT s.key_id, SUM(x.calls) AS calls FROM usage_minutes x JOIN usage_series s ON s.id = x.series_id WHERE x.at > ? GROUP BY s.key_id) c ON c.key_id = k.id
		WHERE z.bulk_id = ? GROUP BY a.id, a.organization_id`, hour, hour, b.ID).Scan(&shares).Error
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return count(tx, a, b, len(ids), shares) })
}

type share struct {
	AppID, OrganizationID db.ID
	Keys, Used            int
	Calls                 int64
}

func insertKeys(tx *db.Tx, bulk db.ID, ids []db.ID) error {
	for some := range slices.Chunk(ids, rowsAtOnce) {
		args := make([]any, 0, 2*len(some))
		for _, id := range some {
			args = append(args, bulk, id)
		}
		if _, err := tx.Run("INSERT INTO key_bulk_keys (bulk_id, key_id) VALUES "+db.Rows(2, len(some)), args...); err != nil {
			return err
		}
	}
	return nil
}

const rowsAtOnce = 500

// count writes whom the preview hits: from then on it can be carried out.
func count(tx *db.Tx, a actor.Actor, b Bulk, keys int, shares []share) error {
	var used int
	var calls int64
	for some := range slices.Chunk(shares, rowsAtOnce) {
		var args []any
		for _, z := range some {
			args = append(args, b.ID, z.AppID, z.OrganizationID, z.Keys, z.Used, z.Calls)
			used, calls = used+z.Used, calls+z.Calls
		}
		if _, err := tx.Run("INSERT INTO key_bulk_shares (bulk_id, app_id, organization_id, keys, used, calls) VALUES "+db.Rows(6, len(some)), args...); err != nil {
			return err
		}
	}
	_, err := tx.Run("UPDATE key_bulks SET keys = ?, used = ?, calls = ? WHERE id = ?", keys, used, calls, b.ID)
	audit.Record(tx, a, audit.Event{Act: audit.KeysPreviewed, TargetKind: "key_bulk", TargetID: b.ID, Details: b.details(keys)})
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
