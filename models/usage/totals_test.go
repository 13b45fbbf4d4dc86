package usage_test

import (
	"context"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// bySeries reads the sum by hand from the counts of series.
func bySeries(t *testing.T, d *db.DB, table, code string) (n int64) {
	t.Helper()
	if err := d.Read(t.Context()).Raw("SELECT CAST(COALESCE(SUM(u.calls), 0) AS bigint) FROM "+table+" u JOIN usage_series s ON s.id = u.series_id WHERE s.code = ?", code).Row().Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func staffSees(t *testing.T, w *usagetest.World, v usage.View) ([]usage.Point, usage.Count) {
	t.Helper()
	v.Actor, v.Everything = w.Staff, true
	points, sum, err := usage.NewStore(w.DB).Series(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return points, sum
}

// R11, REL-4: what staff see of everything is what the series counted, also when a batch comes twice.
func TestTotalsAreWhatTheirSeriesCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		_, first := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		_, second := w.AddKey(w.App, "Nightly", w.Orders, w.OrdersRead)
		r := newReplica(t, w, "one", 0)
		for i := range 30 {
			r.verify(first, target("GET", "/v2/orders"))
			r.verify(second, target("GET", "/v2/orders/7"))
			r.verify(second, target("POST", "/v2/orders"))
			if i == 20 {
				if err := r.flusher.FlushLosingTheAnswer(t.Context()); err == nil {
					t.Fatal("nothing was lost")
				}
				clock.Advance(2 * time.Hour)
				r.poll()
			}
		}
		r.flush()

		for _, span := range []usage.Span{usage.Day, usage.Week, usage.Month, usage.ThreeMonth} {
			_, all := staffSees(t, w, usage.View{Span: span})
			_, refused := staffSees(t, w, usage.View{Span: span, API: w.Orders, Environment: "live", Code: usage.Refused})
			_, none := staffSees(t, w, usage.View{Span: span, API: w.People})
			if all != (usage.Count{Good: 60, Bad: 30}) || refused != (usage.Count{Bad: 30}) || none.All() != 0 {
				t.Errorf("%s: %+v, refused %+v, of another API %+v", span, all, refused, none)
			}
		}
		if good := bySeries(t, d, "usage_hours", "VALID"); good != 60 {
			t.Error("control:", good)
		}
	})
}

// What an API in report-only mode would have refused was let through, in a chart as in the tables.
func TestWhatWasPassedOverIsNoRefusal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "VALID", clock.Now(), 5)
		w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "PASSED_INSUFFICIENT_SCOPE", clock.Now(), 3)
		w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "INSUFFICIENT_SCOPE", clock.Now(), 1)

		for _, span := range usage.Spans {
			_, whole := staffSees(t, w, usage.View{Span: span})
			_, part := staffSees(t, w, usage.View{Span: span, Key: id})
			_, passed := staffSees(t, w, usage.View{Span: span, Code: usage.Passed})
			if want := (usage.Count{Good: 8, Bad: 1}); whole != want || part != want || passed != (usage.Count{Good: 3}) {
				t.Errorf("%s: of all %+v, of the key %+v, passed over %+v", span, whole, part, passed)
			}
		}
	})
}

// During an upgrade programs from before there were totals count without them.
func TestCountsOfAnOlderProgramAreInTheTotalsWithinTheHour(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "VALID", clock.Now(), 5)
		w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "VALID", clock.Now().Add(-20*24*time.Hour), 3)
		w.Run("UPDATE usage_hours SET calls = calls + 7 WHERE at >= ?", clock.Now().Add(-time.Hour))
		w.Run("UPDATE usage_days SET calls = calls + 7 WHERE at >= ?", clock.Now().Add(-24*time.Hour))

		if err := usage.NewStore(d).Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}

		_, day := staffSees(t, w, usage.View{Span: usage.Day})
		_, month := staffSees(t, w, usage.View{Span: usage.Month})
		if day.Good != 12 || month.Good != 15 {
			t.Errorf("a day %+v, a month %+v", day, month)
		}
	})
}

// manyKeys counts of so many keys, an hour ago and each day.
func manyKeys(t *testing.T, w *usagetest.World, keys int) {
	t.Helper()
	for range keys {
		id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		for _, age := range []time.Duration{time.Hour, 30 * time.Hour, 80 * time.Hour} {
			w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "VALID", w.DB.Now().Add(-age), 100)
		}
	}
	if w.DB.Dialect == db.Postgres {
		if _, err := w.DB.Writer().ExecContext(context.Background(), "ANALYZE"); err != nil {
			t.Fatal(err)
		}
	}
}

// R11: staff's chart is a walk along the totals' index; no series is read for it, and nothing is sorted.
func TestStaffsChartIsReadFromTheTotalsAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := usagetest.New(t, d)
		manyKeys(t, w, 20)
		reads := dbtest.Reads(t, d)
		for _, span := range []usage.Span{usage.Day, usage.Week, usage.Month, usage.ThreeMonth} {
			staffSees(t, w, usage.View{Span: span, API: w.Orders})

			seen := reads()
			if len(seen) != 1 {
				t.Fatal(len(seen), "statements")
			}
			plan := dbtest.Plan(t, d, seen[0])
			if !regexp.MustCompile(`SEARCH s USING PRIMARY KEY \(at>\?|usage_api_(hours|days)_pkey`).MatchString(plan) || regexp.MustCompile(`SCAN|TEMP B-TREE|Seq Scan|\bSort\b|usage_series`).MatchString(plan) {
				t.Errorf("%s:\n%s", span, plan)
			}
		}
	})
}

// R11: a developer's chart reads their own series and no others, however many there are.
func TestDevelopersChartSeeksTheirOwnSeries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := usagetest.New(t, d)
		manyKeys(t, w, 20)
		reads := dbtest.Reads(t, d)
		for _, span := range usage.Spans {
			if _, _, err := usage.NewStore(d).Series(t.Context(), usage.View{Actor: w.Person, Span: span}); err != nil {
				t.Fatal(err)
			}

			plan := dbtest.Plan(t, d, reads()[0])

			if d.Dialect == db.SQLite && !regexp.MustCompile(`SEARCH u USING PRIMARY KEY \(series_id=\? AND at>\?\)`).MatchString(plan) || regexp.MustCompile(`SCAN (u|s)\b|Seq Scan on usage_(series|minutes|hours|days)`).MatchString(plan) {
				t.Errorf("%s:\n%s", span, plan)
			}
		}
	})
}

// R11: whether a key is silent is asked of each of its series by the index; the counts of a week are read of the silent ones alone.
func TestNewlySilentKeysAreFoundBySeekingEachKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := usagetest.New(t, d)
		manyKeys(t, w, 20)
		reads := dbtest.Reads(t, d)

		if _, err := usage.NewStore(d).NewlySilent(t.Context(), usage.View{Actor: w.Staff, Everything: true}, 50); err != nil {
			t.Fatal(err)
		}

		seen := reads()
		plan := dbtest.Plan(t, d, seen[slices.IndexFunc(seen, func(s dbtest.Statement) bool { return regexp.MustCompile("silent AS").MatchString(s.SQL) })])
		if regexp.MustCompile(`SCAN (u|h|m|k)\b|usage_(hours|minutes)_span|Seq Scan on (usage_(hours|minutes)|keys)`).MatchString(plan) {
			t.Error(plan)
		}
	})
}
