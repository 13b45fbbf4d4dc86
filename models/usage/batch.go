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
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// what is counted as one series, whoever's app it is: the unique key of usage_series.
type what struct {
	key, api         db.ID
	env, route, code string
}

func whatOf(s keyring.Series) what {
	return what{db.ID(s.Key), db.ID(s.API), s.Environment.String(), s.Template, s.Code.String()}
}

func (w what) compare(o what) int {
	return cmp.Or(bytes.Compare(w.key[:], o.key[:]), bytes.Compare(w.api[:], o.api[:]), strings.Compare(w.env, o.env),
		strings.Compare(w.route, o.route), strings.Compare(w.code, o.code))
}

type owner struct{ app, org db.ID }

// store writes a batch in one transaction: its name, its counts by minute, hour and day and their totals, when keys and APIs were last used, and what was
// charged to quotas. A batch whose name is there was stored before; then nothing is written. It returns what quotas stand at.
func (f *Flusher) store(ctx context.Context, p *pending) ([]keyring.Stored, error) {
	var ids map[what]int64
	var stored []keyring.Stored
	var charged newest
	uses := f.noted.news(p.Batch)
	err := f.DB.Tx(ctx, func(tx *db.Tx) error {
		ids, stored = nil, nil
		var charges []keyring.Charge
		charges, charged = f.newest.dated(chargesOf(p.Batch), tx.Now)
		n, err := tx.Run("INSERT INTO usage_batches (replica, boot, seq, at) VALUES (?, ?, ?, ?) ON CONFLICT (replica, boot, seq) DO NOTHING", p.Replica, p.Boot, p.Seq, tx.Now)
		if err != nil || n == 0 {
			return err
		}
		// Batches of one life come in their order, so only the last can come again.
		if _, err := tx.Run("DELETE FROM usage_batches WHERE replica = ? AND boot = ? AND seq < ?", p.Replica, p.Boot, p.Seq); err != nil {
			return err
		}
		if ids, err = f.series(tx, p.Batch); err != nil {
			return err
		}
		if err := count(tx, p.Batch, ids, f.known); err != nil {
			return err
		}
		if err := key.RecordUse(tx, uses); err != nil {
			return err
		}
		if err := checked(tx, p.Batch); err != nil {
			return err
		}
		if err := addTotals(tx, p.Batch); err != nil {
			return err
		}
		stored, err = charge(tx, charges)
		return err
	})
	if err != nil {
		return nil, err
	}
	f.newest = charged
	f.noted.note(uses)
	if len(f.known)+len(ids) > mostKnown {
		clear(f.known)
	}
	for w, id := range ids {
		f.known[w] = id
	}
	return stored, nil
}

// series returns the ids of the batch's series that are not known yet, making the rows that are missing. Sorted, so that the flushes
// of two replicas take row locks in one order.
func (f *Flusher) series(tx *db.Tx, b keyring.Batch) (map[what]int64, error) {
	owners := map[what]owner{}
	for s := range b.Counts {
		if w := whatOf(s); f.known[w] == 0 {
			owners[w] = owner{db.ID(s.App), db.ID(s.Org)}
		}
	}
	missing := make([]what, 0, len(owners))
	for w := range owners {
		missing = append(missing, w)
	}
	slices.SortFunc(missing, what.compare)
	ids := make(map[what]int64, len(missing))
	for _, n := range chunks(len(missing)) {
		var args []any
		for _, w := range missing[:n] {
			args = append(args, w.key, owners[w].app, owners[w].app, owners[w].org, w.api, w.env, w.route, w.code)
		}
		missing = missing[n:]
		var rows []struct {
			ID            int64
			KeyID, APIID  db.ID
			Environment   string
			RouteTemplate string
			Code          string
		}
		err := tx.Raw("INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES "+rowsText("(?, ?, COALESCE((SELECT organization_id FROM apps WHERE id = ?), ?), ?, ?, ?, ?)", n)+ // an app may have moved since it was counted
			` ON CONFLICT (key_id, api_id, environment, route_template, code) DO UPDATE SET app_id = excluded.app_id
			RETURNING id, key_id, api_id, environment, route_template, code`, args...).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			ids[what{r.KeyID, r.APIID, r.Environment, r.RouteTemplate, r.Code}] = r.ID
		}
	}
	return ids, nil
}

type bucket struct {
	series int64
	at     time.Time
}

// count adds the counts to the three tables.
func count(tx *db.Tx, b keyring.Batch, fresh, known map[what]int64) error {
	minutes, hours, days := map[bucket]int64{}, map[bucket]int64{}, map[bucket]int64{}
	for s, n := range b.Counts {
		w := whatOf(s)
		id := fresh[w]
		if id == 0 {
			id = known[w]
		}
		minutes[bucket{id, s.Minute}] += n
		hours[bucket{id, s.Minute.Truncate(time.Hour)}] += n
		days[bucket{id, s.Minute.Truncate(24 * time.Hour)}] += n
	}
	for _, table := range []struct {
		rows   map[bucket]int64
		insert string
		add    string
	}{
		{minutes, "INSERT INTO usage_minutes (series_id, at, calls) VALUES ", " ON CONFLICT (series_id, at) DO UPDATE SET calls = usage_minutes.calls + excluded.calls"},
		{hours, "INSERT INTO usage_hours (series_id, at, calls) VALUES ", " ON CONFLICT (series_id, at) DO UPDATE SET calls = usage_hours.calls + excluded.calls"},
		{days, "INSERT INTO usage_days (series_id, at, calls) VALUES ", " ON CONFLICT (series_id, at) DO UPDATE SET calls = usage_days.calls + excluded.calls"},
	} {
		if err := add(tx, table.insert, table.add, table.rows); err != nil {
			return err
		}
	}
	return nil
}

func add(tx *db.Tx, insert, onConflict string, counts map[bucket]int64) error {
	rows := make([]bucket, 0, len(counts))
	for b := range counts {
		rows = append(rows, b)
	}
	slices.SortFunc(rows, func(a, b bucket) int { return cmp.Or(cmp.Compare(a.series, b.series), a.at.Compare(b.at)) })
	for _, n := range chunks(len(rows)) {
		var args []any
		for _, b := range rows[:n] {
			args = append(args, b.series, b.at, counts[b])
		}
		rows = rows[n:]
		if _, err := tx.Run(insert+rowsText("(?, ?, ?)", n)+onConflict, args...); err != nil {
			return err
		}
	}
	return nil
}

// chunks cuts n rows into runs whose lengths are powers of two up to 256: so there are nine texts of each statement, all prepared, and no more.
func chunks(n int) []int {
	var out []int
	for size := 256; n > 0; {
		if n < size {
			size /= 2
			continue
		}
		out, n = append(out, size), n-size
	}
	return out
}

func rowsText(row string, n int) string { return row + strings.Repeat(", "+row, n-1) }

// checked notes on each API of the batch that its gateway asks: the first time is what turns "Connect" green.
func checked(tx *db.Tx, b keyring.Batch) error {
	seen := map[keyring.ID]bool{}
	for s := range b.Counts {
		seen[s.API] = true
	}
	apis := make([]db.ID, 0, len(seen))
	for id := range seen {
		apis = append(apis, db.ID(id))
	}
	slices.SortFunc(apis, func(a, b db.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range apis {
		if _, err := tx.Run("UPDATE apis SET first_checked_at = COALESCE(first_checked_at, ?), last_checked_at = ? WHERE id = ?", tx.Now, tx.Now, id); err != nil {
			return err
		}
	}
	return nil
}
