package moderation_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	handlers "github.com/gatehouse-dev/gatehouse/handlers/forum/moderation"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/forumtest"
	"github.com/gatehouse-dev/gatehouse/models/forum/moderation"
)

type world struct {
	*forumtest.World
	t    *testing.T
	site *webtest.Site
	mod  *moderation.Store
	q    forum.Question
	p    forum.Post // of Other
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := &world{World: forumtest.New(t, d, clock), t: t}
	w.mod = moderation.NewStore(moderation.Options{DB: d, Forum: w.Forum, Outbox: w.Outbox, Link: func(p string) string { return forumtest.Base + p }})
	w.site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		(&handlers.Handler{Kit: k, Store: w.mod, Forum: w.Forum}).Routes(r)
	})
	w.q = w.Ask(w.Owner, "Why does the first call fail?", "limits")
	w.p = w.Answer(w.Other, w.q.ID, "Buy <b>this</b> instead.")
	return w
}

func (w *world) as(a actor.Actor) *webtest.Client {
	w.t.Helper()
	u, err := account.NewStore(account.Options{DB: w.DB}).ByID(w.t.Context(), a.UserID)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.site.As(u)
}

func (w *world) want(what string, p webtest.Page, status int, words ...string) {
	w.t.Helper()
	if p.Status != status {
		w.t.Fatalf("%s: status %d, want %d; %s", what, p.Status, status, p.Body)
	}
	for _, word := range words {
		if !strings.Contains(p.Body, word) {
			w.t.Errorf("%s: lacks %q in %s", what, word, p.Body)
		}
	}
}

// route is a mutating route with a form that works.
type route struct {
	path  string
	form  url.Values
	wrong url.Values // nil: it has no fields
	work  func()     // makes it possible before
}

func (w *world) staffRoutes() map[string]route {
	post, question, person := "/support/posts/"+w.p.ID.Show("pst"), "/support/questions/"+w.q.ID.Show("qst"), "/support/people/"+w.Owner.UserID.Show("user")
	reason, revised := url.Values{"reason": {"Not here."}}, w.revised()
	pending := func() { w.Exec("UPDATE posts SET state = 'pending', hidden_at = NULL WHERE id = ?", w.p.ID) }
	flag := func() string {
		w.Exec("DELETE FROM flags")
		if _, err := w.mod.Flag(w.t.Context(), w.Owner, w.p.ID, moderation.Spam, ""); err != nil {
			w.t.Fatal(err)
		}
		page, err := w.mod.Flags(w.t.Context(), w.Support, db.PageRequest{})
		if err != nil || len(page.Rows) != 1 {
			w.t.Fatal(err, page.Rows)
		}
		return "/support/flags/" + page.Rows[0].ID.Show("flg")
	}
	one := flag()
	reopen := func() { w.Exec("UPDATE flags SET state = 'open'") }
	return map[string]route{
		"uphold": {one + "/uphold", reason, url.Values{"reason": {""}}, reopen}, "dismiss": {one + "/dismiss", url.Values{}, nil, reopen},
		"approve": {post + "/approve", url.Values{}, nil, pending}, "reject": {post + "/reject", reason, url.Values{"reason": {strings.Repeat("x", 501)}}, pending},
		"hide revision": {revised + "/revisions/1/hide", reason, url.Values{}, nil}, "show revision": {revised + "/revisions/1/show", url.Values{}, nil, nil},
		"hide": {post + "/hide", reason, url.Values{}, nil}, "show": {post + "/show", url.Values{}, nil, nil},
		"hide question": {question + "/hide", reason, url.Values{}, nil}, "show question": {question + "/show", url.Values{}, nil, nil},
		"lock": {question + "/lock", url.Values{}, nil, nil}, "unlock": {question + "/unlock", url.Values{}, nil, nil},
		"pin": {question + "/pin", url.Values{}, nil, nil}, "unpin": {question + "/unpin", url.Values{}, nil, nil},
		"tags":  {question + "/tags", url.Values{"tags": {"keys, limits"}}, url.Values{"tags": {"no/such"}}, nil},
		"block": {person + "/block", url.Values{"reason": {"Be kind."}, "until": {"2026-12-24"}}, url.Values{"reason": {"x"}, "until": {"yesterday"}}, nil}, "unblock": {person + "/unblock", url.Values{}, nil, nil},
	}
}

// revised is the path of another post, with a history of two texts.
func (w *world) revised() string {
	w.t.Helper()
	p := w.Answer(w.Other, w.q.ID, "Wait an hour.")
	if _, err := w.Forum.Edit(w.t.Context(), w.Other, p.ID, forum.Edit{Body: "Wait a minute."}); err != nil {
		w.t.Fatal(err)
	}
	return "/support/posts/" + p.ID.Show("pst")
}

// Z1, Z5, W1: works; 422 with what was entered kept; signed out; without the permission; from another site.
func TestActsOfModeration(t *testing.T) {
	w := newWorld(t)
	support, developer, auditor := w.as(w.Support), w.as(w.Other), w.as(w.Person("Aki Auditor", "auditor"))
	for name, r := range w.staffRoutes() {
		if r.work != nil {
			r.work()
		}
		w.want(name+" signed out", w.site.Visitor().Post(r.path, r.form), http.StatusUnauthorized)
		w.want(name+" by a developer", developer.Post(r.path, r.form), http.StatusForbidden)
		w.want(name+" by an auditor", auditor.Post(r.path, r.form), http.StatusForbidden)
		w.want(name+" from another site", support.CrossSite(r.path, r.form), http.StatusForbidden)
		if r.wrong != nil {
			w.want(name+" wrong", support.Post(r.path, r.wrong), http.StatusUnprocessableEntity, `role="alert"`, r.wrong.Get("tags"))
		}
		w.want(name, support.Post(r.path, r.form), http.StatusSeeOther)
	}
}

