package usage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	handler "github.com/gatehouse-dev/gatehouse/handlers/usage"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/replica"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// REL-8: a page whose figures lack something says up to when they are whole, and nothing of it when they are.
func TestPagesSayUpToWhenCountsAreThere(t *testing.T) {
	clock := dbtest.NewClock() // 12:00
	d := dbtest.SQLite(t, clock)
	w := usagetest.New(t, d)
	var own usage.State
	s := site{webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		h := handler.New(k, usage.NewStore(d), quota.NewStore(d, nil, nil))
		h.Counting = &handler.Counting{Own: func() usage.State { return own }, Others: replica.NewStore(d).Lag}
		h.Routes(r)
	}), w}
	id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
	w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "VALID", clock.Now(), 10)
	report := replica.Report{}
	other := replica.NewHeart(replica.HeartOptions{DB: d, Name: "other", Report: func(context.Context) replica.Report { return report }})
	mira, root := s.as(t, w.Person), s.as(t, w.Staff)
	const prompt, waits = "seen here within two seconds", "Some counts are still on their way"

	for _, c := range []struct {
		what string
		turn func() error
		want string
	}{
		{"all is stored", func() error { return other.Beat(t.Context()) }, prompt},
		{"a flush is on its way", func() error { own.Behind = 2 * time.Second; return nil }, prompt},
		{"this process can't store", func() error { own.Behind = 10 * time.Minute; return nil }, "Counts up to 11:50"},
		{"it could again, another is catching up", func() error { own.Behind, report.Spooled = 0, 4; return other.Beat(t.Context()) }, waits},
		{"another is not heard of any more", func() error { clock.Advance(3 * time.Minute); return nil }, "Counts up to 12:00"},
		{"it is back", func() error { report.Spooled = 0; return other.Beat(t.Context()) }, prompt},
	} {
		if err := c.turn(); err != nil {
			t.Fatal(err)
		}
		for path, client := range map[string]*webtest.Client{"/console/usage": mira, "/admin/usage": root} {
			body := client.Get(path).Body
			for _, words := range []string{prompt, waits, "Counts up to "} {
				if there := strings.Contains(body, words); there != strings.HasPrefix(c.want, words) || !strings.Contains(body, c.want) {
					t.Errorf("%s, %s: %q stands there: %v; want %q", path, c.what, words, there, c.want)
				}
			}
		}
	}
}

// A process that started anew under its name takes over what it left, and one that is on PostgreSQL is asked in the same way.
func TestProcessThatStartedAnewIsNotMissed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		at := func(context.Context) (time.Time, error) { return clock.Now(), nil }
		beat := func(name string) {
			h := replica.NewHeart(replica.HeartOptions{DB: d, Name: name, Report: func(context.Context) replica.Report { return replica.Report{} }, DatabaseClock: at})
			if err := h.Beat(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		began := clock.Now()
		beat("one")
		clock.Advance(time.Minute)
		lost, err := replica.NewStoreAt(d, at).Lag(t.Context())
		beat("one")

		found, err2 := replica.NewStoreAt(d, at).Lag(t.Context())

		if err != nil || err2 != nil || !lost.UpTo.Equal(began) || found != (replica.Lag{}) {
			t.Error(lost, found, err, err2)
		}
	})
}
