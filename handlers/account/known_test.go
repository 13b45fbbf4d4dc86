package account_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// knownOf is the path under which the only known browser of u is forgotten.
func (w *world) knownOf(u account.User) string {
	w.t.Helper()
	var ids []db.ID
	w.must(w.DB.Read(context.Background()).Raw("SELECT id FROM devices WHERE user_id = ?", u.ID).Scan(&ids).Error)
	if len(ids) != 1 {
		w.t.Fatal(ids)
	}
	return "/console/account/browsers/" + ids[0].Show("brw") + "/forget"
}

// S4, S5, Z2: the five answers of the route that forgets a browser, and what the page shows before and after.
func TestAKnownBrowserIsForgotten(t *testing.T) {
	w := begin(t, "")
	u, eve := w.member("ada@example.com", ""), w.member("eve@example.com", "")
	in := form("email", u.Email, "password", good)
	browser := w.Visitor()
	browser.Header = http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"}}
	w.leads(browser.Post("/login", in), "/console")
	forget := w.knownOf(u)

	known := browser.Get("/console/account")
	w.want(known, 200, "Known browsers", "Forget browser: Firefox on Linux")
	if strings.Contains(known.Body, "Forget all other browsers") || strings.Count(known.Body, "This browser") != 2 {
		t.Error("others are offered that are not there, or this one is not marked")
	}
	w.want(w.Visitor().Post(forget, form()), 401)
	w.want(w.As(eve).Post(forget, form()), 404)
	foreign := w.As(u)
	foreign.Header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	w.want(foreign.Post(forget, form()), 403)
	w.want(browser.Post("/console/account/browsers/nonsense/forget", form()), 404)
	w.leads(browser.Post(forget, form()), "/console/account#browsers")

	w.want(browser.Get("/console/account"), 200, "The browser is forgotten.", "No browser is known.")
	w.want(browser.Post(forget, form()), 404)
}

// S4, S5, Z2: the answers of the route that forgets all others.
func TestAllOtherKnownBrowsersAreForgotten(t *testing.T) {
	w := begin(t, "")
	u, eve := w.member("ada@example.com", ""), w.member("eve@example.com", "")
	const forget = "/console/account/browsers/forget-others"
	here, there, hers := w.Visitor(), w.Visitor(), w.Visitor()
	w.leads(here.Post("/login", form("email", u.Email, "password", good)), "/console")
	w.leads(there.Post("/login", form("email", u.Email, "password", good)), "/console")
	w.leads(hers.Post("/login", form("email", eve.Email, "password", good)), "/console")

	w.want(here.Get("/console/account"), 200, "Forget all other browsers")
	w.want(w.Visitor().Post(forget, form()), 401)
	foreign := w.As(u)
	foreign.Header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	w.want(foreign.Post(forget, form()), 403)
	w.leads(here.Post(forget, form()), "/console/account#browsers")

	page := here.Get("/console/account")
	w.want(page, 200, "All other browsers are forgotten.", "This browser")
	if strings.Contains(page.Body, "Forget all other browsers") {
		t.Error("others are left")
	}
	w.want(there.Get("/console/account"), 200, "Forget all other browsers")
	w.knownOf(u)
	w.knownOf(eve)
}
