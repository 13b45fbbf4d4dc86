package review_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	pages "github.com/gatehouse-dev/gatehouse/handlers/staff/review"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/staff/review"
)

// world serves the pages over Northwind with its owner, an admin, and Vic, a viewer.
type world struct {
	*catalogtest.World
	*testing.T
	site      *webtest.Site
	admin     actor.Actor
	vic       actor.Actor
	path      string // of the organization's review
	decideVic url.Values
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{World: catalogtest.New(t, d), T: t}
	link := func(p string) string { return "https://portal.example" + p }
	keys := key.NewStore(key.Options{DB: d, Outbox: w.Outbox, Root: root, Brand: "gk", Link: link})
	store := review.NewStore(review.Options{
		DB: d, Accounts: account.NewStore(account.Options{DB: d, Outbox: w.Outbox, Link: link}), Orgs: w.Org, Outbox: w.Outbox, Link: link,
		Handover: handover.NewStore(handover.Options{DB: d, Outbox: w.Outbox, Keys: keys, Link: link}),
	})
	w.site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) { (&pages.Handler{Kit: k, Reviews: store, Orgs: w.Org}).Routes(r) })
	w.admin, w.vic = w.Person("Ann Admin", ""), w.Person("Vic Viewer", "")
	w.Join(w.North, w.admin, "admin")
	w.Join(w.North, w.vic, "viewer")
	w.path = "/console/organizations/" + w.North.Show(org.Prefix) + "/review"
	w.decideVic = url.Values{"person": {w.vic.UserID.Show("user") + ":viewer"}, "act": {"remove"}, "note": {"Left the team"}}
	return w
}

func (w *world) as(a actor.Actor) *webtest.Client {
	w.Helper()
	u, err := w.site.Kit.Accounts.ByID(w.Context(), a.UserID)
	if err != nil {
		w.Fatal(err)
	}
	return w.site.As(u)
}

func (w *world) isMember(a actor.Actor) bool {
	w.Helper()
	role, err := org.RoleOf(w.DB.Read(w.Context()), a.UserID, w.North)
	if err != nil {
		w.Fatal(err)
	}
	return role != ""
}

// An owner chooses people, reads once more what happens, says why, saves it, finishes the review, and reads and downloads its record.
func TestAnOwnerWorksThroughTheList(t *testing.T) {
	w := newWorld(t)
	owner := w.as(w.Owner)

	list := owner.Get(w.path)
	both := w.path + "/decide?person=" + w.vic.UserID.Show("user") + "&person=" + w.admin.UserID.Show("user")
	ask, raised := owner.Get(both+"&act=keep"), owner.Get(both+"&act=demote:viewer")
	saved := owner.Post(w.path+"/decide", w.decideVic)
	kept := owner.Post(w.path+"/decide", url.Values{"person": {w.admin.UserID.Show("user") + ":admin"}, "act": {"keep"}, "note": {"=cmd()"}})
	after := owner.Get(w.path)
	finished := owner.Post(w.path+"/finish", nil)
	record := owner.Get(finished.Location)
	csv := owner.Get(finished.Location + "/csv")

	for part, in := range map[string]bool{
		"Vic Viewer": true, "vic.viewer@example.com": true, "No second factor": true, "This is you": true, `value="demote:developer"`: true, w.Owner.UserID.Show("user"): false,
	} {
		if strings.Contains(list.Body, part) != in {
			t.Errorf("the list: %q is %v", part, !in)
		}
	}
	if ask.Status != http.StatusOK || !strings.Contains(ask.Body, "Decide about 2 people") || !strings.Contains(ask.Body, w.vic.UserID.Show("user")+":viewer") {
		t.Error(ask.Status, "the question does not show who was chosen")
	}
	if raised.Status != http.StatusUnprocessableEntity || !strings.Contains(raised.Body, "This role is not below") || !strings.Contains(raised.Body, `value="demote:viewer" checked`) || strings.Count(raised.Body, " checked") != 3 {
		t.Error(raised.Status, "a viewer can't be lowered to viewer: the list says so, and keeps what was chosen", raised.Body)
	}
	if saved.Location != w.path || kept.Location != w.path || w.isMember(w.vic) || strings.Contains(after.Body, "Vic Viewer") || strings.Contains(after.Body, "Ann Admin") || !strings.Contains(after.Body, "2 decisions are made") {
		t.Error(saved.Status, kept.Status, after.Status)
	}
	for _, part := range []string{"Vic Viewer", "Left the team", "Removed", "Kept", "Finished by"} {
		if !strings.Contains(record.Body, part) {
			t.Errorf("the record has no %q", part)
		}
	}
	if !strings.Contains(csv.Body, "Vic Viewer,Viewer,false,true,,remove,,Left the team,") || !strings.Contains(csv.Body, "'=cmd()") || csv.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Error(csv.Body)
	}
}

