package usage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

func TestStepsAreEqualAndNoneIsLeftOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		clock.Set(time.Date(2026, 11, 21, 13, 37, 20, 0, time.UTC))
		w := usagetest.New(t, d)
		id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		now := clock.Now()
		for _, age := range []time.Duration{0, time.Minute, 59 * time.Minute, 60 * time.Minute, 23 * time.Hour, 25 * time.Hour, 6 * 24 * time.Hour, 29 * 24 * time.Hour, 40 * 24 * time.Hour, 89 * 24 * time.Hour, 91 * 24 * time.Hour} {
			w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "VALID", now.Add(-age), 1)
		}
		w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "EXPIRED", now, 5)

		for span, want := range map[usage.Span]struct {
			steps int
			step  time.Duration
			good  int64
		}{
			usage.Hour: {60, time.Minute, 3}, usage.Day: {24, time.Hour, 5}, usage.Week: {28, 6 * time.Hour, 7}, usage.Month: {30, 24 * time.Hour, 8}, usage.ThreeMonth: {90, 24 * time.Hour, 10},
		} {
			points, sum, err := usage.NewStore(d).Series(t.Context(), usage.View{Actor: w.Person, Span: span})
			if err != nil {
				t.Fatal(err)
			}
			if len(points) != want.steps || sum != (usage.Count{Good: want.good, Bad: 5}) || points[len(points)-1].Bad != 5 {
				t.Errorf("%s: %d steps, %+v", span, len(points), sum)
			}
			for i := 1; i < len(points); i++ {
				if points[i].At.Sub(points[i-1].At) != want.step {
					t.Fatalf("%s: step %d", span, i)
				}
			}
		}
	})
}

// Z2
func TestUsageOfOthersIsNeverCountedWhateverTheFilterSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		s := usage.NewStore(d)
		id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "VALID", clock.Now(), 7)
		w.Seed(db.ID{}, db.ID{}, db.ID{}, w.Orders, "", "NOT_FOUND", clock.Now(), 3)

		for name, v := range map[string]usage.View{
			"all": {}, "their app": {App: w.App}, "their key": {Key: id}, "their organization": {Org: w.Org}, "the API": {API: w.Orders}, "unknown keys": {Code: "NOT_FOUND"},
		} {
			v.Actor = w.Stranger
			_, sum, err := s.Series(t.Context(), v)
			apps, err1 := s.ByApp(t.Context(), v, 10)
			choices, err2 := s.Keys(t.Context(), v)
			lines := 0
			_, err3 := s.Each(t.Context(), v, func(usage.Line) error { lines++; return nil })
			if err != nil || err1 != nil || err2 != nil || err3 != nil || sum.All() != 0 || len(apps)+len(choices)+lines != 0 {
				t.Errorf("%s: %+v %v %v %d %v %v %v %v", name, sum, apps, choices, lines, err, err1, err2, err3)
			}
			v.Everything = true
			if _, _, err := s.Series(t.Context(), v); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s, over everything: %v", name, err)
			}
		}
		if _, sum, err := s.Series(t.Context(), usage.View{Actor: w.Staff, Everything: true, Span: usage.Day}); err != nil || sum != (usage.Count{Good: 7, Bad: 3}) {
			t.Error("control:", sum, err)
		}
	})
}

func TestBreakdownsAddUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		s := usage.NewStore(d)
		worker, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		other := w.AddApp(w.Org, "Reports")
		nightly, _ := w.AddKey(other, "Nightly", w.Orders, w.OrdersRead)
		now := clock.Now()
		w.Seed(worker, w.App, w.Org, w.Orders, "/v2/orders", "VALID", now, 10)
		w.Seed(worker, w.App, w.Org, w.Orders, "/v2/orders/{id}", "INSUFFICIENT_SCOPE", now, 4)
		w.Seed(nightly, other, w.Org, w.Orders, "", "VALID", now, 20)
		w.Seed(nightly, other, w.Org, w.Portal, "/v1/whoami", "VALID", now, 1)
		v := usage.View{Actor: w.Person, Span: usage.Day}

		show := func(rows []usage.Row, err error) string {
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, r := range rows {
				text += fmt.Sprintf("%s/%s %d+%d; ", r.Name, r.Detail, r.Good, r.Bad)
			}
			return text
		}

		for got, want := range map[string]string{
			show(s.ByApp(t.Context(), v, 10)):                                                                                 "Reports/Northwind 21+0; Northwind shop/Northwind 10+4; ",
			show(s.ByAPI(t.Context(), v, 10)):                                                                                 "Orders/orders 30+4; Portal/portal 1+0; ",
			show(s.ByRoute(t.Context(), v, 10)):                                                                               "/orders 20+0; /v2/orders/orders 10+0; /v2/orders/{id}/orders 0+4; /v1/whoami/portal 1+0; ",
			show(s.ByCode(t.Context(), v)):                                                                                    "VALID/ 31+0; INSUFFICIENT_SCOPE/ 0+4; ",
			show(s.ByApp(t.Context(), v, 1)):                                                                                  "Reports/Northwind 21+0; ",
			show(s.ByCode(t.Context(), with(v, func(v *usage.View) { v.Key = nightly }))):                                     "VALID/ 21+0; ",
			show(s.ByAPI(t.Context(), with(v, func(v *usage.View) { v.Code = usage.Refused }), 9)):                            "Orders/orders 0+4; ",
			show(s.ByAPI(t.Context(), with(v, func(v *usage.View) { v.Environment = "test" }), 9)):                            "",
			show(s.ByRoute(t.Context(), with(v, func(v *usage.View) { v.App, v.API, v.Code = other, w.Portal, "VALID" }), 9)): "/v1/whoami/portal 1+0; ",
		} {
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
		refused, err := s.MostRefused(t.Context(), usage.View{Actor: w.Staff, Everything: true, Span: usage.Week}, 10)
		if err != nil || len(refused) != 1 || refused[0].ID != worker || refused[0].Bad != 4 {
			t.Error(refused, err)
		}
	})
}

func with(v usage.View, fn func(*usage.View)) usage.View { fn(&v); return v }

func TestNewlySilentKeysAreFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		now := clock.Now()
		add := func(name string, ages map[time.Duration]int64) db.ID {
			id, _ := w.AddKey(w.App, name, w.Orders, w.OrdersRead)
			for age, n := range ages {
				w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "VALID", now.Add(-age), n)
			}
			return id
		}
		day := 24 * time.Hour
		silent := add("silent", map[time.Duration]int64{25 * time.Hour: 60, 7 * day: 40})
		add("busy", map[time.Duration]int64{2 * day: 1000, 23*time.Hour + 59*time.Minute: 1})
		add("rare", map[time.Duration]int64{2 * day: 99})
		add("long gone", map[time.Duration]int64{9 * day: 1000})
		w.Run("UPDATE keys SET revoked_at = ? WHERE id = ?", now, add("revoked", map[time.Duration]int64{2 * day: 1000}))
		w.Run("UPDATE keys SET expires_at = ? WHERE id = ?", now, add("expired", map[time.Duration]int64{2 * day: 1000}))
		w.Run("UPDATE keys SET paused_at = ? WHERE id = ?", now, add("paused", map[time.Duration]int64{2 * day: 1000}))

		rows, err := usage.NewStore(d).NewlySilent(t.Context(), usage.View{Actor: w.Staff, Everything: true}, 10)
		none, err2 := usage.NewStore(d).NewlySilent(t.Context(), usage.View{Actor: w.Stranger}, 10)

		atAPI := func(api db.ID) []usage.Silent {
			found, err := usage.NewStore(d).NewlySilent(t.Context(), usage.View{Actor: w.Staff, Everything: true, API: api}, 10)
			if err != nil {
				t.Fatal(err)
			}
			return found
		}

		if here, elsewhere := atAPI(w.Orders), atAPI(db.NewID()); len(here) != 1 || len(elsewhere) != 0 {
			t.Error("by API:", here, elsewhere)
		}
		if err != nil || err2 != nil || len(rows) != 1 || rows[0].ID != silent || rows[0].Calls != 100 || rows[0].App != "Northwind shop" || len(none) != 0 {
			t.Fatal(rows, none, err, err2)
		}
	})
}
