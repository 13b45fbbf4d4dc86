package account_test

import (
	"net/http"
	"strings"
	"testing"
)

// S4, S5: the five answers of the route that ends all sessions, and what it takes from the browser.
func TestAllSessionsAreEndedFromOneBrowser(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	here, there, eve := w.As(u), w.As(u), w.As(w.member("eve@example.com", ""))
	const end = "/console/account/sessions/end-all"

	w.want(here.Get("/console/account"), 200, "End all sessions")
	w.want(w.Visitor().Post(end, form()), 401)
	foreign := w.As(u)
	foreign.Header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	w.want(foreign.Post(end, form()), 403)
	w.want(there.Get("/console/account"), 200)
	done := here.Post(end, form())

	w.leads(done, "/login")
	if !strings.Contains(done.Header.Get("Clear-Site-Data"), "storage") {
		t.Error(done.Header)
	}
	w.want(here.Get("/login"), 200, "All your sessions are ended.")
	w.want(here.Get("/console/account"), 401)
	w.want(there.Get("/console/account"), 401)
	w.want(eve.Get("/console/account"), 200)
}

// A sign-in with a browser that was not used before is mailed; with the same browser it is not, also after signing out. By what it was is on the list.
func TestSignInWithAnotherBrowserIsMailed(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	first, second := w.Visitor(), w.Visitor()
	second.Header = http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"}}
	in := form("email", "ada@example.com", "password", good)
	mails := func() (n int64) {
		w.must(w.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM mails WHERE kind = 'new_device'").Row().Scan(&n))
		return n
	}

	w.leads(first.Post("/login", in), "/console")
	w.leads(first.Post("/logout", form()), "/")
	w.leads(first.Post("/login", in), "/console")
	before := mails()
	w.leads(second.Post("/login", in), "/console")
	w.leads(second.Post("/logout", form()), "/")
	w.leads(second.Post("/login", in), "/console")

	l, _ := w.last("ada@example.com")
	if before != 0 || mails() != 1 || l.Kind != "new_device" {
		t.Error(before, mails(), l.Kind)
	}
	w.want(first.Get("/console/account"), 200, "Signed in by", "Firefox on Linux")
}
