package api_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

func (w *world) staff() actor.Actor { return webtest.ActorOf(w.admin) }

func (w *world) newKey() string {
	return `{"app_id":"` + w.mine.app.ID.Show("app") + `","name":"Once","grants":[{"api":"orders","scope":"orders:read"}]}`
}

func (w *world) count() int {
	w.Helper()
	var n int
	w.ok(w.db.Read(w.Context()).Raw("SELECT COUNT(*) FROM keys WHERE name = 'Once'").Scan(&n).Error)
	return n
}

// A repeat makes no second key, and is answered without the secret, which is kept nowhere (K1).
func TestRepeatMakesNoSecondKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		me := w.mine.text

		first := w.want(201, "POST", "/v1/keys", me, w.newKey(), "Idempotency-Key", "one")
		again := w.want(201, "POST", "/v1/keys", me, w.newKey(), "Idempotency-Key", "one")
		other := w.want(422, "POST", "/v1/keys", me, strings.Replace(w.newKey(), "Once", "Twice", 1), "Idempotency-Key", "one")
		rotated := w.want(201, "POST", "/v1/keys/"+first.text("key.id")+"/rotate", me, `{"overlap_days":1}`, "Idempotency-Key", "one")
		rotatedAgain := w.want(201, "POST", "/v1/keys/"+first.text("key.id")+"/rotate", me, `{"overlap_days":1}`, "Idempotency-Key", "one")

		if first.text("secret") == "" || first.at("replayed") != false || again.at("secret") != nil || again.at("replayed") != true || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("first: %s\nagain: %s", first.body, again.body)
		}
		if first.text("key.id") != again.text("key.id") || other.text("code") != "IDEMPOTENCY_MISMATCH" || rotated.text("key.id") != rotatedAgain.text("key.id") || rotatedAgain.at("secret") != nil {
			t.Errorf("%s\n%s\n%s\n%s", again.body, other.body, rotated.body, rotatedAgain.body)
		}
		var kept []string
		w.ok(d.Read(t.Context()).Raw("SELECT answer FROM idempotency_keys").Scan(&kept).Error)
		for _, text := range kept {
			if strings.Contains(text, first.text("secret")) || strings.Contains(text, rotated.text("secret")) {
				t.Error("a secret is kept for repeats")
			}
		}
	})
}

// Of calls at once one acts; what is refused can be sent again under the same text.
func TestOfCallsAtOnceOneActs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.want(422, "POST", "/v1/keys", w.mine.text, strings.Replace(w.newKey(), "orders:read", "orders:none", 1), "Idempotency-Key", "many")
		var all sync.WaitGroup

		for range 20 {
			all.Go(func() {
				if r := w.send("POST", "/v1/keys", w.mine.text, w.newKey(), "Idempotency-Key", "many"); r.status != 201 && r.status != 409 {
					w.Errorf("answered %d: %s", r.status, r.body)
				}
			})
		}
		all.Wait()

		if n := w.count(); n != 1 {
			t.Errorf("%d keys were made", n)
		}
	})
}

// Who changes what somebody else changed meanwhile is told, and nothing happens.
func TestChangeOfWhatChangedIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		me, path := w.mine.text, "/v1/keys/"+w.want(201, "POST", "/v1/keys", w.mine.text, w.newKey()).text("key.id")
		app := "/v1/apps/" + w.mine.app.ID.Show("app")
		for _, thing := range []string{path, app} {
			tag := w.want(200, "GET", thing, me, "").header.Get("ETag")
			clock.Advance(1e9)

			now := w.want(200, "PATCH", thing, me, `{"name":"First"}`, "If-Match", tag)
			late := w.want(412, "PATCH", thing, me, `{"name":"Second"}`, "If-Match", tag)
			clock.Advance(1e9)
			w.want(200, "PATCH", thing, me, `{"name":"Third"}`, "If-Match", now.header.Get("ETag"))

			if late.text("code") != "PRECONDITION_FAILED" || now.header.Get("ETag") == tag {
				t.Errorf("%s: %s", thing, late.body)
			}
			for _, tag := range []string{`W/"abc"`, "nonsense", `"a", "b"`, `"` + strings.Repeat("z", 30) + `"`} {
				w.want(412, "PATCH", thing, me, `{"name":"Fourth"}`, "If-Match", tag)
			}
		}
		w.want(412, "POST", path+"/revoke", me, "", "If-Match", `"abc"`)
		w.want(412, "DELETE", app, me, "", "If-Match", `"abc"`)
	})
}

// A key never makes a key that can do more than itself, and is told why.
func TestKeyMakesNoneBeyondItself(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	app := w.mine.app.ID.Show("app")

	for name, body := range map[string]string{
		"scope": `{"app_id":"` + app + `","name":"x","grants":[{"api":"orders","scope":"orders:write"}]}`,
		"end":   `{"app_id":"` + app + `","name":"x","grants":[{"api":"orders","scope":"orders:read"}],"expires_in_days":365}`,
	} {
		if r := w.want(403, "POST", "/v1/keys", w.mine.text, body); r.text("code") != "BEYOND_CALLER" {
			t.Errorf("%s: %s", name, r.body)
		}
	}
}

// L2, Z2: a key's end is brought forward by the API, and never put off, by nobody without the scope and for no other organization's key.
func TestEndOfAKeyIsBroughtForwardAndNeverPutOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		me, read := w.mine.text, key.Pair{API: "orders", Scope: "orders:read"}
		id := w.make(w.mine, "live", read).Key.ID
		path := "/v1/keys/" + id.Show("key")
		in := func(days int) string { return clock.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339) }
		ends := func(at string) string { return `{"expires_at":"` + at + `"}` }
		before := w.want(200, "GET", path, me, "").header.Get("ETag")
		clock.Advance(time.Second)
		week := in(7)

		sooner := w.want(200, "PATCH", path, me, ends(week))
		again := w.want(200, "PATCH", path, me, ends(week))

		if sooner.text("expires_at") != week || again.text("expires_at") != week || sooner.header.Get("ETag") == before || again.header.Get("ETag") != sooner.header.Get("ETag") {
			t.Errorf("%s\n%s", sooner.body, again.body)
		}
		for name, bad := range map[string]string{"later": in(8), "over": in(-1), "now": in(0), "none": "soon", "no such day": "2030-02-31T12:00:00Z"} {
			if r := w.want(422, "PATCH", path, me, ends(bad)); r.text("errors.0.pointer") != "/expires_at" {
				t.Errorf("%s: %s", name, r.body)
			}
		}
		w.want(422, "PATCH", path, me, `{"expires_at":null}`)
		w.want(403, "PATCH", path, w.make(w.mine, "live", portalPairs("keys:read")...).Secret.Reveal(), ends(in(1)))
		w.want(404, "PATCH", path, w.them.text, ends(in(1)))
		w.want(401, "PATCH", path, "", ends(in(1)))
		w.want(412, "PATCH", path, me, ends(in(1)), "If-Match", before)
		w.run("UPDATE keys SET expires_at = NULL WHERE id = ?", id)
		if r := w.want(200, "PATCH", path, me, ends(in(90))); r.text("expires_at") != in(90) {
			t.Errorf("one without end: %s", r.body)
		}
		if events := w.events("key.shortened"); events != 2 {
			t.Errorf("%d events", events)
		}
	})
}

func (w *world) events(act string) (n int) {
	w.Helper()
	w.ok(w.db.Read(w.Context()).Raw("SELECT COUNT(*) FROM audit_events WHERE act = ?", act).Row().Scan(&n))
	return n
}
