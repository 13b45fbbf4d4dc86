package guide_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/docs"
	handlers "github.com/gatehouse-dev/gatehouse/handlers/guide"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// world is a site with guides, an operator's folder over them, and a catalogtest.World.
type world struct {
	*webtest.Site
	*catalogtest.World
	clock  *dbtest.Clock
	folder string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := &world{World: catalogtest.New(t, d), clock: clock, folder: t.TempDir()}
	for _, sub := range []string{"guides", "tutorials"} {
		if err := os.Mkdir(filepath.Join(w.folder, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.write(t, "guides/own.md", "---\ntitle: Our own\nsummary: What is ours.\nsection: House\norder: 5\nchanged: 2026-11-20\n---\n## Call\n\n```sh\ncurl -H \"Authorization: Bearer $GATEHOUSE_KEY\" {{base}}/v1/whoami\n```\n")
	w.write(t, "guides/own.de.md", "---\ntitle: Unsere\nsummary: Was unser ist.\nsection: Haus\nchanged: 2026-11-20\n---\nDeutsch.\n")
	w.write(t, "guides/english.md", "---\ntitle: English alone\nsummary: S\nsection: House\norder: 6\nchanged: 2026-11-20\n---\nText\n")
	w.write(t, "tutorials/own.md", "---\ntitle: Own steps\nsummary: S\norder: 1\nchanged: 2026-11-20\nsteps:\n  - {id: key, check: {kind: key_made, api: orders}}\n  - {id: read}\n---\n## Key\n\n`$GATEHOUSE_KEY`\n\n## Read\n")
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		root, err := secret.Parse("Vq8Lz3Xw6Rk1Tn9Bm4Hy7Jc2Pd5Sf0GaEuOiQxWtC", "")
		if err != nil {
			t.Fatal(err)
		}
		follows := follow.NewStore(follow.Options{DB: d, Outbox: w.Outbox, Signer: root.Signer(secret.LabelNotice), Link: k.Link, Visible: follow.Visible{Condition: forum.Visible, Args: forum.VisibleArgs}})
		library := content.Open(content.Options{Ours: docs.Files, Folder: w.folder, Now: clock.Now, Values: map[string]string{"base": k.BaseURL.String(), "brand": "gk"}})
		h := &handlers.Handler{Kit: k, Guides: guide.NewStore(guide.Options{DB: d, Library: library}), Forum: forum.NewStore(forum.Options{DB: d, Follow: follows, Link: k.Link}), Signer: root.Signer(secret.LabelVisitor)}
		h.Routes(r)
	})
	return w
}

func (w *world) write(t testing.TB, name, body string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.folder, name), []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Second)
}

func (w *world) as(a actor.Actor) *webtest.Client { return w.As(account.User{ID: a.UserID}) }

func (w *world) count(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	if err := w.Site.DB.Read(t.Context()).Raw(query, args...).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func has(t *testing.T, p webtest.Page, words ...string) {
	t.Helper()
	for _, x := range words {
		if !strings.Contains(p.Body, x) {
			t.Errorf("no %q on the page (%d)", x, p.Status)
		}
	}
}

func lacks(t *testing.T, p webtest.Page, words ...string) {
	t.Helper()
	for _, x := range words {
		if strings.Contains(p.Body, x) {
			t.Errorf("%q is on the page (%d)", x, p.Status)
		}
	}
}

func TestGuidesAreListedAndRead(t *testing.T) {
	w := newWorld(t)
	v := w.Visitor()

	list, page, none := v.Get("/guides"), v.Get("/guides/own"), v.Get("/guides/nothing")

	has(t, list, "Our own", "What is ours.", "House", `href="/guides/own"`)
	has(t, v.Get("/tutorials"), "Own steps", "2 steps")
	has(t, page, "<h1>Our own</h1>", `<h2 id="call">`, `href="#call"`, "20 Nov 2026", `href="/guides/own.md"`, `<link rel="alternate" type="text/markdown" href="/guides/own.md">`, "/v1/whoami", `href="/forum/ask?about=/guides/own"`, "Was this helpful?", `href="/guides/english"`)
	lacks(t, page, "<code translate=\"no\">$GATEHOUSE_KEY</code>", "keyslot")
	if none.Status != http.StatusNotFound || v.Get("/guides/..%2f..%2fgo.mod").Status != http.StatusNotFound {
		t.Error(none.Status)
	}
}

// W3: what everybody may keep holds nothing of anybody, and its policy has no nonce to be known twice.
func TestPagesForEverybodyMayBeKeptAndThoseOfAReaderMayNot(t *testing.T) {
	w := newWorld(t)
	v := w.Visitor()

	first := v.Get("/guides/own")
	v.Header.Set("If-None-Match", first.Header.Get("ETag"))
	again := v.Get("/guides/own")
	w.write(t, "guides/own.md", "---\ntitle: Changed\nsummary: S\nsection: House\norder: 5\nchanged: 2026-11-21\n---\nNew\n")
	changed := v.Get("/guides/own")
	mine := w.as(w.Owner).Get("/guides/own")

	if first.Header.Get("Cache-Control") != "public, max-age=60" || first.Header.Get("ETag") == "" || first.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error(first.Header)
	}
	vary := strings.Join(first.Header.Values("Vary"), ",")
	for _, name := range []string{"Cookie", "Accept-Language", "Accept"} {
		if !strings.Contains(vary, name) {
			t.Error(vary)
		}
	}
	if policy := first.Header.Get("Content-Security-Policy"); strings.Contains(policy, "nonce") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "script-src 'self';") {
		t.Error(policy)
	}
	if again.Status != http.StatusNotModified || again.Body != "" || changed.Status != http.StatusOK || !strings.Contains(changed.Body, "<h1>Changed</h1>") {
		t.Error(again.Status, changed.Status)
	}
	if mine.Header.Get("Cache-Control") != "no-store" || mine.Header.Get("ETag") != "" || !strings.Contains(strings.Join(mine.Header.Values("Vary"), ","), "Cookie") {
		t.Error(mine.Header)
	}
}

