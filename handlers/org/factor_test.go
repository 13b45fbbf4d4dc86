package org_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

func (w *world) withFactor(t *testing.T, a actor.Actor) {
	t.Helper()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), a.UserID, tx.Now, tx.Now)
		return err
	})
}

// required is how many organizations require a second factor.
func (w *world) required(t *testing.T) (n int) {
	t.Helper()
	if err := w.World.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM organizations WHERE factor_from IS NOT NULL").Row().Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOwnersRequireASecondFactorAndNobodyElse(t *testing.T) {
	w := newGuests(t)
	path := "/console/organizations/" + w.North.Show("org") + "/second-factor"
	good := form("days", "0", "reason", "Our auditor asks for it.")
	if p := w.owner.Get(path); p.Status != 200 || strings.Contains(p.Body, `name="days"`) || !strings.Contains(p.Body, "You have no second factor yourself") {
		t.Fatal("an owner without one", p.Status, p.Body)
	}
	wantStatus(t, "an owner without one", w.owner.Post(path, good).Status, 409)
	w.withFactor(t, w.Owner)
	owner := w.as(w.Owner)

	wantStatus(t, "signed out", w.Visitor().Post(path, good).Status, 401)
	wantStatus(t, "another site", owner.CrossSite(path, good).Status, 403)
	wantStatus(t, "somebody else", w.other.Post(path, good).Status, 404)
	wantStatus(t, "a viewer", w.as(w.viewer).Post(path, good).Status, 403)
	wantStatus(t, "wrong input", owner.Post(path, form("days", "x", "reason", "")).Status, 422)
	wantStatus(t, "signed out, ended", w.Visitor().Post(path+"/end", form()).Status, 401)
	wantStatus(t, "another site, ended", owner.CrossSite(path+"/end", form()).Status, 403)
	wantStatus(t, "nothing to end", owner.Post(path+"/end", form()).Status, 409)
	if n := w.required(t); n != 0 {
		t.Fatal("required by nobody", n)
	}
	wantStatus(t, "the owner", owner.Post(path, good).Status, 303)
	if n := w.required(t); n != 1 {
		t.Fatal(n)
	}
	wantStatus(t, "somebody else, ended", w.other.Post(path+"/end", form()).Status, 404)
	if p := owner.Get("/console/organizations/" + w.North.Show("org")); p.Status != 200 || !strings.Contains(p.Body, "members without a second factor reach nothing") || !strings.Contains(p.Body, ">Yes<") || !strings.Contains(p.Body, ">No<") {
		t.Error(p.Status, p.Body)
	}
	if p := owner.Get(path); p.Status != 200 || !strings.Contains(p.Body, "Vic Viewer") || strings.Contains(p.Body, "Nora North</t") {
		t.Error(p.Status, p.Body)
	}
	wantStatus(t, "the owner ends it", owner.Post(path+"/end", form()).Status, 303)
	if n := w.required(t); n != 0 {
		t.Error(n)
	}
}

func TestWhoIsShutOutIsLedToWhereAFactorIsAdded(t *testing.T) {
	w := newGuests(t)
	w.withFactor(t, w.Owner)
	north := "/console/organizations/" + w.North.Show("org")
	wantStatus(t, "required", w.as(w.Owner).Post(north+"/second-factor", form("days", "0", "reason", "Our auditor asks for it.")).Status, 303)
	viewer, vera := w.AsPending(account.User{ID: w.viewer.UserID}), w.AsPending(account.User{ID: w.vera.UserID}) // showed no factor anywhere

	page, calendar := viewer.Get(north), viewer.Get(north+"/domains")
	app, nobodys := viewer.Get("/console/apps/"+w.Shop.Show("app")), viewer.Get("/console/apps/"+db.NewID().Show("app"))
	apps, elsewhere := viewer.Get("/console/apps"), w.other.Get("/console/apps")
	list := viewer.Get("/console/organizations")
	accepted := vera.Post("/console/invitations/"+w.invited.ID.Show("inv")+"/accept", form())

	if page.Status != 303 || page.Location != "/console/account/security" || calendar.Location != page.Location {
		t.Error(page.Status, page.Location, calendar.Status, calendar.Location)
	}
	if app.Location != page.Location || nobodys.Location != page.Location {
		t.Error("an app there, and one of nobody", app.Status, app.Location, nobodys.Status, nobodys.Location)
	}
	if !strings.Contains(apps.Body, "Our auditor asks for it.") || !strings.Contains(apps.Body, "Nora North") || strings.Contains(elsewhere.Body, "Our auditor") {
		t.Error("the list says what it leaves out, and why", apps.Body)
	}
	if !strings.Contains(list.Body, "Northwind") || !strings.Contains(list.Body, "Nora North") || strings.Contains(list.Body, north+`"`) {
		t.Error("its name is told, and no more", list.Body)
	}
	if then := vera.Get(accepted.Location); accepted.Status != 303 || then.Status != 303 || then.Location != "/console/account/security" {
		t.Error("who joins without one", accepted.Status, accepted.Location, then.Status, then.Location)
	}
	wantStatus(t, "a stranger", w.other.Get(north).Status, 404)
	wantStatus(t, "a stranger, an app", w.other.Get("/console/apps/"+w.Shop.Show("app")).Status, 404)
	wantStatus(t, "an act", viewer.Post(north+"/invite", form("email", "new@example.com", "role", "viewer")).Status, 404)
	w.withFactor(t, w.viewer)
	wantStatus(t, "with a factor", w.as(w.viewer).Get(north).Status, 200)
}
