package markdown_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
)

func render(t *testing.T, src string, opt markdown.Options) string {
	t.Helper()
	doc, err := markdown.Render(src, opt)
	if err != nil {
		t.Fatalf("%.60q: %v", src, err)
	}
	return doc.HTML()
}

func TestCommonTextBecomesHTML(t *testing.T) {
	cases := map[string]string{
		"# Title":                         "<h1>Title</h1>",
		"a **b** _c_ ~~d~~ `e`":           "<p>a <strong>b</strong> <em>c</em> <del>d</del> <code>e</code></p>",
		"```go\nx := 1 < 2\n```":          `<pre tabindex="0"><code class="language-go">x := 1 &lt; 2` + "\n</code></pre>",
		"| a | b |\n|---|--:|\n| 1 | 2 |": `<td align="right">2</td>`,
		"> quoted":                        "<blockquote>",
		"3. three":                        `<ol start="3">`,
		"https://example.com/x":           `<a href="https://example.com/x" rel="nofollow ugc noopener">`,
		"[mail](mailto:a@b.example)":      `<a href="mailto:a@b.example" rel="nofollow ugc noopener">`,
	}
	for src, want := range cases {
		if got := render(t, src, markdown.Options{}); !strings.Contains(got, want) {
			t.Errorf("%q became %q, want %q in it", src, got, want)
		}
	}
}

// F2: links of users carry rel and only http, https and mailto; images are not loaded.
func TestLinksOfUsersGoOnlyWhereTheyMay(t *testing.T) {
	for _, src := range []string{"[a](javascript:alert(1))", "[a](data:text/html,x)", "[a](vbscript:x)", "[a](/relative)", "[a](//evil.example)", "[a](#id)", "[a](ftp://x.example/)", "[a](JaVaScRiPt:alert(1))", "[a](&#106;avascript:alert(1))", "<javascript:alert(1)>"} {
		if got := render(t, src, markdown.Options{}); strings.Contains(got, "href") {
			t.Errorf("%s became %s", src, got)
		}
	}
	image := render(t, "![a cat](https://cats.example/1.png)", markdown.Options{})
	if strings.Contains(image, "<img") || !strings.Contains(image, `<a href="https://cats.example/1.png" rel="nofollow ugc noopener">a cat</a>`) {
		t.Error(image)
	}
	linked := render(t, "[![a cat](https://cats.example/1.png)](https://x.example)", markdown.Options{})
	if strings.Count(linked, "<a ") != 1 || !strings.Contains(linked, "a cat") {
		t.Error(linked)
	}
}

func TestOwnTextMayLinkWithinThePortal(t *testing.T) {
	doc, err := markdown.Render("# Keys & scopes\n\n[Guides](/guides) [up](#keys--scopes)\n\n## Rotate `now`", markdown.Options{Own: true, Shift: 1})
	if err != nil {
		t.Fatal(err)
	}

	if !strings.Contains(doc.HTML(), `<a href="/guides">Guides</a>`) || !strings.Contains(doc.HTML(), `<h2 id="keys--scopes">`) {
		t.Error(doc.HTML())
	}
	if len(doc.Headings) != 2 || doc.Headings[0] != (markdown.Heading{Level: 2, ID: "keys--scopes", Text: "Keys & scopes", Top: true}) || doc.Headings[1].Text != "Rotate now" {
		t.Errorf("%+v", doc.Headings)
	}
}

