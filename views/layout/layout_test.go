package layout_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/static"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

func frame() layout.Frame {
	return layout.Frame{PortalName: "Northwind & Sons", Title: "Keys", Lang: "de", Nonce: `n"1`, Description: "Keys of your apps.", Canonical: "https://portal.example/console/keys"}
}

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	child := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "the page")
		return err
	})
	ctx := templ.WithChildren(text.With(context.Background(), text.Locale{Language: text.German}), child)
	var b bytes.Buffer
	if err := c.Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func expect(t *testing.T, html string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(html, w) {
			t.Errorf("no %s in %s", w, html)
		}
	}
}

func TestHeadNamesThePageForPeopleAndMachines(t *testing.T) {
	html := render(t, layout.Page(frame()))

	expect(t, html, `<html lang="de">`, "<title>Keys · Northwind &amp; Sons</title>", `<meta name="description" content="Keys of your apps.">`,
		`<link rel="canonical" href="https://portal.example/console/keys">`, static.URL("icons/favicon.svg"), static.URL("css/app.css"),
		`nonce="n&#34;1"`, `href="#main">Zum Inhalt springen</a>`, "the page")
	if strings.Contains(html, "noindex") {
		t.Error("a public page is kept from search")
	}
}

func TestEveryAssetOfTheFrameExists(t *testing.T) {
	served := map[string]bool{}
	for _, name := range static.Names() {
		served[static.URL(name)] = true
	}
	html := render(t, layout.Page(frame()))

	for _, part := range strings.Split(html, `"`) {
		if strings.HasPrefix(part, static.Prefix) && !served[part] {
			t.Errorf("%s is not served", part)
		}
	}
}

func TestBrandHueStandsInAStyleElementWithTheNonce(t *testing.T) { // W3
	f := frame()
	f.BrandHue = 155
	expect(t, render(t, layout.Page(f)), `<style nonce="n&#34;1">:root{--brand-h:155}</style>`)

	f.BrandHue = 360
	expect(t, render(t, layout.Page(f)), `--brand-h:0}`)

	f.BrandHue = 0
	if strings.Contains(render(t, layout.Page(f)), "<style") {
		t.Error("the built-in hue needs no style element")
	}
}

func TestLabelsOfATerseTableStandOnceInTheStyleElement(t *testing.T) { // W3
	f := frame()
	f.Labels = []string{"Aufrufe, 30 Tage", `x";}</style><script>`}

	html := render(t, layout.Page(f))

	expect(t, html, `<style nonce="n&#34;1">:root{--c2:"Aufrufe, 30 Tage: ";--c3:"x/stylescript: ";}</style>`)
}

func TestDeskMarksTheAreaAndThePage(t *testing.T) {
	f := frame()
	f.Nav = []layout.Link{{Label: "Konsole", Href: "/console", Current: true}}
	f.Side, f.SideLabel = []layout.Group{{Title: "Bauen", Links: []layout.Link{{Label: "Schlüssel", Href: "/console/keys", Current: true, Count: "4"}}}}, "Konsole"
	f.User = &layout.UserMenu{Name: "mira élan castellano", Email: "mira@corner.example"}

	expect(t, render(t, layout.Page(f)), `<a href="/console" aria-current="true">`, `<a href="/console/keys" aria-current="page">`, "<summary>Schlüssel</summary>",
		`action="/logout"`, "Abmelden", ">MC<")
}

func TestVisitorsFindSignInOnAnyWidth(t *testing.T) {
	f := frame()
	f.SignIn, f.SignUp = &layout.Link{Label: "Anmelden", Href: "/login"}, &layout.Link{Label: "Konto anlegen", Href: "/signup"}

	html := render(t, layout.Narrow(f))

	if strings.Count(html, `href="/login"`) != 2 || strings.Count(html, `href="/signup"`) != 2 {
		t.Error("sign-in is not both in the bar and in its narrow menu")
	}
}

func TestErrorPageOffersTheWayBackAndTheRequestID(t *testing.T) { // W7
	html := render(t, layout.ErrorPage(frame(), layout.ErrorView{Status: "404", Title: "<b>", Text: "x", RequestID: "req_1"}))
	expect(t, html, "&lt;b&gt;", "req_1", `href="/"`, "Zur Startseite")

	html = render(t, layout.ErrorPage(frame(), layout.ErrorView{Back: &layout.Link{Label: "Zu den Schlüsseln", Href: "/console/keys"}}))
	expect(t, html, "Zu den Schlüsseln")
}

func TestFlashIsSpoken(t *testing.T) {
	f := frame()
	f.Flash = &layout.Flash{Tone: "ok", Text: "Der Schlüssel wurde pausiert."}

	expect(t, render(t, layout.Page(f)), `<div class="flash" role="status"><p class="note ok">Der Schlüssel wurde pausiert.</p></div>`)
}
