package usage_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// R1: what goes on is no news. A first use, a new network and a use a minute later are written with the next batch.
func TestAUseThatGoesOnIsWrittenOnceAMinute(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		id, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		r := newReplica(t, w, "one", 0)
		var got []time.Duration
		began := clock.Now()
		use := func(after time.Duration, ip string) {
			clock.Set(began.Add(after))
			r.poll()
			q := target("GET", "/v2/orders")
			q.IP = netip.MustParseAddr(ip)
			r.verify(text, q)
			r.flush()
			var at time.Time
			if err := d.Read(t.Context()).Raw("SELECT last_used_at FROM keys WHERE id = ?", id).Row().Scan(&at); err != nil {
				t.Fatal(err)
			}
			got = append(got, at.Sub(began))
		}

		use(0, "203.0.113.7")
		use(usage.NoteEvery-time.Second, "203.0.113.7")
		use(usage.NoteEvery, "203.0.113.7")
		use(usage.NoteEvery+time.Second, "198.51.100.7")

		for i, want := range []time.Duration{0, 0, usage.NoteEvery, usage.NoteEvery + time.Second} {
			if got[i] != want {
				t.Errorf("after use %d: %v, want %v", i+1, got[i], want)
			}
		}
		var networks, scopes int
		err1 := d.Read(t.Context()).Raw("SELECT COUNT(*) FROM key_network_uses WHERE key_id = ?", id).Row().Scan(&networks)
		err2 := d.Read(t.Context()).Raw("SELECT COUNT(*) FROM key_grant_uses WHERE key_id = ?", id).Row().Scan(&scopes)
		if err1 != nil || err2 != nil || networks != 2 || scopes != 1 {
			t.Error(networks, scopes, err1, err2)
		}
		if sum := total(t, w, usage.Day); sum.Good != 4 {
			t.Errorf("%d calls were counted", sum.Good)
		}
	})
}
