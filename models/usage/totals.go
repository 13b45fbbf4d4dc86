package usage

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// total is what all keys together counted: of an API in an environment, by code, in one hour or day.
type total struct {
	at        time.Time
	api       db.ID
	env, code string
}

func (t total) compare(o total) int {
	return cmp.Or(t.at.Compare(o.at), bytes.Compare(t.api[:], o.api[:]), strings.Compare(t.env, o.env), strings.Compare(t.code, o.code))
}

// addTotals adds the counts to the totals by hour and by day. Every flush writes the same few rows, so this comes late in its transaction, and in one order.
func addTotals(tx *db.Tx, b keyring.Batch) error {
	hours, days := map[total]int64{}, map[total]int64{}
	for s, n := range b.Counts {
		t := total{s.Minute.Truncate(time.Hour), db.ID(s.API), s.Environment.String(), s.Code.String()}
		hours[t] += n
		t.at = s.Minute.Truncate(24 * time.Hour)
		days[t] += n
	}
	for _, table := range []struct {
		rows        map[total]int64
		insert, add string
	}{
		{hours, "INSERT INTO usage_api_hours (at, api_id, environment, code, calls) VALUES ", " ON CONFLICT (at, api_id, environment, code) DO UPDATE SET calls = usage_api_hours.calls + excluded.calls"},
		{days, "INSERT INTO usage_api_days (at, api_id, environment, code, calls) VALUES ", " ON CONFLICT (at, api_id, environment, code) DO UPDATE SET calls = usage_api_days.calls + excluded.calls"},
	} {
		if err := writeTotals(tx, table.insert, table.add, table.rows); err != nil {
			return err
		}
	}
	return nil
}

func writeTotals(tx *db.Tx, insert, onConflict string, counts map[total]int64) error {
	rows := make([]total, 0, len(counts))
	for t := range counts {
		rows = append(rows, t)
	}
	slices.SortFunc(rows, total.compare)
	for _, n := range chunks(len(rows)) {
		var args []any
		for _, t := range rows[:n] {
			args = append(args, t.at, t.api, t.env, t.code, counts[t])
		}
		rows = rows[n:]
		if _, err := tx.Run(insert+rowsText("(?, ?, ?, ?, ?)", n)+onConflict, args...); err != nil {
			return err
		}
	}
	return nil
}

// recountFor is how far back the hourly job adds totals up anew: programs from before there were totals count without them while an upgrade rolls.
const recountFor = 3 * 24 * time.Hour

func (s *Store) recount(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error { return Recount(tx, tx.Now.Add(-recountFor)) })
}

// Recount adds the totals by hour and day up anew, of the days from that of since on, from the counts of their series. A flush waits meanwhile.
func Recount(tx *db.Tx, since time.Time) error {
	since = since.UTC().Truncate(24 * time.Hour)
	if tx.Home.Dialect == db.Postgres {
		// A flush adds to the totals after it counted: one that waits here has committed nothing that is seen below, one that went before is seen whole.
		for _, statement := range []string{mostLockWait, "LOCK TABLE usage_api_hours, usage_api_days IN EXCLUSIVE MODE"} {
			if _, err := tx.Run(statement); err != nil {
				return err
			}
		}
	}
	for _, statement := range []string{
		"DELETE FROM usage_api_hours WHERE at >= ?",
		`INSERT INTO usage_api_hours (at, api_id, environment, code, calls) SELECT u.at, s.api_id, s.environment, s.code, CAST(SUM(u.calls) AS bigint)
		FROM usage_hours u JOIN usage_series s ON s.id = u.series_id WHERE u.at >= ? GROUP BY u.at, s.api_id, s.environment, s.code`,
		"DELETE FROM usage_api_days WHERE at >= ?",
		`INSERT INTO usage_api_days (at, api_id, environment, code, calls) SELECT u.at, s.api_id, s.environment, s.code, CAST(SUM(u.calls) AS bigint)
		FROM usage_days u JOIN usage_series s ON s.id = u.series_id WHERE u.at >= ? GROUP BY u.at, s.api_id, s.environment, s.code`,
	} {
		if _, err := tx.Run(statement, since); err != nil {
			return err
		}
	}
	return nil
}

// chart is the query of a chart over v: its text up to the conditions, and the end of it, whose argument is from when on.
// What is looked at as a whole is read from the totals, of which there are some for each API and code whatever the number of keys; the last hour is too short for them.
// The series of a part are few, and each is sought by itself.
func (v View) chart(w window) (query, end string) {
	const sums = ".at, CAST(SUM(@.calls) AS bigint) AS calls, CAST(SUM(CASE WHEN s.code = 'VALID' OR " + passedOver + " THEN 0 ELSE @.calls END) AS bigint) AS bad"
	switch {
	case !v.whole(): // SQLite joins in this order
		return "SELECT u" + strings.ReplaceAll(sums, "@", "u") + " FROM usage_series s CROSS JOIN " + w.grain.table() + " u", " AND u.series_id = s.id AND u.at >= ? GROUP BY u.at"
	case w.grain == minutes:
		return "SELECT u" + strings.ReplaceAll(sums, "@", "u") + w.grain.from(), " AND u.at >= ? GROUP BY u.at"
	}
	return "SELECT s" + strings.ReplaceAll(sums, "@", "s") + w.grain.totals(), " AND s.at >= ? GROUP BY s.at"
}

// whole reports whether v looks at all keys, of every organization.
func (v View) whole() bool { return v.Everything && v.Org.IsZero() && v.App.IsZero() && v.Key.IsZero() }

// totals is the table of totals of a grain, which has no minutes.
func (g grain) totals() string {
	return [...]string{"", " FROM usage_api_hours s", " FROM usage_api_days s"}[g]
}
