package components_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/static"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/components/gallery"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

var now = time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC)

func deskFrame() layout.Frame {
	return layout.Frame{
		PortalName: "Northwind Developers", Title: "Keys", Lang: "en", Nonce: "n0nce", Description: "Keys of your apps.",
		Nav:  []layout.Link{{Label: "Console", Href: "/console", Current: true}, {Label: "APIs", Href: "/apis"}, {Label: "Admin", Href: "/admin"}},
		User: &layout.UserMenu{Name: "Mira Castellano", Email: "mira@corner.example", Links: []layout.Link{{Label: "Your account", Href: "/console/account"}}},
		Side: []layout.Group{
			{Links: []layout.Link{{Label: "Overview", Href: "/console"}}},
			{Title: "Build", Links: []layout.Link{{Label: "Apps", Href: "/console/apps"}, {Label: "Keys", Href: "/console/keys", Current: true, Count: "4"}, {Label: "Access", Href: "/console/access"}, {Label: "Usage", Href: "/console/usage"}}},
			{Title: "Northwind", Links: []layout.Link{{Label: "Members", Href: "/console/members"}, {Label: "Settings", Href: "/console/settings"}}},
		},
		SideLabel: "Console", Flash: &layout.Flash{Tone: "ok", Text: "“Nightly export” was rotated."},
		Footer:    layout.Footer{Text: "Northwind Ltd", Links: []layout.Link{{Label: "Terms", Href: "/terms"}, {Label: "Found a key?", Href: "/found-a-key"}}},
		Languages: &layout.LanguageMenu{Action: "/language", Next: "/console/keys", Choices: []layout.LanguageChoice{{Tag: "en", Name: "English", Current: true}, {Tag: "de", Name: "Deutsch"}}},
	}
}

func visitorFrame() layout.Frame {
	f := deskFrame()
	f.User, f.Side, f.Flash, f.Title, f.BrandHue = nil, nil, nil, "Sign in", 155
	f.Nav = []layout.Link{{Label: "APIs", Href: "/apis"}, {Label: "Guides", Href: "/guides"}, {Label: "Forum", Href: "/forum"}}
	f.Search = &layout.Link{Label: "Search", Href: "/search"}
	f.SignIn = &layout.Link{Label: "Sign in", Href: "/login"}
	f.SignUp = &layout.Link{Label: "Create account", Href: "/signup"}
	return f
}

func publicFrame() layout.Frame {
	f := visitorFrame()
	f.Title, f.BrandHue = "Make your first call", 0
	f.Toc = components.Toc([]components.TocLink{{Label: "Make your first call", Href: "#a", Level: 2}, {Label: "What you get back", Href: "#b", Level: 3}, {Label: "When it fails", Href: "#c", Level: 2}})
	return f
}

func homeFrame() layout.Frame {
	f := visitorFrame()
	f.Title, f.BrandHue, f.Wide = "", 0, true
	return f
}

func points(n int) []components.Point {
	all := make([]components.Point, n)
	for i := range all {
		at := now.Add(time.Duration(i-n) * time.Hour)
		all[i] = components.Point{Tick: at.Format("15:04"), Label: at.Format("2 Jan 15:04"), Good: int64(3000 + 900*((i*7)%11)), Bad: int64(40 * ((i * 5) % 7))}
		if i == 17 {
			all[i].Bad = 4200
		}
	}
	return all
}

