package handlers_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	handlersaccount "github.com/gatehouse-dev/gatehouse/handlers/account"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

const postsAPage = 40

// F1, F2, F4: more than a thousand hostile texts as posts, titles, names and tags. Nothing of them runs in a real browser: neither on the pages of
// the forum, nor in what leaves it for programs that know no policy of ours (feeds, mails, Markdown), nor in a preview.
func TestNothingHostileRunsInPagePreviewFeedMailOrTwin(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	h := &horde{world: w}
	h.arrive()
	h.post(hostileTexts())
	h.wire = newWire(t)
	if h.posts < 1000 {
		t.Fatalf("only %d posts were taken", h.posts)
	}

	h.wire.mustTrip(t)
	for _, path := range append(h.paths, "/forum", "/forum?sort=new", "/forum/tags", "/search?q=trip", "/support", "/support/questions/"+h.first) {
		h.wire.visit(t, w.site.URL+path, h.session)
	}
	h.previews(t)
	h.feeds(t)
	h.twins(t)
	h.mails(t)
}

// horde writes what nobody should.
type horde struct {
	*world
	wire    *wire
	authors []actor.Actor
	staff   *webtest.Client
	session string // of staff, who see more than others
	paths   []string
	first   string // the id of the first question
	posts   int
}

// arrive makes authors with hostile names. They are staff, whom the limits of new accounts don't stop.
func (h *horde) arrive() {
	h.Helper()
	for i, name := range hostileLines(100) {
		u := h.site.Person(fmt.Sprintf("mallory%d@example.com", i), permission.StaffAdmin)
		_, err := h.db.Writer().Exec("UPDATE users SET display_name = ?, name = ? WHERE id = ?", name, name, u.ID)
		h.ok(err)
		h.authors = append(h.authors, webtest.ActorOf(u))
	}
	h.staff = h.site.As(h.admin)
	h.session = h.staff.Cookie("gatehouse-session")
	_, err := h.db.Writer().Exec("INSERT INTO notice_choices (user_id, new_questions, updated_at) VALUES (?, TRUE, ?)", h.admin.ID, h.clock.Now())
	h.ok(err)
}

// post asks under hostile titles, and answers and comments with hostile texts.
func (h *horde) post(texts []string) {
	h.Helper()
	ctx, store := context.Background(), h.house.Stores.Forum
	titles := slices.DeleteFunc(hostileLines(140), func(s string) bool { return utf8.RuneCountInString(s) < 10 })
	var question forum.Question
	parent := db.ID{}
	for i, text := range texts {
		who := h.authors[(i/postsAPage*3+i%3)%len(h.authors)] // three a question, who each follow it from then on
		if i%postsAPage == 0 {
			title := titles[(i/postsAPage)%len(titles)]
			_, err := store.Ask(ctx, who, forum.Draft{Title: title, Body: text, Tags: []string{title}})
			if f := fault.As(err); f == nil || f.Kind != fault.Invalid {
				h.Errorf("the tag %q is taken: %v", title, err)
			}
			question, err = store.Ask(ctx, who, forum.Draft{Title: fmt.Sprintf("%d %s", i, title), Body: "Asked again.\n\n" + text, Tags: []string{"hostile"}})
			h.ok(err)
			h.paths, parent = append(h.paths, question.Path()), db.ID{}
			h.first = question.ID.Show("qst")
			h.posts++
			continue
		}
		post, err := h.reply(ctx, who, question, parent, text, i)
		if fault.Is(err, fault.Invalid) { // too many brackets, or nothing in it
			continue
		}
		h.ok(err)
		if i%2 == 0 {
			parent = post.ID
		}
		h.posts++
	}
}

func (h *horde) reply(ctx context.Context, who actor.Actor, q forum.Question, parent db.ID, text string, i int) (forum.Post, error) {
	in := forum.Reply{Body: fmt.Sprintf("%s\n\n(%d)", text, i)}
	if i%2 == 1 && !parent.IsZero() {
		in.Parent = parent
		return h.house.Stores.Forum.Comment(ctx, who, in)
	}
	return h.house.Stores.Forum.Answer(ctx, who, q.ID, in)
}

// previews sends texts to the form, many at once, and looks at what comes back without any policy.
func (h *horde) previews(t *testing.T) {
	t.Helper()
	for chunk := range slices.Chunk(hostileTexts(), 100) {
		body := strings.Join(chunk, "\n\n")
		answer := h.staff.Post("/forum/ask", url.Values{"act": {"look"}, "kind": {"question"}, "visibility": {"public"}, "title": {chunk[0] + " and more"}, "tags": {chunk[1]}, "body": {body[:min(len(body), 20000)]}})
		if answer.Status != http.StatusOK && answer.Status != http.StatusUnprocessableEntity {
			t.Fatalf("the preview answered %d", answer.Status)
		}
		h.wire.show(t, answer.Body)
	}
}

// feeds looks at what a reader of feeds would show.
func (h *horde) feeds(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/forum/feed.atom", strings.TrimSuffix(h.paths[0], "/"+lastOf(h.paths[0])) + "/feed.atom"} {
		answer := h.site.Visitor().Get(path)
		if answer.Status != http.StatusOK {
			t.Fatalf("%s answered %d", path, answer.Status)
		}
		for _, text := range entries(t, answer.Body) {
			h.wire.show(t, text)
		}
		h.wire.visit(t, h.site.URL+path, "")
	}
}

