package handlers_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// Z2, Z7, B1-22: with a share of all rights, each route that is not the share's own answers for the app, its keys, access and refusals as for nothing and changes
// nothing, in the console as by any form; the share's own pages tell of them what its rights name, and after its end they are not there either.
func TestAShareOpensItsOwnPagesAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serve(t, d, clock)
		w.inhabit()
		id := w.lend(w.them.user, w.them.app.ID, w.mine.user, w.mine.org, actor.Rights...)
		dev := w.site.As(w.mine.user)
		things := []string{w.them.app.ID.String(), w.them.key.ID.String(), w.them.access.String()}
		before, checked := w.rowsOf(things), 0

		for _, r := range w.house.Table {
			param, of := w.them.idFor(r.Path)
			if param == "" || r.Access.Permission() != "" || !slices.ContainsFunc(ofApps, func(p string) bool { return strings.HasPrefix(r.Path, p) }) {
				continue
			}
			visit := func(path string) string {
				dev.Get("/console")
				if r.Mutates() {
					return normal(dev.Post(path, hostile(w.them)))
				}
				return normal(dev.Get(path))
			}
			checked++
			if shared, absent := visit(strings.Replace(r.Path, param, of, 1)), visit(strings.Replace(r.Path, param, absentID(of), 1)); shared != absent || !strings.HasPrefix(shared, "404") {
				t.Errorf("%s %s opens to who has a share:\n%.300s\n%.300s", r.Method, r.Path, shared, absent)
			}
		}
		if after := w.rowsOf(things); after != before || checked < 20 {
			t.Errorf("%d routes; something changed:\n%s\n%s", checked, before, after)
		}

		page := "/console/shares/" + id.Show("shr")
		rotate := page + "/keys/" + w.them.key.ID.Show("key") + "/rotate"
		for _, want := range []string{w.them.key.Name, w.them.refused, "PAUSED", rotate} {
			if got := dev.Get(page); got.Status != 200 || !strings.Contains(got.Body, want) {
				t.Errorf("%d: the share’s page does not tell of %s", got.Status, want)
			}
		}
		if got := dev.Get("/console/apps"); !strings.Contains(got.Body, "Shared with you") || !strings.Contains(got.Body, page) {
			t.Error("the console does not lead to it")
		}
		if got := dev.Get("/me/permissions").Body; !strings.Contains(got, page) || !strings.Contains(got, "See usage and refused calls · See keys, never their text · Rotate all keys") {
			t.Error("what one may do does not tell of it")
		}
		if foreign := w.mine.key.ID.Show("key"); dev.Get(strings.Replace(rotate, w.them.key.ID.Show("key"), foreign, 1)).Status != 404 {
			t.Error("a key of another app is rotated by it")
		}

		if _, err := w.house.Stores.Share.End(t.Context(), webtest.ActorOf(w.them.user), id); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{page, page + "/end", rotate} {
			if ended, absent := normal(dev.Get(path)), normal(dev.Get(strings.Replace(path, id.Show("shr"), absentID("shr_"+strings.Repeat("0", 26)), 1))); ended != absent || !strings.HasPrefix(ended, "404") {
				t.Errorf("%s after the end: %.200s", path, ended)
			}
		}
		if got := dev.Post(rotate, url.Values{"overlap_days": {"0"}}); got.Status != 404 {
			t.Error("rotated after the end:", got.Status)
		}
		w.tellsNothing(dev, "")
	})
}

var tokenField = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// Z2, K2, A14: each right opens its part of the page and no other; rotating asks for the password again when the last time is long ago, and shows the key once.
func TestEachRightOpensItsPartOfThePage(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	dev := w.site.As(w.mine.user)
	for _, c := range []struct {
		right                actor.Right
		usage, keys, rotates bool
	}{{actor.ReadUsage, true, false, false}, {actor.ReadKeys, false, true, false}, {actor.RotateTest, false, true, false}, {actor.RotateAll, false, true, true}} {
		id := w.lend(w.them.user, w.them.app.ID, w.mine.user, w.mine.org, c.right)
		page := "/console/shares/" + id.Show("shr")
		rotate := page + "/keys/" + w.them.key.ID.Show("key") + "/rotate" // of a live key

		body, form := dev.Get(page).Body, dev.Get(rotate)
		sent := dev.Post(rotate, url.Values{"overlap_days": {"1"}, "form_token": {"no"}})

		if strings.Contains(body, w.them.refused) != c.usage || strings.Contains(body, `id="usage"`) != c.usage || strings.Contains(body, w.them.key.Name) != c.keys || strings.Contains(body, rotate) != c.rotates {
			t.Errorf("%s opens the wrong parts", c.right)
		}
		if want := map[bool]int{true: 200, false: 403}[c.rotates]; form.Status != want && (c.keys || form.Status != 404) {
			t.Errorf("%s: the form of rotating answers %d", c.right, form.Status)
		}
		if sent.Status == 200 || sent.Status == 303 || sent.Status == 422 != c.rotates {
			t.Errorf("%s: rotating without its form answers %d", c.right, sent.Status)
		}
		if c.rotates {
			made := dev.Post(rotate, url.Values{"overlap_days": {"1"}, "form_token": {tokenField.FindStringSubmatch(form.Body)[1]}})
			if made.Status != 200 || strings.Count(made.Body, "gk_live_") < 2 || strings.Contains(made.Body, "/console/keys/") {
				t.Errorf("%d %.300s", made.Status, made.Body)
			}
		}
		if _, err := w.house.Stores.Share.End(t.Context(), webtest.ActorOf(w.mine.user), id); err != nil {
			t.Fatal(err)
		}
	}
}