// vectors are scripts in disguise, after public collections (OWASP filter evasion, PortSwigger, Markdown ones).
var vectors = []string{
	`<script>trip()</script>`, `<ScRiPt>trip()</sCrIpT>`, `<script/src=data:,trip()>`, `<<script>trip()//<</script>`,
	`<img src=x onerror=trip()>`, `<img src=x onerror="trip()"`, `<img/src=x/onerror=trip()>`, `<svg onload=trip()>`,
	`<svg><script>trip()</script></svg>`, `<svg/onload=trip()//`, `<body onload=trip()>`, `<iframe src="javascript:parent.trip()">`,
	`<iframe srcdoc="<script>parent.trip()</script>">`, `<object data="javascript:trip()">`, `<embed src="javascript:trip()">`,
	`<details open ontoggle=trip()>`, `<video><source onerror=trip()></video>`, `<audio src=x onerror=trip()>`,
	`<input autofocus onfocus=trip()>`, `<select autofocus onfocus=trip()>`, `<textarea autofocus onfocus=trip()>`,
	`<marquee onstart=trip()>`, `<math><mtext><table><mglyph><style><img src=x onerror=trip()>`,
	`<noscript><p title="</noscript><img src=x onerror=trip()>">`, `<form><button formaction=javascript:trip()>x`,
	`<a href="javascript:trip()">x</a>`, `<base href="javascript:trip()//">`, `<meta http-equiv=refresh content="0;url=javascript:trip()">`,
	`<link rel=stylesheet href="data:text/css,*{}">`, `<style>@import 'x'</style>`, `<style onload=trip()></style>`,
	`[x](javascript:trip())`, `[x](javascript&colon;trip())`, `[x](java&#x0A;script:trip())`, `[x](\x01javascript:trip())`,
	`[x](data:text/html;base64,PHNjcmlwdD50cmlwKCk8L3NjcmlwdD4=)`, `[x](<javascript:trip()>)`, "[x](java\tscript:trip())",
	`![x](javascript:trip())`, `![x](x"onerror="trip())`, `![x"onerror="trip()](x)`, `[x](https://a.example/"onmouseover="trip())`,
	`[x](https://a.example 'a"onmouseover="trip()')`, `<https://a.example/"onmouseover="trip()>`, `<javascript:trip()>`,
	"[x]\n\n[x]: javascript:trip()", "```\"onload=trip()\n```", "```x\"><script>trip()</script>\ny\n```", "`<script>trip()</script>`",
	`<!--><script>trip()</script>-->`, `<![CDATA[><script>trip()</script>]]>`, `<?xml <script>trip()</script>?>`,
	"| <script>trip()</script> | b |\n|---|---|\n| <img src=x onerror=trip()> | d |", `# <img src=x onerror=trip()>`,
	`&lt;script&gt;trip()&lt;/script&gt;`, `\<script>trip()\</script>`, `<a/href=javascript&#58;trip()>x</a>`,
	`<x onclick=trip() autofocus tabindex=1 onfocus=trip()>`, `<template><script>trip()</script></template>`, `<pre><img src=x onerror=trip()></pre>`,
	"http://a.example/<img src=x onerror=trip()>", "www.a.example\"onmouseover=trip()", `{{constructor.constructor('trip()')()}}`,
}

// F1: raw HTML never leaves as HTML.
func TestNoVectorLeavesAsMarkup(t *testing.T) {
	for _, own := range []bool{false, true} {
		for _, v := range vectors {
			got := strings.ToLower(render(t, v, markdown.Options{Own: own}))

			for _, bad := range []string{"<script", "<img", "<svg", "<iframe", "<style", "<form", "<input", "<object", "href=\"javascript", "href=\"data", "<x ", "<meta", "<base", "<link"} {
				if strings.Contains(got, bad) {
					t.Errorf("own=%v %q became %q", own, v, got)
				}
			}
		}
	}
}

// F1: the same in a real browser, with a wire that each vector would trip.
func TestNoVectorRunsInABrowser(t *testing.T) {
	var rendered strings.Builder
	for _, v := range vectors {
		rendered.WriteString(render(t, v, markdown.Options{}) + render(t, v, markdown.Options{Own: true}))
	}

	control := titleInBrowser(t, `<img src=x onerror=trip()>`)
	got := titleInBrowser(t, rendered.String())

	if control != "tripped" {
		t.Fatalf("the wire does not work: %q", control)
	}
	if got != "quiet" {
		t.Errorf("a vector ran: %q", got)
	}
}

// titleInBrowser opens a page with this body in Chromium; its title is "tripped" when something called trip.
func titleInBrowser(t *testing.T, body string) string {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("Chromium is needed for this test: apt-get install chromium")
	}
	page := `<!doctype html><title>quiet</title><script>function trip(){document.title="tripped"}</script><body>` + body +
		`<script>for(const a of document.links)a.dispatchEvent(new MouseEvent("mouseover",{bubbles:true}))</script><p id=end>end</p>`
	file := filepath.Join(t.TempDir(), "vectors.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(),
		"--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=1000", "--dump-dom", "file://"+file).Output()
	if err != nil || !strings.Contains(string(out), `id="end"`) {
		t.Fatalf("Chromium did not show the page: %v", err)
	}
	_, rest, _ := strings.Cut(string(out), "<title>")
	title, _, _ := strings.Cut(rest, "</title>")
	return title
}