// entries are the texts of a feed as its readers take them: HTML.
func entries(t *testing.T, feed string) []string {
	t.Helper()
	var parsed struct {
		Entries []struct {
			Title   string `xml:"title"`
			Content string `xml:"content"`
			Summary string `xml:"summary"`
			Author  string `xml:"author>name"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(feed), &parsed); err != nil || len(parsed.Entries) == 0 {
		t.Fatalf("%d entries: %v", len(parsed.Entries), err)
	}
	var all []string
	for _, e := range parsed.Entries {
		all = append(all, e.Content+e.Summary)
	}
	return all
}

func lastOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// twins are text, and say so in a way that no browser guesses anything else.
func (h *horde) twins(t *testing.T) {
	t.Helper()
	for _, path := range h.paths {
		answer := h.site.Visitor().Get(path + ".md")
		kind := answer.Header.Get("Content-Type")
		if answer.Status != http.StatusOK || !strings.HasPrefix(kind, "text/markdown") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s.md: %d %s", path, answer.Status, kind)
		}
	}
}

// mails are composed as the sender does, and shown as a mail program without any care would.
func (h *horde) mails(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	var ids []db.ID
	h.ok(h.db.Read(ctx).Raw("SELECT id FROM mails WHERE kind LIKE 'forum_%' ORDER BY id LIMIT 2000").Scan(&ids).Error)
	if len(ids) < 1000 {
		t.Fatalf("only %d mails", len(ids))
	}
	var all strings.Builder
	for i, id := range ids {
		_, letter, err := h.house.Stores.Outbox.Read(ctx, h.db, id)
		h.ok(err)
		subject, _, html, err := handlersaccount.ComposeMail(ctx, "Portal", letter)
		h.ok(err)
		if strings.ContainsAny(subject, "\r\n") {
			t.Errorf("the subject %q has more than one line", subject)
		}
		all.WriteString(html)
		if i%100 == 99 || i == len(ids)-1 {
			h.wire.show(t, all.String())
			all.Reset()
		}
	}
}

// A wire trips when anything of what a page was given runs.
type wire struct {
	ctx  context.Context
	bare *httptest.Server // serves a page without any policy
	html string
}

const tripwire = `window.tripped = 0; window.trip = () => { window.tripped++ }; window.alert = window.trip;`

func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{}
	w.ctx, _ = testenv.Browser(t, testenv.BrowserOptions{Limit: 8 * time.Minute})
	w.bare = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bare" {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write([]byte("<!doctype html><title>bare</title>" + w.html))
	}))
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	if err != nil {
		t.Fatal(err)
	}
	_ = w.bare.Listener.Close()
	w.bare.Listener = listener
	w.bare.Start()
	t.Cleanup(w.bare.Close)
	err = chromedp.Do(w.ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: tripwire})
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// poke does to everything on the page what a reader's mouse and keyboard might, and tells what ran and which links lead to no honest place.
const poke = `(() => {
	const all = [...document.querySelectorAll('main *, body > *')];
	for (const e of all) for (const kind of ['mouseover', 'mouseenter', 'pointerover', 'focus', 'animationstart', 'toggle', 'begin']) e.dispatchEvent(new Event(kind));
	const bad = [...document.links].filter(a => !['http:', 'https:', 'mailto:'].includes(a.protocol)).map(a => a.outerHTML.slice(0, 200));
	const made = [...document.querySelectorAll('[onerror],[onload],[onfocus],[onmouseover],[onclick],base,embed,object,marquee,math script,svg script')].map(e => e.outerHTML.slice(0, 200));
	return [String(window.tripped), ...bad, ...made];
})()`

func (w *wire) signIn(t *testing.T, address, session string) {
	t.Helper()
	if _, err := chromedp.Call(w.ctx, network.SetCookie, network.SetCookieParams{Name: "gatehouse-session", Value: session, URL: address}); err != nil {
		t.Fatal(err)
	}
}

func (w *wire) look(t *testing.T, address string) []string {
	t.Helper()
	testenv.Complaints(w.ctx)
	if err := chromedp.Do(w.ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	said, err := chromedp.Run(w.ctx, chromedp.Evaluate[[]string](poke))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return said
}

// show looks at HTML without any policy around it.
func (w *wire) show(t *testing.T, html string) {
	t.Helper()
	w.html = html
	if said := w.look(t, w.bare.URL+"/bare"); len(said) != 1 || said[0] != "0" {
		t.Errorf("it runs: %q", said)
	}
}

// visit looks at a page as it is served; its own policy must not have had to stop anything either.
func (w *wire) visit(t *testing.T, address, session string) {
	t.Helper()
	if session != "" {
		w.signIn(t, address, session)
	}
	if said := w.look(t, address); len(said) != 1 || said[0] != "0" {
		t.Errorf("%s: it runs: %q", address, said)
	}
	for _, c := range testenv.Complaints(w.ctx) {
		if strings.HasPrefix(c, "security:") {
			t.Errorf("%s: the policy had to stop something: %s", address, c)
		}
	}
}

// mustTrip is the control: what would run does trip the wire.
func (w *wire) mustTrip(t *testing.T) {
	t.Helper()
	w.html = `<img src=x onerror=trip()><a href="javascript:trip()">x</a>`
	tripped := func() bool { said := w.look(t, w.bare.URL+"/bare"); return len(said) > 2 && said[0] != "0" }
	for range 50 {
		if tripped() {
			return
		}
	}
	t.Fatal("the wire does not work")
}
