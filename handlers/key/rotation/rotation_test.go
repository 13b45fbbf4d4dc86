package rotation_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	handlers "github.com/gatehouse-dev/gatehouse/handlers/key/rotation"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/key/rotation"
)

type world struct {
	*keytest.World
	t    *testing.T
	site *webtest.Site
	dev  *webtest.Client
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{World: keytest.New(t, d, clock), t: t}
		w.Run("UPDATE users SET language = 'en', time_zone = 'UTC'")
		w.site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
			pages := key.New(k, w.Keys, handover.NewStore(handover.Options{DB: d, Outbox: w.Outbox, Keys: w.Keys, Link: k.Link}))
			pages.Routes(r)
			handlers.New(pages, rotation.NewStore(d, w.Keys)).Routes(r)
		})
		w.dev = w.as(w.Developer)
		body(t, w)
	})
}

func (w *world) as(a actor.Actor) *webtest.Client {
	w.t.Helper()
	u, err := account.NewStore(account.Options{DB: w.DB}).ByID(context.Background(), a.UserID)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.site.As(u)
}

func (w *world) pair(overlap int) (before, after db.ID) {
	before = w.Make(w.Developer, "Worker", 60).Key.ID
	return before, w.Rotate(w.Developer, before, overlap).Key.ID
}

func path(id db.ID, act string) string { return "/console/keys/" + id.Show(keys.IDPrefix) + "/" + act }

func has(t *testing.T, p webtest.Page, status int, words ...string) {
	t.Helper()
	if p.Status != status {
		t.Errorf("status %d, want %d", p.Status, status)
	}
	for _, s := range words {
		if !strings.Contains(p.Body, s) {
			t.Errorf("the page does not say %q", s)
		}
	}
}

// Works; 422; signed out; somebody else; another site: Z1, Z2, W1
func TestEachActOnARotationAnswersTheRightPersonOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		viewer, other, stranger := w.as(w.Viewer), w.as(w.Other), w.as(w.Stranger)
		for _, a := range []struct {
			name        string
			form, wrong url.Values
			old, next   keys.StateName
		}{
			{"extend", url.Values{"days": {"3"}}, url.Values{"days": {"31"}}, keys.Rotated, keys.Active},
			{"retire", url.Values{}, url.Values{"silent_since": {"yesterday"}}, keys.Expired, keys.Active},
			{"undo", url.Values{}, nil, keys.Active, keys.Revoked},
		} {
			before, after := w.pair(7)
			at := path(before, a.name)

			got := fmt.Sprint(w.site.Visitor().Post(at, a.form).Status, stranger.Post(at, a.form).Status, viewer.Post(at, a.form).Status, other.Post(at, a.form).Status,
				w.dev.CrossSite(at, a.form).Status, w.dev.Post(path(db.NewID(), a.name), a.form).Status)
			if got != "401 404 403 403 403 404" || w.State(before) != keys.Rotated || w.State(after) != keys.Active {
				t.Errorf("%s: %s, %s, %s", a.name, got, w.State(before), w.State(after))
			}
			if a.wrong != nil {
				if wrong := w.dev.Post(at, a.wrong); wrong.Status != http.StatusUnprocessableEntity || w.State(before) != keys.Rotated {
					t.Errorf("%s: wrong input: %d %s", a.name, wrong.Status, wrong.Body)
				}
			}
			if right := w.dev.Post(at, a.form); right.Status != http.StatusSeeOther || w.State(before) != a.old || w.State(after) != a.next {
				t.Errorf("%s: %d, %s, %s: %s", a.name, right.Status, w.State(before), w.State(after), right.Body)
			}
			if again := w.dev.Post(at, a.form); again.Status != http.StatusConflict {
				t.Errorf("%s: a second time: %d", a.name, again.Status)
			}
		}
	})
}

func TestRotateFormSaysWhatHappensAndOffersEveryDay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.Make(w.Developer, "Worker", 20).Key.ID

		page := w.dev.Get(path(id, "rotate"))

		has(t, page, 200, "same scopes and limits", "you can undo the rotation", "The old key itself expires on 11 Dec 2026", `value="0"`, `value="30"`, "1 day (until 22 Nov 2026)", "9 days (until 30 Nov 2026)")
		if strings.Contains(page.Body, `value="31"`) {
			t.Error("31 days are offered")
		}
	})
}

