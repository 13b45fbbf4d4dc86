package faults_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// says asks a process about a key.
func (c *company) says(p *process, k key.Made) string {
	return c.verify(http.DefaultClient, p.edge, k.Secret.Reveal())
}

// knows has a process take a key into memory.
func (c *company) knows(k key.Made, all ...*process) {
	c.Helper()
	for _, p := range all {
		if code := c.says(p, k); code != "VALID" {
			c.Fatalf("%s is %s before anything happened", k.Key.Name, code)
		}
	}
}

// learns waits until a process refuses a revoked key, and tells how long that took. Once it has, it must not say yes again.
func (c *company) learns(p *process, k key.Made) time.Duration {
	c.Helper()
	return eventually(c, k.Key.Name+" is refused", func() bool { return c.says(p, k) == "REVOKED" })
}

// muteAll takes PostgreSQL's hints away: what the program calls is found before PostgreSQL's own.
func (c *company) muteAll() {
	c.Helper()
	conn, err := pgx.Connect(c.Context(), c.url)
	c.must(err)
	defer func() { _ = conn.Close(context.Background()) }()
	for _, statement := range []string{
		"CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''",
		`DO $$ BEGIN EXECUTE 'ALTER DATABASE "' || current_database() || '" SET search_path = public, pg_catalog'; END $$`,
	} {
		_, err := conn.Exec(c.Context(), statement)
		c.must(err)
	}
}

// D5, 4.4: two writers revoke keys, each beginning before the other ends and ending after it, so that they commit in another order than they began. By
// polling alone three processes hear of each. They keep keys for a minute, so that what the feed did not tell them would show.
func TestNoneOfInterleavedRevocationsIsMissed(t *testing.T) {
	c := newCompany(t, "postgres")
	c.muteAll()
	var fleet []*process
	for range 3 {
		fleet = append(fleet, c.start(map[string]string{"GATEHOUSE_KEYRING": "whole"}))
	}
	const atOnce = 20
	var slowest time.Duration
	revoked := 0
	l := c.load(fleet...)
	for revoked < amount(40, 1000) {
		var keys []key.Made
		for range atOnce {
			keys = append(keys, c.worker("Drilled"))
		}
		for _, k := range keys {
			c.knows(k, fleet...)
		}
		c.interleaved(keys)
		revoked += atOnce
		for _, k := range keys {
			for _, p := range fleet {
				slowest = max(slowest, c.learns(p, k))
			}
		}
	}
	l.end()

	l.honest(t)
	if slowest > patience/2 { // they would keep what they know for a minute
		t.Errorf("%s until a revocation was seen: not by the feed", slowest)
	}
	report(t, "D5", "%d revocations by two interleaved writers, no hints, three processes under load: none missed, the last process refused each %s after the commit at most", revoked, slowest.Round(time.Millisecond))
}

// interleaved revokes the keys by two writers that hold their transactions open over each other's commit: the first begins first and commits last.
func (c *company) interleaved(keys []key.Made) {
	c.Helper()
	for i := 0; i+1 < len(keys); i += 2 {
		first, second := keys[i], keys[i+1]
		begun, over := make(chan struct{}), make(chan struct{})
		var writers sync.WaitGroup
		writers.Go(func() {
			var once sync.Once
			err := c.db.Tx(context.Background(), func(tx *db.Tx) error {
				err := c.revokeTx(tx, first.Key.ID)
				once.Do(func() { close(begun) })
				<-over
				return err
			})
			if err != nil {
				c.Error(err)
			}
		})
		writers.Go(func() {
			<-begun
			c.revoke(second.Key.ID)
			close(over)
		})
		writers.Wait()
	}
}

func (c *company) revokeTx(tx *db.Tx, id db.ID) error {
	rows, err := key.RowsTx(tx, []db.ID{id})
	if err != nil {
		return err
	}
	return c.store.Key.RevokeTx(tx, c.owner, rows, "a drill", nil)
}