// F8: what is known to slow parsers down, at the length that a post may have (after commonmark's own pathological tests).
func TestPathologicalTextsRenderSoonAtTheLengthOfAPost(t *testing.T) {
	n := 30_000
	times := func(s string, k int) string { return strings.Repeat(s, k) }
	for name, src := range map[string]string{
		"nested strong emphasis": times("*a **a ", n/14) + "b" + times(" a** a*", n/14), "emphasis closers without openers": times("a_ ", n/3), "openers without closers": times("_a ", n/3),
		"link closers": times("a]", n/2), "link openers": times("[a", n/2), "mismatched openers and closers": times("*a_ ", n/4), "openers and closers, multiple of 3": "a**b" + times("c* ", n/3),
		"link openers and emphasis": times("[ a_", n/4), "nested brackets": times("[", n/2) + "a" + times("]", n/2), "nested quotes": times("> ", n/2) + "a", "nested quotes over lines": times(times("> ", 20)+"a\n", n/42),
		"deep lists": times("- ", n/2) + "x", "backticks of growing runs": growing("`", n), "unclosed links": times("[a](<b", n/6), "unclosed titles": times("[a](b \"", n/8), "unclosed comments": "</" + times("<!--", n/4), "unclosed instructions": times("<?", n/2),
		"unclosed CDATA": times("<![CDATA[", n/9), "declarations": times("<!A ", n/4), "empty autolinks": times("<>", n/2), "open angles": times("<a ", n/3), "attributes": "<a " + times("b=c ", n/4), "tables of many columns": times("|a", n/4) + "\n" + times("|-", n/4) + "\n",
		"tables of many rows": "|a|\n|-|\n" + times("|b\n", n/3), "wide and long": times("|", 100) + "\n" + times("|-", 100) + "\n" + times("|\n", n/2), "entities": times("&amp;", n/5), "unknown entities": times("&x", n/2), "number entities": times("&#x41;", n/6),
		"references": times("[a]: b\n", n/7), "same reference": "[a]: b\n\n" + times("[a]", n/3), "wide references": times("[a\n", n/3), "hard breaks": times("a  \n", n/4), "setext": times("a\n=\n", n/4), "strikes": times("~~a", n/3), "single strikes": times("~", n), "bare links": times("http://a.b/", n/11), "mail": times("a@b.", n/4), "escapes": times("\\", n),
		"fences": times("```\n", n/4), "tilde fences": times("~~~ a\n", n/6), "parentheses": "[a](" + times("(", n), "nested images": times("![", n/2), "images in links": times("[![a](b)](c)", n/12), "spaces": times(" ", n), "tabs": times("\t", n), "line ends": times("\n", n), "carriage returns": times("\r", n), "NUL": times("\x00", n),
		"headings": times("# ", n/2), "closing hashes": "# a" + times(" #", n/2), "ordered": times("1. a\n", n/5), "rules": times("* * *\n", n/6), "indented quotes": times(" > ", n/3),
	} {
		begin := time.Now()

		_, err := markdown.Render(src, markdown.Options{})

		if took := time.Since(begin); took > time.Second {
			t.Errorf("%s took %v (%v)", name, took, err)
		}
	}
}

// F8: a destination is written once and used a thousand times; images, titles and wide tables multiply as well. What a text becomes is bounded.
func TestAShortTextDoesNotBecomeALongPage(t *testing.T) {
	long := strings.Repeat("&", 26_000)
	for name, src := range map[string]string{
		"references": "[a]: http://h.example/" + long + "\n\n" + strings.Repeat("[a]", 998), "collapsed": "[a]: http://h.example/" + long + "\n\n" + strings.Repeat("[a][]", 490),
		"images": "[a]: http://h.example/" + long + "\n\n" + strings.Repeat("![a]", 900), "images without words": "[a]: http://h.example/" + long[:18_000] + "\n\n" + strings.Repeat("![][a]", 490),
		"titles": "[a]: http://h.example/ \"" + long + "\"\n\n" + strings.Repeat("[a]", 998), "wide characters": "[a]: http://h.example/" + strings.Repeat("😀", 6_000) + "\n\n" + strings.Repeat("[a]", 998),
		"cells": strings.Repeat("|", 240) + "\n" + strings.Repeat("|:-:", 240) + "|\n" + strings.Repeat("|\n", 240),
	} {
		for _, own := range []bool{false, true} {
			begin := time.Now()

			doc, err := markdown.Render(src, markdown.Options{Own: own})

			if took := time.Since(begin); !errors.Is(err, markdown.ErrTooComplex) || took > time.Second {
				t.Errorf("%s: %d bytes became %d in %v: %v", name, len(src), len(doc.HTML()), took, err)
			}
		}
	}
	code := strings.Repeat("~~~go\n"+strings.Repeat("1+", 45)+"\n~~~\n\n", 290)
	if got := render(t, code, markdown.Options{}); len(got) > 13*len(code)+128<<10 {
		t.Errorf("%d bytes of code became %d", len(code), len(got))
	}
	usual := strings.Repeat("See [the guide][g] and [this page](https://h.example/pages/one), **really**.\n\n", 300) + "[g]: https://h.example/guides/how-to-call-it\n"
	if _, err := markdown.Render(usual, markdown.Options{}); err != nil {
		t.Error(err)
	}
}