func TestForeignIDsAreNotThere(t *testing.T) { // Z2
	w := newWorld(t)
	support := w.as(w.Support)
	for _, path := range []string{"/support/posts/pst_x/hide", "/support/flags/" + db.NewID().Show("flg") + "/dismiss", "/support/people/" + db.NewID().Show("user") + "/unblock", "/support/questions/" + w.p.ID.Show("pst") + "/lock"} {
		w.want(path, support.Post(path, url.Values{}), http.StatusNotFound)
	}
}

// F7, Z2, W1
func TestReadersReportPosts(t *testing.T) {
	w := newWorld(t)
	hidden := w.AskAs(w.Owner, forum.Draft{Title: "Only for our organization?", Visibility: forum.Organization, OrganizationID: w.North})
	foreign := w.Answer(w.Support, hidden.ID, "Only for you.")
	path, other := "/forum/posts/"+w.p.ID.Show("pst")+"/flag", "/forum/posts/"+foreign.ID.Show("pst")+"/flag"
	reader := w.as(w.Person("Rita Reads", ""))
	form := url.Values{"reason": {moderation.Spam}}

	w.want("form", reader.Get(path), http.StatusOK, "Flag post", "Buy this instead.", `value="wrong_place"`)
	w.want("wrong", reader.Post(path, url.Values{"reason": {"other"}, "words": {" "}}), http.StatusUnprocessableEntity, "Say in a few words")
	w.want("signed out", w.site.Visitor().Post(path, form), http.StatusUnauthorized)
	w.want("not readable", reader.Post(other, form), http.StatusNotFound)
	w.want("not readable", reader.Get(other), http.StatusNotFound)
	w.want("from another site", reader.CrossSite(path, form), http.StatusForbidden)
	for range 2 {
		if done := reader.Post(path, form); done.Status != http.StatusSeeOther || done.Location != w.q.Path() {
			t.Fatal(done.Status, done.Location)
		}
	}

	queue := w.as(w.Support).Get("/support/flags")

	w.want("queue", queue, http.StatusOK, w.q.Title, "Buy this instead.", "Spam")
	if strings.Count(queue.Body, "/support/flags/flg_") != 1 {
		t.Error("the post stands in the queue more than once")
	}
}

// K1: what comes back into a field holds no key.
func TestAKeyInAReportComesBackAsItsHint(t *testing.T) {
	w := newWorld(t)
	const key = "gk_live_0123456789ABCDEFGHIJKLMNOPQRSTUV1TQnH8"

	page := w.as(w.Person("Rita Reads", "")).Post("/forum/posts/"+w.p.ID.Show("pst")+"/flag", url.Values{"reason": {"secret"}, "words": {"He wrote " + key[:20] + " " + key[20:]}})

	w.want("report", page, http.StatusUnprocessableEntity, "gk_live_…nH8"[:8])
	if strings.Contains(page.Body, key[8:18]) {
		t.Error("the key came back")
	}
}

func TestPagesOfModeration(t *testing.T) {
	w := newWorld(t)
	fresh := w.Person("Fred Fresh", "")
	w.AskAs(fresh, forum.Draft{Title: "Cheap pills for everybody", Body: "Buy at https://shop.biz <script>alert(1)</script>"})
	if err := w.mod.Block(t.Context(), w.Support, fresh.UserID, w.Clock.Now().Add(48*time.Hour), "Spam <b>."); err != nil {
		t.Fatal(err)
	}
	support := w.as(w.Support)

	for path, words := range map[string][]string{
		"/support/pending": {"Cheap pills for everybody", "Approve post", "Reject post"}, "/support/people/" + fresh.UserID.Show("user"): {"Kept from posting", "Spam &lt;b&gt;.", "Let post again", "Newest posts", "Cheap pills for everybody", "Waits for approval"},
		"/support/people/" + w.Owner.UserID.Show("user"): {"Established", "Keep from posting", "Newest posts", "/support/questions/" + w.q.ID.Show("qst") + "#post_"}, "/support/people/" + w.Owner.UserID.Show("user") + "/block": {"Until the end of"},
		"/support/posts/" + w.p.ID.Show("pst") + "/hide": {"Hide post", "Buy this instead."}, "/support/posts/" + w.p.ID.Show("pst") + "/reject": {"Reject post", `name="revisions"`},
		"/support/questions/" + w.q.ID.Show("qst") + "/hide": {"Hide question", w.q.Title}, "/support/questions/" + w.q.ID.Show("qst") + "/tags": {"Change tags", "limits"},
		"/support/flags": {"No flags"},
	} {
		page := support.Get(path)
		w.want(path, page, http.StatusOK, words...)
		if strings.Contains(page.Body, "<script>alert") || strings.Contains(page.Body, "<b>this") {
			t.Error(path, "shows markup of a post")
		}
		if reader := w.as(w.Owner).Get(path); reader.Status != http.StatusForbidden {
			t.Error(path, "opens for a developer:", reader.Status)
		}
	}
	auditor := w.as(w.Person("Aki Auditor", "auditor"))
	if page := auditor.Get("/support/pending"); page.Status != http.StatusOK || strings.Contains(page.Body, "/approve") {
		t.Error("an auditor is offered acts:", page.Status)
	}
}