// REL-2, D5: the hints of one process break off again and again, its way to PostgreSQL and Redis hangs and is cut, and what it missed meanwhile is swept out of the
// feed. It never says yes for longer than it may, and once it refuses a key it goes on to.
func TestProcessThatMissesHintsAndChangesStillLearns(t *testing.T) {
	c := newCompany(t, "postgres")
	redisURL := testenv.Redis(t)
	toPostgres, postgresURL := testenv.LinkTo(t, c.url)
	toRedis, redisOver := testenv.LinkTo(t, redisURL)
	here := c.start(map[string]string{"GATEHOUSE_REDIS_URL": redisURL})
	there := c.start(map[string]string{"GATEHOUSE_REDIS_URL": redisOver, "GATEHOUSE_DATABASE_URL": postgresURL, "GATEHOUSE_STALE_MAX": staleMax.String()})
	l := c.load(here, there)
	lossless := func() {}
	c.deaf(redisURL)
	faults := []struct {
		name       string
		begin, end func()
		apart      bool
	}{
		{"hints broken off", lossless, lossless, false},
		{"Redis hung", toRedis.Hang, toRedis.Mend, false},
		{"Redis cut", toRedis.Cut, toRedis.Mend, false},
		{"PostgreSQL hung", toPostgres.Hang, toPostgres.Mend, true},
		{"PostgreSQL cut", toPostgres.Cut, toPostgres.Mend, true},
	}
	for _, f := range faults {
		var slowest, longest time.Duration
		for range amount(1, 4) {
			k := c.worker("Missed")
			c.knows(k, here, there)
			f.begin()
			c.revoke(k.Key.ID)
			c.revoke(c.worker("After").Key.ID)
			began, yes := time.Now(), 0
			longest = max(longest, eventually(t, f.name+": no yes any more", func() bool { return c.says(there, k) != "VALID" }))
			if longest > staleMax+8*time.Second {
				t.Errorf("%s: it said yes for %s", f.name, longest)
			}
			if f.apart { // for longer than it may say yes: it must not trust what it knew, even if nothing tells it any more what changed
				pass(staleMax + 3*time.Second)
				c.run("DELETE FROM changes WHERE seq < (SELECT MAX(seq) FROM changes)")
			}
			f.end()
			eventually(t, f.name+": it learns", func() bool {
				code := c.says(there, k)
				if code == "VALID" {
					yes++
				}
				return code == "REVOKED"
			})
			if yes > 0 {
				t.Errorf("%s: back again, it says yes %d times", f.name, yes)
			}
			slowest = max(slowest, time.Since(began))
			eventually(t, f.name+": ready again", there.ready)
		}
		report(t, "REL-2", "%s: the last yes %s after the revocation at most, known %s after", f.name, longest.Round(time.Millisecond), slowest.Round(time.Millisecond))
	}
	l.end()
	l.honest(t)
	report(t, "REL-2", "%s", l)
}

// deaf breaks off everybody's hints again and again, until the test ends.
func (c *company) deaf(redisURL string) {
	c.Helper()
	o, err := redis.ParseURL(redisURL)
	c.must(err)
	client := redis.NewClient(o)
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for !closed(stop) {
			<-tick.C
			_ = client.Do(context.Background(), "CLIENT", "KILL", "TYPE", "pubsub").Err() // none may be there
			_ = c.db.Read(context.Background()).Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'").Error
		}
	})
	c.Cleanup(func() { close(stop); all.Wait(); _ = client.Close() })
}

// REL-27: of two processes one is cut off from PostgreSQL, and gateways still reach it. Its readiness turns red, then it says neither yes nor no; the other
// goes on as if nothing were.
func TestIsolatedProcessStopsSayingYes(t *testing.T) {
	c := newCompany(t, "postgres")
	link, over := testenv.LinkTo(t, c.url)
	fine := c.start(nil)
	alone := c.start(map[string]string{"GATEHOUSE_DATABASE_URL": over, "GATEHOUSE_STALE_MAX": staleMax.String()})
	here, there := c.load(fine), c.load(alone)
	for name, part := range map[string]func(){"cut": link.Cut, "hung": link.Hang} {
		k := c.worker("Revoked meanwhile")
		c.knows(k, fine, alone)
		part()
		c.revoke(k.Key.ID)
		red := eventually(t, name+": readiness turns red", func() bool { return !alone.ready() })
		unknowing := there.good.of("503 UNAVAILABLE")
		stopped := red + eventually(t, name+": it stops to say yes", func() bool { return c.says(alone, k) != "VALID" && there.good.of("503 UNAVAILABLE") > unknowing })
		if stopped > staleMax+8*time.Second {
			t.Errorf("%s: it said yes for %s", name, stopped)
		}
		pass(amount(200*time.Millisecond, 3*time.Second))
		link.Mend()
		back := eventually(t, name+": it knows, and is ready", func() bool { return c.says(alone, k) == "REVOKED" && alone.ready() })
		report(t, "REL-27", "%s off from PostgreSQL: red after %s, no yes after %s, back %s after the way was whole", name, red.Round(time.Millisecond), stopped.Round(time.Millisecond), back.Round(time.Millisecond))
	}
	here.end()
	there.end()
	c.stopped(fine, alone)

	here.honest(t)
	there.honest(t)
	if bad := here.good.others("VALID"); len(bad) > 0 {
		t.Errorf("the process that lost nothing said %v", bad)
	}
	stored := c.counted(c.key.Key.ID)
	if answered := int64(here.good.of("VALID") + there.good.of("VALID")); stored != answered {
		t.Errorf("%d calls are counted, %d were answered", stored, answered)
	}
	report(t, "REL-27", "the one: %s; the other: %s; counted %d", here, there, stored)
}