// page renders a whole page of the gallery.
func page(t *testing.T, lang text.Language, frame templ.Component, children templ.Component) string {
	t.Helper()
	ctx := text.With(context.Background(), text.Locale{Language: lang})
	if children != nil {
		ctx = templ.WithChildren(ctx, children)
	}
	var b bytes.Buffer
	if err := frame.Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func galleryPages(t *testing.T, lang text.Language) map[string]string {
	t.Helper()
	return map[string]string{
		"desk":   page(t, lang, layout.Page(deskFrame()), gallery.Desk(components.Series{ID: "calls", Title: "Calls, 24 h", Description: "4,200 calls were refused at 06:00.", Points: points(24)}, []int64{3, 4, 4, 6, 5, 9, 8, 12, 11, 15, 14, 18, 17, 21})),
		"forms":  page(t, lang, layout.Page(deskFrame()), gallery.Forms()),
		"public": page(t, lang, layout.Page(publicFrame()), gallery.Public()),
		"home":   page(t, lang, layout.Page(homeFrame()), gallery.Home()),
		"signin": page(t, lang, layout.Narrow(visitorFrame()), gallery.SignIn()),
		"error":  page(t, lang, layout.ErrorPage(visitorFrame(), layout.ErrorView{Status: "404", Title: "There is nothing at this address", Text: "It may have moved, or it belongs to somebody else.", RequestID: "req_01JD"}), nil),
	}
}

// writeAssets puts the static files beside the pages, under their addresses.
func writeAssets(t *testing.T, dir string) {
	t.Helper()
	for _, name := range static.Names() {
		reply := httptest.NewRecorder()
		static.Handler().ServeHTTP(reply, httptest.NewRequest(http.MethodGet, static.URL(name), nil))
		file := filepath.Join(dir, filepath.FromSlash(static.URL(name)))
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, reply.Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryPartRenders writes the gallery, to GALLERY_DIR when that is set, for a look at it in a browser.
func TestEveryPartRenders(t *testing.T) {
	dir := os.Getenv("GALLERY_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	writeAssets(t, dir)
	for name, html := range galleryPages(t, text.English) {
		if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(html), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPagesKeepAStrictPolicy(t *testing.T) { // W3
	for name, html := range galleryPages(t, text.English) {
		for _, bad := range []*regexp.Regexp{regexp.MustCompile(`\sstyle="`), regexp.MustCompile(`\son[a-z]+="`), regexp.MustCompile(`<script(?:[^>]*)?>[^<]`), regexp.MustCompile(`javascript:`)} {
			if found := bad.FindString(html); found != "" {
				t.Errorf("%s: %q", name, found)
			}
		}
		for _, tag := range regexp.MustCompile(`<(?:script|style)[^>]*>`).FindAllString(html, -1) {
			if !strings.Contains(tag, `nonce="n0nce"`) {
				t.Errorf("%s: %s has no nonce", name, tag)
			}
		}
	}
}

func TestIdsAreUniqueAndWhatTheyNameExists(t *testing.T) {
	for name, html := range galleryPages(t, text.English) {
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllStringSubmatch(html, -1) {
			if seen[m[1]] {
				t.Errorf("%s: id %q twice", name, m[1])
			}
			seen[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`\s(?:for|aria-describedby|aria-labelledby)="([^"]+)"`).FindAllStringSubmatch(html, -1) {
			for id := range strings.FieldsSeq(m[1]) {
				if !seen[id] {
					t.Errorf("%s: nothing has the id %q", name, id)
				}
			}
		}
	}
}

func TestPartsSpeakTheReadersLanguage(t *testing.T) {
	german := galleryPages(t, text.German)
	pseudo := galleryPages(t, text.Pseudo)

	for part, word := range map[string]string{"desk": "Kopieren", "forms": "2 Angaben prüfen", "error": "Zur Startseite"} {
		if !strings.Contains(german[part], word) {
			t.Errorf("%s has no %q", part, word)
		}
		if !strings.Contains(pseudo[part], "⟦") {
			t.Errorf("%s has nothing translated", part)
		}
	}
}

func TestChartShowsEachFigureOnceAndScales(t *testing.T) {
	var b bytes.Buffer
	series := components.Series{ID: "c", Title: "Calls", Description: "d", Points: []components.Point{{Label: "a", Good: 10}, {Label: "b"}, {Label: "c", Good: 1_000_000, Bad: 1}}}
	if err := components.TimeSeries(series).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}

	got := b.String()

	for figure, want := range map[string]int{`<rect class="good"`: 2, `<rect class="bad"`: 1, `<td class="num">1,000,000</td>`: 1, `<tr><th scope="row">b</th>`: 1} {
		if n := strings.Count(got, figure); n != want {
			t.Errorf("%d of %s, want %d", n, figure, want)
		}
	}
	for _, s := range []components.Series{{ID: "e"}, {ID: "z", Points: make([]components.Point, 90)}} {
		b.Reset()
		if err := components.TimeSeries(s).Render(context.Background(), &b); err != nil || strings.Contains(b.String(), "NaN") || !strings.Contains(b.String(), "No calls in this time") {
			t.Errorf("%v: %s", err, b.String())
		}
	}
}

func TestFieldTiesItsErrorToItsInput(t *testing.T) {
	var b bytes.Buffer
	field := components.Field{Name: "cidr", Label: "Network", Hint: "One line.", Error: "203.0.113.0/33 is not a network.", Value: `"><script>`}
	if err := components.Input(field).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{`aria-describedby="f-cidr-hint f-cidr-error"`, `aria-invalid="true"`, `id="f-cidr-error"`, `value="&#34;&gt;&lt;script&gt;"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in %s", want, b.String())
		}
	}
}

func ExampleFieldID() {
	fmt.Println(components.FieldID("grants[0].scope"))
	// Output: f-grants-0-scope
}

func TestPaintedCodeIsStillTheCode(t *testing.T) {
	code := "# a \"comment\"\ncurl -H \"Authorization: Bearer \\\"x\\\" <b>\" \\\n  -d '{\"a\": \"b\", \"open}'\n\tlast"
	var b bytes.Buffer
	if err := components.Code(components.CodeBlock{Text: code}).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}

	_, inside, _ := strings.Cut(b.String(), "<code>")
	inside, _, _ = strings.Cut(inside, "</code>")
	shown := html.UnescapeString(regexp.MustCompile(`</?span[^>]*>`).ReplaceAllString(inside, ""))

	if shown != code {
		t.Errorf("shown is %q, want %q", shown, code)
	}
	if !strings.Contains(inside, `<span class="k">&#34;a&#34;</span>`) || !strings.Contains(inside, `<span class="c"># a`) {
		t.Error(inside)
	}
}