func TestAPageHasAMarkdownTwin(t *testing.T) {
	w := newWorld(t)
	v := w.Visitor()

	byPath := v.Get("/guides/own.md")
	v.Header.Set("Accept", "text/markdown, text/html;q=0.5")
	byHeader := v.Get("/guides/own")
	v.Header.Set("Accept", "text/html, text/markdown;q=0.5")
	browser := v.Get("/guides/own")
	v.Header.Set("Accept", "*/*")
	curl := v.Get("/guides/own")

	for _, p := range []webtest.Page{byPath, byHeader} {
		if p.Header.Get("Content-Type") != "text/markdown; charset=utf-8" || p.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(p.Body, "# Our own\n\n> What is ours.\n\n"+w.URL+"/guides/own · 2026-11-20\n\n## Call\n") {
			t.Error(p.Header, p.Body)
		}
	}
	for _, p := range []webtest.Page{byHeader, browser, curl} {
		if !strings.Contains(strings.Join(p.Header.Values("Vary"), ","), "Accept") {
			t.Error(p.Header)
		}
	}
	has(t, browser, "<h1>")
	has(t, curl, "<h1>")
	has(t, v.Get("/llms.txt"), "# Gatehouse", "## Guides", "- [Our own]("+w.URL+"/guides/own.md): What is ours.", "## Tutorials", "/tutorials/own.md")
}

func TestAGermanReaderGetsTheTranslationOrElseEnglishThatSaysSo(t *testing.T) {
	w := newWorld(t)
	v := w.Visitor()
	v.Header.Set("Accept-Language", "de")

	translated, english := v.Get("/guides/own"), v.Get("/guides/english")

	has(t, translated, "<h1>Unsere</h1>", "War das hilfreich?")
	lacks(t, translated, `lang="en"`+"\n\t\t>", "Our own")
	if i := strings.Index(english.Body, "<article"); i < 0 || !strings.Contains(english.Body[i:i+200], `lang="en"`) {
		t.Error("the English article does not say that it is")
	}
}

// K1: the reader's own key stands in samples by its hint.
func TestSamplesNameTheReadersKeyByItsHint(t *testing.T) {
	w := newWorld(t)
	owner := w.as(w.Owner)

	before := owner.Get("/guides/own")
	key := w.Key(w.Shop, "Checkout worker", w.API, w.Read)
	after, other, staff := owner.Get("/guides/own"), w.as(w.Other).Get("/guides/own"), w.as(w.Staff).Get("/guides/own")

	has(t, before, "stands for a key that you don’t have yet.", "/console/keys/new?app="+w.Shop.Show(org.AppPrefix))
	has(t, after, "Checkout worker", "gk_live_…x7Qa", "/console/keys/key_", "Bearer $GATEHOUSE_KEY")
	lacks(t, other, "Checkout worker", "x7Qa", "Shop")
	lacks(t, staff, "Checkout worker", "x7Qa")
	lacks(t, w.Visitor().Get("/guides/own"), "Checkout worker", "x7Qa")
	_ = key
}

