package account_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

func TestSignUpVerifyAndArriveAtTheConsole(t *testing.T) {
	w := begin(t, "")
	browser := w.Visitor()
	w.want(browser.Get("/signup"), 200, "Create account", ">Name", ">Email", ">Password", "hands you the mail")

	w.leads(browser.Post("/signup", signUp()), "/verify")
	w.want(browser.Get("/verify"), 200, "ada@example.com", "Verify", "Code", " autofocus")
	mail, _ := w.last("ada@example.com")
	w.want(browser.Post("/verify", form("code", "12")), 422, "That is not the code")
	w.leads(browser.Post("/verify", form("code", mail.Code)), "/console")

	w.want(browser.Get("/console/account"), 200, "ada@example.com", "Your account is ready.", "This browser")
	w.leads(browser.Get("/login"), "/console")
}

func TestSignUpLeadsToWhereOneWasGoing(t *testing.T) {
	w := begin(t, "")
	browser := w.Visitor()
	const next, kept = "/apis/orders?tab=try", "?next=%2Fapis%2Forders%3Ftab%3Dtry"
	in, hidden := signUp(), `name="next" value="`+next+`"`
	in.Set("next", next)

	w.want(browser.Get("/login"+kept), 200, `href="/signup`+kept+`"`)
	w.want(browser.Get("/signup"+kept), 200, hidden, `href="/login`+kept+`"`)
	w.want(browser.Post("/signup", form("next", next)), 422, hidden)
	w.leads(browser.Post("/signup", in), "/verify"+kept)
	w.want(browser.Get("/verify"+kept), 200, hidden)
	w.leads(browser.Post("/verify/resend", form("next", next)), "/verify"+kept)
	mail, _ := w.last("ada@example.com")
	w.want(browser.Post("/verify", form("code", "12", "next", next)), 422, hidden)
	w.leads(browser.Post("/verify", form("code", mail.Code, "next", next)), next)
}

// The mail to an unknown address holds no words of whoever entered it, so the way back is kept beside the sign-up.
func TestMailedLinkLeadsToWhereOneWasGoing(t *testing.T) {
	w := begin(t, "")
	in := signUp()
	in.Set("next", "/forum/ask?title=Hello")
	w.leads(w.Visitor().Post("/signup", in), "/verify?next=%2Fforum%2Fask%3Ftitle%3DHello")

	mail, _ := w.last("ada@example.com")
	link := w.path(mail)
	elsewhere := w.Visitor()

	if strings.Contains(link, "Hello") {
		t.Error(link)
	}
	w.want(elsewhere.Get(link), 200, `name="next" value="/forum/ask?title=Hello"`)
}

// W4
func TestSignUpLeadsToNoOtherHost(t *testing.T) {
	w := begin(t, "")
	browser := w.Visitor()
	in := signUp()
	in.Set("next", "//evil.example")

	shown := browser.Get("/signup?next=https://evil.example")
	w.leads(browser.Post("/signup", in), "/verify")
	w.leads(browser.Post("/verify/resend", form("next", `/\evil.example`)), "/verify")
	mail, _ := w.last("ada@example.com")
	w.leads(browser.Post("/verify", form("code", mail.Code, "next", "//evil.example")), "/console")

	if strings.Contains(shown.Body, `name="next" value="https`) {
		t.Error(shown.Body)
	}
}

func TestSignUpSaysWhatIsWrongAndKeepsTheInput(t *testing.T) {
	w := begin(t, "")

	page := w.Visitor().Post("/signup", form("name", "Ada <b>", "email", "nobody", "password", "gatehouse1234"))

	w.want(page, 422, `value="Ada &lt;b&gt;"`, `value="nobody"`, "Enter an e-mail address", "which others can guess")
	if strings.Contains(page.Body, "gatehouse1234") {
		t.Error("the password came back")
	}
}

// Without a mail server nothing was sent, so no page says so.
func TestPagesSayWhoHandsOutTheMail(t *testing.T) {
	byHand, byServer := begin(t, ""), serve(t, "", false)
	pages := func(w *world) (verify, again, ask, asked string) {
		browser := w.Visitor()
		w.leads(browser.Post("/signup", signUp()), "/verify")
		verify = browser.Get("/verify").Body
		w.leads(browser.Post("/verify/resend", form()), "/verify")
		again = browser.Get("/verify").Body
		return verify, again, browser.Get("/password/forgot").Body, browser.Post("/password/forgot", form("email", "ada@example.com")).Body
	}

	verify, again, ask, asked := pages(byHand)
	for _, pair := range [][2]string{
		{verify, "A mail with a code and a link waits for ada@example.com. An admin hands it to you."},
		{verify, "it works for a day"},
		{again, "A new mail waits for you."},
		{ask, "An admin then hands you a link"},
		{asked, "a mail with a link waits for ada@example.com. An admin hands it to you."},
	} {
		if !contains(pair[0], pair[1]) {
			t.Errorf("lacks %q: %s", pair[1], pair[0])
		}
	}
	for _, word := range []string{"We sent", "spam", "sends no mail", "on its way", "Send "} {
		if contains(verify+again+ask+asked, word) {
			t.Errorf("a page says %q", word)
		}
	}

	verify, again, ask, asked = pages(byServer)
	if all := verify + again + ask + asked; contains(all, "admin") || !contains(verify, "We sent a mail") || !contains(verify, "spam") || !contains(asked, "on its way") {
		t.Error(all)
	}
}

