package account_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
)

// signsInAnew is a browser that is not known, in which ada gave the password and waits for the code that is returned.
func (w *world) signsInAnew(next string) (c *webtest.Client, code string) {
	w.t.Helper()
	c = w.Visitor()
	asked := c.Post("/login", form("email", "ada@example.com", "password", good, "next", next))
	to := "/login/code"
	if next != "" {
		to += "?next=%2Fconsole%2Faccount"
	}
	w.leads(asked, to)
	l, _ := w.last("ada@example.com")
	if l.Kind != "sign_in_code" {
		w.t.Fatal(l.Kind)
	}
	return c, l.Code
}

// A12, S2: the answers of the page, and what the session reaches before the code is entered.
func TestASignInFromANewBrowserIsFinishedByACodeByMail(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	w.store.CodeForNewDevices(true)
	c, code := w.signsInAnew("/console/account")
	before := c.Cookie("gatehouse-session")

	w.want(c.Get("/login/code?next=/console/account"), 200, "Code by mail", "ada@example.com", "/console/account")
	w.leads(c.Get("/console/account"), "/login/code?next=%2Fconsole%2Faccount")
	w.want(c.Post("/console/account/sessions/end-all", form()), 401)
	w.want(c.Post("/console/account/password", form("current_password", good, "new_password", other)), 401)
	w.want(c.Post("/login/code", form("code", "x"+code[1:])), 422, "That is not the code")
	w.want(c.CrossSite("/login/code", form("code", code)), 403)
	w.want(c.CrossSite("/login/code/resend", form()), 403)
	w.leads(c.Post("/login/code", form("code", code, "next", "/console/account")), "/console/account")

	w.want(c.Get("/console/account"), 200)
	if after := c.Cookie("gatehouse-session"); after == before || after == "" {
		t.Error("the token is the same")
	}
	w.leads(c.Get("/login/code"), "/console")
	w.leads(c.Post("/login/code", form("code", code)), "/console")
	w.leads(c.Post("/logout", form()), "/")
	w.leads(c.Post("/login", form("email", "ada@example.com", "password", good)), "/console") // it is known now
}

func TestTheCodePageIsForWhoWaitsForOne(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	w.store.CodeForNewDevices(true)
	c, code := w.signsInAnew("")
	signedIn := w.As(w.member("eve@example.com", ""))

	w.leads(w.Visitor().Get("/login/code"), "/login")
	w.leads(w.Visitor().Post("/login/code", form("code", code)), "/login")
	w.leads(w.Visitor().Post("/login/code/resend", form()), "/login")
	w.leads(signedIn.Post("/login/code", form("code", code)), "/console")
	other, _ := w.signsInAnew("")
	w.want(other.Post("/login/code", form("code", code)), 422) // of another session
	w.leads(c.Post("/login/code", form("code", code, "next", "https://evil.example")), "/console")
	w.leads(other.Post("/logout", form()), "/")
	w.leads(other.Get("/login/code"), "/login")
	if sessions, err := w.store.Sessions(t.Context(), webtest.ActorOf(u)); err != nil || len(sessions) != 1 {
		t.Error(err, sessions)
	}
}

// A5: a new mail ends the older code; after three of them, or five wrong codes, that way is shut.
func TestCodesByMailAreNotGuessed(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	w.store.CodeForNewDevices(true)
	c, code := w.signsInAnew("")

	for range 3 {
		w.leads(c.Post("/login/code/resend", form("next", "/console/account")), "/login/code?next=%2Fconsole%2Faccount")
	}
	w.want(c.Get("/login/code"), 200, "A new mail is on its way")
	w.want(c.Post("/login/code/resend", form()), http.StatusTooManyRequests)
	for range 4 {
		w.want(c.Post("/login/code", form("code", code)), 422)
	}
	w.want(c.Post("/login/code", form("code", code)), 401, "fifth wrong code", `name="password"`)

	w.leads(c.Get("/login/code"), "/login")
	l, _ := w.last("ada@example.com")
	if strings.Contains(l.Subject.Key, l.Code) || l.URL != "" {
		t.Errorf("%+v", l)
	}
}
