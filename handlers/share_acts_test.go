package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
)

// shareAct is one act on the shares of an app of w.them's, with w.mine's organization.
type shareAct struct {
	name      string
	stage     func(w *world) (path string, id db.ID) // what it is done to; nothing but a row that names id may change
	by, wrong func(w *world) account.User            // who may, and who of the two organizations may not
	refused   int                                    // how the latter is answered
	good, bad url.Values                             // bad: nil where the form asks nothing
	again     int                                    // how doing it twice is answered
	fresh     bool                                   // the password is asked for again
	done      int
}

func lender(w *world) account.User   { return w.them.user }
func receiver(w *world) account.User { return w.mine.user }

// viewer is one of w.mine's organization.
func viewer(w *world) account.User {
	w.Helper()
	u := w.site.Person("viewer@example.com", "")
	w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", w.mine.org, u.ID, w.clock.Now())
	return u
}

func (w *world) offered() (string, db.ID) {
	w.Helper()
	s, err := w.house.Stores.Share.Offer(w.Context(), webtest.ActorOf(w.them.user), w.them.app.ID, share.Input{
		Receiver: w.mine.org.Show("org"), Rights: []actor.Right{actor.ReadUsage}, Reason: "To test", EndsOn: w.clock.Now().AddDate(0, 0, 30).Format(share.DayLayout),
	})
	w.ok(err)
	return "/console/shares/" + s.ID.Show(share.Prefix), s.ID
}

func shareActs(clock *dbtest.Clock) []shareAct {
	answer := func(verb string) func(*world) (string, db.ID) {
		return func(w *world) (string, db.ID) {
			page, id := w.offered()
			return page + "/" + verb, id
		}
	}
	lent := func(rest func(w *world) string) func(*world) (string, db.ID) {
		return func(w *world) (string, db.ID) {
			id := w.lend(w.them.user, w.them.app.ID, w.mine.user, w.mine.org, actor.RotateAll)
			return "/console/shares/" + id.Show(share.Prefix) + rest(w), id
		}
	}
	return []shareAct{
		{
			name: "offer", by: lender, wrong: receiver, refused: 404, again: 409, fresh: true, done: 303,
			stage: func(w *world) (string, db.ID) {
				return "/console/apps/" + w.them.app.ID.Show("app") + "/share", w.them.app.ID
			},
			good: url.Values{"receiver": {""}, "rights": {"usage:read"}, "reason": {"To test"}, "ends_on": {clock.Now().AddDate(0, 0, 30).Format(share.DayLayout)}},
			bad:  url.Values{"receiver": {"org_1"}, "rights": {"keys:revoke"}, "reason": {" "}, "ends_on": {"2001-01-01"}},
		},
		{name: "accept", stage: answer("accept"), by: receiver, wrong: lender, refused: 403, again: 409, done: 303},
		{name: "decline", stage: answer("decline"), by: receiver, wrong: lender, refused: 403, again: 404, done: 303},
		{name: "end", stage: lent(func(*world) string { return "/end" }), by: receiver, wrong: viewer, refused: 403, again: 404, done: 303},
		{
			name: "rotate", by: receiver, wrong: viewer, refused: 404, again: 303, fresh: true, done: 200,
			stage: lent(func(w *world) string { return "/keys/" + w.them.key.ID.Show("key") + "/rotate" }),
			good:  url.Values{"overlap_days": {"7"}}, bad: url.Values{"overlap_days": {"99"}},
		},
	}
}

// form is what the page sends: with its token, and the receiver's id.
func (a shareAct) form(w *world, c *webtest.Client, path string, in url.Values) url.Values {
	out := url.Values{}
	for name, values := range in {
		out[name] = values
	}
	if out.Has("receiver") && out.Get("receiver") == "" {
		out.Set("receiver", w.mine.org.Show("org"))
	}
	if token := tokenField.FindStringSubmatch(c.Get(path).Body); a.name == "rotate" && token != nil {
		out.Set("form_token", token[1])
	}
	return out
}

