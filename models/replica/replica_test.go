package replica_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/replica"
)

var bg = context.Background()

var auditor = actor.Actor{Kind: actor.User, UserID: db.NewID(), StaffRole: permission.Auditor}

// one is a process whose report can be changed, over a database whose clock is turned by hand.
func one(d *db.DB, clock *dbtest.Clock, name string, report *replica.Report) *replica.Heart {
	return replica.NewHeart(replica.HeartOptions{
		DB: d, Name: name, Version: "v1", EdgeAddr: "127.0.0.1:9000", Report: func(context.Context) replica.Report { return *report },
		DatabaseClock: func(context.Context) (time.Time, error) { return clock.Now(), nil },
	})
}

func beat(t *testing.T, hearts ...*replica.Heart) {
	t.Helper()
	for _, h := range hearts {
		if err := h.Beat(bg); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLivingReplicasAreCountedAndDeadOnesAreNot(t *testing.T) { // L6: limits are shared by who lives
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, b, c := one(d, clock, "a", &replica.Report{}), one(d, clock, "b", &replica.Report{}), one(d, clock, "c", &replica.Report{})
		if a.Peers() != 1 {
			t.Error("a process that has not beaten is alone", a.Peers())
		}
		beat(t, a, b, c, a)
		together := a.Peers()
		clock.Advance(10 * time.Second)
		beat(t, a, b)
		clock.Advance(6 * time.Second) // c was last seen 16 s ago
		beat(t, a)
		withoutC := a.Peers()
		if err := b.Leave(bg); err != nil {
			t.Fatal(err)
		}
		beat(t, a)

		if together != 3 || withoutC != 2 || a.Peers() != 1 {
			t.Errorf("together %d, without the dead one %d, alone %d", together, withoutC, a.Peers())
		}
	})
}

func TestPeersStayWhatTheyWereWhileTheDatabaseIsAway(t *testing.T) { // 4.5
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, b := one(d, clock, "a", &replica.Report{}), one(d, clock, "b", &replica.Report{})
		beat(t, a, b, a)
		gone, cancel := context.WithCancel(bg)
		cancel()

		err := a.Beat(gone)

		if err == nil || a.Peers() != 2 {
			t.Errorf("%v, %d peers", err, a.Peers())
		}
	})
}

func TestFleetTellsHowEachReplicaStands(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		report := replica.Report{FeedSeq: 3, FeedAge: 40 * time.Millisecond, Hint: replica.On, Redis: replica.Off, Spooled: 2, KeysHeld: 7, Lookups: 100, Reads: 10}
		store, a, old := newStore(d, clock), one(d, clock, "a", &report), one(d, clock, "old", &replica.Report{})
		beat(t, old)
		clock.Advance(20 * time.Second)
		beat(t, a)
		started := clock.Now()
		clock.Advance(5 * time.Second)
		report.Lookups, report.Reads = 300, 12
		beat(t, a)
		if err := d.Tx(bg, func(tx *db.Tx) error { change.Record(tx, change.Setting, db.NewID()); return nil }); err != nil {
			t.Fatal(err)
		}

		f, err := store.Fleet(bg, auditor)

		if err != nil || len(f.Replicas) != 2 || f.LastSeq != 1 || !f.Now.Equal(clock.Now()) {
			t.Fatalf("%+v %v", f, err)
		}
		got := f.Replicas[0]
		want := replica.Replica{
			BootID: a.BootID(), Name: "a", Version: "v1", EdgeAddr: "127.0.0.1:9000", StartedAt: got.StartedAt, SeenAt: got.SeenAt, FeedSeq: 3, FeedMS: 40,
			Hint: replica.On, Redis: replica.Off, Spooled: 2, KeysHeld: 7, Lookups: 200, Reads: 2, Alive: true,
		}
		if got != want || !got.StartedAt.Equal(started) || !got.SeenAt.Equal(clock.Now()) || got.FeedAge() != 40*time.Millisecond {
			t.Errorf("%+v", got)
		}
		if f.Replicas[1].Name != "old" || f.Replicas[1].Alive {
			t.Errorf("the dead one: %+v", f.Replicas[1])
		}
		clock.Advance(replica.Remembered)
		beat(t, a)
		if f, err := store.Fleet(bg, auditor); err != nil || len(f.Replicas) != 1 {
			t.Errorf("the dead one is not forgotten: %+v %v", f, err)
		}
	})
}

// REL-12: a process whose clock is an hour ahead is seen to be so, lives, and takes nobody for dead.
func TestWrongClockOfAProcessIsToldAndKillsNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		right := one(d, clock, "right", &replica.Report{})
		beat(t, right)
		database := clock.Now()
		ahead := replica.NewHeart(replica.HeartOptions{
			DB: d, Name: "ahead", Report: func(context.Context) replica.Report { return replica.Report{} },
			DatabaseClock: func(context.Context) (time.Time, error) { return database, nil },
		})
		clock.Advance(time.Hour) // of the process: the database's stands still
		beat(t, ahead)
		clock.Set(database)

		f, err := newStore(d, clock).Fleet(bg, auditor)

		if err != nil || len(f.Replicas) != 2 || ahead.Peers() != 2 {
			t.Fatalf("%+v %v, %d peers", f, err, ahead.Peers())
		}
		if f.Replicas[0].Skew() != time.Hour || f.Replicas[1].Skew() != 0 {
			t.Errorf("skews %v and %v", f.Replicas[0].Skew(), f.Replicas[1].Skew())
		}
	})
}

func TestDatabaseTellsTheTime(t *testing.T) { // by its own clock, whatever the process believes
	d := dbtest.Postgres(t, dbtest.NewClock())
	h := replica.NewHeart(replica.HeartOptions{DB: d, Name: "a", Report: func(context.Context) replica.Report { return replica.Report{} }})
	beat(t, h)
	var seconds float64
	if err := d.Read(bg).Raw("SELECT ABS(EXTRACT(EPOCH FROM clock_timestamp() - seen_at)) FROM replicas").Scan(&seconds).Error; err != nil {
		t.Fatal(err)
	}

	f, err := replica.NewStore(d).Fleet(bg, auditor)

	if err != nil || len(f.Replicas) != 1 || !f.Replicas[0].Alive || seconds > 60 {
		t.Errorf("%+v %v, %f s away from the database's clock", f, err, seconds)
	}
}

func TestOnlyStaffSeeReplicas(t *testing.T) { // Z1
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		_, err := newStore(d, clock).Fleet(bg, actor.Actor{Kind: actor.User, UserID: db.NewID()})

		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Forbidden {
			t.Error(err)
		}
	})
}

func TestHeartBeatsUntilItIsToldToStopAndLeavesNoRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		asked := make(chan struct{}, 10)
		h := replica.NewHeart(replica.HeartOptions{
			DB: d, Name: "a", Report: func(context.Context) replica.Report { return replica.Report{} },
			DatabaseClock: func(context.Context) (time.Time, error) { asked <- struct{}{}; return clock.Now(), nil },
		})
		ctx, stop := context.WithCancel(bg)
		done := make(chan struct{})
		go func() { defer close(done); h.Run(ctx) }()
		<-asked
		stop()
		<-done

		var rows int
		if err := d.Read(bg).Raw("SELECT COUNT(*) FROM replicas").Scan(&rows).Error; err != nil || rows != 0 {
			t.Error(rows, err)
		}
	})
}

func newStore(d *db.DB, clock *dbtest.Clock) *replica.Store {
	return replica.NewStoreAt(d, func(context.Context) (time.Time, error) { return clock.Now(), nil })
}
