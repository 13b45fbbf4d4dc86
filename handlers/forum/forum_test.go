package forum_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	forumweb "github.com/gatehouse-dev/gatehouse/handlers/forum"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

var bg = context.Background()

// world is a portal with a forum, and people who have been there for a year.
type world struct {
	*webtest.Site
	t                     *testing.T
	forum                 *forum.Store
	keys                  *key.Store
	asker, other, support account.User
	askers, others, staff *webtest.Client
	visitor               *webtest.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock()
	return worldOn(t, dbtest.SQLite(t, clock), clock)
}

func worldOn(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	root, err := secret.Parse("a secret of tests that is long enough 0123456789", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t}
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		box := outbox.New(root.Sealer(secret.LabelMail))
		w.forum = forum.NewStore(forum.Options{DB: d, Link: k.Link, Follow: follow.NewStore(follow.Options{
			DB: d, Outbox: box, Signer: root.Signer(secret.LabelNotice), Link: k.Link, Visible: follow.Visible{Condition: forum.Visible, Args: forum.VisibleArgs},
		})})
		w.keys = key.NewStore(key.Options{DB: d, Outbox: box, Root: root, Brand: "gk", Link: k.Link})
		forumweb.New(k, w.forum, org.NewStore(org.Options{DB: d, Outbox: box, Link: k.Link}), catalog.NewStore(catalog.Options{DB: d, Outbox: box, Link: k.Link}), w.keys).Routes(r)
	})
	w.asker, w.other, w.support = w.person("mira@corner.example", ""), w.person("dara@shop.example", ""), w.person("jonas@portal.example", permission.Support)
	w.askers, w.others, w.staff, w.visitor = w.As(w.asker), w.As(w.other), w.As(w.support), w.Visitor()
	return w
}

