package key_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

func TestTheFormSaysWhatWaitsAndWhoMayAsk(t *testing.T) {
	w := newWorld(t)
	dev := w.Person("dev2@example.com", "")
	w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'developer', ?)", w.org, dev.ID, w.Clock.Now())
	id := db.NewID()
	w.run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) SELECT ?, ?, ?, p.id, 'requested', 'test', ?, ? FROM plans p WHERE p.api_id = ?", id, w.bare, w.orders, w.Clock.Now(), w.Clock.Now(), w.orders)

	waits := w.devs.Get("/console/keys/new?app=" + w.bare.Show("app"))
	mine, theirs := w.devs.Get("/console/keys/new?app="+w.app.Show("app")), w.As(dev).Get("/console/keys/new?app="+w.app.Show("app"))

	has(t, waits, 200, "Your request for Orders waits for a decision.", `href="/console/access/`+id.Show("acc")+`"`)
	has(t, mine, 200, "Request more access")
	has(t, theirs, 200, "You are a developer at Northwind. An admin or owner of it requests access.")
	if strings.Contains(waits.Body, "no access to an API yet") || strings.Contains(theirs.Body, "Request more access") || strings.Contains(mine.Body, "waits for a decision") {
		t.Error("what does not hold is said")
	}
}

func TestAMassRevocationSaysInWordsByWhatItsKeysWereFound(t *testing.T) {
	w := newWorld(t)
	w.key("Worker")
	preview := w.admins.Post("/admin/keys/bulk", url.Values{"verb": {"revoke"}, "environment": {"live"}, "state": {"active"}, "from": {"2026-11-20"}, "to": {"2026-11-21"}})

	page := w.admins.Get(preview.Location)

	_, found, _ := strings.Cut(page.Body, `id="filter"`)
	for _, words := range []string{"Live", "Active", "20 Nov 2026 (UTC)", "21 Nov 2026 (UTC)"} {
		if !strings.Contains(found, words) {
			t.Errorf("no %q: %s", words, found)
		}
	}
	has(t, w.devs.Get("/console/keys?state=stopped"), 200, `value="stopped" selected`)
}
