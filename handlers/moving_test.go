package handlers_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/static"
)

// live starts what runs beside the pages.
func (w *world) live() {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, loop := range w.house.Loops() {
		running.Go(func() { loop(ctx) })
	}
	w.Cleanup(func() { stop(); running.Wait() })
}

// program is one that has a key.
type program struct {
	*webtest.Client
	*testing.T
}

// answers waits until the key gets that status.
func (p program) answers(want int) {
	p.Helper()
	deadline, tick := time.NewTimer(time.Minute), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for got := 0; got != want; {
		if got = p.Get("/v1/whoami").Status; got == want {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			p.Fatalf("the key is answered with %d, not %d", got, want)
		}
	}
}

// keyed is a program that sends a key of mine, whose text only this test knows.
func (w *world) keyed() program {
	w.Helper()
	a, keys := webtest.ActorOf(w.mine.user), w.house.Stores.Key
	made, err := keys.Create(context.Background(), a, key.CreateRequest{
		Token: keys.NewFormToken(a, key.CreatePurpose()), AppID: w.mine.app.ID, Environment: "live", Name: "Lasting",
		Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Expiry: key.Expiry{Days: 30},
	})
	w.ok(err)
	c := w.site.Visitor()
	c.Header.Set("Authorization", "Bearer "+made.Secret.Reveal())
	return program{c, w.T}
}

// readable is every page that the table names, of what mine has where it takes an id.
func (w *world) readable(staff bool) (paths []string) {
	w.Helper()
	var api db.ID
	w.ok(w.db.Read(context.Background()).Raw("SELECT id FROM apis WHERE slug = 'orders'").Row().Scan(&api))
	own := strings.NewReplacer("/apis/:slug", "/apis/orders", "/guides/:slug", "/guides/errors", "/tutorials/:slug", "/tutorials/first-call", "/admin/apis/:id", "/admin/apis/"+api.Show("api"),
		"/admin/apps/:id", "/admin/apps/"+w.mine.app.ID.Show("app"), "/admin/keys/:key", "/admin/keys/"+w.mine.key.ID.Show("key"), "/admin/organizations/:id", "/admin/organizations/"+w.mine.org.Show("org"),
		"/admin/requests/:id", "/admin/requests/"+w.mine.access.Show("acc"), "/admin/users/:user", "/admin/users/"+w.mine.user.ID.Show("user"))
	for _, r := range w.house.Table {
		path := own.Replace(r.Path)
		if param, id := w.mine.idFor(path); param != "" {
			path = strings.Replace(path, param, id, 1)
		}
		if !r.Mutates() && !strings.Contains(path, ":") && !strings.HasPrefix(path, "/v1/") && (r.Access.Permission() != "") == staff {
			paths = append(paths, path)
		}
	}
	return append(paths, "/search?q=unheardofwords", "/search?q=orders")
}

// While the database is moved every page is read, nothing is changed, and keys answer.
func TestWhileTheDatabaseIsMovedPagesAreReadAndNothingIsChanged(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := serve(t, d, clock)
	w.inhabit()
	mine, admin, program := w.site.As(w.mine.user), w.site.As(w.site.Person("second@company.example", permission.StaffAdmin)), w.keyed()
	clock.Advance(3 * time.Minute) // sessions are due to be noted as seen
	w.live()
	hold, err := d.Hold(t.Context())
	w.ok(err)
	t.Cleanup(func() { _ = hold.Release() })

	for _, p := range w.readable(false) {
		if page := mine.Get(p); page.Status >= 500 {
			t.Errorf("GET %s: %d %s", p, page.Status, page.Body)
		}
	}
	for _, p := range w.readable(true) {
		if page := admin.Get(p); page.Status >= 500 {
			t.Errorf("GET %s: %d", p, page.Status)
		}
	}
	if page := mine.Get("/console"); !strings.Contains(page.Body, "is being moved to another database") || page.Status != http.StatusOK {
		t.Error("the page does not say why nothing can be changed", page.Status)
	}
	refused := mine.Post("/console/apps/"+w.mine.app.ID.Show("app")+"/edit", url.Values{"name": {"Renamed"}})
	if refused.Status != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") != "30" || !strings.Contains(refused.Body, "nothing can be changed") {
		t.Error(refused.Status, refused.Header, refused.Body)
	}
	program.answers(http.StatusOK)

	w.ok(hold.Release())
	if page := mine.Post("/console/apps/"+w.mine.app.ID.Show("app")+"/edit", url.Values{"name": {"Renamed"}}); page.Status != http.StatusSeeOther {
		t.Error("what was given back is not written", page.Status)
	}
}

// K8: what was moved elsewhere is not believed for longer than a database that is away, unless the move gave grace: revocations are made elsewhere now.
func TestTheOldServerStopsAnsweringAfterTheMove(t *testing.T) {
	t.Run("at once", func(t *testing.T) { afterMove(t, 0, []answer{{30 * time.Second, http.StatusServiceUnavailable}}) })
	t.Run("after its grace", func(t *testing.T) {
		afterMove(t, 15*time.Minute, []answer{{0, http.StatusOK}, {14 * time.Minute, http.StatusOK}, {2 * time.Minute, http.StatusServiceUnavailable}})
	})
}

// answer is what a key gets that much later.
type answer struct {
	after time.Duration
	want  int
}

func afterMove(t *testing.T, grace time.Duration, answers []answer) {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := serve(t, d, clock)
	w.inhabit()
	mine, program := w.site.As(w.mine.user), w.keyed()
	hold, err := d.Hold(t.Context())
	w.ok(err)
	w.live()
	program.answers(http.StatusOK)
	var until time.Time
	if grace > 0 {
		until = clock.Now().Add(grace)
	}
	w.ok(hold.Finish(t.Context(), until))

	for _, at := range answers {
		clock.Advance(at.after)
		program.answers(at.want)
		if page := mine.Get("/console/keys"); at.want == http.StatusOK && (page.Status != http.StatusOK || !strings.Contains(page.Body, "was moved to another database")) {
			t.Error("in its grace pages are read:", page.Status)
		}
	}
	page, visitor, style := mine.Get("/console/keys"), w.site.Visitor().Get("/"), mine.Get(static.URL("css/app.css"))

	if page.Status != http.StatusServiceUnavailable || !strings.Contains(page.Body, "was moved to another database") || strings.Contains(page.Body, "Lasting") || page.Header.Get("Retry-After") == "" {
		t.Error("somebody who was signed out in the new one since reads on:", page.Status, page.Body)
	}
	if visitor.Status != http.StatusServiceUnavailable || style.Status != http.StatusOK {
		t.Error(visitor.Status, style.Status)
	}
	if err := w.house.Close(t.Context()); err != nil {
		t.Error("to be stopped is what it was told to expect:", err)
	}
}
