package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

func ada() account.NewAccount {
	return account.NewAccount{Name: "Ada Lovelace", Email: "Ada@Example.com", Password: good}
}

func TestCodeVerifiesAndMakesUserWithPersonalOrganization(t *testing.T) {
	each(t, func(w *world) {
		browser, err := w.store.SignUp(t.Context(), visitor(), ada())
		w.must(err)
		l := w.last("ada@example.com", "verify_address")
		code := l.Code

		done, err := w.store.VerifyCode(t.Context(), visitor(), browser, " "+code[:3]+"-"+code[3:], agent)

		w.must(err)
		_, u, err := w.store.Resolve(t.Context(), done.Token)
		w.must(err)
		if until := l.After[0].Args; until[0] != "21 Nov 2026, 12:10 UTC" || until[1] != "22 Nov 2026, 12:00 UTC" {
			t.Error(until)
		}
		if u.Email != "ada@example.com" || u.DisplayName != "Ada" || len(code) != 6 || w.acts("user.signed_up") != 1 {
			t.Errorf("%+v", u)
		}
		if n := w.count("SELECT COUNT(*) FROM organizations o JOIN members m ON m.organization_id = o.id WHERE o.kind = 'personal' AND o.personal_user_id = ? AND m.user_id = ? AND m.role = 'owner'", u.ID, u.ID); n != 1 {
			t.Error("no personal organization")
		}
		_, _, err = w.store.SignIn(t.Context(), visitor(), "ada@example.com", good, firefox)
		w.must(err)
	})
}

// A15
func TestNothingOfAUserExistsBeforeTheAddressIsVerified(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.store.SignUp(t.Context(), visitor(), ada())
		w.must(err)

		_, _, signIn := w.store.SignIn(t.Context(), visitor(), "ada@example.com", good, firefox)

		w.is(signIn, fault.Unauthenticated)
		if w.count("SELECT COUNT(*) FROM users") != 0 || w.count("SELECT COUNT(*) FROM organizations") != 0 {
			t.Error("there is something already")
		}
	})
}

// A15: a stranger signs up with somebody's address first; the owner of the mailbox never brings that account to life by mistake.
func TestStrangersCannotPrepareAnAccount(t *testing.T) {
	each(t, func(w *world) {
		stranger := ada()
		stranger.Password = other
		strangersBrowser, err := w.store.SignUp(t.Context(), visitor(), stranger)
		w.must(err)
		link := token(w.last("ada@example.com", "verify_address"))
		browser, err := w.store.SignUp(t.Context(), visitor(), ada())
		w.must(err)
		own := w.last("ada@example.com", "verify_address")

		_, byClick := w.store.VerifyLink(t.Context(), visitor(), link, "", "", agent)
		_, byOwnBrowser := w.store.VerifyLink(t.Context(), visitor(), link, browser, good, agent)
		_, err = w.store.VerifyCode(t.Context(), visitor(), browser, own.Code, agent)

		w.is(byClick, fault.Invalid)
		w.is(byOwnBrowser, fault.Invalid)
		w.must(err)
		_, _, err = w.store.SignIn(t.Context(), visitor(), "ada@example.com", other, firefox)
		w.is(err, fault.Unauthenticated)
		_, err = w.store.SignupHere(t.Context(), strangersBrowser)
		w.is(err, fault.NotFound)
	})
}

func TestLinkVerifiesOnAnotherDeviceWithThePassword(t *testing.T) {
	each(t, func(w *world) {
		browser, err := w.store.SignUp(t.Context(), visitor(), ada())
		w.must(err)
		link := token(w.last("ada@example.com", "verify_address"))
		here, err := w.store.SignupOfLink(t.Context(), link, browser)
		w.must(err)
		elsewhere, err := w.store.SignupOfLink(t.Context(), link, "")
		w.must(err)

		_, wrong := w.store.VerifyLink(t.Context(), visitor(), link, "", other, agent)
		done, err := w.store.VerifyLink(t.Context(), visitor(), link, "", good, agent)

		w.is(wrong, fault.Invalid)
		w.must(err)
		if !here.SameBrowser || elsewhere.SameBrowser || done.Token == "" {
			t.Error(here, elsewhere, done)
		}
		_, err = w.store.VerifyLink(t.Context(), visitor(), link, "", good, agent)
		w.is(err, fault.NotFound)
	})
}

