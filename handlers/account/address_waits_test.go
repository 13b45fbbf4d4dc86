package account_test

import (
	"strings"
	"testing"
	"time"
)

// A14: an address that waits for its confirmation is on the page of its account alone; it is mailed again or given up there.
func TestAWaitingAddressIsShownMailedAgainAndGivenUp(t *testing.T) {
	w := begin(t, "")
	browser, stranger := w.As(w.member("ada@example.com", "")), w.As(w.member("eve@example.com", ""))
	w.leads(browser.Post("/console/account/address", form("new_email", "new@example.com", "email_password", good)), "/console/account")
	mail, _ := w.last("new@example.com")
	first := w.path(mail)

	w.want(browser.Get("/console/account"), 200, "new@example.com", "Send the mail again", "Give up this change", "22")
	if page := stranger.Get("/console/account"); strings.Contains(page.Body, "new@example.com") {
		t.Error("others see it")
	}
	for _, path := range []string{"/console/account/address/resend", "/console/account/address/give-up"} {
		w.want(w.Visitor().Post(path, form()), 401)
		w.want(browser.CrossSite(path, form()), 403)
		w.want(stranger.Post(path, form()), 409, "No change of your address waits")
	}
	w.want(browser.Get(first), 200, "Confirm address")

	w.Clock.Advance(time.Minute)
	w.leads(browser.Post("/console/account/address/resend", form()), "/console/account")
	mail, _ = w.last("new@example.com")
	w.want(browser.Get(first), 404)
	w.want(browser.Get(w.path(mail)), 200, "Confirm address")
	w.leads(browser.Post("/console/account/address/give-up", form()), "/console/account")

	w.want(browser.Get(w.path(mail)), 404)
	if page := browser.Get("/console/account"); page.Status != 200 || strings.Contains(page.Body, "Give up this change") {
		t.Error("it waits still")
	}
	for range 4 {
		w.leads(browser.Post("/console/account/address", form("new_email", "new@example.com", "email_password", good)), "/console/account")
	}
	w.want(browser.Post("/console/account/address/resend", form()), 429) // L7
}

// A mail that an admin has to hand out is not said to be on its way.
func TestAChangedAddressSaysWhoBringsTheMail(t *testing.T) {
	told := func(w *world) string {
		browser := w.As(w.member("ada@example.com", ""))
		w.leads(browser.Post("/console/account/address", form("new_email", "new@example.com", "email_password", good)), "/console/account")
		return browser.Get("/console/account").Body
	}

	byHand, byServer := told(begin(t, "")), told(serve(t, "", false))

	if !strings.Contains(byHand, "An admin hands you its link") || strings.Contains(byHand, "on its way") || !strings.Contains(byServer, "on its way") || strings.Contains(byServer, "admin") {
		t.Error(byHand, byServer)
	}
}
