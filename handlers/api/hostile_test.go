package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

func newLocalWorld(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock()
	return newWorld(t, dbtest.SQLite(t, clock), clock)
}

// L1, D4: a call that can be read in two ways, or is larger than any should be, is refused and told why.
func TestCallThatReadsTwoWaysIsRefused(t *testing.T) {
	w := newLocalWorld(t)
	me, app := w.mine.text, `"app_id":"`+w.mine.app.ID.Show("app")+`","grants":[{"api":"orders","scope":"orders:read"}]`
	other := w.make(w.mine, "live", portalPairs("keys:write")...).Secret.Reveal()

	for name, c := range map[string]struct {
		status  int
		code    string
		body    string
		headers []string
	}{
		"two credentials":       {400, "BAD_REQUEST", `{` + app + `,"name":"x"}`, []string{"X-API-Key", other}},
		"a field twice":         {400, "BAD_REQUEST", `{` + app + `,"name":"x","name":"y"}`, nil},
		"a field twice, inside": {400, "BAD_REQUEST", `{` + app + `,"name":"x","metadata":{"a":"b","a":"c"}}`, nil},
		"another case":          {422, "INVALID", `{` + app + `,"name":"x","Name":"y"}`, nil},
		"too deep":              {400, "BAD_REQUEST", `{` + app + `,"name":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, nil},
		"too long":              {413, "TOO_LARGE", `{` + app + `,"name":"` + strings.Repeat("x", 1<<20) + `"}`, nil},
		"two values":            {400, "BAD_REQUEST", `{` + app + `,"name":"x"}{}`, nil},
		"a form":                {415, "UNSUPPORTED_MEDIA_TYPE", `name=x`, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"a long name":           {400, "BAD_REQUEST", `{"` + strings.Repeat("~", 400<<10) + `":[` + strings.Repeat("1,", 200<<10) + `1]}`, nil},
	} {
		if r := w.send("POST", "/v1/keys", me, c.body, c.headers...); r.status != c.status || r.text("code") != c.code {
			t.Errorf("%s: answered %d %.300s", name, r.status, r.body)
		}
	}
	if n := w.countNamed("x") + w.countNamed("y"); n != 0 {
		t.Errorf("%d keys were made", n)
	}
}

func (w *world) countNamed(name string) int {
	w.Helper()
	var n int
	w.ok(w.db.Read(w.Context()).Raw("SELECT COUNT(*) FROM keys WHERE name = ?", name).Scan(&n).Error)
	return n
}

// A leaked key that was rotated takes its end back by no call of its own, and a key that rotates itself gets one that works (K9, K10).
func TestKeyInItsOverlapEndsAllTheSame(t *testing.T) {
	w := newLocalWorld(t)
	path := "/v1/keys/" + w.mine.key.ID.Show("key")

	next := w.want(201, "POST", path+"/rotate", w.mine.text, `{"overlap_days":1}`)

	for operation, body := range map[string]string{"undo": `{"new_key_was_used":true}`, "extend": `{"days":5}`} {
		if r := w.want(403, "POST", path+"/rotation/"+operation, w.mine.text, body); r.text("code") != key.BeyondCaller {
			t.Errorf("%s: %s", operation, r.body)
		}
	}
	w.want(200, "GET", "/v1/whoami", next.text("secret"), "")
	last := w.want(201, "POST", "/v1/keys/"+next.text("key.id")+"/rotate", next.text("secret"), `{"overlap_days":0}`)
	w.want(200, "GET", "/v1/whoami", last.text("secret"), "")
}

// Who hangs up while the key is made gets it told by the repeat, and no second one.
func TestCallerWhoHangsUpIsAnsweredByTheRepeat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ctx, hangUp := context.WithCancel(t.Context())
		defer hangUp()
		d.OnCommit(func(all []db.Change) {
			if len(all) > 0 {
				hangUp()
			}
		})
		r := httptest.NewRequest(http.MethodPost, w.url+"/v1/keys", strings.NewReader(w.newKey())).WithContext(ctx)
		r.Header = http.Header{"Authorization": {"Bearer " + w.mine.text}, "Content-Type": {"application/json"}, "Idempotency-Key": {"gone"}}

		w.house.Portal.ServeHTTP(httptest.NewRecorder(), r)

		again := w.want(201, "POST", "/v1/keys", w.mine.text, w.newKey(), "Idempotency-Key", "gone")
		if again.at("replayed") != true || w.count() != 1 || ctx.Err() == nil {
			t.Errorf("%s, and %d keys", again.body, w.count())
		}
	})
}

// Of changes at once to one version of a thing, one is made; the others are told.
func TestOfChangesAtOnceToOneVersionOneIsMade(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		for _, path := range []string{"/v1/apps/" + w.mine.app.ID.Show("app"), "/v1/keys/" + w.mine.key.ID.Show("key")} {
			tag := w.want(200, "GET", path, w.mine.text, "").header.Get("ETag")
			clock.Advance(1e9)
			var all sync.WaitGroup
			var made atomic.Int32

			for i := range 6 {
				all.Go(func() {
					switch r := w.send("PATCH", path, w.mine.text, `{"name":"Racer `+strconv.Itoa(i)+`"}`, "If-Match", tag); r.status {
					case 200:
						made.Add(1)
					case 412:
					default:
						t.Errorf("%s answered %d: %s", path, r.status, r.body)
					}
				})
			}
			all.Wait()

			if n := made.Load(); n != 1 {
				t.Errorf("%s: %d changes were made", path, n)
			}
		}
	})
}