// Z2, S7, A14: each act on a share works for the side whose it is, and changes nothing for who is signed out, of neither organization or of the wrong one, sends it from
// another site or fills it in wrongly; what lets others at keys asks for the password again when that is long ago.
func TestEachActOnAShareIsForItsSide(t *testing.T) {
	for i, a := range shareActs(dbtest.NewClock()) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			clock := dbtest.NewClock()
			a, w := shareActs(clock)[i], serve(t, dbtest.SQLite(t, clock), clock)
			w.inhabit()
			path, id := a.stage(w)
			by, wrong := w.site.As(a.by(w)), w.site.As(a.wrong(w))
			good := a.form(w, by, path, a.good)
			things := []string{id.String(), w.them.key.ID.String()}
			before := w.rowsOf(things)

			got := map[string][2]int{
				"signed out":   {w.site.Visitor().Post(path, good).Status, http.StatusUnauthorized},
				"other owner":  {w.site.As(w.site.Person("third@example.com", "")).Post(path, good).Status, http.StatusNotFound},
				"wrong side":   {wrong.Post(path, good).Status, a.refused},
				"another site": {by.CrossSite(path, good).Status, http.StatusForbidden},
			}
			if a.bad != nil {
				got["wrong input"] = [2]int{by.Post(path, a.form(w, by, path, a.bad)).Status, http.StatusUnprocessableEntity}
			}
			if a.fresh {
				clock.Advance(11 * time.Minute)
				asked := by.Post(path, good)
				if got["long ago"] = [2]int{asked.Status, http.StatusSeeOther}; !strings.HasPrefix(asked.Location, "/console/account/confirm?next=") {
					t.Error("leads to", asked.Location)
				}
				by = w.site.As(a.by(w))
				good = a.form(w, by, path, a.good)
			}
			for name, is := range got {
				if is[0] != is[1] {
					t.Errorf("%s: %d, not %d", name, is[0], is[1])
				}
			}
			if after := w.rowsOf(things); after != before {
				t.Errorf("something changed:\n%s\n%s", before, after)
			}

			done := by.Post(path, good)
			if done.Status != a.done || w.rowsOf(things) == before {
				t.Errorf("it answers %d, and changes nothing: %.300s", done.Status, done.Body)
			}
			if again := by.Post(path, good).Status; again != a.again {
				t.Errorf("again: %d, not %d", again, a.again)
			}
		})
	}
}

// K10: a key that is paused for a leak says so to who has a share, and when it will be revoked; it is not rotated by them, and the answer leads back.
func TestALeakedKeyOfASharedAppSaysWhenItEnds(t *testing.T) {
	t.Parallel()
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	id := w.lend(w.them.user, w.them.app.ID, w.mine.user, w.mine.org, actor.RotateAll)
	page := "/console/shares/" + id.Show(share.Prefix)
	rotate := page + "/keys/" + w.them.key.ID.Show("key") + "/rotate"
	dev, revoked := w.site.As(w.mine.user), clock.Now().Add(50*time.Hour)
	token := tokenField.FindStringSubmatch(dev.Get(rotate).Body)[1]
	w.run("UPDATE leak_incidents SET closed_at = ? WHERE key_id = ? AND closed_at IS NULL", clock.Now(), w.them.key.ID)
	w.run("INSERT INTO leak_incidents (id, key_id, opened_at, reported_at, done, revoke_at) VALUES (?, ?, ?, ?, 'paused', ?)", db.NewID(), w.them.key.ID, clock.Now(), clock.Now(), revoked)
	w.run("UPDATE keys SET paused_at = ?, paused_cause = 'leak' WHERE id = ?", clock.Now(), w.them.key.ID)

	body := dev.Get(page).Body
	sent := dev.Post(rotate, url.Values{"overlap_days": {"1"}, "form_token": {token}})

	for part, in := range map[string]bool{"Paused, leaked": true, revoked.UTC().Format("2006-01-02T15:04"): true, rotate: false} {
		if strings.Contains(body, part) != in {
			t.Errorf("the page: %q is %v", part, !in)
		}
	}
	if sent.Status != http.StatusConflict || !strings.Contains(sent.Body, "This key is paused.") || !strings.Contains(sent.Body, `href="`+page+`"`) {
		t.Error(sent.Status, sent.Body)
	}
}

// A12: the lender's second factor is asked of whom it lends to, so both sides read it before they agree.
func TestAnOfferTellsBothSidesThatASecondFactorIsAsked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serve(t, d, clock)
		w.inhabit()
		w.run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), w.them.user.ID, clock.Now(), clock.Now())
		offer, _ := w.offered()
		form := "/console/apps/" + w.them.app.ID.Show("app") + "/share"
		for _, c := range []struct {
			from        any
			lent, taken string
		}{
			{nil, "", ""},
			{clock.Now().Add(48 * time.Hour), "on, your organization requires a second factor, and members of the other one need one too", "requires one from 23 Nov 2026"},
			{clock.Now(), "Your organization requires a second factor, and members of the other one need one too", "The organization that shares the app requires one. "},
		} {
			w.run("UPDATE organizations SET factor_from = ? WHERE id = ?", c.from, w.them.org)

			lent, taken := w.site.As(w.them.user).Get(form), w.site.As(w.mine.user).Get(offer)

			if lent.Status != http.StatusOK || !strings.Contains(lent.Body, c.lent) || c.lent == "" && strings.Contains(lent.Body, "second factor") {
				t.Errorf("%v: the form of the offer says %d %s", c.from, lent.Status, lent.Body)
			}
			if taken.Status != http.StatusOK || !strings.Contains(taken.Body, c.taken) || c.taken == "" && strings.Contains(taken.Body, "second factor") || !strings.Contains(taken.Body, "Accept offer") {
				t.Errorf("%v: the offer says %d %s", c.from, taken.Status, taken.Body)
			}
		}
	})
}
