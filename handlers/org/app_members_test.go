package org_test

import (
	"strings"
	"testing"
)

func TestAnAppsPageTellsWhoReachesItAndAdminsChoose(t *testing.T) {
	w := newGuests(t)
	app := "/console/apps/" + w.Shop.Show("app")
	has(t, w.owner.Get(app), "Who reaches this app", "All members of the organization", app+"/members")
	if page := w.as(w.viewer).Get(app); strings.Contains(page.Body, "/members") {
		t.Error("a viewer is asked")
	}
	wantStatus(t, "a viewer’s choice", w.as(w.viewer).Get(app+"/members").Status, 403)
	has(t, w.owner.Get(app+"/members"), "Chosen members", "Vic Viewer", "vic.viewer@example.com")

	wantStatus(t, "limited", w.owner.Post(app+"/members", form("reach", "some", "members", w.viewer.UserID.Show("user"))).Status, 303)

	has(t, w.as(w.viewer).Get(app), "Owners, admins and chosen members")
	has(t, w.owner.Get("/console/apps"), "Limited")
	has(t, w.owner.Get(app+"/members"), `value="`+w.viewer.UserID.Show("user")+`" checked`)
	wantStatus(t, "limited to nobody", w.owner.Post(app+"/members", form("reach", "some")).Status, 303)
	wantStatus(t, "kept out", w.as(w.viewer).Get(app).Status, 404)
}
