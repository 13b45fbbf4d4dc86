package feed_test

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/forum/feed"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/forumtest"
)

type world struct {
	*forumtest.World
	t    *testing.T
	site *webtest.Site
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{World: forumtest.New(t, d, clock), t: t}
		w.site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) { (&feed.Handler{Kit: k, Forum: w.Forum}).Routes(r) })
		body(t, w)
	})
}

type atom struct {
	ID      string `xml:"id"`
	Title   string `xml:"title"`
	Updated string `xml:"updated"`
	Links   []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Entries []struct {
		ID    string `xml:"id"`
		Title string `xml:"title"`
		Link  struct {
			Href string `xml:"href,attr"`
		} `xml:"link"`
		Author  string `xml:"author>name"`
		Content struct {
			Type string `xml:"type,attr"`
			Text string `xml:",chardata"`
		} `xml:"content"`
	} `xml:"entry"`
}

func (w *world) read(c *webtest.Client, path string) (atom, webtest.Page) {
	w.t.Helper()
	p := c.Get(path)
	var a atom
	if err := xml.Unmarshal([]byte(p.Body), &a); p.Status != http.StatusOK || err != nil || !strings.HasPrefix(p.Header.Get("Content-Type"), "application/atom+xml") {
		w.t.Fatalf("%s: %d %s %v %s", path, p.Status, p.Header.Get("Content-Type"), err, p.Body)
	}
	return a, p
}

func titles(a atom) string {
	var out []string
	for _, e := range a.Entries {
		out = append(out, e.Title)
	}
	return strings.Join(out, " | ")
}

func TestFeedsNarrowLikeTheList(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.Ask(w.Owner, "Why does the first call fail?", "limits")
		w.Clock.Advance(time.Minute)
		w.AskAs(w.Other, forum.Draft{Title: "What about the orders API?", API: "orders"})
		w.Answer(w.Support, first.ID, "Because of **this**.")
		visitor := w.site.Visitor()

		for path, want := range map[string]string{
			"/forum/feed.atom": "What about the orders API? | Why does the first call fail?", "/forum/feed.atom?tag=limits": "Why does the first call fail?",
			"/forum/feed.atom?api=orders": "What about the orders API?", "/forum/feed.atom?unanswered": "What about the orders API?", "/forum/feed.atom?tag=nothing": "",
			"/forum/q/" + first.ID.Show("qst") + "/feed.atom": "Re: Why does the first call fail? | Why does the first call fail?",
		} {
			if a, _ := w.read(visitor, path); titles(a) != want {
				t.Errorf("%s: %s, want %s", path, titles(a), want)
			}
		}
	})
}

// W6
func TestLinksOfFeedsStandUnderTheConfiguredAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		visitor := w.site.Visitor()
		visitor.Header.Set("X-Forwarded-Host", "evil.example")

		a, _ := w.read(visitor, "/forum/feed.atom?tag=&x=%22%3E%3Cscript%3E")

		if a.Entries[0].Link.Href != w.site.URL+q.Path() || !strings.Contains(a.Entries[0].ID, q.ID.Show("qst")) {
			t.Error(a.Entries[0])
		}
		for _, l := range a.Links {
			if !strings.HasPrefix(l.Href, w.site.URL+"/forum") || strings.Contains(l.Href, "script") {
				t.Error(l)
			}
		}
	})
}

