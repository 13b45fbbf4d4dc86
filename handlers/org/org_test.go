package org_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	handlers "github.com/gatehouse-dev/gatehouse/handlers/org"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
)

type world struct {
	*webtest.Site
	*catalogtest.World

	invitations *invitation.Store
	domains     *domain.Store
	dns         *testenv.DNS

	staff, support, owner, other *webtest.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := &world{World: catalogtest.New(t, d)}
	w.invitations = invitation.NewStore(invitation.Options{DB: d, Outbox: w.Outbox, Link: func(p string) string { return p }})
	w.dns = testenv.StartDNS(t)
	w.domains = domain.NewStore(domain.Options{DB: d, Outbox: w.Outbox, Link: func(p string) string { return p }, DNS: domain.DNS{Server: w.dns.Addr}, Providers: []domain.Provider{{Name: "northwind", Label: "Northwind Login", Domains: []string{"example.com"}}}})
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		h := handlers.New(k, w.Org, w.Catalog, quota.NewStore(d, nil, nil), w.invitations) // sends no mail here
		h.DomainStore = w.domains
		h.Routes(r)
		k.Elsewhere, k.Shut = h.Elsewhere, h.Shut
	})
	w.staff, w.support, w.owner, w.other = w.as(w.Staff), w.as(w.Support), w.as(w.Owner), w.as(w.Other)
	return w
}

func (w *world) as(a actor.Actor) *webtest.Client { return w.As(account.User{ID: a.UserID}) }

func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
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

type act struct {
	name    string
	staff   bool
	path    string
	good    url.Values
	bad     url.Values
	foreign int // of somebody whose it is not, or of staff without the right
}

func acts(w *world) []act {
	o, app := "/console/organizations/"+w.North.Show("org"), "/console/apps/"+w.Shop.Show("app")
	adminOrg, adminApp := "/admin/organizations/"+w.North.Show("org"), "/admin/apps/"+w.Shop.Show("app")
	return []act{
		{"create organization", false, "/console/organizations/new", form("name", "Fabrikam"), form("name", ""), 0},
		{"change organization", false, o, form("name", "North"), form("name", "x", "technical_email", "x"), 404},
		{"delete organization", false, o + "/delete", form("confirm", "Northwind"), form("confirm", "northwind"), 404},
		{"create app", false, "/console/apps/new", form("organization", w.North.Show("org"), "name", "Second"), form("organization", w.North.Show("org"), "name", ""), 404},
		{"change app", false, app + "/edit", form("name", "Shop 2"), form("name", "x", "homepage_url", "javascript:x"), 404},
		{"delete app", false, app + "/delete", form("confirm", "Shop"), form("confirm", ""), 404},
		{"limit app", false, app + "/members", form("reach", "some"), form("reach", ""), 404},
		{"let strangers into an app", false, app + "/members", form("reach", "all"), form("reach", "some", "members", w.Other.UserID.Show("user")), 404},
		{"suspend organization", true, adminOrg + "/suspend", form("reason", "Odd."), form("reason", ""), 403},
		{"suspend app", true, adminApp + "/suspend", form("reason", "Odd.", "until", "2026-12-24"), form("reason", "Odd.", "until", "soon"), 403},
		{"unsuspend organization", true, adminOrg + "/unsuspend", form(), nil, 403},
		{"unsuspend app", true, adminApp + "/unsuspend", form(), nil, 403},
	}
}

func TestEachActWorksForWhoMayAndForNobodyElse(t *testing.T) {
	for i, a := range acts(newWorld(t)) {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)
			a := acts(w)[i]
			who, stranger := w.owner, w.other
			if a.staff {
				who, stranger = w.staff, w.support
			}
			if strings.HasPrefix(a.name, "unsuspend") {
				for _, err := range []error{w.Org.SuspendOrganization(t.Context(), w.Staff, w.North, org.Suspension{Reason: "x"}), w.Org.SuspendApp(t.Context(), w.Staff, w.Shop, org.Suspension{Reason: "x"})} {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			_, before := w.Changes(0)

			wantStatus(t, "signed out", w.Visitor().Post(a.path, a.good).Status, 401)
			wantStatus(t, "another site", who.CrossSite(a.path, a.good).Status, 403)
			if a.foreign != 0 {
				wantStatus(t, "somebody else", stranger.Post(a.path, a.good).Status, a.foreign)
			}
			if a.bad != nil {
				wantStatus(t, "wrong input", who.Post(a.path, a.bad).Status, 422)
			}
			if _, now := w.Changes(0); now != before {
				t.Error("something changed")
			}
			wantStatus(t, "works", who.Post(a.path, a.good).Status, http.StatusSeeOther)
		})
	}
}

