package stories_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv/idp"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// newWorldWithProvider is a portal at which people sign in by Northwind, a provider of OpenID Connect that runs in this process.
func newWorldWithProvider(t testing.TB, dialect string, more ...func(env map[string]string)) (*world, *idp.Provider) {
	t.Helper()
	addr, err := rig.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	p := idp.Start(t, "http://"+addr+"/login/with/northwind/callback")
	w := &world{house: newHouseWith(t, dialect, func(env map[string]string) {
		env["GATEHOUSE_ADDR"], env["GATEHOUSE_BASE_URL"] = addr, "http://"+addr
		env["GATEHOUSE_OIDC"], env["GATEHOUSE_OIDC_PRIVATE"] = "northwind", "127.0.0.1"
		env["GATEHOUSE_OIDC_NORTHWIND_ISSUER"], env["GATEHOUSE_OIDC_NORTHWIND_LABEL"] = p.Issuer, "Northwind"
		env["GATEHOUSE_OIDC_NORTHWIND_CLIENT_ID"], env["GATEHOUSE_OIDC_NORTHWIND_CLIENT_SECRET"] = idp.ClientID, idp.ClientSecret
		env["GATEHOUSE_OIDC_NORTHWIND_DOMAINS"] = "northwind.example,kestrel.example"
		for _, change := range more {
			change(env)
		}
	})}
	for _, password := range []string{adminPassword, devPassword, idp.ClientSecret} {
		w.secrets.keep("password", password)
	}
	return w, p
}

// A14, A15: an account elsewhere becomes one here, and another is linked to one that was here before, once its owner has shown that it is theirs.
func TestPeopleSignInFromElsewhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			w, provider := newWorldWithProvider(t, c.dialect)
			provider.Add("grace@northwind.example", "Grace", "Hopper", true)
			provider.Add(devMail, "Dev", "Patel", true)
			w.setUp(newClerk(t, w.URL, "admin"))
			w.join(newClerk(t, w.URL, "developer before"), "Dev Patel", devMail)
			sound := func(b *browser) {
				t.Helper()
				if !c.kind.withoutScripts {
					soundHere(b)
				}
			}
			there := func(b *browser, address string) {
				t.Helper()
				name, _, _ := strings.Cut(address, "@")
				b.fill("Name", name)
				b.fill("Password", idp.Password)
				b.press("Continue")
			}

			grace := newBrowser(t, w.URL, "grace", c.kind)
			grace.open("/login")
			sound(grace)
			grace.follow("Continue with Northwind")
			there(grace, "grace@northwind.example")
			grace.see("Northwind says that your address is", "grace@northwind.example")
			sound(grace)
			grace.press("Create account")
			grace.see("Your account is ready")
			w.secrets.keep("session", grace.token())
			grace.open("/console/account")
			grace.follow("See your providers")
			grace.see("grace@northwind.example", "You have no password here")
			sound(grace)

			dev := newBrowser(t, w.URL, "developer", c.kind)
			dev.open("/login/with/northwind")
			there(dev, devMail)
			dev.see("There is an account with this address here.")
			sound(dev)
			dev.fill("Password of your account here", devPassword)
			dev.press("Sign in")
			dev.see("Link the two")
			sound(dev)
			w.secrets.keep("session", dev.token())
			dev.press("Link the two")
			dev.see("Northwind is linked", "Unlink Northwind")
			w.mailTo(devMail, "Northwind now signs in to your account")
			dev.open("/console/account/providers/northwind/link") // there is nothing left to link
			there(dev, devMail)
			dev.see("is linked to this one at Northwind already")
			sound(dev)
			dev.quiet("409")
		})
	}
}
