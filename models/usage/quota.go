package usage

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// charge adds what this process charged to the counters of all, by day and by month, and returns what they stand at now. Sorted, so that two
// replicas take row locks in one order.
func charge(tx *db.Tx, charges []keyring.Charge) ([]keyring.Stored, error) {
	charges = slices.Clone(charges)
	slices.SortFunc(charges, func(a, b keyring.Charge) int {
		return cmp.Or(bytes.Compare(a.Key.A[:], b.Key.A[:]), bytes.Compare(a.Key.B[:], b.Key.B[:]), cmp.Compare(a.Key.Kind, b.Key.Kind), a.Day.Compare(b.Day))
	})
	stored := make([]keyring.Stored, len(charges))
	for i, c := range charges {
		month, _ := keyring.Month(c.Day)
		app, api, env := db.ID(c.Key.A), db.ID(c.Key.B), keyring.Environment(c.Key.Kind).String()
		stored[i] = keyring.Stored{Key: c.Key, Day: c.Day}
		err := tx.Raw(`INSERT INTO quota_counters (app_id, api_id, environment, period_start, used) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (app_id, api_id, environment, period_start) DO UPDATE SET used = quota_counters.used + excluded.used RETURNING used`,
			app, api, env, month, c.Cost).Row().Scan(&stored[i].OfMonth)
		if err != nil {
			return nil, err
		}
		err = tx.Raw(`INSERT INTO quota_days (app_id, api_id, environment, day, used) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (day, app_id, api_id, environment) DO UPDATE SET used = quota_days.used + excluded.used RETURNING used`,
			app, api, env, c.Day, c.Cost).Row().Scan(&stored[i].OfDay)
		if err != nil {
			return nil, err
		}
	}
	return stored, nil
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
	if f.Quotas == nil || f.seeded && now.Sub(f.refreshed) < refreshQuotas {
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
func (f *Flusher) Seed(ctx context.Context) error {
	if f.Spool != nil && f.Spool.Head() != nil {
		_ = f.Flush(ctx) // it has said what went wrong, and is tried again
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	return f.refresh(ctx)
}
