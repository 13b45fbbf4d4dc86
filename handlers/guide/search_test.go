package guide_test

import (
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/docs"
	handlers "github.com/gatehouse-dev/gatehouse/handlers/guide"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// desk is a site with search over our guides and the APIs of a catalogtest.World.
type desk struct {
	*webtest.Site
	*catalogtest.World
	search *guide.Searcher
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := &desk{World: catalogtest.New(t, d)}
	root, err := secret.Parse("Vq8Lz3Xw6Rk1Tn9Bm4Hy7Jc2Pd5Sf0GaEuOiQxWtC", "")
	if err != nil {
		t.Fatal(err)
	}
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		follows := follow.NewStore(follow.Options{DB: d, Outbox: w.Outbox, Signer: root.Signer(secret.LabelNotice), Link: k.Link, Visible: follow.Visible{Condition: forum.Visible, Args: forum.VisibleArgs}})
		pages := guide.NewStore(guide.Options{DB: d, Library: content.Open(content.Options{Ours: docs.Files, Now: clock.Now})})
		if err := pages.Index(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.search = guide.NewSearcher(guide.SearchOptions{DB: d, Pages: pages, Forum: forum.NewStore(forum.Options{DB: d, Follow: follows, Link: k.Link}), Catalog: w.Catalog})
		handlers.NewSearch(k, w.search, key.NewStore(key.Options{DB: d, Outbox: w.Outbox, Root: root, Brand: "gk", Link: k.Link})).Routes(r)
	})
	return w
}

func (w *desk) as(a actor.Actor) *webtest.Client {
	return w.As(account.User{ID: a.UserID, StaffRole: a.StaffRole})
}

func TestSearchPageShowsWhatItFound(t *testing.T) {
	w := newDesk(t)
	v := w.Visitor()

	box, found, kind, slip, none := v.Get("/search"), v.Get("/search?q=orders%3Aread"), v.Get("/search?q=orders&kind=guide"), v.Get("/search?q=quotsa"), v.Get("/search?q=zeppelin+hangars")

	has(t, box, `name="q"`, `action="/search"`, "Words, a code, a path or a scope", `href="/search?q=RATE_LIMITED"`, `href="/guides/errors"`)
	has(t, v.Get("/search?q=a"), "Type at least two letters.")
	has(t, found, `href="/apis/orders"`, `<mark>`, `class="badge"`, "API", `href="/forum/ask?title=orders%3Aread"`, `href="/search?kind=guide&amp;q=orders%3Aread"`, `value="orders:read"`)
	lacks(t, kind, `href="/apis/orders"`)
	has(t, slip, "Did you mean", `href="/search?q=quotas"`)
	has(t, none, "Nothing found", `href="/forum/ask?title=zeppelin+hangars"`)
	for _, p := range []webtest.Page{box, found, none} {
		if p.Status != http.StatusOK || p.Header.Get("Cache-Control") != "no-store" {
			t.Error(p.Status, p.Header)
		}
	}
}

// F1: whatever is typed comes back as text, and never as an error.
func TestSearchBearsWhatever(t *testing.T) {
	w := newDesk(t)
	v := w.Visitor()

	for _, q := range []string{`"`, `'); DROP TABLE users; --`, `<script>alert(1)</script>`, "%", "NEAR(", `a"OR"b*`, strings.Repeat("x", 5000), strings.Repeat("a b ", 900), "^:~=&|!()"} {
		p := v.Get("/search?q=" + url.QueryEscape(q))

		if p.Status != http.StatusOK {
			t.Errorf("%.40q: %d", q, p.Status)
		}
		lacks(t, p, "<script>alert(1)")
	}
	for _, query := range []string{"q=%zz", "q=a;b", "page=-3&q=orders", "page=99999999999999999999&q=orders", "kind=note&q=orders"} {
		if p := v.Get("/search?" + query); p.Status != http.StatusOK {
			t.Errorf("%s: %d", query, p.Status)
		}
	}
}