// A14: a new text is shown to who has just proved who they are; the form comes back as it was filled in.
func TestRotatingAsksForThePasswordAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.Make(w.Developer, "Worker", 60).Key.ID
		w.Clock.Advance(11 * time.Minute)

		late := w.dev.Post(path(id, "rotate"), url.Values{"form_token": {w.Keys.NewFormToken(w.Developer, keys.RotatePurpose(id))}, "overlap_days": {"9"}})
		foreign := w.dev.Post(path(db.NewID(), "rotate"), url.Values{"overlap_days": {"9"}})

		to, err := url.Parse(late.Location)
		if err != nil || late.Status != 303 || to.Path != "/console/account/confirm" || foreign.Status != 404 {
			t.Fatal(late.Status, late.Location, foreign.Status)
		}
		has(t, w.dev.Get(to.Query().Get("next")), 200, `value="9" selected`, "9 days")
		if d, err := w.Keys.Get(t.Context(), w.Developer, id); err != nil || d.Successor != nil {
			t.Error("rotated without asking", err)
		}
	})
}

// K10
func TestRotationPageShowsBothKeysAndWhoStillUsesTheOldOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		w.Clock.Advance(time.Minute)
		w.Count(before, "VALID", 1234)
		w.Use(before, "203.0.113.0/24")
		w.Clock.Advance(30 * time.Minute)
		w.Count(after, "VALID", 77)

		for _, id := range []db.ID{before, after} {
			page := w.dev.Get(path(id, "rotation"))
			has(t, page, 200, "Both keys work until 28 Nov 2026", "1,234", "77", "203.0.113.0/24", "only the network is kept", "Retire old key", "Undo rotation", "Extend overlap", "Calls by hour", `data-label="Last used"`, w.Row(before).Hint(), w.Row(after).Hint())
			if strings.Contains(page.Body, "silent for") {
				t.Error("it is no hour ago")
			}
		}
		has(t, w.dev.Get("/console/keys/"+before.Show(keys.IDPrefix)), 200, path(before, "rotation"))
		read := w.as(w.Viewer).Get(path(before, "rotation"))
		has(t, read, 200, "203.0.113.0/24")
		if strings.Contains(read.Body, "Retire") || strings.Contains(read.Body, "Extend overlap") {
			t.Error("a viewer is offered acts")
		}
		if p := w.as(w.Stranger).Get(path(before, "rotation")); p.Status != 404 || w.dev.Get(path(w.Make(w.Developer, "Alone", 9).Key.ID, "rotation")).Status != 404 {
			t.Error(p.Status)
		}
	})
}

func TestSilentOldKeyIsRetiredWithOneButton(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, _ := w.pair(7)
		w.Use(before, "203.0.113.0/24")
		w.Clock.Advance(5*time.Hour + time.Minute)
		w.dev = w.as(w.Developer) // the session went idle
		page := w.dev.Get(path(before, "rotation"))
		has(t, page, 200, "The old key has been silent for 5 hours: retire it now", "Nothing has used the new key yet")
		since := between(page.Body, `name="silent_since" value="`, `"`)
		form := url.Values{"silent_since": {since}}
		w.Use(before, "198.51.100.0/24")

		used := w.dev.Post(path(before, "retire"), form)

		has(t, used, 409, "used since you looked", "198.51.100.0/24", "What will stop working")
		if w.State(before) != keys.Rotated {
			t.Fatal("retired although it was used")
		}
		w.Clock.Advance(2 * time.Hour)
		w.dev = w.as(w.Developer)
		form.Set("silent_since", between(w.dev.Get(path(before, "rotation")).Body, `name="silent_since" value="`, `"`))
		if done := w.dev.Post(path(before, "retire"), form); done.Status != 303 || w.State(before) != keys.Expired {
			t.Error(done.Status, w.State(before))
		}
		has(t, w.dev.Get(path(before, "rotation")), 200, "The rotation is finished")
	})
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

func TestUndoSaysFirstThatTheNewKeyIsUsed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		has(t, w.dev.Get(path(before, "undo")), 200, "Nothing has used the new key yet", "is revoked, which is final", "expires on 20 Jan 2027")
		w.Use(after, "203.0.113.0/24")

		refused := w.dev.Post(path(before, "undo"), url.Values{})

		has(t, refused, 409, "The new key was used already", "203.0.113.0/24", `name="used" value="1"`, "Undo rotation anyway")
		if w.State(after) != keys.Active {
			t.Fatal("revoked without asking")
		}
		if done := w.dev.Post(path(before, "undo"), url.Values{"used": {"1"}}); done.Status != 303 || w.State(after) != keys.Revoked {
			t.Error(done.Status)
		}
		has(t, w.dev.Get("/console/keys/"+after.Show(keys.IDPrefix)), 200, "was undone: the old key goes on")
		has(t, w.dev.Get("/console/keys/"+before.Show(keys.IDPrefix)), 200, path(before, "rotate"))
	})
}