// F2: a browser finds a host in these, whoever counts links by host does not.
func TestLinksOfUsersNameTheirHost(t *testing.T) {
	for _, to := range []string{"http:///evil.example", "https:///evil.example", "http:evil.example", "https:evil.example", "HTTP:///evil.example", "http:/evil.example", "https:////evil.example", "http://:80/evil.example", "http://@/evil.example", "https:\\\\evil.example", "http:/\\evil.example", "http:", "http://"} {
		for _, src := range []string{"[a](" + to + ")", "<" + to + ">", "![a](" + to + ")", "[a]\n\n[a]: " + to} {
			for _, own := range []bool{false, true} {
				if got := render(t, src, markdown.Options{Own: own}); strings.Contains(got, "href") {
					t.Errorf("%s became %s", src, got)
				}
			}
		}
	}
}

func growing(piece string, length int) string {
	var b strings.Builder
	for i := 1; b.Len() < length-i; i++ {
		b.WriteString("e" + strings.Repeat(piece, i))
	}
	return b.String()
}

// F8: bombs are refused, or rendered in bounded time.
func TestBombsAreRefusedOrRenderSoon(t *testing.T) {
	for _, piece := range []string{">", "> ", "- ", "* ", "1. ", "1) ", "[", "![", "](", "[a](", "[a](b", "*", "**a ", "_a ", "a**b", "`", "`a``", "~~a ", "<", "<!--", "&", "\\", "|", "a|b\n", "|a\n|-\n", "[x]: y\n[x] ", "https://a.b ", "\t- ", "> - ", "#", "# a\n", "```\n", " ", "\n", "*a **b "} {
		for _, size := range []int{100_000, markdown.MaxBytes} {
			src := strings.Repeat(piece, size/len(piece))
			started := time.Now()

			_, err := markdown.Render(src, markdown.Options{})

			if took := time.Since(started); took > time.Second {
				t.Errorf("%q × %d took %v", piece, size/len(piece), took)
			}
			if size > markdown.MaxBytes && !errors.Is(err, markdown.ErrTooLong) {
				t.Errorf("%q × %d: %v", piece, size/len(piece), err)
			}
		}
	}
	deep := strings.Repeat(">", 21) + " x"
	if _, err := markdown.Render(deep, markdown.Options{}); !errors.Is(err, markdown.ErrTooComplex) {
		t.Error(err)
	}
}

func TestNestedListsByIndentRenderSoon(t *testing.T) {
	var b strings.Builder
	for i := 0; b.Len() < markdown.MaxBytes-600; i++ {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	started := time.Now()

	_, _ = markdown.Render(b.String(), markdown.Options{})

	if took := time.Since(started); took > time.Second {
		t.Error(took)
	}
}

func TestPlainTextIsOneLineOfWords(t *testing.T) {
	cases := []struct {
		src  string
		max  int
		want string
	}{
		{"# Keys\n\nA **key** lets\none [program](https://x.example) call.", 100, "Keys A key lets one program call."},
		{"a <b>c</b>\r\nBcc: x", 100, "a c Bcc: x"},
		{"one two three four five", 16, "one two three…"},
		{"![a cat](https://x.example)", 100, "a cat"},
		{"\u202eabc\x00", 100, "abc"},
		{strings.Repeat("x", 50), 10, "xxxxxxxxx…"},
		{"", 10, ""},
	}
	for _, c := range cases {
		if got := markdown.PlainText(c.src, c.max); got != c.want {
			t.Errorf("%q became %q, want %q", c.src, got, c.want)
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, v := range vectors {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, src string) {
		started := time.Now()
		doc, err := markdown.Render(src, markdown.Options{})
		if took := time.Since(started); took > time.Second { // F8
			t.Errorf("%d bytes took %v", len(src), took)
		}
		if err != nil {
			return
		}
		if low := strings.ToLower(doc.HTML()); strings.Contains(low, "<script") || strings.Contains(low, "<img") {
			t.Errorf("%q became %q", src, doc.HTML())
		}
	})
}