func TestCodeBearsFiveTriesAndTenMinutes(t *testing.T) {
	each(t, func(w *world) {
		browser, err := w.store.SignUp(t.Context(), visitor(), ada())
		w.must(err)
		code := w.last("ada@example.com", "verify_address").Code
		for range 5 {
			_, err := w.store.VerifyCode(t.Context(), visitor(), browser, "x", agent)
			w.is(err, fault.Invalid)
		}

		_, sixth := w.store.VerifyCode(t.Context(), visitor(), browser, code, agent)
		w.must(w.store.ResendSignup(t.Context(), visitor(), browser))
		_, old := w.store.VerifyCode(t.Context(), visitor(), browser, code, agent)
		fresh := w.last("ada@example.com", "verify_address").Code
		w.clock.Advance(11 * time.Minute)
		_, late := w.store.VerifyCode(t.Context(), visitor(), browser, fresh, agent)

		w.is(sixth, fault.Invalid)
		if old == nil && code != fresh {
			t.Error("the older code still works")
		}
		w.is(late, fault.Invalid)
		link := token(w.last("ada@example.com", "verify_address"))
		_, err = w.store.VerifyLink(t.Context(), visitor(), link, browser, "", agent)
		w.must(err)
	})
}

// A6
func TestSignUpWithAKnownAddressLooksTheSameAndTheMailTells(t *testing.T) {
	each(t, func(w *world) {
		w.person("ada@example.com", "")

		browser, err := w.store.SignUp(t.Context(), visitor(), ada())

		w.must(err)
		here, err := w.store.SignupHere(t.Context(), browser)
		w.must(err)
		l := w.last("ada@example.com", "account_exists")
		_, wrong := w.store.VerifyCode(t.Context(), visitor(), browser, "000000", agent)
		w.is(wrong, fault.Invalid)
		w.must(w.store.ResendSignup(t.Context(), visitor(), browser))
		if here.Email != "ada@example.com" || l.Code != "" || token(l) != "" || len(w.letters("ada@example.com")) != 2 {
			t.Error(here, l)
		}
		w.last("ada@example.com", "account_exists")
	})
}

func TestSignUpKeepsToThePolicy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock, config.Signup{Policy: config.SignupDomains, Domains: []string{"example.org"}})
		_, foreign := w.store.SignUp(t.Context(), visitor(), ada())
		in := ada()
		in.Email = "ada@EXAMPLE.org"
		_, own := w.store.SignUp(t.Context(), visitor(), in)
		_, closed := w.open(config.Signup{Policy: config.SignupClosed}).SignUp(t.Context(), visitor(), ada())

		w.is(foreign, fault.Invalid)
		w.must(own)
		w.is(closed, fault.Forbidden)
	})
}

func TestApprovalKeepsAUserWaitingUntilAnAdminApproves(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock, config.Signup{Policy: config.SignupApproval})
		admin := w.in(w.person("root@example.com", "admin"), good)
		browser, err := w.store.SignUp(t.Context(), visitor(), ada())
		w.must(err)

		done, err := w.store.VerifyCode(t.Context(), visitor(), browser, w.last("ada@example.com", "verify_address").Code, agent)
		w.must(err)
		_, _, before := w.store.SignIn(t.Context(), visitor(), "ada@example.com", good, firefox)
		w.must(w.store.Approve(t.Context(), admin, done.User.ID))
		_, _, after := w.store.SignIn(t.Context(), visitor(), "ada@example.com", good, firefox)

		if !done.Waits || done.Token != "" {
			t.Error("no waiting", done)
		}
		w.is(before, fault.Unauthenticated)
		w.must(after)
		w.last("root@example.com", "account_waits")
		w.last("ada@example.com", "account_approved")
		w.is(w.store.Approve(t.Context(), admin, done.User.ID), fault.Conflict)
	})
}

func TestSignUpSaysAllThatIsWrong(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.store.SignUp(t.Context(), visitor(), account.NewAccount{Name: strings.Repeat("x", 101), Email: "nobody", Password: "short"})

		w.is(err, fault.Invalid)
		fields := map[string]bool{}
		for _, p := range fault.As(err).Problems {
			fields[p.Field] = true
		}
		if !fields["name"] || !fields["email"] || !fields["password"] {
			t.Error(err)
		}
	})
}

