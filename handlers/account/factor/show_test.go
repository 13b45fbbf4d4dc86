package factor_test

import (
	"html"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
)

// shows fails when the page has not got a field with this id that is told to be wrong, in a panel that is open, or names another as wrong.
func (w *world) shows(p webtest.Page, id, sentence string) {
	w.t.Helper()
	body := html.UnescapeString(p.Body)
	input := body[strings.Index(body, `id="`+id+`"`):]
	input = input[:strings.Index(input, ">")]
	if !strings.Contains(input, `aria-invalid="true"`) || !strings.Contains(input, "autofocus") || !strings.Contains(body, `id="`+id+`-error">`+sentence) {
		w.t.Errorf("%s does not say %q and take the focus: %s", id, sentence, input)
	}
	if strings.Count(body, sentence) != 1 || strings.Count(body, `aria-invalid="true"`) != 1 {
		w.t.Errorf("%q is told twice, or another field is wrong as well", sentence)
	}
	if panel := strings.Contains(body, "<details open"); panel != (id == "f-recovery") {
		w.t.Errorf("%s: the panel of recovery codes is open: %t", id, panel)
	}
}

// What is wrong with a recovery code is told where it was typed, in the panel that was open, and what was typed is still there.
func TestAWrongRecoveryCodeIsToldAtItsOwnField(t *testing.T) {
	w := begin(t)
	first, _ := w.signIn()
	_, codes := w.enrol(first)
	c, _ := w.signIn()
	wrong := "000000-000000-000000-000000"

	short := c.Post("/login/factor", form("recovery", codes[0][:20], "next", "/console/account"))
	none := c.Post("/login/factor", form("recovery", wrong, "next", "/console/account"))
	app := c.Post("/login/factor", form("code", "123"))

	w.want(short, 422, `value="`+codes[0][:20]+`"`)
	w.shows(short, "f-recovery", "A recovery code has 24 letters and digits")
	w.want(none, 422, `value="`+wrong+`"`, `name="next" value="/console/account"`)
	w.shows(none, "f-recovery", "That is not a recovery code that works")
	w.want(app, 422)
	w.shows(app, "f-code", "That is not a code that works now")
	w.leads(c.Post("/login/factor", form("recovery", codes[0], "next", "/console/account")), "/console/account")
}

// A7, A8: when no more codes of the app are taken, the page says until when, and that a recovery code is taken, at an open form for it.
func TestAfterTooManyCodesThePageLeadsToARecoveryCode(t *testing.T) {
	w := begin(t)
	first, _ := w.signIn()
	seed, codes := w.enrol(first)
	w.Clock.Advance(time.Minute)
	c, _ := w.signIn()
	for range 5 {
		w.want(c.Post("/login/factor", form("code", "000")), 422)
	}
	w.Clock.Advance(6 * time.Minute)

	slow := c.Post("/login/factor", form("code", w.code(seed), "next", "/console/account"))
	typo := c.Post("/login/factor", form("recovery", codes[0][1:]))

	w.want(slow, 429, "Too many codes of the app were entered. Wait 9 minutes for the next one. A recovery code is taken now.", "<details open", `name="recovery"`)
	if slow.Header.Get("Retry-After") != "540" || strings.Contains(slow.Body, "To the start page") {
		t.Error(slow.Header.Get("Retry-After"), slow.Body)
	}
	w.want(typo, 422, "A recovery code has 24 letters and digits")
	w.leads(c.Post("/login/factor", form("recovery", codes[0], "next", "/console/account")), "/console/account")
}

// A8: recovery codes are as few to guess as before, and each limit is told at its own field.
func TestRecoveryCodesAreBoundedAtTheirOwnField(t *testing.T) {
	w := begin(t)
	first, _ := w.signIn()
	_, codes := w.enrol(first)
	c, _ := w.signIn()
	for range 5 {
		w.want(c.Post("/login/factor", form("recovery", "000000-000000-000000-000000")), 422)
	}

	slow := c.Post("/login/factor", form("recovery", codes[0]))

	w.want(slow, 429)
	w.shows(slow, "f-recovery", "That was tried too often. Wait 15 minutes")
}

// A14: who confirms that it is them is told at the field, too, that a recovery code is taken when codes of the app are not.
func TestConfirmingSaysThatARecoveryCodeIsTaken(t *testing.T) {
	w := begin(t)
	c, _ := w.signIn()
	_, codes := w.enrol(c)
	w.Clock.Advance(11 * time.Minute)
	w.want(c.Post("/console/account/confirm", form("password", good, "code", "000")), 422)
	for range 4 {
		w.want(c.Post("/console/account/confirm", form("code", "000")), 422)
	}

	slow := c.Post("/console/account/confirm", form("code", "000", "next", "/console/account"))

	w.want(slow, 429, "A recovery code is taken now.", `name="code"`, `name="next" value="/console/account"`)
	w.leads(c.Post("/console/account/confirm", form("code", codes[0], "next", "/console/account")), "/console/account")
}