func (w *world) person(email, role string) account.User {
	w.t.Helper()
	u := w.Person(email, role)
	w.exec("UPDATE users SET created_at = ? WHERE id = ?", w.Clock.Now().AddDate(-1, 0, 0), u.ID)
	return u
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if err := w.DB.Tx(bg, func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ask(in forum.Draft) forum.Question {
	w.t.Helper()
	if in.Title == "" {
		in.Title = "Why does the first call get a 429?"
	}
	if in.Body == "" {
		in.Body = "I rotated the key, and the very first call got a **429**."
	}
	q, err := w.forum.Ask(bg, webtest.ActorOf(w.asker), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

func (w *world) answer(u account.User, q forum.Question, body string) forum.Post {
	w.t.Helper()
	w.Clock.Advance(60e9)
	p, err := w.forum.Answer(bg, webtest.ActorOf(u), q.ID, forum.Reply{Body: body})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) own(q forum.Question) forum.Post {
	w.t.Helper()
	t, err := w.forum.Posts(bg, actor.Actor{}, q, db.PageRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	return t.Post.Post
}

func has(t *testing.T, p webtest.Page, status int, words ...string) {
	t.Helper()
	if p.Status != status {
		t.Errorf("status %d, want %d", p.Status, status)
	}
	for _, word := range words {
		if !strings.Contains(p.Body, word) {
			t.Errorf("%q is not on the page", word)
		}
	}
}

func hasNot(t *testing.T, p webtest.Page, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(p.Body, word) {
			t.Errorf("%q is on the page", word)
		}
	}
}

// act is a route that changes something, with a form that works, one that does not, and who may.
type act struct {
	name  string
	path  func(w *world) string
	form  url.Values
	wrong url.Values // nil: the form has no wrong answer
	as    func(w *world) *webtest.Client
	other int // the answer to somebody whose question or post it is not; 0: anybody may
}

func ofPost(verb string) func(w *world) string {
	return func(w *world) string {
		q := w.ask(forum.Draft{})
		return "/forum/posts/" + w.answer(w.other, q, "Both keys share one limit.").ID.Show(forum.PostPrefix) + "/" + verb
	}
}

func ofAccepted(w *world) string {
	w.t.Helper()
	q := w.ask(forum.Draft{})
	p := w.answer(w.other, q, "Both keys share one limit.")
	if _, err := w.forum.Accept(bg, webtest.ActorOf(w.asker), p.ID); err != nil {
		w.t.Fatal(err)
	}
	return "/forum/posts/" + p.ID.Show(forum.PostPrefix) + "/unaccept"
}

func (w *world) theAsker() *webtest.Client { return w.askers }
func (w *world) theOther() *webtest.Client { return w.others }

var acts = []act{
	{
		"ask", func(*world) string { return "/forum/ask" },
		url.Values{"title": {"A title that is long enough"}, "body": {"What I did."}, "kind": {"question"}, "visibility": {"public"}, "act": {"post"}},
		url.Values{"title": {"short"}, "body": {"What I did."}, "act": {"post"}},
		(*world).theAsker, 0,
	},
	{"answer", func(w *world) string { return "/forum/q/" + w.ask(forum.Draft{}).ID.Show(forum.Prefix) + "/answers" }, url.Values{"body": {"An answer."}, "act": {"post"}}, url.Values{"body": {""}, "act": {"post"}}, (*world).theOther, 0},
	{"follow", func(w *world) string { return "/forum/q/" + w.ask(forum.Draft{}).ID.Show(forum.Prefix) + "/follow" }, url.Values{"on": {"1"}}, nil, (*world).theOther, 0},
	{"stop sharing", func(w *world) string { return "/forum/q/" + w.ask(forum.Draft{}).ID.Show(forum.Prefix) + "/unshare" }, url.Values{}, nil, (*world).theAsker, http.StatusForbidden},
	{"comment", ofPost("comments"), url.Values{"body": {"A comment."}, "act": {"post"}}, url.Values{"body": {" "}, "act": {"post"}}, (*world).theAsker, 0},
	{"vote", ofPost("vote"), url.Values{"on": {"1"}}, nil, (*world).theAsker, http.StatusConflict},
	{"accept", ofPost("accept"), url.Values{}, nil, (*world).theAsker, http.StatusForbidden},
	{"unaccept", ofAccepted, url.Values{}, nil, (*world).theAsker, http.StatusForbidden},
	{"edit", ofPost("edit"), url.Values{"body": {"Changed."}, "revisions": {"0"}, "act": {"post"}}, url.Values{"body": {""}, "revisions": {"0"}, "act": {"post"}}, (*world).theOther, http.StatusForbidden},
	{"delete", ofPost("delete"), url.Values{}, nil, (*world).theOther, http.StatusForbidden},
}

func TestEachActDoesItsWork(t *testing.T) {
	for _, a := range acts {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)

			p := a.as(w).Post(a.path(w), a.form)

			if p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location, "/forum") {
				t.Errorf("%d to %q\n%s", p.Status, p.Location, p.Body)
			}
		})
	}
}

func TestWrongAnswersKeepTheInput(t *testing.T) {
	for _, a := range acts {
		if a.wrong == nil {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)

			p := a.as(w).Post(a.path(w), a.wrong)

			has(t, p, http.StatusUnprocessableEntity, `aria-invalid="true"`, a.wrong.Get("title"))
		})
	}
}

func TestActsNeedSomebodySignedIn(t *testing.T) { // Z1
	for _, a := range acts {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)

			p := w.visitor.Post(a.path(w), a.form)

			has(t, p, http.StatusUnauthorized)
		})
	}
}

func TestActsOnWhatIsSomebodyElsesAreRefused(t *testing.T) { // Z2
	for _, a := range acts {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)
			path := a.path(w)
			client := w.others
			if a.as(w) == w.others {
				client = w.askers
			}
			if a.other != 0 {
				has(t, client.Post(path, a.form), a.other)
			}
			if a.name == "ask" {
				return
			}
			w.exec("UPDATE questions SET visibility = 'organization', organization_id = ?", webtest.PersonalOrg(t, w.DB, w.person("else@where.example", "").ID))
			has(t, w.others.Post(path, a.form), http.StatusNotFound)
		})
	}
}

func TestActsFromOtherSitesAreRefused(t *testing.T) { // W1
	for _, a := range acts {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)

			p := a.as(w).CrossSite(a.path(w), a.form)

			has(t, p, http.StatusForbidden)
		})
	}
}