// A2
func TestPasswordsMadeOfNameOrAddressAreRefused(t *testing.T) {
	each(t, func(w *world) {
		for _, plain := range []string{"password1234", "adalovelace12", "gatehouse1234", "lovelacelovelace"} {
			in := ada()
			in.Password = plain
			if _, err := w.store.SignUp(t.Context(), visitor(), in); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q was taken: %v", plain, err)
			}
		}
	})
}

// L7
func TestSignUpIsLimitedByAddressAndNetwork(t *testing.T) {
	each(t, func(w *world) {
		for range 6 {
			_, err := w.store.SignUp(t.Context(), visitor(), ada())
			w.must(err)
		}

		_, seventh := w.store.SignUp(t.Context(), visitor(), ada())
		var err error
		for i := 0; i < 60 && err == nil; i++ {
			in := ada()
			in.Email = fmt.Sprintf("ada%d@example.com", i)
			_, err = w.store.SignUp(t.Context(), visitor(), in)
		}

		w.is(seventh, fault.RateLimited)
		w.is(err, fault.RateLimited)
		w.clock.Advance(time.Hour)
		_, err = w.store.SignUp(t.Context(), visitor(), ada())
		w.must(err)
	})
}

// A5
func TestOneAddressHasOneSpelling(t *testing.T) {
	for _, spelling := range []string{"ada@example.com", " ADA@Example.COM ", "ａｄａ@example.com", "ada@ｅxample.com"} {
		if got, err := account.CanonicalEmail(spelling); err != nil || got != "ada@example.com" {
			t.Errorf("%q: %q %v", spelling, got, err)
		}
	}
	if got, err := account.CanonicalEmail("ada@bücher.example"); err != nil || got != "ada@xn--bcher-kva.example" {
		t.Error(got, err)
	}
	composed, _ := account.CanonicalEmail("jos\u00e9@example.com")
	decomposed, _ := account.CanonicalEmail("jose\u0301@example.com")
	if composed == "" || composed != decomposed {
		t.Error(composed, decomposed)
	}
}

// F4
func TestWhatIsNoAddressIsRefused(t *testing.T) {
	for _, bad := range []string{
		"", "ada", "@example.com", "ada@", "ada@localhost", "a b@example.com", "ada@exa mple.com", "ada@example.com\r\nBcc: x@example.com", "ada\r\n@example.com",
		"\u202eada@example.com", "<ada@example.com>", "ada@[127.0.0.1]", "a..b@example.com", ".a@example.com", `"a b"@example.com`, "a@b@example.com", "ada@example.com,eve@example.com",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("a.", 130) + "com", "ada@example..com", "ada@-example.com", "ada\x00@example.com",
	} {
		if got, err := account.CanonicalEmail(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q was taken as %q", bad, got)
		}
	}
}

// What somebody types goes to no address that nobody has verified: or the portal mails anybody anything
func TestUnverifiedAddressesGetNoWordsOfStrangers(t *testing.T) {
	each(t, func(w *world) {
		words := "Win a prize at evil.example"
		in := ada()
		in.Name = words
		_, err := w.store.SignUp(t.Context(), visitor(), in)
		w.must(err)
		u := w.person("eve@example.com", "")
		a := w.in(u, good)
		w.must(w.store.ChangeProfile(t.Context(), a, account.Profile{Name: words, DisplayName: "Eve", Language: "en", TimeZone: "UTC"}))
		w.must(w.store.RequestEmail(t.Context(), a, "victim@example.com", good))

		for _, l := range []outbox.Letter{w.last("ada@example.com", "verify_address"), w.last("victim@example.com", "change_address")} {
			if strings.Contains(fmt.Sprintf("%+v", l), words) {
				t.Errorf("%+v", l)
			}
		}
	})
}

func TestNewUserHasTheZoneOfTheirBrowser(t *testing.T) {
	each(t, func(w *world) {
		for browser, want := range map[string]string{"Europe/Berlin": "Europe/Berlin", "Asia/Calcutta": "Asia/Kolkata", "": "UTC", "Mars/Olympus": "UTC", "../../etc/passwd": "UTC", "Local": "UTC"} {
			in := ada()
			in.Email, in.TimeZone = "user-"+db.NewID().String()+"@example.com", browser
			token, err := w.store.SignUp(t.Context(), visitor(), in)
			w.must(err)

			done, err := w.store.VerifyCode(t.Context(), visitor(), token, w.last(in.Email, "verify_address").Code, agent)

			w.must(err)
			if done.User.TimeZone != want {
				t.Errorf("%q: %s, want %s", browser, done.User.TimeZone, want)
			}
		}
	})
}