// W1, A14, Z2, Z5: each act works for who may and for nobody else.
func TestEachActOfAReviewIsGuarded(t *testing.T) {
	for _, a := range []struct {
		name, path string
		form, bad  url.Values
		invalid    int
	}{
		{"decide", "/decide", nil, url.Values{"act": {"keep"}}, http.StatusUnprocessableEntity},
		{"finish", "/finish", url.Values{}, nil, 0},
	} {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)
			form := a.form
			if form == nil {
				form = w.decideVic
			}
			stale := w.as(w.Owner)
			other, admin, visitor := w.as(w.Other), w.as(w.admin), w.site.Visitor()

			for who, answer := range map[string]struct{ got, want int }{
				"signed out": {visitor.Post(w.path+a.path, form).Status, 401}, "other owner": {other.Post(w.path+a.path, form).Status, 404},
				"admin": {admin.Post(w.path+a.path, form).Status, 403}, "other site": {stale.CrossSite(w.path+a.path, form).Status, 403},
			} {
				if answer.got != answer.want {
					t.Errorf("%s: %d, want %d", who, answer.got, answer.want)
				}
			}
			w.site.Clock.Advance(11 * time.Minute)
			if got := stale.Post(w.path+a.path, form); !strings.HasPrefix(got.Location, "/console/account/confirm") || !w.isMember(w.vic) {
				t.Errorf("without a fresh proof: %d %s", got.Status, got.Location)
			}
			owner := w.as(w.Owner)
			if a.bad != nil {
				if got := owner.Post(w.path+a.path, a.bad).Status; got != a.invalid {
					t.Errorf("what is wrong: %d", got)
				}
			}
			if got := owner.Post(w.path+a.path, form).Status; got != http.StatusSeeOther {
				t.Errorf("the owner: %d", got)
			}
		})
	}
}

// Z6: the staff are reviewed by who gives and takes roles, and by nobody else.
func TestTheStaffAreReviewedByWhoGivesRoles(t *testing.T) {
	w := newWorld(t)
	admin, support, dev := w.as(w.Staff), w.as(w.Support), w.as(w.vic)
	form := url.Values{"person": {w.Support.UserID.Show("user") + ":support"}, "act": {"remove"}}

	list := admin.Get("/admin/review")
	refused := []int{support.Get("/admin/review").Status, dev.Get("/admin/review").Status, support.Post("/admin/review/decide", form).Status, dev.Post("/admin/review/decide", form).Status, support.Post("/admin/review/finish", nil).Status}
	saved := admin.Post("/admin/review/decide", form)
	finished := admin.Post("/admin/review/finish", nil)
	foreign := w.as(w.Owner).Get(strings.Replace(w.path, "/review", "/reviews/", 1) + strings.TrimPrefix(finished.Location, "/admin/reviews/"))

	for _, status := range refused {
		if status != http.StatusForbidden {
			t.Error(refused)
		}
	}
	u, err := w.site.Kit.Accounts.ByID(t.Context(), w.Support.UserID)
	if err != nil || u.StaffRole != "" || saved.Location != "/admin/review" || !strings.Contains(list.Body, w.Support.UserID.Show("user")) || foreign.Status != http.StatusNotFound {
		t.Error(err, u.StaffRole, saved.Location, foreign.Status)
	}
}

// What changed meanwhile, and what was not chosen, is told, and nothing is saved.
func TestAStaleListSavesNothing(t *testing.T) {
	w := newWorld(t)
	owner := w.as(w.Owner)
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE members SET role = 'developer' WHERE user_id = ? AND organization_id = ?", w.vic.UserID, w.North)
		return err
	})

	stale := owner.Post(w.path+"/decide", w.decideVic)
	none := owner.Get(w.path + "/decide?act=keep")
	unknown := owner.Get(w.path + "/decide?act=explode&person=" + w.vic.UserID.Show("user"))

	if stale.Status != http.StatusConflict || !strings.Contains(stale.Body, "The list changed meanwhile") || !w.isMember(w.vic) || none.Status != 422 || !strings.Contains(none.Body, "Choose somebody.") || unknown.Status != 422 || !strings.Contains(unknown.Body, "Choose what happens.") {
		t.Error(stale.Status, none.Status, unknown.Status)
	}
}
