package notice

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// keep is for how long it is remembered what was told: longer than any notice is ahead of its end.
const keep = 100 * day

// readersAtOnce is how many readers one reading looks at.
const readersAtOnce = 200

// Run makes the digests that are due and not made. It is a job: run it every few minutes. Each reader's is one transaction: when one fails, those before
// it are sent, and the next run goes on.
func (s *Store) Run(ctx context.Context) error {
	var zones []string
	if err := s.db.Read(ctx).Raw("SELECT DISTINCT time_zone FROM users WHERE deleted_at IS NULL ORDER BY time_zone").Scan(&zones).Error; err != nil {
		return err
	}
	for _, zone := range zones {
		if err := s.zone(ctx, zone); err != nil {
			return err
		}
	}
	return nil
}

// zone makes the digests of the readers of one time zone, unless they have this morning's.
func (s *Store) zone(ctx context.Context, name string) error {
	now := s.db.Now()
	last, next := mornings(now, key.Reader{TimeZone: name}.Zone())
	var until []time.Time
	if err := s.db.Read(ctx).Raw("SELECT until FROM key_notice_zones WHERE zone = ?", name).Scan(&until).Error; err != nil {
		return err
	}
	if len(until) > 0 && !until[0].Before(last) {
		return nil
	}
	leaks, err := s.leaks(ctx, now, next)
	if err != nil {
		return err
	}
	for after := (db.ID{}); ; {
		readers, err := s.readers(ctx, name, after, now, next)
		if err != nil {
			return err
		}
		if err := s.tell(ctx, readers, leaks, now, next); err != nil {
			return err
		}
		if len(readers) < readersAtOnce {
			break
		}
		after = readers[len(readers)-1]
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run("DELETE FROM key_notices_told WHERE told_at < ?", tx.Now.Add(-keep)); err != nil {
			return err
		}
		_, err := tx.Run("INSERT INTO key_notice_zones (zone, until) VALUES (?, ?) ON CONFLICT (zone) DO UPDATE SET until = excluded.until WHERE key_notice_zones.until < excluded.until", name, last)
		return err
	})
}

// candidate is true of keys of which there may be something to tell; two arguments, the span of their ends. A rotated key runs out as planned.
const candidate = " AND k.revoked_at IS NULL AND k.overlap_ends_at IS NULL AND a.deleted_at IS NULL AND o.deleted_at IS NULL AND k.expires_at > ? AND k.expires_at < ?"

// readers are people of the zone after one, by id, who are told of a key that may be due.
func (s *Store) readers(ctx context.Context, zone string, after db.ID, now, next time.Time) ([]db.ID, error) {
	const of = "SELECT u.id" + key.ReadersSQL
	const page = " AND u.time_zone = ? AND u.id > ?"
	var ids []db.ID
	args := append(key.ReadersArgs(now, now.Add(-late), next.Add(ahead), zone, after), key.ReadersArgs(now, now, next.Add(ahead), zone, after)...)
	err := s.db.Read(ctx).Raw("SELECT DISTINCT z.id FROM ("+of+candidate+page+" UNION "+of+leaking+page+") z ORDER BY z.id LIMIT ?", append(args, readersAtOnce)...).Scan(&ids).Error
	return ids, err
}

// leaking is true of keys that are to be revoked because they leaked; two arguments, the span of that.
const leaking = ` AND k.revoked_at IS NULL AND k.paused_cause = 'leak' AND a.deleted_at IS NULL AND o.deleted_at IS NULL
	AND k.id IN (SELECT i.key_id FROM leak_incidents i WHERE i.closed_at IS NULL AND i.revoke_at > ? AND i.revoke_at < ?)`

// leaks are when keys are revoked because they leaked, of those for which that comes before any other end.
func (s *Store) leaks(ctx context.Context, now, next time.Time) (map[db.ID]time.Time, error) {
	var rows []Ending
	err := s.db.Read(ctx).Raw(endingColumns+" WHERE i.revoke_at > ? AND i.revoke_at < ? AND k.revoked_at IS NULL", now, next.Add(ahead)).Scan(&rows).Error
	out := map[db.ID]time.Time{}
	for _, r := range rows {
		if r.Leaked() {
			out[r.ID] = *r.LeakAt
		}
	}
	return out, err
}

// item is what one reader is to be told of one key.
type item struct {
	UserID    db.ID
	Email     string
	Language  string
	TimeZone  string
	KeyID     db.ID
	ExpiresAt time.Time // or when it is revoked because it leaked
	CreatedAt time.Time
	kind      kind `gorm:"-"`
	leaked    bool `gorm:"-"`
}

// ordinaryItems and leakedItems read them; after those of the readers three arguments, the span of their ends and the readers.
const (
	itemColumns   = "SELECT u.id AS user_id, u.email, u.language, u.time_zone, k.id AS key_id, "
	ordinaryItems = itemColumns + "k.expires_at, k.created_at" + key.ReadersSQL + candidate + " AND u.id IN ? ORDER BY u.id, k.expires_at, k.id"
	leakedItems   = itemColumns + "k.created_at" + key.ReadersSQL + leaking + " AND u.id IN ? ORDER BY u.id, k.id"
)