// F2: a feed is anonymous, whoever asks.
func TestFeedsHoldWhatAnybodyMayRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.AddAPI("refunds", catalog.Input{Name: "Refunds", Summary: "Give money back.", DataDomain: "customer", Visibility: catalog.SignedIn})
		open := w.Ask(w.Owner, "Why does the first call fail?")
		own := w.AskAs(w.Owner, forum.Draft{Title: "Only for our organization?", Visibility: forum.Organization, OrganizationID: w.North})
		about := w.AskAs(w.Owner, forum.Draft{Title: "About an API for people signed in?", API: "refunds"})
		hidden := w.Ask(w.Owner, "This one is hidden by support")
		w.Exec("UPDATE questions SET hidden_at = created_at WHERE id = ?", hidden.ID)
		pending := w.AskAs(w.Person("Fred Fresh", ""), forum.Draft{Title: "Cheap pills for everybody", Body: "Buy at https://shop.biz"})
		p := w.Answer(w.Other, open.ID, "A hidden answer.")
		w.Exec("UPDATE posts SET hidden_at = created_at WHERE id = ?", p.ID)
		u, err := account.NewStore(account.Options{DB: w.DB}).ByID(t.Context(), w.Support.UserID)
		if err != nil {
			t.Fatal(err)
		}

		for name, c := range map[string]*webtest.Client{"visitor": w.site.Visitor(), "staff": w.site.As(u)} {
			if a, _ := w.read(c, "/forum/feed.atom"); titles(a) != open.Title {
				t.Errorf("%s: %s", name, titles(a))
			}
			if a, p := w.read(c, "/forum/q/"+open.ID.Show("qst")+"/feed.atom"); len(a.Entries) != 1 || strings.Contains(p.Body, "hidden answer") {
				t.Errorf("%s: %s", name, titles(a))
			}
			for _, q := range []forum.Question{own, about, hidden, pending} {
				if page := c.Get("/forum/q/" + q.ID.Show("qst") + "/feed.atom"); page.Status != http.StatusNotFound {
					t.Errorf("%s: %s: %d", name, q.Title, page.Status)
				}
			}
		}
	})
}

// F1
func TestHostileTextStaysText(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		title := `]]></title><script>alert(1)</script> & "co"`
		w.Exec("UPDATE users SET display_name = '<b>&amp;' WHERE id = ?", w.Owner.UserID)
		w.AskAs(w.Owner, forum.Draft{Title: title, Body: "<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![y](https://evil.example/p.png)\n\n`]]>` <img src=x onerror=alert(1)>"})

		a, p := w.read(w.site.Visitor(), "/forum/feed.atom")

		if a.Entries[0].Title != title || a.Entries[0].Author != "<b>&amp;" || strings.Contains(p.Body, "<script") {
			t.Error(p.Body)
		}
		html := a.Entries[0].Content.Text
		for _, bad := range []string{"<script", "<img", "javascript:", "<iframe"} {
			if strings.Contains(html, bad) {
				t.Errorf("%s in %s", bad, html)
			}
		}
		if a.Entries[0].Content.Type != "html" || !strings.Contains(p.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Error(a.Entries[0].Content.Type, p.Header)
		}
	})
}

func TestReadersOfFeedsAreSparedWhatTheyHave(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		visitor := w.site.Visitor()
		_, first := w.read(visitor, "/forum/feed.atom")
		visitor.Header.Set("If-None-Match", first.Header.Get("ETag"))

		same := visitor.Get("/forum/feed.atom")
		w.Exec("UPDATE questions SET hidden_at = created_at WHERE id = ?", q.ID)
		changed := visitor.Get("/forum/feed.atom")

		if first.Header.Get("ETag") == "" || first.Header.Get("Last-Modified") == "" || same.Status != http.StatusNotModified || same.Body != "" || changed.Status != http.StatusOK || strings.Contains(changed.Body, q.Title) {
			t.Fatal(first.Header, same.Status, changed.Status)
		}
	})
}

func TestFeedsVaryByWhatCompressesThemToo(t *testing.T) { // W3: what is public is kept by caches for others
	each(t, func(t *testing.T, w *world) {
		w.Ask(w.Owner, "Why does the first call fail?", "limits")
		visitor := w.site.Visitor()
		visitor.Header.Set("Accept-Encoding", "gzip")

		vary := strings.Join(visitor.Get("/forum/feed.atom").Header.Values("Vary"), ", ")

		for _, by := range []string{"Accept-Encoding", "Accept-Language", "Cookie"} {
			if !strings.Contains(vary, by) {
				t.Errorf("it varies by %s, not by %s", vary, by)
			}
		}
	})
}
