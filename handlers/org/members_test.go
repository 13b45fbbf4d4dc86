package org_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
)

// guests are the world with Vera, who belongs to nobody and is invited to Northwind, and a viewer of it.
type guests struct {
	*world
	vera, viewer actor.Actor
	invited      invitation.Invitation
	token        string
}

func newGuests(t *testing.T) *guests {
	t.Helper()
	w := &guests{world: newWorld(t)}
	w.vera, w.viewer = w.World.Person("Vera View", ""), w.World.Person("Vic Viewer", "")
	w.Join(w.North, w.viewer, "viewer")
	var err error
	if w.invited, err = w.invitations.Invite(t.Context(), w.Owner, w.North, invitation.Input{Email: "vera.view@example.com", Role: "developer"}); err != nil {
		t.Fatal(err)
	}
	w.token = w.linkTo(t, "vera.view@example.com")
	return w
}

// linkTo is the path of the newest invitation mailed to an address.
func (w *guests) linkTo(t *testing.T, email string) string {
	t.Helper()
	var ids []db.ID
	if err := w.World.DB.Read(t.Context()).Raw("SELECT id FROM mails WHERE recipient = ? AND kind = 'invitation' ORDER BY id DESC", email).Scan(&ids).Error; err != nil || len(ids) == 0 {
		t.Fatal(err, ids)
	}
	_, l, err := w.Outbox.Read(t.Context(), w.World.DB, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return l.URL
}

func TestEachActOnMembersWorksForWhoMayAndForNobodyElse(t *testing.T) {
	north := func(w *guests) string { return "/console/organizations/" + w.North.Show("org") }
	for _, a := range []struct {
		name      string
		who       func(w *guests) actor.Actor
		path      func(w *guests) string
		good, bad url.Values
		foreign   int // of an owner of another organization
	}{
		{"change role", func(w *guests) actor.Actor { return w.Owner }, func(w *guests) string { return north(w) + "/members/" + w.viewer.UserID.Show("user") + "/role" }, form("role", "admin"), form("role", "god"), 404},
		{"transfer", func(w *guests) actor.Actor { return w.Owner }, func(w *guests) string { return north(w) + "/transfer" }, nil, form("member", ""), 404},
		{"invite", func(w *guests) actor.Actor { return w.Owner }, func(w *guests) string { return north(w) + "/invite" }, form("email", "new@example.com", "role", "viewer"), form("email", "new", "role", ""), 404},
		{"resend", func(w *guests) actor.Actor { return w.Owner }, func(w *guests) string { return north(w) + "/invitations/" + w.invited.ID.Show("inv") + "/resend" }, form(), nil, 404},
		{"revoke", func(w *guests) actor.Actor { return w.Owner }, func(w *guests) string { return north(w) + "/invitations/" + w.invited.ID.Show("inv") + "/revoke" }, form(), nil, 404},
		{"accept", func(w *guests) actor.Actor { return w.vera }, func(w *guests) string { return "/console/invitations/" + w.invited.ID.Show("inv") + "/accept" }, form(), nil, 404},
		{"decline", func(w *guests) actor.Actor { return w.vera }, func(w *guests) string { return "/console/invitations/" + w.invited.ID.Show("inv") + "/decline" }, form(), nil, 404},
	} {
		t.Run(a.name, func(t *testing.T) {
			w := newGuests(t)
			who, path := w.as(a.who(w)), a.path(w)
			if a.good == nil {
				a.good = form("member", w.viewer.UserID.Show("user"))
			}
			before := w.state(t)

			wantStatus(t, "signed out", w.Visitor().Post(path, a.good).Status, 401)
			wantStatus(t, "another site", who.CrossSite(path, a.good).Status, 403)
			wantStatus(t, "somebody else", w.other.Post(path, a.good).Status, a.foreign)
			if a.bad != nil {
				wantStatus(t, "wrong input", who.Post(path, a.bad).Status, 422)
				wantStatus(t, "a viewer", w.as(w.viewer).Post(path, a.good).Status, 403)
			}
			if now := w.state(t); now != before {
				t.Errorf("something changed: %s, %s", before, now)
			}
			wantStatus(t, "works", who.Post(path, a.good).Status, http.StatusSeeOther)
			if w.state(t) == before {
				t.Error("nothing changed")
			}
		})
	}
}

// state is who belongs to Northwind as what, and who is invited.
func (w *guests) state(t *testing.T) string {
	t.Helper()
	var rows []string
	err := w.World.DB.Read(t.Context()).Raw(`SELECT CAST(user_id AS TEXT) || role FROM members WHERE organization_id = ?
		UNION ALL SELECT email || role || CAST(sent AS TEXT) FROM invitations WHERE organization_id = ? ORDER BY 1`, w.North, w.North).Scan(&rows).Error
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(rows, " ")
}

// Z8
func TestTheLinkOfAnInvitationLeadsWhoHasTheAddressOnAndTellsOthersTheWayOut(t *testing.T) {
	w := newGuests(t)
	page := "/console/invitations/" + w.invited.ID.Show("inv")

	visitor, other, vera := w.Visitor().Get(w.token), w.other.Get(w.token), w.as(w.vera).Get(w.token)
	notHers, none := w.other.Get(page), w.other.Get("/console/invitations/"+db.NewID().Show("inv"))

	wantStatus(t, "visitor", visitor.Status, 200)
	has(t, visitor, "Northwind", "v…@example.com", "/login?next="+page, "/signup?next="+page)
	wantStatus(t, "other", other.Status, 403)
	has(t, other, "This invitation is for another address", "carl.contoso@example.com", "Sign out", "v…@example.com", `name="next" value="/login?next=%2Fconsole%2Finvitations%2F`+w.invited.ID.Show("inv")+`"`)
	for name, p := range map[string]webtest.Page{"visitor": visitor, "other": other, "without the link": notHers} {
		if strings.Contains(p.Body, "vera.view@example.com") {
			t.Errorf("%s learns the address", name)
		}
	}
	if vera.Status != 303 || vera.Location != page {
		t.Error(vera.Status, vera.Location)
	}
	wantStatus(t, "without the link", notHers.Status, 404)
	wantStatus(t, "of nothing", none.Status, 404)
	has(t, notHers, "There is no such invitation for you", "Sign out")
	has(t, w.as(w.vera).Get(page), "Northwind", "Nora North", "Developer", "Accept invitation", "Decline invitation")
	has(t, w.as(w.vera).Get("/console/organizations"), "Invitations to you", page)
	done := w.as(w.vera).Post(page+"/accept", form())
	has(t, w.as(w.vera).Get(done.Location), "Northwind", "Vera View")
	wantStatus(t, "a used link", w.Visitor().Get(w.token).Status, 404)
	wantStatus(t, "again", w.as(w.vera).Post(page+"/accept", form()).Status, 404)
}

func TestAnOrganizationsPageOffersWhatTheRoleMayDoToMembers(t *testing.T) {
	w := newGuests(t)
	page := "/console/organizations/" + w.North.Show("org")

	owner, viewer := w.owner.Get(page), w.as(w.viewer).Get(page)

	has(t, owner, "Invite member", "Open invitations", "vera.view@example.com", "Send again", "Change role of Vic Viewer", "Transfer ownership")
	for _, word := range []string{"Invite member", "Open invitations", "vera.view@example.com", "Change role", "Transfer ownership"} {
		if strings.Contains(viewer.Body, word) {
			t.Errorf("a viewer sees %q", word)
		}
	}
	for path, want := range map[string]int{"/invite": 403, "/transfer": 403, "/members/" + w.viewer.UserID.Show("user") + "/role": 403} {
		wantStatus(t, "a viewer at "+path, w.as(w.viewer).Get(page+path).Status, want)
		wantStatus(t, "a stranger at "+path, w.other.Get(page+path).Status, 404)
		wantStatus(t, "the owner at "+path, w.owner.Get(page+path).Status, 200)
	}
	last := w.owner.Post(page+"/members/"+w.Owner.UserID.Show("user")+"/role", form("role", "admin"))
	wantStatus(t, "the last owner steps down", last.Status, 409)
	has(t, last, "An organization keeps at least one owner")
}

func TestAnOwnerAloneRestoresADeletedOrganization(t *testing.T) {
	w := newGuests(t)
	admin := w.World.Person("Ann Admin", "")
	w.Join(w.North, admin, "admin")
	restore := "/console/organizations/" + w.North.Show("org") + "/restore"
	wantStatus(t, "what is not deleted", w.owner.Post(restore, form()).Status, 404)

	done := w.owner.Post("/console/organizations/"+w.North.Show("org")+"/delete", form("confirm", "Northwind"))

	has(t, w.owner.Get(done.Location), "Deleted organizations", "Northwind", "Restore")
	wantStatus(t, "signed out", w.Visitor().Post(restore, form()).Status, 401)
	wantStatus(t, "another site", w.owner.CrossSite(restore, form()).Status, 403)
	wantStatus(t, "somebody else", w.other.Post(restore, form()).Status, 404)
	wantStatus(t, "an admin", w.as(admin).Post(restore, form()).Status, 404)
	for name, c := range map[string]*webtest.Client{"an admin": w.as(admin), "a stranger": w.other} {
		if strings.Contains(c.Get("/console/organizations").Body, "Deleted organizations") {
			t.Errorf("%s is shown it", name)
		}
	}
	wantStatus(t, "the page meanwhile", w.owner.Get("/console/organizations/"+w.North.Show("org")).Status, 404)
	wantStatus(t, "works", w.owner.Post(restore, form()).Status, http.StatusSeeOther)
	wantStatus(t, "the page again", w.as(admin).Get("/console/organizations/"+w.North.Show("org")).Status, 200)
}

// A14, Z5: an owner can all that asks for a fresh proof, so making one asks for it, in whatever way; nobody else's invitation and role does.
func TestMakingAnOwnerAsksForAFreshProof(t *testing.T) {
	w := newGuests(t)
	owners, err := w.invitations.Invite(t.Context(), w.Owner, w.North, invitation.Input{Email: "second@example.com", Role: "owner"})
	if err != nil {
		t.Fatal(err)
	}
	north, viewer := "/console/organizations/"+w.North.Show("org"), w.viewer.UserID.Show("user")
	w.Clock.Advance(11 * time.Minute)
	before := w.state(t)
	makes := []struct {
		path string
		form url.Values
		back string // where the proof leads back to
	}{
		{"/invite", form("email", "third@example.com", "role", "owner"), "/invite?email=third%40example.com&role=owner"},
		{"/invitations/" + owners.ID.Show("inv") + "/resend", form(), ""},
		{"/members/" + viewer + "/role", form("role", "owner"), "/members/" + viewer + "/role?role=owner"},
		{"/transfer", form("member", viewer), "/transfer?member=" + viewer},
	}
	for _, m := range makes {
		asked := w.owner.Post(north+m.path, m.form)
		if want := "/console/account/confirm?next=" + url.QueryEscape(north+m.back); asked.Status != 303 || asked.Location != want {
			t.Errorf("%s: %d %s, want %s", m.path, asked.Status, asked.Location, want)
		}
	}
	if now := w.state(t); now != before {
		t.Error("something changed:", before, now)
	}
	has(t, w.owner.Get(north+makes[0].back), `value="third@example.com"`)

	wantStatus(t, "a developer is invited", w.owner.Post(north+"/invite", form("email", "new@example.com", "role", "developer")).Status, 303)
	wantStatus(t, "a developer is invited again", w.owner.Post(north+"/invitations/"+w.invited.ID.Show("inv")+"/resend", form()).Status, 303)
	wantStatus(t, "an admin is made", w.owner.Post(north+"/members/"+viewer+"/role", form("role", "admin")).Status, 303)
	if now := w.state(t); !strings.Contains(now, "new@example.comdeveloper1") || !strings.Contains(now, "vera.view@example.comdeveloper2") || strings.Contains(now, "second@example.comowner2") {
		t.Error(now)
	}
	for _, m := range makes {
		again := w.as(w.Owner).Post(north+m.path, m.form)
		if again.Status != 303 || strings.HasPrefix(again.Location, "/console/account/confirm") {
			t.Errorf("%s with a fresh proof: %d %s", m.path, again.Status, again.Location)
		}
	}
	if now := w.state(t); !strings.Contains(now, "third@example.comowner1") || !strings.Contains(now, "second@example.comowner2") {
		t.Error(now)
	}
}
