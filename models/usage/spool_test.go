package usage_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/spool"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// spooled is a replica whose counts are in a spool. Its place is given up with abandon, as by a kill: nothing is flushed.
func spooled(t *testing.T, w *usagetest.World, dir, name string) (r *replica, abandon func()) {
	t.Helper()
	boot, quiet := usage.NewBoot(), slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := spool.Open(spool.Options{Dir: dir, Size: 4 << 20, Replica: name, Boot: boot, Now: w.DB.Clock, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	r = &replica{w: w, t: t, ring: w.Ring(), counters: keyring.NewUsage(0), quotas: keyring.NewMonthlyQuotas()}
	r.flusher = usage.NewFlusher(usage.FlusherOptions{DB: w.DB, Counters: r.counters, Quotas: r.quotas, Spool: s, Replica: name, Boot: boot, Log: quiet})
	abandon = sync.OnceFunc(func() {
		if err := r.flusher.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(abandon)
	return r, abandon
}

// REL-3, REL-4: a process stored a batch, never heard of it, and died; what it counted after that was never sent. The next process sends both.
func TestNextProcessStoresWhatIsLeftAndNothingTwice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w, dir := usagetest.New(t, d), t.TempDir()
		w.Run("UPDATE plans SET quota_month = 100")
		_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		one, die := spooled(t, w, dir, "one")
		for range 3 {
			one.verify(text, target("GET", "/v2/orders"))
		}
		lost := one.flusher.FlushLosingTheAnswer(t.Context())
		one.verify(text, target("GET", "/v2/orders"))
		die()
		clock.Advance(72 * time.Hour) // the sweep of others must not forget the batch
		if err := usage.NewStore(d).Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}

		two, _ := spooled(t, w, dir, "two")
		err := two.flusher.Seed(t.Context())

		if err != nil || !errors.Is(lost, errLost) {
			t.Fatal(err, lost)
		}
		if got := total(t, w, usage.Week); got.Good != 4 || quotaUsed(t, w) != 4 {
			t.Fatalf("%+v, quota %d", got, quotaUsed(t, w))
		}
		if s := two.flusher.State(); s.Waiting != 0 || s.Bytes != 0 || s.Behind != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// REL-8: hours without a database are kept in the spool, in order, and told of; then they come in.
func TestHoursWithoutTheDatabaseAreKept(t *testing.T) {
	clock := dbtest.NewClock()
	w := usagetest.New(t, dbtest.SQLite(t, clock))
	_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
	r, _ := spooled(t, w, t.TempDir(), "one")
	r.flush()
	facts, api := w.Facts(r.ring, text), w.API(r.ring, "orders")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	const away = 3000
	for range away {
		req := target("GET", "/v2/orders")
		d := keyring.Decide(t.Context(), w.DB.Now(), facts, api, &req, keyring.Limits{})
		r.counters.Count(w.DB.Now(), facts, api, &req, &d)
		_ = r.flusher.Flush(gone)
		clock.Advance(time.Minute)
	}
	during := r.flusher.State()
	for range away {
		r.flush()
	}

	if during.Waiting == 0 || during.Bytes == 0 || during.Behind < away*time.Minute || during.Dropped != 0 {
		t.Errorf("%+v", during)
	}
	if got := total(t, w, usage.Week); got.Good != away {
		t.Errorf("%+v", got)
	}
	if after := r.flusher.State(); after.Waiting != 0 || after.Behind != 0 {
		t.Errorf("%+v", after)
	}
}

// REL-20: a batch that the database refuses is tried a few times, then kept aside, and the ones behind it are stored.
func TestRefusedBatchIsSetAsideAndOthersFlow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w, dir := usagetest.New(t, d), t.TempDir()
		w.Run("UPDATE plans SET quota_month = 100")
		_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		r, _ := spooled(t, w, dir, "one")
		facts, api := w.Facts(r.ring, text), w.API(r.ring, "orders")
		app := *facts.App
		app.ID = keyring.ID(db.NewID()) // one that is not there: its quota can't be charged
		bad := *facts
		bad.App = &app
		req := target("GET", "/v2/orders")
		decision := keyring.Decide(t.Context(), d.Now(), &bad, api, &req, keyring.Limits{Quotas: r.quotas})
		r.counters.Count(d.Now(), &bad, api, &req, &decision)

		var tries int
		for r.flusher.Flush(t.Context()) != nil && tries < 20 {
			tries++
		}
		r.verify(text, req)
		r.flush()

		if got := total(t, w, usage.Hour); tries < 2 || tries > 10 || got.Good != 1 {
			t.Fatalf("%d tries, %+v", tries, got)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*", "*.aside"))
		if s := r.flusher.State(); err != nil || len(files) != 1 || s.Aside != 1 || s.Waiting != 0 {
			t.Errorf("%v %v %+v", files, err, s)
		}
	})
}

// Partitions: two processes make them at once; what came before them is moved; what is too old goes whole.
func TestPartsAreMadeAheadMovedIntoAndDropped(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.Postgres(t, clock)
	w := usagetest.New(t, d)
	key, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
	clock.Set(time.Date(2027, 6, 9, 10, 30, 0, 0, time.UTC)) // long after the migration's parts
	w.Seed(key, w.App, w.Org, w.Orders, "/v2/orders", "VALID", clock.Now(), 7)

	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := usage.NewStore(d).Sweep(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()

	count := func(query string) (n int) {
		t.Helper()
		if err := d.Read(t.Context()).Raw(query).Row().Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count("SELECT COUNT(*) FROM usage_minutes_20270609"); n != 1 {
		t.Error("by minute", n)
	}
	if n := count("SELECT COUNT(*) FROM usage_hours_20270607"); n != 1 {
		t.Error("by hour", n)
	}
	if n := count("SELECT COUNT(*) FROM usage_minutes_default") + count("SELECT COUNT(*) FROM usage_hours_default"); n != 0 {
		t.Error("left behind", n)
	}
	if n := count("SELECT COUNT(*) FROM pg_inherits WHERE inhparent = CAST('usage_minutes' AS regclass)"); n != 9 { // today, seven days ahead, and the default: those of the migration are gone
		t.Error("parts", n)
	}
	clock.Advance(4 * 24 * time.Hour)
	if err := usage.NewStore(d).Sweep(t.Context()); err != nil || count("SELECT COUNT(*) FROM usage_minutes") != 0 || count("SELECT COUNT(*) FROM usage_hours") != 1 {
		t.Error("retention", err)
	}
}
