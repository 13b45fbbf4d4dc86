package demo

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/usage"
)

// writeUsage writes what was counted, and what follows from it: when keys were last used, what is left of quotas, and that gateways ask.
func (f *filler) writeUsage(ctx context.Context) error {
	var lines []*line
	for _, m := range f.made {
		lines = append(lines, f.callsOf(m)...)
	}
	perDay := map[string]float64{"orders": 6000, "catalogue": 4500, "customers": 2200}
	for _, s := range f.shelves() {
		lines = append(lines, f.unknown(s, perDay[s.Slug]))
	}
	lines = slices.DeleteFunc(lines, func(l *line) bool { return len(l.hours) == 0 })
	if err := f.writeRefusals(ctx, lines); err != nil {
		return err
	}
	return f.db.Tx(ctx, func(tx *db.Tx) error {
		for _, write := range []func(*db.Tx, []*line) error{f.insertCounts, f.recordUses, f.insertQuotas, f.noteChecks} {
			if err := write(tx, lines); err != nil {
				return err
			}
		}
		return usage.Recount(tx, f.now.AddDate(-1, 0, 0))
	})
}

// rowsAtOnce is how many rows of counts one statement brings: three arguments each, far below what either database takes.
const rowsAtOnce = 500

func (f *filler) insertCounts(tx *db.Tx, lines []*line) error {
	tables := []struct {
		rows   string
		counts func(*line) []count
	}{
		{"INSERT INTO usage_hours (series_id, at, calls) VALUES ", func(l *line) []count { return l.hours }},
		{"INSERT INTO usage_days (series_id, at, calls) VALUES ", (*line).byDay},
		{"INSERT INTO usage_minutes (series_id, at, calls) VALUES ", func(l *line) []count { return l.minutes }},
	}
	ids := make([]int64, len(lines))
	for i, l := range lines {
		keyID, appID, orgID, environment := l.ids(f)
		err := tx.Raw(`INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			keyID, appID, orgID, l.api.id, environment, l.route, l.code).Scan(&ids[i]).Error
		if err != nil {
			return err
		}
	}
	for _, table := range tables {
		var args []any
		for i, l := range lines {
			for _, c := range table.counts(l) {
				args = append(args, ids[i], c.at, c.calls)
			}
		}
		for part := range slices.Chunk(args, 3*rowsAtOnce) {
			statement := table.rows + strings.Repeat("(?, ?, ?), ", len(part)/3-1) + "(?, ?, ?)"
			if _, err := tx.Run(statement, part...); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordUses notes when each key, its scopes and its networks were first and last used.
func (f *filler) recordUses(tx *db.Tx, lines []*line) error {
	first, last := map[db.ID]*key.Use{}, map[db.ID]*key.Use{}
	for _, l := range lines {
		if l.code != "VALID" {
			continue
		}
		begin, end := l.hours[0].at.Add(13*time.Minute), l.lastUse(f.now)
		use(first, l, begin, false)
		use(last, l, end, true)
	}
	for _, uses := range []map[db.ID]*key.Use{first, last} {
		var all []key.Use
		for _, u := range uses {
			all = append(all, *u)
		}
		if err := key.RecordUse(tx, all); err != nil {
			return err
		}
	}
	return nil
}

// lastUse is when the line was last counted, to the second.
func (l *line) lastUse(now time.Time) time.Time {
	at := l.hours[len(l.hours)-1].at.Add(41 * time.Minute)
	if n := len(l.minutes); n > 0 {
		at = l.minutes[n-1].at.Add(time.Duration(hashOf(l.route)%59) * time.Second)
	}
	if at.After(now) {
		return now
	}
	return at
}

// use merges a line's use into its key's.
func use(uses map[db.ID]*key.Use, l *line, at time.Time, later bool) {
	u := uses[l.key.id]
	if u == nil {
		u = &key.Use{KeyID: l.key.id, At: at}
		uses[l.key.id] = u
		for n := range 1 + int(hashOf(l.key.name)%3) {
			network := networkOf(l.key.app+l.key.env, n)
			seen := at.Add(-time.Duration(n*n*7) * time.Hour)
			if !later {
				seen = at.Add(time.Duration(n) * time.Minute)
			}
			if !slices.ContainsFunc(u.Networks, func(o key.NetworkAt) bool { return o.Network == network }) {
				u.Networks = append(u.Networks, key.NetworkAt{Network: network, At: seen})
			}
		}
	}
	if at.After(u.At) == later {
		u.At = at
		u.Networks[0].At = at
	}
	i := slices.IndexFunc(u.Scopes, func(o key.ScopeUse) bool { return o.Scope == l.scope })
	switch {
	case i < 0:
		u.Scopes = append(u.Scopes, key.ScopeUse{APIID: l.api.id, Scope: l.scope, At: at})
	case at.After(u.Scopes[i].At) == later:
		u.Scopes[i].At = at
	}
}

// insertQuotas counts what is used of the quotas of this month and of today.
func (f *filler) insertQuotas(tx *db.Tx, lines []*line) error {
	type counter struct {
		app, api    db.ID
		environment string
	}
	used, today := map[counter]int64{}, map[counter]int64{}
	for _, l := range lines {
		if l.key != nil && l.validInThisMonth > 0 {
			of := counter{f.apps[l.key.app], l.api.id, l.key.env}
			used[of] += l.validInThisMonth
			today[of] += l.validToday
		}
	}
	month, _ := keyring.Month(f.now)
	day, _ := keyring.Day(f.now)
	for c, n := range used {
		if _, err := tx.Run("INSERT INTO quota_counters (app_id, api_id, environment, period_start, used) VALUES (?, ?, ?, ?, ?)", c.app, c.api, c.environment, month, n); err != nil {
			return err
		}
		if today[c] == 0 {
			continue
		}
		if _, err := tx.Run("INSERT INTO quota_days (app_id, api_id, environment, day, used) VALUES (?, ?, ?, ?, ?)", c.app, c.api, c.environment, day, today[c]); err != nil {
			return err
		}
	}
	return nil
}

// noteChecks lets the APIs have been asked about since a day after they came, until now.
func (f *filler) noteChecks(tx *db.Tx, _ []*line) error {
	for _, s := range f.shelves() {
		if _, err := tx.Run("UPDATE apis SET first_checked_at = ?, last_checked_at = ? WHERE id = ?", f.at(s.made-1, 9), f.now, s.id); err != nil {
			return err
		}
	}
	return nil
}