// Z3
func TestFieldsThatAFormDoesNotHaveChangeNothing(t *testing.T) {
	w := newWorld(t)
	extra := form("name", "Shop", "organization", w.Contoso.Show("org"), "organization_id", w.Contoso.String(), "suspended_at", "2026-01-01", "created_by", w.Other.UserID.String(), "kind", "company", "deleted_at", "2026-01-01", "id", db.NewID().String())

	w.owner.Post("/console/apps/"+w.Shop.Show("app")+"/edit", extra)
	w.owner.Post("/console/organizations/"+w.North.Show("org"), extra)

	app, err := w.Org.App(t.Context(), w.Owner, w.Shop)
	o, err2 := w.Org.Get(t.Context(), w.Owner, w.North)
	if err != nil || err2 != nil || app.OrganizationID != w.North || app.SuspendedAt != nil || *app.CreatedBy != w.Owner.UserID || o.Kind != org.Ordinary {
		t.Error(err, err2, app, o)
	}
}

// Z2
func TestForeignRowsAreLikeNone(t *testing.T) {
	w := newWorld(t)
	nothing := db.NewID()
	words := func(p webtest.Page) string {
		_, body, _ := strings.Cut(p.Body, "<main")
		body, _, _ = strings.Cut(body, "<code>")
		return body
	}

	for foreign, none := range map[string]string{
		"/console/apps/" + w.Foreign.Show("app"):                      "/console/apps/" + nothing.Show("app"),
		"/console/apps/" + w.Foreign.Show("app") + "/edit":            "/console/apps/" + nothing.Show("app") + "/edit",
		"/console/apps/" + w.Foreign.Show("app") + "/delete":          "/console/apps/" + nothing.Show("app") + "/delete",
		"/console/organizations/" + w.Contoso.Show("org"):             "/console/organizations/" + nothing.Show("org"),
		"/console/organizations/" + w.Contoso.Show("org") + "/delete": "/console/organizations/" + nothing.Show("org") + "/delete",
		"/console/apps/" + w.Contoso.Show("app"):                      "/console/apps/nonsense",
	} {
		a, b := w.owner.Get(foreign), w.owner.Get(none)
		if a.Status != 404 || b.Status != 404 || words(a) != words(b) {
			t.Errorf("%s: %d %d", foreign, a.Status, b.Status)
		}
	}
	if p := w.owner.Get("/console/apps?org=" + w.Contoso.Show("org")); strings.Contains(p.Body, "Warehouse") {
		t.Error("a foreign organization's apps are listed")
	}
}

func TestPagesShowWhatTheRoleAllows(t *testing.T) {
	w := newWorld(t)
	viewer := w.World.Person("Vera View", "")
	w.Join(w.North, viewer, "viewer")
	app := "/console/apps/" + w.Shop.Show("app")

	has(t, w.owner.Get(app), "Edit app", "Delete app", "Create key", "No access yet", "https://shop.example")
	has(t, w.owner.Get("/console/apps"), "Create app", "Shop")
	has(t, w.owner.Get("/console/organizations/"+w.North.Show("org")), "Save settings", "Delete organization", "nora.north@example.com", "Owner")
	for _, page := range []webtest.Page{w.as(viewer).Get(app), w.as(viewer).Get("/console/apps"), w.as(viewer).Get("/console/organizations/" + w.North.Show("org"))} {
		wantStatus(t, "viewer", page.Status, 200)
		for _, word := range []string{"Edit app", "Delete app", "Create key", "Create app", "Save settings", "Delete organization"} {
			if strings.Contains(page.Body, word) {
				t.Errorf("a viewer sees %q", word)
			}
		}
	}
	has(t, w.as(viewer).Get("/console/apps/new"), "You can’t create apps here")
	has(t, w.staff.Get("/admin/organizations?q=north"), "Northwind")
	has(t, w.staff.Get("/admin/organizations/"+w.North.Show("org")), "Suspend organization", "Shop")
	if strings.Contains(w.support.Get("/admin/organizations/"+w.North.Show("org")).Body, "Suspend organization") {
		t.Error("support sees what it may not do")
	}
	wantStatus(t, "outsider at staff's", w.owner.Get("/admin/organizations").Status, 403)
}

