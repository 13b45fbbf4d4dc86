package demo_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/usage"
)

func holdsUsage(t *testing.T, d *db.DB, now time.Time) {
	store := usage.NewStore(d)
	everything := usage.View{Actor: actor.ForOperator(), Everything: true, Span: usage.Month}
	silent, err := store.NewlySilent(t.Context(), everything, 50)
	if err != nil || len(silent) != 3 {
		t.Errorf("newly silent: %+v %v", silent, err)
	}
	everything.API = onlyID(t, d, "SELECT id FROM apis WHERE slug = 'orders'")
	points, total, err := store.Series(t.Context(), everything)
	if err != nil || total.Good < 50_000 {
		t.Fatalf("%+v %v", total, err)
	}
	incident := now.Truncate(24*time.Hour).AddDate(0, 0, -9)
	for _, p := range points {
		if p.At.Equal(incident) && p.Bad < 1000 {
			t.Errorf("the incident of %s is not to be seen: %+v", incident, p)
		}
		if !p.At.Equal(incident) && p.Bad > 500 {
			t.Errorf("another incident at %s: %+v", p.At, p)
		}
	}
	codes, err := store.ByCode(t.Context(), usage.View{Actor: actor.ForOperator(), Everything: true, Span: usage.Month})
	if err != nil || len(codes) < 9 {
		t.Errorf("codes: %+v %v", codes, err)
	}
	holdsSums(t, d, now)
	holdsQuotas(t, d, now)
}

// holdsQuotas compares what is used of quotas by day and by month with what was let through; nobody has used one up.
func holdsQuotas(t *testing.T, d *db.DB, now time.Time) {
	t.Helper()
	const ofDay = "FROM usage_days u JOIN usage_series s ON s.id = u.series_id JOIN plans l ON l.name = 'Open' AND l.api_id = s.api_id JOIN access x ON x.plan_id = l.id AND x.app_id = s.app_id WHERE s.code = 'VALID'"
	day := now.UTC().Truncate(24 * time.Hour)
	today, used := number(t, d, "SELECT COALESCE(SUM(u.calls), 0) "+ofDay+" AND u.at = ?", day),
		number(t, d, "SELECT COALESCE(SUM(q.used), 0) FROM quota_days q JOIN plans l ON l.name = 'Open' AND l.api_id = q.api_id JOIN access x ON x.plan_id = l.id AND x.app_id = q.app_id WHERE q.day = ?", day)
	if used != today || now.Hour() > 6 && used == 0 {
		t.Errorf("%d are used of quotas by day, and %d calls were let through today", used, today)
	}
	if n := number(t, d, "SELECT COUNT(*) FROM (SELECT s.app_id, s.environment, u.at, l.quota_day "+ofDay+" GROUP BY s.app_id, s.environment, u.at, l.quota_day HAVING SUM(u.calls) > l.quota_day) o"); n > 0 {
		t.Errorf("%d times an app was let through beyond its quota of a day", n)
	}
	if n := number(t, d, "SELECT COUNT(*) FROM quota_counters q JOIN access x ON x.app_id = q.app_id AND x.api_id = q.api_id AND x.state = 'approved' JOIN plans l ON l.id = x.plan_id WHERE q.used > l.quota_month"); n > 0 {
		t.Errorf("%d apps were let through beyond their quota of a month", n)
	}
}

// holdsSums compares minutes, hours and days, and what keys say of their last use.
func holdsSums(t *testing.T, d *db.DB, now time.Time) {
	hours, days := number(t, d, "SELECT SUM(calls) FROM usage_hours"), number(t, d, "SELECT SUM(calls) FROM usage_days")
	since := now.Add(-40 * time.Hour).Truncate(time.Hour)
	late, minutes := number(t, d, "SELECT SUM(calls) FROM usage_hours WHERE at >= ?", since), number(t, d, "SELECT SUM(calls) FROM usage_minutes WHERE at >= ?", since)
	if hours != days || late != minutes {
		t.Errorf("hours %d, days %d; the last 40 hours %d, by minutes %d", hours, days, late, minutes)
	}
	t.Logf("%d calls; %d rows of hours, %d of minutes", hours, number(t, d, "SELECT COUNT(*) FROM usage_hours"), number(t, d, "SELECT COUNT(*) FROM usage_minutes"))
	for _, query := range []string{
		"SELECT COUNT(*) FROM usage_minutes WHERE at > ?", "SELECT COUNT(*) FROM keys WHERE last_used_at > ?", "SELECT COUNT(*) FROM key_network_uses WHERE last_used_at > ?",
		"SELECT COUNT(*) FROM key_network_uses WHERE first_used_at > last_used_at AND first_used_at > ?",
	} {
		if n := number(t, d, query, now); n > 0 {
			t.Errorf("%s: %d after the end of the story", query, n)
		}
	}
	for _, query := range []string{
		"SELECT COUNT(*) FROM keys k WHERE k.last_used_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM key_grant_uses u WHERE u.key_id = k.id)",
		"SELECT COUNT(*) FROM keys WHERE last_used_at < created_at",
		"SELECT COUNT(*) FROM key_grant_uses u WHERE NOT EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = u.key_id AND g.scope_id = u.scope_id)",
	} {
		if n := number(t, d, query); n > 0 {
			t.Errorf("%s: %d", query, n)
		}
	}
}