// K1: a key in the box is refused: it is not searched, kept, logged or shown, in whatever form it comes.
func TestKeyInTheSearchBoxIsRefused(t *testing.T) {
	w := newDesk(t)
	log := captureLog(t)
	minted, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := apikey.Mint("acme", apikey.Test, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, foreign := minted.Reveal(), other.Reveal()
	forms := map[string]string{
		"plain": "q=" + k, "another brand": "q=" + foreign, "in words": "q=" + url.QueryEscape("why is "+k+" refused"), "with spaces": "q=" + url.QueryEscape(k[:20]+"\n  "+k[20:]),
		"encoded": "q=" + everyByte(k), "encoded twice": "q=" + url.QueryEscape(everyByte(k)), "another field": "kind=" + k + "&q=a", "as a name": k + "=1", "a note": "refused=" + k, "page": "q=a&page=" + k,
	}

	for _, client := range []*webtest.Client{w.Visitor(), w.as(w.Owner)} {
		for name, query := range forms {
			p := client.Get("/search?" + query)

			if p.Status != http.StatusSeeOther || p.Location != "/search?refused=1" || p.Header.Get("Cache-Control") != "no-store" || p.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s: %d %q %v", name, p.Status, p.Location, p.Header)
			}
			then := client.Get("/search?refused=1")
			has(t, then, "That is an API key, so it was not searched", "rotate the key", `href="/console/keys"`)
			for _, part := range []string{k[8:], foreign[10:]} {
				lacks(t, p, part)
				lacks(t, then, part)
			}
			if p := then.Header.Get("Referrer-Policy"); p != "no-referrer" {
				t.Error(name, p)
			}
		}
	}
	for _, end := range []string{"", "-wal"} {
		kept, err := os.ReadFile(w.Site.DB.Path + end)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(kept, []byte(k[8:])) || bytes.Contains(kept, []byte(foreign[10:])) {
			t.Errorf("the database%s holds the key", end)
		}
	}
	if s := log.String(); strings.Contains(s, k[8:28]) || strings.Contains(s, foreign[10:30]) || !strings.Contains(s, "/search") {
		t.Errorf("the log: %.400s", s)
	}
}

func everyByte(s string) string {
	var b strings.Builder
	for i := range len(s) {
		const hex = "0123456789ABCDEF"
		b.WriteString("%" + string(hex[s[i]>>4]) + string(hex[s[i]&15]))
	}
	return b.String()
}

// captureLog collects what is logged until the test ends.
func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	before, buffer := slog.Default(), &bytes.Buffer{}
	slog.SetDefault(slog.New(slog.NewTextHandler(buffer, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return buffer
}

// L7
func TestSearchesOfVisitorsAreLimited(t *testing.T) {
	w := newDesk(t)
	v := w.Visitor()
	refused := 0

	for range 60 {
		if p := v.Get("/search?q=orders"); p.Status == http.StatusTooManyRequests {
			refused++
		}
	}

	if refused == 0 || refused > 30 {
		t.Errorf("%d of 60 were refused", refused)
	}
	if p := v.Get("/search"); p.Status != http.StatusOK {
		t.Errorf("the box itself: %d", p.Status)
	}
	w.Clock.Advance(time.Minute)
	if p := v.Get("/search?q=orders"); p.Status != http.StatusOK {
		t.Errorf("a minute later: %d", p.Status)
	}
}

func TestStaffSeeWhatWasLookedForInVain(t *testing.T) {
	w := newDesk(t)
	v, support := w.Visitor(), w.as(w.Support)
	for _, q := range []string{"zeppelin hangars", "Zeppelin  Hangars", "=cmd hyperdrive", "mira@corner.example"} {
		v.Get("/search?q=" + url.QueryEscape(q))
	}

	page, table := support.Get("/support/searches"), support.Get("/support/searches.csv")

	has(t, page, "Searches that found nothing", "zeppelin hangars", "hyperdrive", `href="/search?q=zeppelin+hangars"`)
	lacks(t, page, "corner.example")
	rows, err := csv.NewReader(strings.NewReader(table.Body)).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][0] != "zeppelin hangars" || rows[1][1] != "2" || rows[2][0] != "'=cmd hyperdrive" {
		t.Errorf("%v %v", rows, err)
	}
	if v.Get("/support/searches").Status != http.StatusUnauthorized || w.as(w.Owner).Get("/support/searches.csv").Status != http.StatusForbidden {
		t.Error("others see the list")
	}
}

func TestSearchPagesAreParted(t *testing.T) {
	w := newDesk(t)
	v := w.Visitor()

	first, second := v.Get("/search?q=key"), v.Get("/search?q=key&page=2")

	has(t, first, "page=2")
	lacks(t, first, "page=0")
	has(t, second, `href="/search?q=key"`)
}
