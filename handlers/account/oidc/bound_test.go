package oidc_test

import (
	"html"
	"strings"
	"testing"

	"gorm.io/gorm"

	accounts "github.com/gatehouse-dev/gatehouse/models/account"
)

// A6, A15: of a domain whose people sign in by a provider, every form leads there in the same words, whoever has an account; and the one who had one before lands in it by
// a mail.
func TestPeopleOfABoundDomainAreLedToTheirProvider(t *testing.T) {
	w := begin(t)
	w.person("ada@northwind.example")
	c := w.Visitor()
	w.accounts.BindBy(func(_ *gorm.DB, address string, _ bool) (accounts.Binding, bool, error) {
		return accounts.Binding{Domain: "northwind.example", Provider: "northwind", Label: "Northwind"}, strings.HasSuffix(address, "@northwind.example"), nil
	})
	said := map[string]string{}
	for _, email := range []string{"ada@northwind.example", "nobody@northwind.example"} {
		for path, f := range map[string][]string{
			"/login":           {"email", email, "password", good, "next", "/console"},
			"/password/forgot": {"email", email},
			"/signup":          {"name", "X", "email", email, "password", "umbrella quiet mountain tide"},
		} {
			p := w.Visitor().Post(path, form(f...))
			w.want(p, 403, "People with an address at northwind.example sign in by Northwind.", "/login/with/northwind")
			_, body, _ := strings.Cut(html.UnescapeString(p.Body), "<h1")
			if before, again := said[path]; again && body != before {
				t.Errorf("%s tells who has an account: %s, %s", path, before, body)
			}
			said[path] = body
		}
	}
	w.want(w.Visitor().Post("/login", form("email", "ada@elsewhere.example", "password", good)), 401)

	w.leads(w.trip(c, "/login/with/northwind", "bob"), "/login/visit") // whom Northwind does not vouch for
	w.want(c.Get("/login/visit"), 200, "Northwind does not say that it has verified this address")
	c = w.Visitor()
	w.leads(w.trip(c, "/login/with/northwind", "ada"), "/login/visit")
	if p := c.Get("/login/visit"); strings.Contains(p.Body, "Password of your account here") {
		t.Error("a password is asked for that would be refused")
	}
	w.leads(c.Post("/login/visit/mail", nil), "/login/visit")
	_, token, _ := strings.Cut(w.mailed("ada@northwind.example"), "token=")
	w.leads(c.Post("/login/visit/proof", form("token", token)), "/console")
	w.want(c.Get("/console"), 200, "console of ada@northwind.example")
}
