package usage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// partitioned is a table of counts that PostgreSQL keeps in parts by time, so that what is too old goes by dropping a part instead of deleting rows.
// A part holds at >= its beginning, which its name ends with; what no part holds is in the default part.
type partitioned struct {
	table string
	ahead int // parts beyond the present one
	begin func(time.Time) time.Time
	after func(time.Time) time.Time
}

var partitions = []partitioned{
	{"usage_minutes", 7, func(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"usage_hours", 4, monday, func(t time.Time) time.Time { return t.AddDate(0, 0, 7) }},
}

// monday is the beginning of the week of t.
func monday(t time.Time) time.Time {
	day := t.Truncate(24 * time.Hour)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// name of the part that begins at from.
func (p partitioned) name(from time.Time) string { return p.table + "_" + from.Format("20060102") }

// partition makes the parts that the next days need and drops those that hold only what is too old. Several processes may do so at once: one works, the
// others find it done.
func (s *Store) partition(ctx context.Context) error {
	if s.db.Dialect != db.Postgres {
		return nil
	}
	now := s.db.Now().UTC()
	for _, p := range partitions {
		keep := s.keep.Minutes
		if p.table == "usage_hours" {
			keep = s.keep.Hours
		}
		from := p.begin(now)
		for range p.ahead + 1 {
			if err := s.addPart(ctx, p, from); err != nil {
				return err
			}
			from = p.after(from)
		}
		if err := s.dropParts(ctx, p, now.Add(-keep)); err != nil {
			return err
		}
	}
	return nil
}

// mostLockWait bounds for how long a change of parts holds up those who count and read, while it waits for a lock itself. It is less than PostgreSQL's
// deadlock_timeout, 1 s: a reader may have locked the same tables in another order, and it is the change that has to give way and be tried again.
const mostLockWait = "SET LOCAL lock_timeout = '500ms'"

// dayText writes the beginning of a UTC day as SQL.
const dayText = "'2006-01-02 00:00:00+00'"

// turnstile lets one process at a time change the parts.
const turnstile = "SELECT pg_advisory_xact_lock(7411031)"

// parts are the names of the parts of a table.
func parts(tx *db.Tx, table string) (names []string, err error) {
	err = tx.Raw("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = CAST(? AS regclass) ORDER BY c.relname", table).Scan(&names).Error
	return names, err
}

// addPart makes one part, and moves to it what the default part holds of its time: counts of a clock that was ahead, or of days without this job.
func (s *Store) addPart(ctx context.Context, p partitioned, from time.Time) error {
	name, to := p.name(from), p.after(from)
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run(turnstile); err != nil {
			return err
		}
		have, err := parts(tx, p.table)
		if err != nil || slices.Contains(have, name) {
			return err
		}
		begin, end := from.Format(dayText), to.Format(dayText)
		for _, statement := range []string{
			mostLockWait,
			// In the order in which a flush takes them.
			"LOCK TABLE usage_series IN SHARE ROW EXCLUSIVE MODE",
			"LOCK TABLE ONLY " + p.table + " IN SHARE UPDATE EXCLUSIVE MODE",
			"LOCK TABLE " + p.table + "_default IN ACCESS EXCLUSIVE MODE",
			fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)", name, p.table),
			fmt.Sprintf("WITH moved AS (DELETE FROM %s_default WHERE at >= %s AND at < %s RETURNING *) INSERT INTO %s SELECT * FROM moved", p.table, begin, end, name),
			fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)", p.table, name, begin, end),
		} {
			if _, err := tx.Run(statement); err != nil {
				return fmt.Errorf("usage: part %s: %w", name, err)
			}
		}
		return nil
	})
}

// dropParts drops the parts that end before the time.
func (s *Store) dropParts(ctx context.Context, p partitioned, before time.Time) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run(turnstile); err != nil {
			return err
		}
		have, err := parts(tx, p.table)
		if err != nil {
			return err
		}
		for _, name := range have {
			from, err := time.Parse("20060102", strings.TrimPrefix(name, p.table+"_"))
			if err != nil || p.after(from).After(before) { // the default part is none of these
				continue
			}
			for _, statement := range []string{mostLockWait, "LOCK TABLE usage_series IN ACCESS EXCLUSIVE MODE", "DROP TABLE " + name} {
				if _, err := tx.Run(statement); err != nil {
					return fmt.Errorf("usage: part %s: %w", name, err)
				}
			}
		}
		return nil
	})
}
