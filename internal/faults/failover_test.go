package faults_test

import (
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// REL-9: PostgreSQL's primary crashes under load, and its standby takes over at the same address. What was acknowledged is there, since the standby had it first;
// nothing is answered wrongly meanwhile, and all goes on without a restart.
func TestFailoverToAStandbyLosesNothing(t *testing.T) {
	primary := testenv.OwnPostgres(t)
	way, over := testenv.LinkTo(t, primary.URL)
	c := companyAt(t, over, t.TempDir())
	standby := primary.Standby()
	p := c.start(map[string]string{"GATEHOUSE_STALE_MAX": staleMax.String()})
	under := c.load(p)
	l := &ledger{made: map[string]made{}, revoked: map[string]made{}, unsure: map[string]made{}}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 3 {
		writers.Go(func() { c.writeKeys(p, l, stop) })
	}
	eventually(t, "keys are made and revoked", func() bool { return l.acks("revoked") > amount(10, 100) })

	way.Cut()
	primary.Kill()
	began := time.Now()
	unknowing := under.good.of("503 UNAVAILABLE")
	if long := amount(false, true); long { // so long that what is known is too old to say yes by
		eventually(t, "it says neither yes nor no", func() bool { return under.good.of("503 UNAVAILABLE") > unknowing })
	}
	standby.Promote()
	way.LeadTo(standby.URL)
	way.Mend()
	promoted := time.Now()
	eventually(t, "it is ready again", p.ready)
	eventually(t, "it says yes again", func() bool { return c.says(p, c.key) == "VALID" })
	well := time.Since(promoted)
	before := l.acks("revoked")
	eventually(t, "keys are made and revoked again", func() bool { return l.acks("revoked") > before+amount(5, 50) })
	close(stop)
	writers.Wait()
	under.end()

	gone := c.keysGone(p, l)
	c.halves(l)
	c.stopped(p)
	under.honest(t)
	stored, answered := c.counted(c.key.Key.ID), int64(under.good.of("VALID"))+1 // asked beside the load
	if stored < answered {
		gone += int(answered - stored)
		t.Errorf("%d calls are counted, %d were answered", stored, answered)
	}
	c.sound()
	report(t, "REL-9", "PostgreSQL's primary killed, its standby promoted %s later, well again %s after that: acknowledged %v, unsure %d; lost %d; %s; %d counted",
		promoted.Sub(began).Round(time.Millisecond), well.Round(time.Millisecond), l.acked, len(l.unsure), gone, under, stored)
}
