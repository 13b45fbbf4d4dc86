package stories_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// refused waits until a call with the key is refused so: what was handed in is looked up within seconds.
func (s *stage) refused(t *testing.T, k madeKey, code string) {
	t.Helper()
	var got answer
	ok := await(context.Background(), func() bool {
		got = call(t, http.MethodGet, s.gate+"/v2/orders", k.secret)
		return got.code == code
	})
	if !ok {
		t.Fatalf("%s: %s, want %s", k.name, got, code)
	}
}

// K9, K11: somebody hands in a key; it stops; its people read where it was found, rotate it by one button, and close the incident. Another, reported
// by mistake, works again when an admin has read why.
func TestALeakedKeyIsStoppedReadAboutRotatedAndClosed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			s := narrowStage(t, c.dialect, c.kind)
			leaked, mistaken := s.makeKey(s.dev, s.app, "Tracking page", "Live", "orders:read"), s.makeKey(s.dev, s.app, "Nightly export", "Live", "orders:read")
			s.answers(t, leaked, 200, "")
			s.answers(t, mistaken, 200, "")
			finder := newBrowser(t, s.URL, "finder", c.kind)
			finder.open("/")
			finder.follow("I found a key")
			finder.fill("Keys", "nothing that looks like one")
			finder.press("Report")
			finder.see("No whole key of this portal stands in it.")
			finder.fill("Keys", "config.yaml:\n  key: "+leaked.secret+"\n  old: "+mistaken.secret)
			finder.fill("Where did you find them?", "a public wiki")
			finder.press("Report")
			finder.see("The report is taken. Thank you.")
			finder.seeNot(leaked.secret[:30])

			s.refused(t, leaked, "PAUSED")
			s.refused(t, mistaken, "PAUSED")
			if mail := s.mailTo(devMail, "reported as leaked"); strings.Contains(mail.Text, leaked.secret) || !strings.Contains(mail.Text, leaked.hint()) {
				t.Errorf("the mail says %s", mail.Text)
			}
			s.dev.open("/console")
			s.dev.see("2 keys were reported as leaked.")
			s.dev.follow("See the incidents")
			s.dev.follow("Tracking page")
			s.dev.see("The key is paused: every call with it is refused.", "a public wiki", "See orders and their state", "Look for networks that are not yours")
			s.dev.press("Rotate key now")
			s.dev.see("Copy your key now")
			next := madeKey{name: leaked.name, secret: s.dev.secret()}
			s.secrets.keep("key", next.secret)
			s.answers(t, next, 200, "")
			s.refused(t, leaked, "EXPIRED")
			s.dev.open(leaked.page)
			s.dev.follow("See the incident")
			s.dev.fill("What was done", "Taken out of the wiki and its history.")
			s.dev.press("Close incident")
			s.dev.see("The incident is closed.", "Taken out of the wiki and its history.")

			s.dev.open(mistaken.page)
			if s.dev.has("button", "Resume", "") {
				t.Error("a key paused for a leak is resumed without reading of it")
			}
			s.dev.follow("See the incident")
			s.dev.press("Resume key")
			s.dev.see("Say it in a few words")
			s.dev.fill("Why it may go on", "Our own test of the page.")
			s.dev.press("Resume key")
			s.dev.see("The key works again, and the incident is closed.")
			s.answers(t, mistaken, 200, "")

			s.admin.open("/admin/leaks")
			s.admin.see("Tracking page", "Nightly export", "Closed")
			s.dev.quiet("422")
			finder.quiet("422")
		})
	}
}
