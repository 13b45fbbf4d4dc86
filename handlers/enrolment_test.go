package handlers_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
)

const enrolHome = "/console/account/security"

// confirmsBy are where staff show that it is them before they add their first factor: by the password, and who has none by their provider.
var confirmsBy = []string{"/console/account/confirm", "/console/account/providers/:provider/confirm", "/login/with/:provider/callback"}

// password is a browser in which u has signed in by the password alone.
func (w *world) password(email string) *webtest.Client {
	w.Helper()
	c := w.site.Visitor()
	if p := c.Post("/login", url.Values{"email": {email}, "password": {"a long enough sentence"}}); p.Status != http.StatusSeeOther {
		w.Fatalf("%d %s", p.Status, p.Body)
	}
	return c
}

// Staff who need a second factor and have none are nobody to every route but those by which they get one, and there they have no role (A12).
func TestStaffWithoutAFactorReachOnlyEnrolment(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveWith(t, dbtest.SQLite(t, clock), clock, map[string]string{"GATEHOUSE_STAFF_FACTOR": "required"})
	w.inhabit()
	staff, visitor := w.password(w.admin.Email), w.site.Visitor()
	before := w.rowsOf([]string{w.admin.ID.String()})
	open := 0

	for _, r := range w.house.Table {
		path := fill(r.Path)
		enrols := strings.HasSuffix(r.Access.String(), "while enrolling")
		switch {
		case r.Path == "/logout":
			continue // ends it
		case enrols:
			if open++; !strings.HasPrefix(r.Path, enrolHome) && !slices.Contains(confirmsBy, r.Path) {
				t.Errorf("%s %s is open before there is a factor", r.Method, r.Path)
			}
		case r.Mutates() && r.Access.NeedsUser():
			if p := staff.Post(path, url.Values{}); p.Status != http.StatusForbidden {
				t.Errorf("%s %s answers %d", r.Method, r.Path, p.Status)
			}
		case r.Mutates() && r.Access.IsVisitor():
		case r.Mutates():
			if mine, theirs := staff.Post(path, url.Values{}), visitor.Post(path, url.Values{}); mine.Status != theirs.Status {
				t.Errorf("%s %s answers %d, a visitor %d", r.Method, r.Path, mine.Status, theirs.Status)
			}
		case r.Access.NeedsUser():
			if p := staff.Get(path); p.Status != http.StatusSeeOther || p.Location != enrolHome {
				t.Errorf("GET %s answers %d %s", r.Path, p.Status, p.Location)
			}
		case r.Access.IsVisitor() || strings.HasPrefix(r.Path, "/login/factor"), r.Path == "/login/code":
			if p := staff.Get(path); p.Status != http.StatusSeeOther {
				t.Errorf("GET %s answers %d", r.Path, p.Status)
			}
		default:
			if mine, theirs := staff.Get(path), visitor.Get(path); mine.Status != theirs.Status || strings.Contains(mine.Body, w.admin.Email) {
				t.Errorf("GET %s answers %d, a visitor %d", r.Path, mine.Status, theirs.Status)
			}
		}
	}

	if after := w.rowsOf([]string{w.admin.ID.String()}); after != before || open < 7 {
		t.Errorf("%d routes are open; something changed:\n%s\n%s", open, before, after)
	}
	page := staff.Get(enrolHome)
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "Staff need a second factor") || strings.Contains(page.Body, `href="/admin"`) {
		t.Errorf("%d %s", page.Status, page.Body)
	}
	if staff.Post("/logout", url.Values{}); staff.Get(enrolHome).Status != http.StatusUnauthorized {
		t.Error("signing out does not")
	}
}

// Who is no staff, who has shown a factor elsewhere, and everybody where it is optional, go on.
func TestOnlyStaffNeedAFactor(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveWith(t, dbtest.SQLite(t, clock), clock, map[string]string{"GATEHOUSE_STAFF_FACTOR": "required"})
	w.inhabit()
	elsewhere := w.site.As(w.admin) // their session knows of a factor, which is none of ours
	asked := w.password(w.admin.Email).Get("/admin")

	if p := elsewhere.Get("/admin"); p.Status != http.StatusOK {
		t.Errorf("%d %s", p.Status, p.Location)
	}
	if p := w.site.As(w.mine.user).Get("/console"); p.Status != http.StatusOK {
		t.Errorf("%d %s", p.Status, p.Location)
	}
	if asked.Location != enrolHome {
		t.Errorf("%d %s", asked.Status, asked.Location)
	}
	optional := serveWith(t, dbtest.SQLite(t, clock), clock, map[string]string{"GATEHOUSE_STAFF_FACTOR": "optional"})
	optional.inhabit()
	if p := optional.password(optional.admin.Email).Get("/admin"); p.Status != http.StatusOK {
		t.Errorf("%d %s", p.Status, p.Location)
	}
}

// Who came without the link of the mail finds on the overview who invites them.
func TestTheOverviewTellsOfInvitations(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveWith(t, dbtest.SQLite(t, clock), clock, nil)
	w.inhabit()

	if p := w.site.As(w.mine.user).Get("/console"); !strings.Contains(p.Body, "/console/invitations/"+w.mine.invited.Show(invitation.Prefix)) {
		t.Errorf("%d %s", p.Status, p.Body)
	}
}
