package replica_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/replica"
)

// heard asks whether all others count a process.
func heard(t *testing.T, h *replica.Heart) bool {
	t.Helper()
	all, err := h.Heard(bg)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// L4, L6: whoever serves before the others divide limits by a number that counts it lets through what is theirs.
func TestNewcomerIsHeardOnceAllOthersCountIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		report := replica.Report{}
		a, b, late := one(d, clock, "a", &report), one(d, clock, "b", &report), one(d, clock, "c", &report)
		beat(t, a, b, a)
		unborn := heard(t, late)
		clock.Advance(time.Millisecond)
		beat(t, late)
		atOnce, counts := heard(t, late), late.Peers()
		clock.Advance(time.Millisecond)
		beat(t, a)
		byOne, ofA := heard(t, late), a.Peers()
		beat(t, b)

		if unborn || atOnce || byOne || !heard(t, late) {
			t.Errorf("heard before it joined: %v; when nobody looked: %v; when one did: %v; when all did: %v", unborn, atOnce, byOne, heard(t, late))
		}
		if counts != 3 || ofA != 3 || b.Peers() != 3 {
			t.Errorf("the newcomer counts %d, the others %d and %d", counts, ofA, b.Peers())
		}
	})
}

func TestNewcomerIsHeardOnceTheDeadAreKnownToBe(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		report := replica.Report{}
		silent, late := one(d, clock, "a", &report), one(d, clock, "b", &report)
		beat(t, silent)
		clock.Advance(time.Second)
		beat(t, late)
		before := heard(t, late)
		clock.Advance(replica.LivesFor)

		if before || !heard(t, late) {
			t.Errorf("while it may live %v, then %v", before, heard(t, late))
		}
	})
}

func TestNobodyWaitsForAProcessThatEndedOnThisMachine(t *testing.T) { // REL-1: after a kill it is ready within three seconds
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		report := replica.Report{}
		const nobody = "/999999999" // above what Linux gives
		beat(t, one(d, clock, "here"+nobody, &report), one(d, clock, "here/1", &report))
		clock.Advance(time.Millisecond)
		again, other := one(d, clock, "here/1", &report), one(d, clock, "elsewhere/1", &report)
		beat(t, again)

		if !heard(t, again) || again.Peers() != 3 {
			t.Errorf("heard %v; it counts %d, want the killed too: its row may be of another machine", heard(t, again), again.Peers())
		}
		clock.Advance(time.Millisecond)
		if beat(t, other); heard(t, other) {
			t.Error("of another machine nobody knows who ended")
		}
	})
}

// L4: the one that was there counts the newcomer, then stores what it counted as the only one, and only then says that it knows.
func TestWhoLearnsOfAnotherStoresWhatItCountedBeforeItSaysSo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		var first, late *replica.Heart
		var peers []int
		var told []bool
		options := func(name string) replica.HeartOptions {
			return replica.HeartOptions{
				DB: d, Name: name, Report: func(context.Context) replica.Report { return replica.Report{} },
				DatabaseClock: func(context.Context) (time.Time, error) { return clock.Now(), nil },
			}
		}
		o := options("a")
		o.Grown = func(context.Context) { peers, told = append(peers, first.Peers()), append(told, heard(t, late)) }
		first, late = replica.NewHeart(o), replica.NewHeart(options("b"))
		beat(t, first)
		clock.Advance(time.Millisecond)
		beat(t, late)
		clock.Advance(time.Millisecond)
		beat(t, first, first)

		if len(peers) != 1 || peers[0] != 2 || told[0] || !heard(t, late) {
			t.Errorf("it stored as one of %v, when the newcomer was heard: %v; heard at the end: %v", peers, told, heard(t, late))
		}
	})
}

func TestNewcomerIsKnownToAllWhenItBeginsToServe(t *testing.T) { // L6
	d := dbtest.Postgres(t, nil)
	start := func(name string) *replica.Heart {
		return replica.NewHeart(replica.HeartOptions{DB: d, Name: name, Report: func(context.Context) replica.Report { return replica.Report{} }})
	}
	a, b, late := start("a"), start("b"), start("c")
	ctx, stop := context.WithCancel(bg)
	ended := make(chan struct{}, 2)
	for _, h := range []*replica.Heart{a, b} {
		h.First(bg)
		go func() { h.Run(ctx); ended <- struct{}{} }()
	}

	late.First(bg)

	if late.Peers() != 3 || a.Peers() != 3 || b.Peers() != 3 {
		t.Errorf("the newcomer counts %d, the others %d and %d", late.Peers(), a.Peers(), b.Peers())
	}
	stop()
	<-ended
	<-ended
}

// REL-1, L4: over a file of one machine the next process is alone at once, whatever the killed one left.
func TestKilledProcessOfAFileCountsNoMore(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	file := filepath.Join(t.TempDir(), "gatehouse.db.serving")
	start := func(name, file string) *replica.Heart {
		return replica.NewHeart(replica.HeartOptions{
			DB: d, Name: name, Serving: file, Report: func(context.Context) replica.Report { return replica.Report{} },
			DatabaseClock: func(context.Context) (time.Time, error) { return clock.Now(), nil },
		})
	}
	beat(t, start("killed", "")) // whose lock is gone with it
	clock.Advance(time.Millisecond)
	next := start("next", file)
	beat(t, next)
	alone, served := next.Peers(), heard(t, next)
	var left []string
	if err := d.Read(bg).Raw("SELECT name FROM replicas").Scan(&left).Error; err != nil || len(left) != 1 {
		t.Error("who is known to have ended, or came along in a backup, is not shown as silent:", left, err)
	}
	beside := start("beside", file)
	clock.Advance(time.Millisecond)
	beat(t, beside, next)

	if alone != 1 || !served {
		t.Errorf("after a kill it counts %d, heard: %v", alone, served)
	}
	if next.Peers() != 2 || beside.Peers() < 2 {
		t.Errorf("two at once count %d and %d", next.Peers(), beside.Peers())
	}
	if err := next.Leave(bg); err != nil {
		t.Fatal(err)
	}
	if err := beside.Leave(bg); err != nil {
		t.Fatal(err)
	}
	last := start("last", file)
	if beat(t, last); last.Peers() != 1 {
		t.Errorf("after all left it counts %d", last.Peers())
	}
}
