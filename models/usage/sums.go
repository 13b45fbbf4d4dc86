package usage

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// sum is what a series counted in the window of a View.
type sum struct {
	app, key, api db.ID
	route, code   string
	calls         int64
}

// stretch is a time, and the coarsest table that tells of it.
type stretch struct {
	grain    grain
	from, to time.Time // to is zero where it has no end
}

// stretches cut a window that lasts until now into its parts: its first hours or minutes by themselves, and all that comes after by the coarser table. A week by
// hours is 30 rows a series in place of 168.
func (w window) stretches() []stretch {
	if w.grain == days {
		return []stretch{{days, w.from, time.Time{}}}
	}
	coarse := map[grain]time.Duration{minutes: time.Hour, hours: 24 * time.Hour}[w.grain]
	turn := w.from.Truncate(coarse)
	if turn.Equal(w.from) {
		return []stretch{{w.grain + 1, w.from, time.Time{}}}
	}
	turn = turn.Add(coarse)
	return []stretch{{w.grain, w.from, turn}, {w.grain + 1, turn, time.Time{}}}
}

// query is the text that adds up a stretch of the series s, or else names what was counted in it, of all series.
func (p stretch) query(ofSeries bool) (string, []any) {
	query, args := " FROM "+p.grain.table()+" u WHERE u.at >= ?", []any{p.from}
	if !p.to.IsZero() {
		query, args = query+" AND u.at < ?", append(args, p.to)
	}
	if ofSeries {
		return "(SELECT COALESCE(SUM(u.calls), 0)" + query + " AND u.series_id = s.id)", args
	}
	return "SELECT u.series_id, u.calls" + query, args
}

// sums reads what each series of v counted in its window, in one pass: all breakdowns are made of it. SQLite seeks each series in the table, whose rows of a series lie
// together; PostgreSQL does so for the few series of a narrow View, and reads the parts of the window once for all of them.
func (s *Store) sums(ctx context.Context, v View) ([]sum, error) {
	where, args, err := v.where(s.db.Now())
	if err != nil {
		return nil, err
	}
	seek := s.db.Dialect == db.SQLite || !v.Everything || !v.Org.IsZero() || !v.App.IsZero() || !v.Key.IsZero()
	var parts []string
	var with []any
	for _, p := range windowOf(v.Span, s.db.Now()).stretches() {
		part, partArgs := p.query(seek)
		parts, with = append(parts, part), append(with, partArgs...)
	}
	calls, from := strings.Join(parts, " + "), " FROM usage_series s"
	query := "SELECT s.app_id, s.key_id, s.api_id, s.route_template, s.code, "
	if !seek {
		from = " FROM (SELECT series_id, SUM(calls) AS calls FROM (" + strings.Join(parts, " UNION ALL ") + ") p GROUP BY series_id) u JOIN usage_series s ON s.id = u.series_id" // added up once, not by part
		calls = "u.calls"
	}
	query += "CAST(" + calls + " AS bigint) AS calls" + from + where
	rows, err := s.db.Rows(ctx, query, append(with, args...)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []sum
	for rows.Next() {
		var n sum
		if err := rows.Scan(&n.app, &n.key, &n.api, &n.route, &n.code, &n.calls); err != nil {
			return nil, err
		}
		if n.calls > 0 {
			all = append(all, n)
		}
	}
	return all, rows.Err()
}