// W1, A13: mail scanners open links; that uses nothing up.
func TestMailedLinkVerifiesByAClickInTheSameBrowser(t *testing.T) {
	w := begin(t, "")
	browser := w.Visitor()
	browser.Post("/signup", signUp())
	mail, _ := w.last("ada@example.com")
	for range 3 {
		w.Visitor().Get(w.path(mail))
	}

	page := browser.Get(w.path(mail))
	w.want(page, 200, "One click", "Verify")
	done := browser.Post("/verify", form("token", tokenOf(w.path(mail))))

	w.leads(done, "/console")
	if page.Header.Get("Referrer-Policy") != "no-referrer" || strings.Contains(page.Body, `type="password"`) {
		t.Error(page.Header)
	}
	w.want(w.Visitor().Get(w.path(mail)), 404, "does not work any more")
}

// A15
func TestMailedLinkAsksForThePasswordOnAnotherDevice(t *testing.T) {
	w := begin(t, "")
	w.Visitor().Post("/signup", signUp())
	mail, _ := w.last("ada@example.com")
	phone := w.Visitor()

	w.want(phone.Get(w.path(mail)), 200, "another browser", `type="password"`)
	w.want(phone.Post("/verify", form("token", tokenOf(w.path(mail)))), 422, "chosen at sign-up")
	w.leads(phone.Post("/verify", form("token", tokenOf(w.path(mail)), "password", good)), "/console")

	w.want(phone.Get("/console/account"), 200)
}

// A15, Z3: no field makes a user verified, approved or staff.
func TestNoFieldOfSignUpGivesRights(t *testing.T) {
	w := begin(t, "")
	in := signUp()
	for _, f := range []string{"email_verified_at", "email_verified", "approved_at", "staff_role", "role", "id", "user_id"} {
		in.Set(f, "admin")
	}
	browser := w.Visitor()
	browser.Post("/signup?staff_role=admin", in)
	mail, _ := w.last("ada@example.com")

	browser.Post("/verify", form("code", mail.Code, "staff_role", "admin", "email", "root@example.com"))

	w.want(browser.Get("/admin/users"), 403)
}

// A6
func TestKnownAddressesAnswerLikeNewOnes(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	known, fresh := w.Visitor(), w.Visitor()
	in := signUp()
	in.Set("email", "new@example.com")

	a, b := known.Post("/signup", signUp()), fresh.Post("/signup", in)
	pageA, pageB := known.Get("/verify"), fresh.Get("/verify")
	wrongA, wrongB := known.Post("/verify", form("code", "0")), fresh.Post("/verify", form("code", "0"))
	againA, againB := known.Post("/verify/resend", form()), fresh.Post("/verify/resend", form())

	for i, pair := range [][2]string{
		{plain(a), plain(b)}, {plain(pageA), plain(pageB)}, {plain(wrongA), plain(wrongB)}, {plain(againA), plain(againB)},
	} {
		if strings.ReplaceAll(pair[0], "ada@", "new@") != pair[1] {
			t.Errorf("%d: %s\n%s", i, pair[0], pair[1])
		}
	}
	l, _ := w.last("ada@example.com")
	if l.Kind != "account_exists" {
		t.Error(l.Kind)
	}
}

func TestResendNeedsASignUpInThisBrowser(t *testing.T) {
	w := begin(t, "")

	w.leads(w.Visitor().Post("/verify/resend", form()), "/verify")
	w.want(w.Visitor().Get("/verify"), 200, "no account waits")
	w.want(w.Visitor().Post("/verify", form("code", "123456")), 422, "no account waits")
}

func TestClosedSignUpSaysSo(t *testing.T) {
	w := begin(t, config.SignupClosed)

	page := w.Visitor().Get("/signup")

	w.want(page, 200, "made by the portal’s admins")
	if strings.Contains(page.Body, `name="password"`) {
		t.Error("there is a form")
	}
	w.want(w.Visitor().Post("/signup", signUp()), 403)
}

func TestSignUpForDomainsNamesThem(t *testing.T) {
	w := begin(t, config.SignupDomains)

	w.want(w.Visitor().Get("/signup"), 200, "for addresses at example.org")
	w.want(w.Visitor().Post("/signup", signUp()), 422, "for addresses at example.org")
}

func TestSignUpWithApprovalLeadsToSignIn(t *testing.T) {
	w := begin(t, config.SignupApproval)
	browser := w.Visitor()
	w.want(browser.Get("/signup"), 200, "An admin approves")
	browser.Post("/signup", signUp())
	mail, _ := w.last("ada@example.com")

	w.leads(browser.Post("/verify", form("code", mail.Code)), "/login")

	w.want(browser.Get("/login"), 200, "Your address is verified.")
	w.want(browser.Get("/console/account"), 401)
	admin := w.As(w.member("root@example.com", "admin"))
	w.want(admin.Get("/admin/users?state=waiting"), 200, "ada@example.com", "Waits for approval")
}
