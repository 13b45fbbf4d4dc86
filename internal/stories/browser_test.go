package stories_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// A browser is one person's window: a profile of its own, and hands that use a mouse, or nothing but the keyboard. Each step waits for
// what it needs and fails the test when that does not come.
type browser struct {
	t        testing.TB
	ctx      context.Context
	site     string // the address of the portal
	who      string // for failures
	keyboard bool
}

// patience is for how long a step waits. It is long because the machine may be busy; a page answers within milliseconds.
const patience = 20 * time.Second

// kinds of visitors
type kind struct{ withoutScripts, keyboard, dark bool }

func newBrowser(t testing.TB, site, who string, k kind) *browser {
	t.Helper()
	ctx, _ := testenv.Browser(t, testenv.BrowserOptions{WithoutJavaScript: k.withoutScripts, Dark: k.dark, ReducedMotion: true, Limit: 6 * time.Minute})
	return &browser{t: t, ctx: ctx, site: site, who: who, keyboard: k.keyboard}
}

// open goes to a path of the portal, or to a whole address, as one types it.
func (b *browser) open(path string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.site + path
	}
	if err := chromedp.Do(b.ctx, chromedp.Navigate(path)); err != nil {
		b.t.Fatalf("%s opens %s: %v", b.who, path, err)
	}
}

// ask evaluates an expression in the page. While one page gives way to the next there is nobody to answer: ok is false then.
func ask[T any](b *browser, expression string) (answer T, ok bool) {
	answer, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	return answer, err == nil
}

// await waits until check holds.
func (b *browser) await(what string, check func() bool) {
	b.t.Helper()
	if !await(b.ctx, check) {
		b.t.Fatalf("%s waited in vain for %s\n%s", b.who, what, b.describe())
	}
}

// await asks again and again until check holds, and reports whether it did before patience was at its end.
func await(ctx context.Context, check func() bool) bool { return testenv.Await(ctx, patience, check) }

// describe is what the person sees, for failures.
func (b *browser) describe() string {
	text, _ := ask[string](b, `location.href + "\n" + document.title + "\n" + document.body.innerText`)
	return text[:min(len(text), 3000)]
}

// find waits until there is such a thing on the page, and leaves it in window.found.
func (b *browser) find(kind, name, within string) {
	b.t.Helper()
	b.await(fmt.Sprintf("a %s %q %s", kind, name, within), func() bool {
		found, ok := ask[bool](b, look(kind, name, within))
		return ok && found
	})
}

// has reports whether there is such a thing now.
func (b *browser) has(kind, name, within string) bool {
	found, ok := ask[bool](b, look(kind, name, within))
	return ok && found
}

// see waits until each of these words stands somewhere on the page.
func (b *browser) see(words ...string) {
	b.t.Helper()
	for _, w := range words {
		b.await(fmt.Sprintf("the words %q", w), func() bool { return b.sees(w) })
	}
}

func (b *browser) sees(words string) bool {
	found, ok := ask[bool](b, `(w => [document.body.innerText, document.body.textContent].some(t => t.replace(/\s+/g, ' ').includes(w)))(`+quote(words)+`)`)
	return ok && found
}

// seeNot fails when these words stand on the page now.
func (b *browser) seeNot(words string) {
	b.t.Helper()
	if b.sees(words) {
		b.t.Fatalf("%s sees %q\n%s", b.who, words, b.describe())
	}
}

// press presses the button with this name, and waits for the page that follows. Where a script asks whether one is sure, one is.
func (b *browser) press(name string, within ...string) {
	b.t.Helper()
	b.leaving(func() { b.use("button", name, strings.Join(within, "")) }, name)
}

// follow follows the link with these words.
func (b *browser) follow(name string, within ...string) {
	b.t.Helper()
	b.leaving(func() { b.use("link", name, strings.Join(within, "")) }, "")
}

// leaving does what leads to another page, and waits until that is there. confirm names a button that a question may repeat.
func (b *browser) leaving(act func(), confirm string) {
	b.t.Helper()
	if _, ok := ask[bool](b, `window.before = true`); !ok {
		b.t.Fatalf("%s has no page", b.who)
	}
	act()
	b.await("the next page", func() bool {
		if asked, ok := ask[bool](b, `!!document.querySelector('dialog[open]')`); ok && asked && confirm != "" {
			b.use("button", confirm, "")
			confirm = ""
		}
		there, ok := ask[bool](b, `!window.before && document.readyState === 'complete'`)
		return ok && there
	})
}

// status is the status with which the page came.
func (b *browser) status() int {
	status, _ := ask[int](b, `performance.getEntriesByType('navigation')[0].responseStatus`)
	return status
}

// path is where the browser is now.
func (b *browser) path() string {
	path, _ := ask[string](b, `location.pathname`)
	return path
}

// text waits for an element and returns the text in it.
func (b *browser) text(css string) string {
	b.t.Helper()
	var text string
	b.await("an element "+css, func() bool {
		found, ok := ask[string](b, `(e => e ? e.textContent : '')(document.querySelector(`+quote(css)+`))`)
		text = found
		return ok && found != ""
	})
	return text
}

// quiet fails when a page complained on its console since the last call. allowed are statuses of pages that are meant to be refused.
func (b *browser) quiet(allowed ...string) {
	b.t.Helper()
	for _, c := range testenv.Complaints(b.ctx) {
		if !slices.ContainsFunc(allowed, func(a string) bool { return strings.Contains(c, a) }) {
			b.t.Errorf("%s: %s", b.who, c)
		}
	}
}

func (b *browser) secret() string {
	b.t.Helper()
	return strings.TrimSpace(b.text(".secret code"))
}

func (b *browser) block(words string) string {
	b.t.Helper()
	var text string
	b.await(fmt.Sprintf("code with %q", words), func() bool {
		found, ok := ask[string](b, `(w => [...document.querySelectorAll('.code pre')].map(e => e.textContent).find(t => t.includes(w)) || '')(`+quote(words)+`)`)
		text = found
		return ok && found != ""
	})
	return strings.TrimSpace(text)
}

func (b *browser) token() string {
	b.t.Helper()
	jar, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range jar.Cookies {
		if strings.HasSuffix(c.Name, "gatehouse-session") {
			return c.Value
		}
	}
	return ""
}
