package policy_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// The page opens where its reader works, not on the organization whose name comes first, and leads to the others.
func TestRulesOpenOnTheOrganizationLastWorkedIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		own, last, now := db.NewID(), db.NewID(), w.Clock.Now()
		w.Run("INSERT INTO organizations (id, kind, personal_user_id, name, created_at, updated_at) VALUES (?, 'personal', ?, 'Aaron', ?, ?)", own, w.Developer.UserID, now, now)
		w.Run("INSERT INTO organizations (id, kind, name, created_at, updated_at) VALUES (?, 'ordinary', 'Zulu', ?, ?)", last, now, now)
		w.Join(own, w.Developer, "owner")
		w.Join(last, w.Developer, "developer")
		for name, id := range map[string]db.ID{"Aaron": own, "Zulu": last} {
			if err := w.policies.Save(bg, w.Staff, policy.Source{Kind: policy.Organization, ID: id}, policy.Rules{MaxDays: new(77)}); err != nil {
				t.Fatal(name, err)
			}
		}
		current := func(p webtest.Page, org db.ID) {
			t.Helper()
			has(t, p, 200, `href="/console/policies?org=`+org.Show("org")+`" aria-current="page"`)
			for _, other := range []db.ID{own, last, w.Org} {
				has(t, p, 200, `href="/console/policies?org=`+other.Show("org")+`"`)
			}
		}

		current(w.dev.Get("/console/policies"), w.Org) // where the apps are: nothing was done yet
		made := w.Make(w.Developer, "Worker", 30).Key.ID
		current(w.dev.Get("/console/policies"), w.Org)
		app := db.NewID()
		w.Run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, 'Z', ?, ?)", app, last, now, now)
		w.Run("UPDATE keys SET app_id = ? WHERE id = ?", app, made)
		if err := w.Keys.Revoke(bg, w.Developer, made, ""); err != nil { // an act in Zulu
			t.Fatal(err)
		}
		current(w.dev.Get("/console/policies"), last)
		current(w.dev.Get("/console/policies?org="+own.Show("org")), own)
		current(w.dev.Get("/console/policies?org="+w.Strangers.Show("org")), last) // Z2: not theirs
		w.Run("DELETE FROM members WHERE organization_id = ? AND user_id = ?", last, w.Developer.UserID)
		p := w.dev.Get("/console/policies")
		has(t, p, 200, `href="/console/policies?org=`+w.Org.Show("org")+`" aria-current="page"`)
		if strings.Contains(p.Body, "Zulu") {
			t.Error("Z7: it names an organization that the reader has left")
		}
	})
}
