package support_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	handlers "github.com/gatehouse-dev/gatehouse/handlers/forum/support"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/forum/support/supporttest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/static"
)

// world is a site with the desk's routes over a supporttest.World.
type world struct {
	*webtest.Site
	*supporttest.World
	DB    *db.DB
	Clock *dbtest.Clock

	jonas, sam, auditor, admin, owner *webtest.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := &world{World: supporttest.New(t, d, clock), DB: d, Clock: clock}
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		root, err := secret.Parse("Vq8Lz3Xw6Rk1Tn9Bm4Hy7Jc2Pd5Sf0GaEuOiQxWtC", "")
		if err != nil {
			t.Fatal(err)
		}
		keys := key.NewStore(key.Options{DB: d, Outbox: w.Outbox, Root: root, Brand: "gk", Link: k.Link})
		r.Get(static.Prefix+"*", web.Public(), echo.WrapHandler(static.Handler()))
		(&handlers.Handler{Kit: k, Desk: w.Desk, Catalog: w.Catalog, Keys: keys, Usage: usage.NewStore(d)}).Routes(r)
	})
	w.jonas, w.sam, w.auditor, w.admin, w.owner = w.as(w.Jonas), w.as(w.Support), w.as(w.Auditor), w.as(w.Staff), w.as(w.Owner)
	return w
}

func (w *world) as(a actor.Actor) *webtest.Client { return w.As(account.User{ID: a.UserID}) }

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func path(q forum.Question, verb string) string { return support.Path(q.ID) + verb }

func wantStatus(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

func has(t *testing.T, p webtest.Page, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(p.Body, w) {
			t.Errorf("no %q on the page (%d)", w, p.Status)
		}
	}
}

func lacks(t *testing.T, p webtest.Page, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(p.Body, w) {
			t.Errorf("%q is on the page (%d)", w, p.Status)
		}
	}
}
