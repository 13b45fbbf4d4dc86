package faults_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// forget has every process forget what it knows of the key.
func (c *company) forget(id db.ID) {
	c.Helper()
	c.must(c.db.Tx(context.Background(), func(tx *db.Tx) error { change.Record(tx, change.Key, id); return nil }))
}

// scans is how often PostgreSQL has looked into the table of keys, as far as ended connections have told.
func (c *company) scans() int64 {
	c.Helper()
	return c.number("SELECT COALESCE(idx_scan, 0) + seq_scan FROM pg_stat_user_tables WHERE relname = 'keys'")
}

// REL-19: the facts of a key are forgotten again and again while many call with it, and the database is far away. It is asked once each time, not once for each
// caller, and everybody is answered.
func TestStampedeAsksTheDatabaseOnce(t *testing.T) {
	c := newCompany(t, "postgres")
	link, over := testenv.LinkTo(t, c.url)
	forgotten := amount(10, 60)
	// stampede has so many callers at it, and returns the looks into the table of keys that one forgetting cost.
	stampede := func(many int) (looks float64, a *answers) {
		before := c.scans()
		p := c.start(map[string]string{"GATEHOUSE_DATABASE_URL": over})
		c.knows(c.key, p)
		a = &answers{}
		stop := make(chan struct{})
		var all sync.WaitGroup
		client := callers()
		defer client.CloseIdleConnections()
		for range many {
			all.Go(func() {
				for !closed(stop) {
					began := time.Now()
					a.add(c.verify(client, p.edge, c.key.Secret.Reveal()), time.Since(began))
				}
			})
		}
		link.Slow(20 * time.Millisecond)
		for range forgotten {
			c.forget(c.key.Key.ID)
			pass(100 * time.Millisecond)
			answered := a.of("VALID") // facts that change faster than a busy machine reads them are 503
			eventually(t, "all are answered", func() bool { return a.of("VALID") >= answered+many })
		}
		link.Mend()
		close(stop)
		all.Wait()
		c.stopped(p)
		last := before
		eventually(t, "PostgreSQL has told what it did", func() bool {
			now := c.scans()
			settled := now > before && now == last
			last = now
			pass(500 * time.Millisecond)
			return settled
		})
		return float64(last-before) / float64(forgotten), a
	}
	one, _ := stampede(1)
	many, a := stampede(32)

	if many > 2*one+2 {
		t.Errorf("32 callers cost %.1f looks into the table each time, one costs %.1f", many, one)
	}
	const unknowing = "503 UNAVAILABLE" // is no lie; it is rare unless the machine does much else
	if bad := a.others("VALID", unknowing); len(bad) > 0 || a.of(unknowing) > a.sent/10 {
		t.Errorf("callers were told %s", a)
	}
	report(t, "REL-19", "forgotten %d times under 32 callers, the database 20 ms away: %.1f looks into the table each time (%.1f for one caller); %s", forgotten, many, one, a)
}

// REL-21: one key is called as fast as callers can. Each call is counted, and others are served beside it.
func TestHotKeyIsCountedExactlyAndHoldsUpNobody(t *testing.T) {
	c := newCompany(t, "postgres")
	p := c.start(nil)
	calm, hot := c.worker("Calm"), c.worker("Hot")
	lasts := amount(2*time.Second, 15*time.Second)
	beside := func(during func()) *answers {
		a := &answers{}
		l := &load{stop: make(chan struct{})}
		client := callers()
		defer client.CloseIdleConnections()
		for range 5 {
			l.each(20*time.Millisecond, func(int) {
				began := time.Now()
				a.add(c.verify(client, p.edge, calm.Secret.Reveal()), time.Since(began))
			})
		}
		during()
		l.end()
		return a
	}
	before := beside(func() { pass(lasts) })
	var stormed *answers
	under := beside(func() { stormed = c.storm([]*process{p, p, p, p}, hot.Secret.Reveal(), lasts) })
	c.stopped(p)

	for name, a := range map[string]*answers{"others": under, "the hot key": stormed} {
		if bad := a.others("VALID"); len(bad) > 0 {
			t.Errorf("%s: told %v", name, bad)
		}
	}
	gone := c.exact(hot.Key.ID, stormed)
	if half := under.within(.5); half > tolerable {
		t.Errorf("half of the other calls waited %s", half)
	}
	report(t, "REL-21", "one key called %.0f times a second for %s: %d answered, %d counted, %d lost; others before: %s; others meanwhile: %s",
		float64(stormed.sent)/lasts.Seconds(), lasts, stormed.of("VALID"), c.counted(hot.Key.ID), gone, before, under)
}
