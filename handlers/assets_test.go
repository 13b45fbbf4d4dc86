package handlers_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/asset"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/static"
)

// While an upgrade rolls, a page of the version before asks a replica of this version for its styles, and a page of this one asks the version before.
func TestVersionsServeEachOthersAssets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		style := "body { color: black }\n" + strings.Repeat("/* of the version before */\n", 20)
		before := static.New(fstest.MapFS{"css/app.css": {Data: []byte(style)}, "js/app.js": {Data: []byte("old")}, "icons/favicon.svg": {Data: []byte("<svg/>")}})
		var kept []asset.Asset
		for _, f := range before.Files() {
			kept = append(kept, asset.Asset(f))
		}
		if err := asset.Keep(t.Context(), d, kept); err != nil { // as its replicas did when they started
			t.Fatal(err)
		}
		w := serve(t, d, clock)
		replicaBefore := before.Handler(func(ctx context.Context, url string) (static.File, bool, error) {
			a, ok, err := asset.Find(ctx, d, url)
			return static.File(a), ok, err
		})
		get := func(h http.Handler, url, accept string) *http.Response {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, w.site.URL+url, nil)
			r.Header.Set("Accept-Encoding", accept)
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, r)
			return answer.Result()
		}
		text := func(r io.Reader) string {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}

		plain := get(w.house.Portal, before.URL("css/app.css"), "")
		zipped := get(w.house.Portal, before.URL("css/app.css"), "gzip")
		page := text(get(w.house.Portal, "/login", "").Body)
		mine := regexp.MustCompile(`/static/css/app\.[0-9a-f]{12}\.css`).FindString(page)
		there := get(replicaBefore, mine, "gzip")
		here := get(w.house.Portal, mine, "gzip")

		unzipped, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		if text(plain.Body) != style || text(unzipped) != style || plain.StatusCode != http.StatusOK || mine == "" || mine == before.URL("css/app.css") {
			t.Errorf("this version's replica gives %s for the old style", plain.Status)
		}
		if there.StatusCode != http.StatusOK || text(there.Body) != text(here.Body) {
			t.Errorf("the old version's replica gives %s for the new style", there.Status)
		}
		for name, want := range map[string]string{
			"Content-Type": "text/css; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding",
		} {
			if got := zipped.Header.Get(name); got != want || there.Header.Get(name) != want {
				t.Errorf("%s: %q and %q", name, got, there.Header.Get(name))
			}
		}
		for _, url := range []string{"/static/css/app.000000000000.css", "/static/css/app.css", "/static/x.html", before.URL("css/app.css") + "/", "/static/../css/app.000000000000.css"} {
			if got := get(w.house.Portal, url, ""); got.StatusCode == http.StatusOK {
				t.Errorf("%s: %s", url, got.Status)
			}
		}
	})
}

// L3: addresses of files that nobody has cost the database little, however many are asked for; those that another version has are asked for once.
func TestMadeUpAddressesOfFilesCostTheDatabaseLittle(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := serve(t, d, clock)
	before := static.New(fstest.MapFS{"css/app.css": {Data: []byte("body { color: black }")}, "js/app.js": {Data: []byte("old")}, "icons/favicon.svg": {Data: []byte("<svg/>")}})
	var kept []asset.Asset
	for _, f := range before.Files() {
		kept = append(kept, asset.Asset(f))
	}
	w.ok(asset.Keep(t.Context(), d, kept))
	reads := dbtest.Reads(t, d)
	asked := func() (n int) {
		for _, s := range reads() {
			if strings.Contains(s.SQL, "FROM assets") {
				n++
			}
		}
		return n
	}
	visitor := w.site.Visitor()
	status := func(url string) int { return visitor.Get(url).Status }

	there := status(before.URL("css/app.css"))
	once := asked()
	for range 3 {
		status(before.URL("css/app.css"))
		status("/static/x.000000000000.css")
	}
	twice := asked()
	busy := 0
	for n := range 200 {
		if status(fmt.Sprintf("/static/x.%012x.css", n+1)) == http.StatusServiceUnavailable {
			busy++
		}
	}
	many := asked()
	known := status(before.URL("css/app.css"))
	clock.Advance(time.Second)
	next := status("/static/x.ffffffffffff.css")

	if there != http.StatusOK || once != 1 || twice != 1 || many > 50 || busy < 150 || known != http.StatusOK || next != http.StatusNotFound {
		t.Errorf("%d: asked %d times, %d more for what is known, %d for 200 made up, of which %d were put off; then %d and %d", there, once, twice, many, busy, known, next)
	}
}
