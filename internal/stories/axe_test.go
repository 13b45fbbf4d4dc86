package stories_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// An aspect is how a page is looked at.
type aspect struct {
	name  string
	width int64
	dark  bool
}

var (
	narrow  = aspect{"light 320", 320, false}
	aspects = []aspect{{"light 1280", 1280, false}, {"dark 1280", 1280, true}, {"dark 320", 320, true}, narrow}
)

// ofColours are the rules that another scheme of colours can break: the others see the same page in both.
var ofColours = []string{"color-contrast", "link-in-text-block"}

// A sight is one page as one role sees it, after an act where button is set. A further example of a page that was looked at in all
// aspects is looked at in the narrowest alone.
type sight struct {
	role    string
	path    string
	status  int
	button  string
	further bool
}

// inspect looks at all sights in several windows at once, and fails for whatever is wrong with one.
func inspect(t *testing.T, site string, cookies map[string]map[string]string, sights []sight) {
	t.Helper()
	begin := time.Now()
	work := make(chan sight)
	var windows sync.WaitGroup
	for range 3 {
		b := newBrowserFor(t, site, 40*time.Minute)
		windows.Go(func() {
			for s := range work {
				for _, problem := range inspectOne(b, s, cookies[s.role]) {
					t.Errorf("%s at %s %s: %s", s.role, s.path, s.button, problem)
				}
			}
		})
	}
	for _, s := range sights {
		work <- s
	}
	close(work)
	windows.Wait()
	t.Logf("%d pages in %s", len(sights), time.Since(begin).Round(time.Second))
}

func newBrowserFor(t testing.TB, site string, limit time.Duration) *browser {
	t.Helper()
	ctx, _ := testenv.Browser(t, testenv.BrowserOptions{ReducedMotion: true, Limit: limit})
	return &browser{t: t, ctx: ctx, site: site, who: "inspector"}
}

func inspectOne(b *browser, s sight, cookies map[string]string) (problems []string) {
	if err := errorsOf(wear(b.ctx, b.site, cookies), dressAs(b.ctx, aspects[0]), chromedp.Do(b.ctx, chromedp.Navigate(b.site+s.path))); err != nil {
		return []string{err.Error()}
	}
	if s.button != "" {
		if err := submit(b, s.button); err != nil {
			return []string{err.Error()}
		}
	}
	if got := b.status(); got != s.status {
		problems = append(problems, fmt.Sprintf("status %d, want %d", got, s.status))
	}
	for _, l := range s.aspects() {
		problems = append(problems, inspectAs(b, l)...)
	}
	for _, c := range testenv.Complaints(b.ctx) {
		if s.status < 400 || !strings.Contains(c, "Failed to load resource") || !strings.Contains(c, fmt.Sprint(s.status)) {
			problems = append(problems, c)
		}
	}
	return problems
}

func (s sight) aspects() []aspect {
	if s.further {
		return []aspect{narrow}
	}
	return aspects
}

func inspectAs(b *browser, l aspect) (problems []string) {
	if err := dressAs(b.ctx, l); err != nil {
		return []string{err.Error()}
	}
	var rules []string
	if l.dark {
		rules = ofColours
	}
	found, err := testenv.AxeViolations(b.ctx, rules...)
	if err != nil {
		return []string{err.Error()}
	}
	for _, v := range found {
		problems = append(problems, l.name+": "+v.String())
	}
	const wide = `(() => { const w = document.documentElement.scrollWidth; if (w <= innerWidth) return '';
		const far = [...document.querySelectorAll('main *, header *, footer *')].filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest('.tablewrap, pre'));
		return w + ' px: ' + far.slice(-3).map(e => e.outerHTML.slice(0, 120)).join(' | '); })()`
	if text, _ := ask[string](b, wide); text != "" {
		problems = append(problems, l.name+": scrolls sideways, "+text)
	}
	return problems
}

// submit presses the button of the form in the page without answering it, and waits for the page that follows.
func submit(b *browser, button string) error {
	_, ok := ask[bool](b, look("button", button, "")+` && (window.before = true, window.found.click(), true)`)
	if !ok {
		return fmt.Errorf("no button %s", button)
	}
	arrived := await(b.ctx, func() bool {
		there, ok := ask[bool](b, `!window.before && document.readyState === 'complete'`)
		return ok && there
	})
	if !arrived {
		return fmt.Errorf("nothing came after %s", button)
	}
	return nil
}

// wear makes the window that of a role, by its cookies.
func wear(ctx context.Context, site string, cookies map[string]string) error {
	if _, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		return err
	}
	for name, value := range cookies {
		if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: site, HTTPOnly: new(true)}); err != nil {
			return err
		}
	}
	return nil
}

// dressAs changes width and colours of the page that is there.
func dressAs(ctx context.Context, l aspect) error {
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: 900, DeviceScaleFactor: 1})
	_, other := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	return errorsOf(err, other)
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sightsOf are all pages of all roles, and what each role gets where there is nothing.
func sightsOf(routes []web.Route, pages map[string][]rig.Page) []sight {
	var all []sight
	known, seen := templates(routes), map[string]bool{}
	for _, role := range slices.Sorted(maps.Keys(pages)) {
		for _, p := range shown(pages[role]) {
			template := rig.Match(known, p.Path)
			all = append(all, sight{role: role, path: p.Path, status: http.StatusOK, further: seen[template]})
			seen[template] = true
		}
		all = append(all, sight{role: role, path: "/nothing/here", status: http.StatusNotFound, further: role != "visitor"})
	}
	return all
}
