package faults_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// tally is what a client knows of its calls.
type tally struct{ sent, answered atomic.Int64 }

// call asks about a key until stop is closed, and waits for each answer.
func (t *tally) call(edge, gateway, key string, stop <-chan struct{}) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	body := `{"key":"` + key + `","api":"orders","scopes":["orders:read"],"ip":"203.0.113.7"}`
	for {
		select {
		case <-stop:
			return
		default:
		}
		r, err := http.NewRequest(http.MethodPost, "http://"+edge+"/v1/keys/verify", strings.NewReader(body)) //nolint:noctx // ends with the program that it asks
		if err != nil {
			return
		}
		r.Header.Set("Authorization", "Bearer "+gateway)
		r.Header.Set("Content-Type", "application/json")
		r.GetBody = nil // so that the client never sends one again by itself
		t.sent.Add(1)
		answer, err := client.Do(r)
		if err != nil {
			continue
		}
		said, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err == nil && strings.Contains(string(said), `"VALID"`) {
			t.answered.Add(1)
		}
	}
}

// figures are what is stored of a key's calls.
type figures struct{ Minutes, Hours, Days, Charged int64 }

func stored(t *testing.T, url string, key db.ID) (f figures) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{URL: url, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	err = d.Read(t.Context()).Raw(`SELECT
		(SELECT CAST(COALESCE(SUM(u.calls), 0) AS bigint) FROM usage_minutes u JOIN usage_series s ON s.id = u.series_id WHERE s.key_id = ?),
		(SELECT CAST(COALESCE(SUM(u.calls), 0) AS bigint) FROM usage_hours u JOIN usage_series s ON s.id = u.series_id WHERE s.key_id = ?),
		(SELECT CAST(COALESCE(SUM(u.calls), 0) AS bigint) FROM usage_days u JOIN usage_series s ON s.id = u.series_id WHERE s.key_id = ?),
		(SELECT CAST(COALESCE(SUM(used), 0) AS bigint) FROM quota_counters)`, key, key, key).Row().Scan(&f.Minutes, &f.Hours, &f.Days, &f.Charged)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// REL-1, REL-3, REL-4: the program is killed at random moments under load, again and again. Of each call that was answered there is one count, of none two: in the
// tables by minute, hour and day, and in the quota.
func TestKillLosesNoCountAndCountsNoneTwice(t *testing.T) {
	for _, dialect := range []string{"sqlite", "postgres"} {
		t.Run(dialect, func(t *testing.T) {
			bounded(t)
			dir := t.TempDir()
			url := "sqlite:" + filepath.Join(dir, "gatehouse.db")
			if dialect == "postgres" {
				url = dbtest.PostgresURL(t)
			}
			d := dbtest.Open(t, url, nil)
			w := usagetest.New(t, d)
			w.Run("UPDATE plans SET quota_month = 1000000000, rate_requests = 1000000, burst = 1000000")
			id, key := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			edge, err := rig.FreeAddress()
			if err != nil {
				t.Fatal(err)
			}
			env := map[string]string{"GATEHOUSE_DATA_DIR": dir, "GATEHOUSE_DATABASE_URL": url, "GATEHOUSE_EDGE_ADDR": edge, "GATEHOUSE_SECRET": usagetest.Secret}
			var all tally
			const calling = 8
			for round := range kills() {
				before := all.answered.Load()
				alive := killed(t, env, edge, w.Gateway, key, &all, calling)
				t.Logf("round %d: killed after %s, %d answered", round+1, alive.Round(time.Millisecond), all.answered.Load()-before)
			}

			p, err := rig.Start(rig.Options{Env: env})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Stop(); err != nil {
				t.Fatal(err)
			}

			got, answered, sent := stored(t, url, id), all.answered.Load(), all.sent.Load()
			report(t, "REL-3, REL-4", "%s: killed %d times under load, %d sent, %d answered, %d counted: %d lost", dialect, kills(), sent, answered, got.Days, max(0, answered-got.Days))
			if got.Days < answered || got.Days > answered+int64(kills()*calling) || got.Days > sent {
				t.Errorf("%d answered, %d sent, stored %+v", answered, sent, got)
			}
			if got != (figures{got.Days, got.Days, got.Days, got.Days}) {
				t.Errorf("tables disagree: %+v", got)
			}
		})
	}
}

// killed starts the program, has it called, kills it at a random moment of its first seconds, and tells which.
func killed(t *testing.T, env map[string]string, edge, gateway, key string, all *tally, callers int) time.Duration {
	t.Helper()
	p, err := rig.Start(rig.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() { all.call(edge, gateway, key, stop) })
	}
	moment := time.Duration(rand.Int64N(int64(2500 * time.Millisecond))) //nolint:gosec // any moment will do
	timer := time.NewTimer(moment)
	defer timer.Stop()
	<-timer.C
	p.Kill()
	close(stop)
	calling.Wait()
	return moment
}
