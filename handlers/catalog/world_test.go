package catalog_test

import (
	"net/url"
	"strings"
	"testing"

	handlers "github.com/gatehouse-dev/gatehouse/handlers/catalog"
	orghandlers "github.com/gatehouse-dev/gatehouse/handlers/org"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
)

// world is a site with the routes of org and catalog over a catalogtest.World.
type world struct {
	*webtest.Site
	*catalogtest.World
	Keys  *key.Store
	Pages *handlers.Handler

	staff, support, owner, other *webtest.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := &world{World: catalogtest.New(t, d)}
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		root, err := secret.Parse("Vq8Lz3Xw6Rk1Tn9Bm4Hy7Jc2Pd5Sf0GaEuOiQxWtC", "")
		if err != nil {
			t.Fatal(err)
		}
		w.Catalog = catalog.NewStore(catalog.Options{DB: d, Outbox: w.Outbox, Link: k.Link})
		w.Keys = key.NewStore(key.Options{DB: d, Outbox: w.Outbox, Root: root, Brand: "gk", Link: k.Link})
		orghandlers.New(k, w.Org, w.Catalog, quota.NewStore(d, nil, nil), invitation.NewStore(invitation.Options{DB: d})).Routes(r) // it sends no mail here
		w.Pages = handlers.New(k, w.Catalog, w.Org, w.Keys)
		w.Pages.Routes(r)
	})
	w.staff, w.support, w.owner, w.other = w.as(w.Staff), w.as(w.Support), w.as(w.Owner), w.as(w.Other)
	return w
}

func (w *world) as(a actor.Actor) *webtest.Client { return w.As(account.User{ID: a.UserID}) }

// detail reads the API orders.
func (w *world) detail(t *testing.T) catalog.Detail {
	t.Helper()
	d, err := w.Catalog.ByID(t.Context(), w.Staff, w.API)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (w *world) api(path string) string { return "/admin/apis/" + w.API.Show(catalog.Prefix) + path }

func (w *world) requestForm(plan db.ID, scopes ...db.ID) url.Values {
	form := url.Values{"app": {w.Shop.Show(org.AppPrefix)}, "plan": {plan.Show(catalog.PlanPrefix)}, "purpose": {"Show a customer their orders."}}
	for _, s := range scopes {
		form.Add("scopes", s.Show(catalog.ScopePrefix))
	}
	return form
}

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
