package usage

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// charge adds what this process charged to the counters of all, by day and by month, and returns what they stand at now. Sorted, so that two
// replicas take row locks in one order.
func charge(tx *db.Tx, charges []keyring.Charge) ([]keyring.Stored, error) {
	months, days := map[period]int64{}, map[period]int64{}
	for _, c := range charges {
		month, _ := keyring.Month(c.Day)
		months[period{c.Key, month}] += c.Cost
		days[period{c.Key, c.Day}] += c.Cost
	}
	ofMonth, err := raise(tx, months, "quota_counters", "period_start", "app_id, api_id, environment, period_start")
	if err != nil {
		return nil, err
	}
	ofDay, err := raise(tx, days, "quota_days", "day", "day, app_id, api_id, environment")
	if err != nil {
		return nil, err
	}
	stored := make([]keyring.Stored, len(charges))
	for i, c := range charges {
		month, _ := keyring.Month(c.Day)
		stored[i] = keyring.Stored{Key: c.Key, Day: c.Day, OfMonth: ofMonth[period{c.Key, month}], OfDay: ofDay[period{c.Key, c.Day}]}
	}
	return stored, nil
}

// period is a month or a day of an app at an API in an environment.
type period struct {
	key   ratelimit.Key
	start time.Time // UTC
}

func (p period) compare(o period) int {
	return cmp.Or(p.start.Compare(o.start), bytes.Compare(p.key.A[:], o.key.A[:]), bytes.Compare(p.key.B[:], o.key.B[:]), cmp.Compare(p.key.Kind, o.key.Kind))
}

// raise adds to the counters of a table, whose column start is that of the period, and returns what they stand at. A statement is of one period.
func raise(tx *db.Tx, by map[period]int64, table, start, key string) (map[period]int64, error) {
	all := slices.SortedFunc(maps.Keys(by), period.compare)
	stand := make(map[period]int64, len(all))
	for len(all) > 0 {
		same := 1
		for same < len(all) && all[same].start.Equal(all[0].start) {
			same++
		}
		n := chunks(same)[0]
		var args []any
		for _, p := range all[:n] {
			args = append(args, db.ID(p.key.A), db.ID(p.key.B), keyring.Environment(p.key.Kind).String(), p.start, by[p])
		}
		var rows []struct {
			AppID, APIID db.ID
			Environment  string
			Used         int64
		}
		err := tx.Raw("INSERT INTO "+table+" (app_id, api_id, environment, "+start+", used) VALUES "+rowsText("(?, ?, ?, ?, ?)", n)+
			" ON CONFLICT ("+key+") DO UPDATE SET used = "+table+".used + excluded.used RETURNING app_id, api_id, environment, used", args...).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			env, _ := keyring.ParseEnvironment(r.Environment)
			stand[period{keyring.LimitKey(keyring.ID(r.AppID), keyring.ID(r.APIID), env), all[0].start}] = r.Used
		}
		all = all[n:]
	}
	return stand, nil
}

func (f *Flusher) rebase(stored []keyring.Stored) {
	now := f.DB.Now()
	for _, s := range stored {
		f.Quotas.Rebase(now, s)
	}
}

// refresh takes in, every few seconds and at the start, what all replicas have charged this month and today. It must not run while a batch is
// pending, whose charges may or may not be among it.
func (f *Flusher) refresh(ctx context.Context) error {
	now := f.DB.Now()
	if f.Quotas == nil || f.seeded && now.Sub(f.refreshed).Abs() < refreshQuotas { // the clock may have been set
		return nil
	}
	month, _ := keyring.Month(now)
	day, _ := keyring.Day(now)
	var rows []struct {
		AppID, APIID db.ID
		Environment  string
		Used, Today  int64
	}
	err := f.DB.Read(ctx).Raw(`SELECT m.app_id, m.api_id, m.environment, m.used, COALESCE(d.used, 0) AS today FROM quota_counters m
		LEFT JOIN quota_days d ON d.day = ? AND d.app_id = m.app_id AND d.api_id = m.api_id AND d.environment = m.environment
		WHERE m.period_start = ?`, day, month).Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, r := range rows {
		env, ok := keyring.ParseEnvironment(r.Environment)
		if ok {
			f.Quotas.Rebase(now, keyring.Stored{Key: keyring.LimitKey(keyring.ID(r.AppID), keyring.ID(r.APIID), env), Day: day, OfMonth: r.Used, OfDay: r.Today})
		}
	}
	f.refreshed, f.seeded = now, true
	return nil
}

// Seed stores what processes before this one left in the spool, as far as that goes, and reads what is already used of this month's quotas: call it before the first verification.
// It may be called again, to read that anew.
func (f *Flusher) Seed(ctx context.Context) error {
	if f.Spool != nil && f.Spool.Head() != nil {
		_ = f.Flush(ctx) // it has said what went wrong, and is tried again
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	f.seeded = f.seeded && f.pending != nil // a batch whose charges may or may not be stored is to be settled first
	return f.refresh(ctx)
}