// items are the keys of the readers, those of one reader together: each by the end that comes first.
func (s *Store) items(ctx context.Context, readers []db.ID, leaks map[db.ID]time.Time, now, next time.Time) ([]item, error) {
	g := s.db.Read(ctx)
	var all, leaked []item
	err := g.Raw(ordinaryItems, key.ReadersArgs(now, now.Add(-late), next.Add(ahead), readers)...).Scan(&all).Error
	if err != nil || len(leaks) == 0 {
		return all, err
	}
	all = slices.DeleteFunc(all, func(i item) bool { return !leaks[i.KeyID].IsZero() })
	if err := g.Raw(leakedItems, key.ReadersArgs(now, now, next.Add(ahead), readers)...).Scan(&leaked).Error; err != nil {
		return nil, err
	}
	for _, i := range leaked {
		if at, ok := leaks[i.KeyID]; ok {
			i.ExpiresAt, i.CreatedAt, i.leaked = at, time.Time{}, true // told in the first digest after the report, too: whoever reported it chose no day
			all = append(all, i)
		}
	}
	slices.SortStableFunc(all, func(a, b item) int { return strings.Compare(string(a.UserID[:]), string(b.UserID[:])) })
	return all, nil
}

type toldRow struct {
	UserID db.ID
	KeyID  db.ID
	Kind   kind
	EndsAt time.Time
}

// same makes ends comparable, wherever they were read.
func (t toldRow) same() toldRow {
	t.EndsAt = time.UnixMicro(t.EndsAt.UnixMicro()).UTC()
	return t
}

// tell sends each reader what is due and was not told.
func (s *Store) tell(ctx context.Context, readers []db.ID, leaks map[db.ID]time.Time, now, next time.Time) error {
	if len(readers) == 0 {
		return nil
	}
	all, err := s.items(ctx, readers, leaks, now, next)
	if err != nil {
		return err
	}
	told, err := s.told(ctx, readers, all)
	if err != nil {
		return err
	}
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].UserID == all[0].UserID {
			n++
		}
		var items []item
		for _, i := range all[:n] {
			if i.kind = due(i.ExpiresAt, i.CreatedAt, now, next); i.kind != "" && !told(i) {
				items = append(items, i)
			}
		}
		if err := s.send(ctx, items); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// told reads what the readers were told, and what was told to all of a key's before there were digests.
func (s *Store) told(ctx context.Context, readers []db.ID, all []item) (func(item) bool, error) {
	g := s.db.Read(ctx)
	var rows []toldRow
	if err := g.Raw("SELECT user_id, key_id, kind, ends_at FROM key_notices_told WHERE user_id IN ?", readers).Scan(&rows).Error; err != nil {
		return nil, err
	}
	known := make(map[toldRow]bool, len(rows))
	for _, r := range rows {
		known[r.same()] = true
	}
	ids := make([]db.ID, len(all))
	for i, a := range all {
		ids[i] = a.KeyID
	}
	slices.SortFunc(ids, func(a, b db.ID) int { return strings.Compare(string(a[:]), string(b[:])) })
	for part := range slices.Chunk(slices.Compact(ids), 500) {
		var before []toldRow
		if err := g.Raw("SELECT key_id, kind FROM key_notices WHERE key_id IN ?", part).Scan(&before).Error; err != nil {
			return nil, err
		}
		for _, b := range before {
			known[b] = true
		}
	}
	return func(i item) bool {
		return known[toldRow{i.UserID, i.KeyID, i.kind, i.ExpiresAt}.same()] || !i.leaked && known[toldRow{KeyID: i.KeyID, Kind: i.kind}]
	}, nil
}

// send writes down what one reader is told, and queues the letter; another replica that was quicker leaves nothing to tell.
func (s *Store) send(ctx context.Context, items []item) error {
	if len(items) == 0 {
		return nil
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var fresh []db.ID
		ends, leaks := map[db.ID]time.Time{}, map[db.ID]time.Time{}
		for _, i := range items {
			n, err := tx.Run("INSERT INTO key_notices_told (user_id, key_id, kind, ends_at, told_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_id, key_id, kind, ends_at) DO NOTHING",
				i.UserID, i.KeyID, string(i.kind), i.ExpiresAt, tx.Now)
			if err != nil {
				return err
			}
			if n == 1 {
				fresh, ends[i.KeyID] = append(fresh, i.KeyID), i.ExpiresAt
				if i.leaked {
					leaks[i.KeyID] = i.ExpiresAt
				}
			}
		}
		rows, err := key.RowsTx(tx, fresh)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r key.Row) bool { // changed since they were read
			if !leaks[r.ID].IsZero() {
				return r.RevokedAt != nil || r.PausedAt == nil || r.PausedCause != key.PausedLeak
			}
			return r.RevokedAt != nil || r.OverlapEndsAt != nil || r.ExpiresAt == nil || !r.ExpiresAt.Equal(ends[r.ID])
		})
		if len(rows) == 0 {
			return nil
		}
		to := key.Reader{UserID: items[0].UserID, Email: items[0].Email, Language: items[0].Language, TimeZone: items[0].TimeZone}
		return s.outbox.Queue(tx, s.letter(to.Locale(ctx), to, tx.Now, rows, leaks))
	})
}
