package handlers_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// ownKey makes a key of the first tenant, and gives its full text.
func (w *world) ownKey() key.Made {
	w.Helper()
	a, s := webtest.ActorOf(w.mine.user), w.house.Stores
	kept, err := s.Key.Get(w.Context(), a, w.mine.key.ID)
	w.ok(err)
	var slug string
	w.ok(w.db.Read(w.Context()).Raw("SELECT slug FROM apis LIMIT 1").Scan(&slug).Error)
	made, err := s.Key.Create(w.Context(), a, key.CreateRequest{
		Token: s.Key.NewFormToken(a, key.CreatePurpose()), AppID: kept.AppID, Environment: "live", Name: "The pasted one",
		Pairs: []key.Pair{{API: slug, Scope: "orders:read"}}, Expiry: key.Expiry{Days: 30},
	})
	w.ok(err)
	return made
}

func TestAPastedKeyComesBackNowhereAndItsOwnerIsLedToRotateIt(t *testing.T) { // K1
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	made := w.ownKey()
	text, rotate := made.Secret.Reveal(), "/console/keys/"+made.Key.ID.Show("key")+"/rotate"
	question, answer := "/support/questions/"+w.mine.asked.ID.Show(forum.Prefix), w.mine.answer.Show(forum.PostPrefix)
	now, err := w.house.Stores.Forum.Get(w.Context(), webtest.ActorOf(w.admin), w.mine.asked.ID)
	w.ok(err)
	version := strconv.FormatInt(now.Version, 10)
	dev, staff := w.site.As(w.mine.user), w.site.As(w.admin)
	check := func(what string, page webtest.Page, words ...string) {
		t.Helper()
		for _, part := range []string{text, text[12:36], strings.ReplaceAll(text, "_", "%5F")} {
			if strings.Contains(page.Body+page.Location, part) {
				t.Errorf("%s: the key came back", what)
			}
		}
		for _, word := range append(words, made.Secret.Hint()) {
			if !strings.Contains(page.Body, word) {
				t.Errorf("%s: %d lacks %q in %.600s", what, page.Status, word, alerts(page.Body))
			}
		}
	}

	for _, f := range []typed{
		{path: question + "/answer", form: fields("body", text, "version", version)},
		{path: question + "/answer", form: fields("body", text, "version", "999")},
		{path: question + "/answer", form: fields("body", "My key: "+text, "do", "preview")},
		{path: question + "/answer", form: fields("body", text, "do", "insert")},
		{path: question + "/note", form: fields("body", text)},
		{path: question + "/escalate", form: fields("body", text)},
		{path: question + "/merge", form: fields("into", text)},
		{path: "/support/replies/new", form: fields("name", "Key", "body", text)},
		{path: "/support/teams/new", form: fields("name", text)},
		{path: "/support/policy", form: fields("zone", text, "holidays", text)},
		{path: "/support/posts/" + answer + "/hide", form: fields("reason", text)},
	} {
		check(f.path, staff.Post(f.path, f.form), "not stored")
	}
	check("flag", dev.Post("/forum/posts/"+answer+"/flag", fields("reason", "other", "words", text)), "The pasted one", rotate)
	check("rating", dev.Post("/guides/quick-start/helpful", fields("helpful", "no", "words", text)), "The pasted one", rotate)
	if n := w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'key.pasted'"); n < 13 {
		t.Errorf("%d events tell of it", n)
	}
}

func TestAKeyInAnAddressIsCarriedNoFurther(t *testing.T) { // K1, W3
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	made := w.ownKey()
	text, dev, staff := made.Secret.Reveal(), w.site.As(w.mine.user), w.site.As(w.admin)
	encoded := strings.ReplaceAll(text, "_", "%5F")

	for _, k := range []string{text, encoded, text[:20] + "%E2%80%8B" + text[20:]} {
		for path, who := range map[string]*webtest.Client{
			"/forum?tag=": dev, "/forum?api=": dev, "/forum/tags?q=": dev, "/forum/ask?title=": dev, "/support?tag=": staff, "/support/pages?path=": staff, "/forum?x=1&after=": w.site.Visitor(),
		} {
			page := who.Get(path + k)
			if page.Status != 303 || !strings.HasPrefix(page.Location, "/search?refused=") || page.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s: %d %s", path, page.Status, page.Location)
			}
			if who == dev && page.Location != "/search?refused="+made.Key.ID.Show("key") {
				t.Errorf("%s leads to %s", path, page.Location)
			}
		}
		feed := w.site.Visitor().Get("/forum/feed.atom?tag=" + k)
		if feed.Status != 404 || strings.Contains(feed.Header.Get("Cache-Control"), "public") {
			t.Errorf("feed: %d %s", feed.Status, feed.Header.Get("Cache-Control"))
		}
		for _, path := range []string{"/apis?q=", "/guides?x=", "/login?next=/x", "/nothing/"} {
			page := w.site.Visitor().Get(path + k)
			menu := page.Body[max(0, strings.Index(page.Body, `action="/language"`)):]
			if strings.Contains(menu, text) || strings.Contains(menu, encoded) || strings.Contains(page.Header.Get("Location"), text) {
				t.Errorf("%s: the key is in the page's own links", path)
			}
		}
	}
}

// count is one number of the database.
func (w *world) count(query string) (n int64) {
	w.Helper()
	w.ok(w.db.Read(w.Context()).Raw(query).Scan(&n).Error)
	return n
}