func TestATutorialShowsTheProgressOfTheChosenApp(t *testing.T) {
	w := newWorld(t)
	owner := w.as(w.Owner)

	none := owner.Get("/tutorials/own")
	w.Key(w.Shop, "Worker", w.API, w.Read)
	one := owner.Get("/tutorials/own?app=" + w.Shop.Show(org.AppPrefix))
	second, err := w.Org.CreateApp(t.Context(), w.Owner, w.North, org.AppInput{Name: "Second app"})
	if err != nil {
		t.Fatal(err)
	}
	two := owner.Get("/tutorials/own")

	has(t, none, "0 of 2 steps done", "Check now", "Mark as done")
	has(t, one, "1 of 2 steps done")
	has(t, two, "0 of 2 steps done", "Second app", "Another app", second.ID.Show(org.AppPrefix))
	has(t, owner.Get("/tutorials/own?app="+w.Shop.Show(org.AppPrefix)), "1 of 2 steps done")
	foreign := owner.Get("/tutorials/own?app=" + w.Foreign.Show(org.AppPrefix))
	lacks(t, foreign, "Warehouse")
	has(t, w.Visitor().Get("/tutorials/own"), "Signed in, you see your steps tick themselves.", "/login?next=/tutorials/own")
	has(t, w.as(w.Staff).Get("/tutorials/own"), "Create one first.")
}

func step(app, id, state string) url.Values {
	return url.Values{"app": {app}, "step": {id}, "state": {state}}
}

// Z2, W1: the five of checking a step.
func TestCheckingAStep(t *testing.T) {
	w := newWorld(t)
	shop, owner := w.Shop.Show(org.AppPrefix), w.as(w.Owner)

	early := owner.Post("/tutorials/own/check", step(shop, "key", ""))
	warned := owner.Get("/tutorials/own")
	w.Key(w.Shop, "Worker", w.API, w.Read)
	seen := owner.Post("/tutorials/own/check", step(shop, "key", ""))
	told := owner.Get("/tutorials/own")

	has(t, warned, "is not seen yet")
	has(t, told, "The step “Key” is done.")
	if early.Status != 303 || seen.Location != "/tutorials/own?app="+shop+"#key" {
		t.Error(early.Status, seen.Location)
	}
	for name, got := range map[string]int{
		"no app": owner.Post("/tutorials/own/check", step("", "key", "")).Status, "no step": owner.Post("/tutorials/own/check", step(shop, "nothing", "")).Status, "no tutorial": owner.Post("/tutorials/none/check", step(shop, "key", "")).Status,
		"another's app": w.as(w.Other).Post("/tutorials/own/check", step(shop, "key", "")).Status, "staff": w.as(w.Staff).Post("/tutorials/own/check", step(shop, "key", "")).Status,
	} {
		if got != 404 {
			t.Errorf("%s: %d", name, got)
		}
	}
	if got := w.Visitor().Post("/tutorials/own/check", step(shop, "key", "")).Status; got != 401 {
		t.Error(got)
	}
	if got := owner.CrossSite("/tutorials/own/check", step(shop, "key", "")).Status; got != 403 {
		t.Error(got)
	}
}

// Z2, W1: the five of ticking by hand.
func TestTickingAStepByHand(t *testing.T) {
	w := newWorld(t)
	shop, owner := w.Shop.Show(org.AppPrefix), w.as(w.Owner)

	if got := w.Visitor().Post("/tutorials/own/steps", step(shop, "read", "done")).Status; got != 401 {
		t.Error(got)
	}
	if got := w.as(w.Other).Post("/tutorials/own/steps", step(shop, "read", "done")).Status; got != 404 {
		t.Error(got)
	}
	if got := owner.CrossSite("/tutorials/own/steps", step(shop, "read", "done")).Status; got != 403 {
		t.Error(got)
	}
	if got := owner.Post("/tutorials/own/steps", step(shop, "read", "perhaps")).Status; got != 422 {
		t.Error(got)
	}
	if got := owner.Post("/tutorials/own/steps", step(shop, "key", "done")).Status; got != 409 {
		t.Error(got)
	}
	if n := w.count(t, "SELECT COUNT(*) FROM tutorial_ticks"); n != 0 {
		t.Error(n)
	}
	done := owner.Post("/tutorials/own/steps", step(shop, "read", "done"))
	has(t, owner.Get("/tutorials/own"), "1 of 2 steps done", "Mark as not done")
	open := owner.Post("/tutorials/own/steps", step(shop, "read", "open"))
	has(t, owner.Get("/tutorials/own"), "0 of 2 steps done")
	if done.Status != 303 || open.Status != 303 {
		t.Error(done.Status, open.Status)
	}
}

