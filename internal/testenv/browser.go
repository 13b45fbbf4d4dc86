package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"
)

// BrowserOptions say how the visitor of a test looks at pages. The zero value is a visitor with JavaScript, a light
// scheme, a window of 1280 by 900, and American English in UTC.
type BrowserOptions struct {
	WithoutJavaScript bool
	Dark              bool
	ReducedMotion     bool
	Width, Height     int           // CSS pixels
	Locale            string        // such as "de-DE": navigator.language and Accept-Language
	TimeZone          string        // such as "Europe/Berlin"
	Limit             time.Duration // how long the whole visit may take; 0: three minutes
}

// Browser opens a page in a real Chromium: a fresh profile, with no cookies, for each call. Use the context with
// chromedp.Do and chromedp.Run; it ends with the test, by cancel, or when the limit is over.
//
// All tests of a process share one Chromium, which takes a second to start, and which ends with the process.
func Browser(t testing.TB, options BrowserOptions) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel, err := Visit(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return ctx, cancel
}

// Visit is Browser for programs that are no test: the page stays until cancel, the limit, or the end of the process.
func Visit(options BrowserOptions) (context.Context, context.CancelFunc, error) {
	browser, err := chromium()
	if err != nil {
		return nil, nil, err
	}
	heard := &complaints{}
	visit, closePage := chromedp.NewContext(context.WithValue(browser, complaintsKey{}, heard),
		chromedp.WithNewBrowserContext(), chromedp.WithListener(heard.listen))
	limit := options.Limit
	if limit == 0 {
		limit = 3 * time.Minute
	}
	ctx, stop := context.WithTimeout(visit, limit)
	cancel := sync.OnceFunc(func() { stop(); closePage() })
	if err := chromedp.Do(ctx, dress(options)); err != nil {
		cancel()
		return nil, nil, fmt.Errorf("open a page in Chromium: %w", err)
	}
	return ctx, cancel, nil
}

// dress makes the page behave as the options say, before it shows anything.
func dress(o BrowserOptions) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		locale := or(o.Locale, "en-US")
		agent, err := chromedp.Run(ctx, chromedp.Evaluate[string]("navigator.userAgent"))
		return errors.Join(err,
			call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
				Width: int64(or(o.Width, 1280)), Height: int64(or(o.Height, 900)), DeviceScaleFactor: 1,
			}),
			call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: pick(o.Dark, "dark", "light")},
				{Name: "prefers-reduced-motion", Value: pick(o.ReducedMotion, "reduce", "no-preference")},
			}}),
			call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: locale}),
			call(ctx, t, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: strings.ReplaceAll(locale, "-", "_")}),
			call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: or(o.TimeZone, "UTC")}),
			// Several visits share a browser, and each behaves as the window that is in front.
			call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
			call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.WithoutJavaScript}),
		)
	})
}

func call[P, R any](ctx context.Context, t *chromedp.Target, command cdp.Command[P, R], parameters P) error {
	_, err := cdp.Call(ctx, t, command, parameters)
	return err
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func pick(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

// chromium starts the browser of this process and connects to it.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path, err := program("Chromium", "chromium", "chromium", "chromium-browser", "google-chrome")
	if err != nil {
		return nil, err
	}
	// The folder goes when the process ends: the watchdog of the child removes it.
	profile, err := os.MkdirTemp("", "gatehouse-chromium-")
	if err != nil {
		return nil, err
	}
	server, err := startChild(filepath.Join(profile, "log"), profile, path, chromiumFlags(profile)...)
	if err != nil {
		return nil, err
	}
	var address string
	err = server.ready(func() error {
		address, err = devtools(profile)
		return err
	})
	if err != nil {
		server.stop()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	// Never cancelled: the process ends and Chromium with it.
	allocator, _ := remote.NewAllocator(context.Background(), address, remote.NoModifyURL) //nolint:govet // see above
	browser, _ := chromedp.NewContext(allocator)                                           //nolint:govet // see above
	return browser, chromedp.Do(browser)
})

func chromiumFlags(profile string) []string {
	flags := []string{
		"--headless=new", "--remote-debugging-port=0", "--user-data-dir=" + profile, "--no-first-run", "--no-default-browser-check",
		"--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions",
		"--disable-sync", "--disable-breakpad", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-timer-throttling",
		"--disable-renderer-backgrounding", "--disable-features=Translate,MediaRouter,OptimizationHints", "--metrics-recording-only",
		"--mute-audio", "--hide-scrollbars", "--password-store=basic", "--use-mock-keychain", "--force-color-profile=srgb",
		"--font-render-hinting=none", "--lang=en-US", "--window-size=1280,900",
	}
	if os.Getuid() == 0 {
		// Chromium's sandbox refuses to run as root.
		flags = append(flags, "--no-sandbox")
	}
	return append(flags, "about:blank")
}

// devtools reads where Chromium listens; it writes the file once it does.
func devtools(profile string) (string, error) {
	text, err := os.ReadFile(filepath.Join(profile, "DevToolsActivePort"))
	if err != nil {
		return "", err
	}
	port, path, found := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if !found {
		return "", errors.New("the file of its port is not whole yet")
	}
	return "ws://127.0.0.1:" + port + path, nil
}

// complaints collect what a page complains about on its console.
type complaints struct {
	mutex sync.Mutex
	texts []string
}

type complaintsKey struct{}

// Complaints returns what the pages of this visit reported since the last call, oldest first: exceptions ("exception: …"),
// console.error ("console: …") and the browser's own errors, each with its source ("security: …" is a breach of the
// content security policy, "network: …" a status of 400 or more or a missing file).
func Complaints(ctx context.Context) []string {
	heard, ok := ctx.Value(complaintsKey{}).(*complaints)
	if !ok {
		return nil
	}
	heard.mutex.Lock()
	defer heard.mutex.Unlock()
	texts := heard.texts
	heard.texts = nil
	return texts
}

func (c *complaints) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		c.add("exception: " + text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" {
			c.add("console: " + consoleText(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			c.add(fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	}
}

func consoleText(arguments []*runtime.RemoteObject) string {
	var words []string
	for _, argument := range arguments {
		words = append(words, or(argument.Description, string(argument.Value)))
	}
	return strings.Join(words, " ")
}

func (c *complaints) add(text string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.texts = append(c.texts, text)
}