func TestSuspensionShowsItsReason(t *testing.T) {
	w := newWorld(t)
	app := w.Shop.Show("app")

	done := w.staff.Post("/admin/apps/"+app+"/suspend", form("reason", "612 unknown order ids", "until", "2026-11-30"))

	has(t, w.staff.Get(done.Location), "Unsuspend app", "612 unknown order ids", "Suspended until 1 Dec 2026, 00:00 UTC")
	has(t, w.owner.Get("/console/apps/"+app), "612 unknown order ids", "its keys do not work")
	has(t, w.staff.Get("/admin/apps?state=suspended"), "Shop")
	if strings.Contains(w.staff.Get("/admin/apps?state=suspended").Body, "Warehouse") {
		t.Error("the filter lets others through")
	}
	w.staff.Post("/admin/apps/"+app+"/unsuspend", form())
	has(t, w.owner.Get("/console/apps/"+app), "Active")
}

// A12: an organization whose letters reach nobody is told of by the list that staff begins with, and its page says why.
func TestStaffSeesThatNobodyCanBeReached(t *testing.T) {
	w := newWorld(t)
	page, list := "/admin/organizations/"+w.North.Show("org"), "/admin/organizations?state=unreachable"
	const words = "Nobody can be reached"

	before, none := w.staff.Get(page), w.staff.Get(list)
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE users SET suspended_at = ? WHERE email LIKE 'nora.north@%'", tx.Now)
		return err
	})

	has(t, w.staff.Get(page), words, "Mail about its apps and keys reaches nobody until one of them can sign in again.")
	has(t, w.staff.Get(list), "Northwind", "Unreachable</span>")
	if strings.Contains(before.Body, words) || strings.Contains(none.Body, "Northwind") {
		t.Error("told while its owner can be reached")
	}
}

func TestWhatStandsInTheWayIsToldBesideWhatWasTyped(t *testing.T) {
	w := newWorld(t)

	refused := w.staff.Post("/admin/organizations/"+w.Company.Show("org")+"/suspend", form("reason", "Odd calls."))

	wantStatus(t, "suspending the company", refused.Status, 409)
	has(t, refused, "Suspending it would stop its gateways.", "Odd calls.</textarea>")
}

func TestAnAppsPageTellsWhatIsUsedOfItsQuotas(t *testing.T) { // L5
	w := newWorld(t)
	page := "/console/apps/" + w.Shop.Show("app")
	before := w.owner.Get(page)
	w.Request(w.Open, w.Read)
	now := w.World.DB.Now().UTC()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE plans SET quota_day = 100 WHERE id = ?", w.Open)
		_, err2 := tx.Run("INSERT INTO quota_counters (app_id, api_id, environment, period_start, used) VALUES (?, ?, 'live', ?, 1000)", w.Shop, w.API, time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC))
		_, err3 := tx.Run("INSERT INTO quota_days (app_id, api_id, environment, day, used) VALUES (?, ?, 'live', ?, 80)", w.Shop, w.API, now.Truncate(24*time.Hour))
		return errors.Join(err, err2, err3)
	})

	after, support := w.owner.Get(page), w.other.Get(page)

	if strings.Contains(before.Body, "Within the quota") {
		t.Error("nothing is used, and quotas are listed")
	}
	has(t, after, "80 percent of a quota are used", "80 of 100 calls of this day", "1,000", "Within the quota", "10%", "10,000 calls a month")
	wantStatus(t, "of somebody else", support.Status, 404)
}