// W1, L7, K1: the five of saying whether a page helped; it works signed out.
func TestSayingWhetherAPageHelped(t *testing.T) {
	for _, path := range []string{"/guides/own", "/tutorials/own"} {
		w := newWorld(t)
		v := w.Visitor()
		no := url.Values{"helpful": {"no"}, "words": {"What about test keys?"}}

		sent := v.Post(path+"/helpful", no)
		told := v.Get(path)
		again := v.Post(path+"/helpful", url.Values{"helpful": {"yes"}})
		v.Post(path+"/helpful", no)
		owner := w.as(w.Owner).Post(path+"/helpful", no)

		has(t, told, "Noted. Thank you.")
		if told.Header.Get("Cache-Control") != "no-store" || sent.Status != 303 || again.Status != 303 || owner.Status != 303 {
			t.Error(sent.Status, again.Status, owner.Status, told.Header)
		}
		if n := w.count(t, "SELECT COUNT(*) FROM page_ratings WHERE path = ?", path); n != 2 {
			t.Error(n)
		}
		long := v.Post(path+"/helpful", url.Values{"helpful": {"no"}, "words": {strings.Repeat("x", 1001)}})
		has(t, long, "At most 1,000 characters.", "xxxx")
		neither := v.Post(path+"/helpful", url.Values{"words": {"hm"}})
		has(t, neither, "Choose whether the page helped.", "hm</textarea>")
		if long.Status != 422 || neither.Status != 422 || v.Post("/guides/none/helpful", no).Status != 404 || v.CrossSite(path+"/helpful", no).Status != 403 {
			t.Error(long.Status, neither.Status)
		}
		stranger := w.Visitor()
		stranger.Header.Set("Cookie", "gatehouse-visitor=AAAAAAAAAAAAAAAAAAAAAA.00")
		if forged := stranger.Post(path+"/helpful", no); forged.Status != 303 || forged.Header.Get("Set-Cookie") == "" {
			t.Error("a forged name was believed")
		}
		list := w.as(w.Support).Get("/support/pages")
		has(t, list, "What about test keys?", "0 yes, 3 no", path)
		has(t, w.as(w.Support).Get("/support/pages.csv"), path+",en,What about test keys?,0,3")
	}
}

// Z1, Z6
func TestStaffAloneReadWhatDidNotHelp(t *testing.T) {
	w := newWorld(t)
	w.write(t, "guides/bad.md", "---\ntitle: Bad\nabstract: x\n---\n")

	has(t, w.as(w.Support).Get("/support/pages"), "guides/bad.md:3", "summary", "Nobody has said")
	for _, path := range []string{"/support/pages", "/support/pages.csv"} {
		if got := w.as(w.Owner).Get(path).Status; got != 403 {
			t.Error(got)
		}
		if got := w.Visitor().Get(path).Status; got != 401 {
			t.Error(got)
		}
	}
}

// A page for everybody costs two questions to the database, whatever stands on it: the portal's settings, and what was solved about it.
func TestAKeptPageCostsTwoQueries(t *testing.T) {
	w := newWorld(t)
	v := w.Visitor()
	v.Get("/guides/own")
	asked := dbtest.CountQueries(t, w.Site.DB)

	v.Get("/guides/own")

	if n := asked.Load(); n != 2 {
		t.Error(n)
	}
}

// BenchmarkGuide is the whole chain of handlers for a reader who is not signed in.
func BenchmarkGuide(b *testing.B) {
	w := newWorld(b)
	for name, path := range map[string]string{"guide": "/guides/keys-and-scopes", "shelf": "/guides"} {
		b.Run(name, func(b *testing.B) { w.bench(b, path, "gzip") })
	}
}

func (w *world) bench(b *testing.B, path, encoding string) {
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, w.URL+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	request.Host = strings.TrimPrefix(w.URL, "http://")
	request.Header.Set("Accept-Encoding", encoding)
	for b.Loop() {
		answer := discard{header: http.Header{}}
		w.Handler.ServeHTTP(&answer, request)
		if answer.status != http.StatusOK {
			b.Fatal(answer.status)
		}
	}
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }
