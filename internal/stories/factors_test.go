package stories_test

import (
	"encoding/base32"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

var recoveryCode = regexp.MustCompile(`[0-9a-z]{6}(?:-[0-9a-z]{6}){3}`)

// A9, A10, A12: an app is set up, signing in elsewhere asks for its code and does nothing before, and a recovery code stands in for it.
func TestSigningInTakesASecondFactor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.dialect)
			w.setUp(newClerk(t, w.URL, "admin"))
			desk, phone := newBrowser(t, w.URL, "developer", c.kind), newBrowser(t, w.URL, "developer elsewhere", c.kind)
			w.join(desk, "Dev Patel", devMail)
			sound := func(b *browser) {
				t.Helper()
				if !c.kind.withoutScripts {
					soundHere(b)
				}
			}

			desk.open("/console/account")
			desk.follow("See your second factors")
			desk.see("You have none yet")
			desk.fill("Name", "Pocket phone")
			desk.press("Set up app")
			desk.see("Scan this with the app")
			sound(desk)
			seed := strings.ReplaceAll(desk.secret(), " ", "")
			w.secrets.keep("seed", seed)
			first := appCode(t, seed, 0)
			desk.fill("Code", first)
			desk.press("Finish set-up")
			desk.see("Each works once")
			sound(desk)
			codes := recoveryCode.FindAllString(desk.block("-"), -1)
			if len(codes) != 10 {
				t.Fatal(codes)
			}
			w.secrets.keep("session", desk.token())
			w.mailTo(devMail, "A second factor was added")
			desk.follow("I have kept them")
			desk.see("Pocket phone", "10 of 10")
			desk.follow("Rename or remove: Pocket phone")
			desk.see("It is your only one")
			sound(desk)

			w.signIn(phone, devMail, devPassword)
			phone.see("Your password is right")
			sound(phone)
			phone.open("/console/apps")
			phone.see("Your password is right")
			phone.fill("Code", first) // it set the app up, so it is used
			phone.press("Sign in")
			phone.see("That is not a code that works now")
			phone.fill("Code", appCode(t, seed, 30*time.Second))
			phone.press("Sign in")
			phone.see("Create app")
			w.secrets.keep("session", phone.token())
			phone.quiet("422")

			lost := newBrowser(t, w.URL, "developer without the app", c.kind)
			w.signIn(lost, devMail, devPassword)
			lost.see("Your password is right")
			lost.use("summary", "I don’t have my app at hand", "")
			lost.fill("Recovery code", codes[4])
			lost.press("Sign in with recovery code")
			lost.see("Codes that still work: 9")
			w.mailTo(devMail, "A recovery code was used")
			desk.quiet()
			lost.quiet()
		})
	}
}

// soundHere is what axe finds wrong with the page on which a browser is, in every aspect.
func soundHere(b *browser) {
	b.t.Helper()
	for _, a := range aspects {
		for _, problem := range inspectAs(b, a) {
			b.t.Errorf("%s: %s", b.path(), problem)
		}
	}
}

// appCode is what an app shows that far from now.
func appCode(t testing.TB, seed string, later time.Duration) string {
	t.Helper()
	if _, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed); err != nil {
		t.Fatalf("%q is no base32", seed)
	}
	code, err := totp.GenerateCode(seed, time.Now().Add(later))
	if err != nil {
		t.Fatal(err)
	}
	return code
}
