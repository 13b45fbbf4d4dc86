package stories_test

import (
	"context"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/demo"
)

// newDemoHere serves the demo company from this process, where the pseudo-locale can be turned on; everybody in it reads that.
func newDemoHere(t testing.TB) (site string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	root, err := secret.Parse(strings.Repeat("a long and dull sentence 0123456789 ", 2), "")
	if err != nil {
		t.Fatal(err)
	}
	site = "http://" + listener.Addr().String()
	if _, err := demo.Fill(t.Context(), demo.Options{DB: d, Root: root, Brand: "gk", Link: func(path string) string { return site + path }}); err != nil {
		t.Fatal(err)
	}
	quiet := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(quiet) })
	text.EnablePseudo()
	if err := d.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE users SET language = ?", string(text.Pseudo))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(buildWith(t, d, root, listener.Addr().String()).Portal)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return site
}

func TestEveryPageIsTranslatedWhole(t *testing.T) {
	t.Parallel()
	site, routes := newDemoHere(t), pageRoutes(t)
	all, read := templates(routes), map[string]bool{}

	for _, who := range rig.DemoRoles() {
		v, err := rig.NewVisitor(site)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Post("/language", url.Values{"language": {string(text.Pseudo)}, "next": {"/"}}); err != nil {
			t.Fatal(err)
		}
		if who.Email != "" {
			if err := v.SignIn(who.Email, who.Password); err != nil {
				t.Fatal(err)
			}
		}
		pages, err := v.Crawl(append(starts(routes), "/nothing/here"), 3, func(path string) string {
			if path == "/nothing/here" {
				return path
			}
			return rig.Match(all, path)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range append(pages, refused(t, v)...) {
			for _, words := range untranslated(p.Node) {
				if !read[words] {
					read[words] = true
					t.Errorf("%s at %s (%d): %s", who.Role, p.Path, p.Status, words)
				}
			}
		}
	}
}

// refused are forms sent without an answer: the pages that say what is wrong.
func refused(t testing.TB, v *rig.Visitor) []rig.Page {
	t.Helper()
	var all []rig.Page
	for _, path := range []string{
		"/signup", "/login", "/password/forgot", "/password/reset", "/verify", "/console/account/profile", "/console/account/password",
		"/console/account/address", "/console/account/delete", "/console/apps/new", "/console/keys/new", "/console/organizations/new", "/admin/apis/new", "/admin/policy", "/admin/portal",
	} {
		p, err := v.Post(path, url.Values{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// spokenAttributes are those that people see or hear. The placeholder of a field for code is code.
var spokenAttributes = []string{"aria-label", "title", "placeholder", "alt", "label"}

// untranslated returns the texts of a page that did not come out of the message catalogue: outside of ⟦…⟧, and not marked as what
// somebody typed or what machines read.
func untranslated(root *html.Node) []string {
	var all []string
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			if foreign(n) {
				return
			}
			for _, a := range n.Attr {
				if slices.Contains(spokenAttributes, a.Key) && stray(a.Val) && (a.Key != "placeholder" || attribute(n, "spellcheck") != "false") {
					all = append(all, n.Data+" "+a.Key+": "+a.Val)
				}
			}
		}
		if n.Type == html.TextNode && stray(n.Data) {
			all = append(all, n.Parent.Data+": "+strings.Join(strings.Fields(n.Data), " "))
		}
		for child := range n.ChildNodes() {
			walk(child)
		}
	}
	if root != nil {
		walk(root)
	}
	return all
}

func foreign(n *html.Node) bool {
	switch n.Data {
	case "script", "style", "code", "pre", "kbd", "samp", "title":
		return true
	case "time":
		return attribute(n, "datetime") != ""
	}
	return attribute(n, "translate") == "no" || attribute(n, "lang") != "" && n.Data == "button"
}

// stray tells whether letters are left when all sentences of the catalogue are taken away.
func stray(s string) bool {
	depth := 0
	for _, r := range s {
		switch {
		case r == '⟦':
			depth++
		case r == '⟧':
			depth--
		case depth == 0 && unicode.IsLetter(r):
			return true
		}
	}
	return false
}

func TestUntranslatedTextIsFound(t *testing.T) {
	t.Parallel()
	page, err := html.Parse(strings.NewReader(`<html lang="x"><body><p>⟦Hé ⟦Ádá⟧ sáid⟧ 12</p><p translate="no">Ada</p><code>x</code><p>Plain</p><a aria-label="Go">⟦Gó⟧</a>
		<time datetime="2026">May</time><p>⟦A⟧ and</p></body></html>`))
	if err != nil {
		t.Fatal(err)
	}

	got := strings.Join(untranslated(page), "; ")

	if want := "p: Plain; a aria-label: Go; p: ⟦A⟧ and"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
