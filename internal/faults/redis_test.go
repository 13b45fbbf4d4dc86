package faults_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// illness is something that happens to Redis, and how it ends.
type illness struct {
	name       string
	begin, end func()
}

func illnesses(c *company, client *redis.Client, link *testenv.Link) []illness {
	do := func(command ...any) func() {
		return func() {
			c.Helper()
			c.must(client.Do(context.Background(), command...).Err())
		}
	}
	wrong := func() {
		keys, err := client.Keys(context.Background(), "gatehouse:rl:*").Result()
		c.must(err)
		for _, k := range keys {
			c.must(client.Del(context.Background(), k).Err())
			c.must(client.LPush(context.Background(), k, "not what it was").Err())
		}
	}
	return []illness{
		{"stopped", link.Cut, link.Mend},
		{"hung", link.Hang, link.Mend},
		{"emptied", do("FLUSHALL"), do("FLUSHALL")},
		{"full, evicting nothing", func() {
			do("CONFIG", "SET", "maxmemory-policy", "noeviction")()
			do("CONFIG", "SET", "maxmemory", "1")()
		}, do("CONFIG", "SET", "maxmemory", "0")},
		{"read-only", do("REPLICAOF", "127.0.0.1", "1"), do("REPLICAOF", "NO", "ONE")},
		{"full of something else", wrong, do("FLUSHALL")},
	}
}

// REL-10, 4.5: whatever happens to Redis, keys are verified, limits hold within what they are in all, nobody is signed out, and guesses at passwords are held up.
func TestRedisAwayOpensNothingAndShutsNothing(t *testing.T) {
	c := newCompany(t, "postgres")
	redisURL := testenv.Redis(t)
	o, err := redis.ParseURL(redisURL)
	c.must(err)
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	link, over := testenv.LinkTo(t, redisURL)
	var fleet []*process
	for range 2 {
		fleet = append(fleet, c.start(map[string]string{"GATEHOUSE_REDIS_URL": over}))
	}
	l := c.load(fleet...)
	eventually(t, "keys are verified", func() bool { return l.good.of("VALID") > 50 })
	for i, ill := range illnesses(c, client, link) {
		limited := c.worker("Limited")
		const rate, burst = 20, 20 // a second
		c.run("UPDATE keys SET rate_requests = ?, rate_period_seconds = 1 WHERE id = ?", rate, limited.Key.ID)
		ill.begin()
		took := amount(2*time.Second, 5*time.Second)
		began := time.Now()
		storm := c.storm(fleet, limited.Secret.Reveal(), took)
		lasted := time.Since(began)
		throttled := c.guess(fleet[0].URL, fmt.Sprintf("somebody%d@customer.example", i))
		ill.end()

		// The limit in all, what fits into a burst, and what a process took in before it knew of the other or of the illness.
		if most := 2*burst + 2*rate*int(lasted/time.Second+1); storm.of("VALID") > most || storm.of("VALID") == 0 {
			t.Errorf("%s: %d calls let through in %s at a limit of %d a second", ill.name, storm.of("VALID"), lasted, rate)
		}
		if bad := storm.others("VALID", "RATE_LIMITED"); len(bad) > 0 {
			t.Errorf("%s: a limited key was told %v", ill.name, bad)
		}
		if !throttled {
			t.Errorf("%s: guesses at a password are not held up", ill.name)
		}
		report(t, "REL-10", "Redis %s for %s: %d of %d calls let through at a limit of %d a second; %s", ill.name, lasted.Round(time.Millisecond), storm.of("VALID"), storm.sent, rate, storm)
	}
	l.end()
	c.stopped(fleet...)

	l.honest(t)
	if bad := l.good.others("VALID"); len(bad) > 0 {
		t.Errorf("a good key was told %v", bad)
	}
	if bad := l.pages.others("200"); len(bad) > 0 {
		t.Errorf("somebody who is signed in saw %v", bad)
	}
	if half := l.good.within(.5); half > tolerable {
		t.Errorf("half of the calls waited for %s", half)
	}
	gone := c.exact(c.key.Key.ID, &l.good)
	report(t, "REL-10", "%s; counted %d, lost %d", l, c.counted(c.key.Key.ID), gone)
}

// storm asks the processes about a key as fast as four callers can, for so long.
func (c *company) storm(fleet []*process, text string, lasts time.Duration) *answers {
	a := &answers{}
	client := callers()
	defer client.CloseIdleConnections()
	end := time.Now().Add(lasts)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for time.Now().Before(end) {
				began := time.Now()
				a.add(c.verify(client, fleet[i%len(fleet)].edge, text), time.Since(began))
			}
		})
	}
	all.Wait()
	return a
}

// guess tries wrong passwords of somebody, and reports whether the right one does not help any more.
func (c *company) guess(site, email string) (heldUp bool) {
	c.Helper()
	const right = "the one right sentence"
	c.person(email, right)
	v, err := rig.NewVisitor(site)
	c.must(err)
	for range 6 {
		_, err := v.Post("/login", url.Values{"email": {email}, "password": {"a wrong sentence"}})
		c.must(err)
	}
	return v.SignIn(email, right) != nil
}
