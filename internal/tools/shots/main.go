// Command shots takes pictures of every page over the demo company: as visitor, developer, support and admin, light and dark, wide and
// narrow. They go to shots/, one folder a role, with one contact sheet a role beside them.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A variant is one way of looking at a page.
type variant struct {
	name  string
	width int64
	dark  bool
}

var variants = []variant{{"light-1280", 1280, false}, {"dark-1280", 1280, true}, {"light-360", 360, false}, {"dark-360", 360, true}}

// tallest is where a picture of a long page ends, in CSS pixels.
const tallest = 2400

// shot is a page to take pictures of. Its name is the same in every run, though ids are not.
type shot struct {
	role, path, name string
	cookies          map[string]string
}

func run() error {
	defer rig.RemoveBinary()
	root, err := rig.Root()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "shots")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "gatehouse-shots-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	demo, err := rig.StartDemo(data)
	if err != nil {
		return err
	}
	defer demo.Kill()
	shots, err := list(demo)
	if err != nil {
		return err
	}
	fmt.Printf("%d pages, %d pictures\n", len(shots), len(shots)*len(variants))
	if err := takeAll(demo.URL, dir, shots); err != nil {
		return err
	}
	return sheets(dir, shots)
}

// list walks the links of the demo as each role.
func list(demo *rig.Demo) ([]shot, error) {
	var all []shot
	for _, who := range rig.DemoRoles("developer", "support", "admin") {
		v, err := rig.NewVisitor(demo.URL)
		if err != nil {
			return nil, err
		}
		if who.Email != "" {
			if err := v.SignIn(who.Email, who.Password); err != nil {
				return nil, err
			}
		}
		pages, err := v.Crawl([]string{"/", "/apis", "/login", "/signup", "/console", "/admin", missing}, 2, kind)
		if err != nil {
			return nil, err
		}
		examples := map[string]int{}
		for _, p := range pages {
			if p.Node == nil || p.Status != http.StatusOK && p.Path != missing {
				continue
			}
			k := kind(p.Path)
			examples[k]++
			all = append(all, shot{who.Role, p.Path, name(p.Path, k, examples[k]), v.Cookies()})
		}
	}
	return all, nil
}

// missing is where nothing is.
const missing = "/nothing/here"

var identifier = regexp.MustCompile(`/[a-z]+_[0-9a-z]{10,}`)

// kind is a path without what makes it one of many: ids, and the query.
func kind(path string) string {
	path, _, _ = strings.Cut(path, "?")
	if strings.HasPrefix(path, "/apis/") {
		return "/apis/"
	}
	return identifier.ReplaceAllString(path, "/…")
}

// takeAll takes the pictures in two windows at once.
func takeAll(site, dir string, shots []shot) error {
	work, failed := make(chan shot), make(chan error, len(shots))
	var windows sync.WaitGroup
	for range 2 {
		ctx, closePage, err := testenv.Visit(testenv.BrowserOptions{ReducedMotion: true, Limit: time.Hour})
		if err != nil {
			return err
		}
		defer closePage()
		windows.Go(func() {
			for s := range work {
				if err := take(ctx, site, dir, s); err != nil {
					failed <- fmt.Errorf("%s as %s: %w", s.path, s.role, err)
				}
			}
		})
	}
	for _, s := range shots {
		work <- s
	}
	close(work)
	windows.Wait()
	close(failed)
	return <-failed
}

func take(ctx context.Context, site, dir string, s shot) error {
	if _, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		return err
	}
	for name, value := range s.cookies {
		if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: site, HTTPOnly: new(true)}); err != nil {
			return err
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(site+s.path)); err != nil {
		return err
	}
	for _, v := range variants {
		picture, err := capture(ctx, v)
		if err != nil {
			return err
		}
		file := s.file(dir, v)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(file, picture, 0o600); err != nil {
			return err
		}
	}
	return nil
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// name is the path with words in the place of ids, and a number on all examples of a kind but the first.
func name(path, kind string, example int) string {
	if kind == "/apis/" {
		kind = path
	}
	name := strings.Trim(unfit.ReplaceAllString(strings.ReplaceAll(kind, "…", "id"), "-"), "-")
	if name == "" {
		name = "home"
	}
	if example > 1 {
		name += "." + strconv.Itoa(example)
	}
	return name
}

func (s shot) file(dir string, v variant) string {
	return filepath.Join(dir, s.role, s.name+"."+v.name+".png")
}

// capture takes a picture of the whole page, down to where it gets long.
func capture(ctx context.Context, v variant) ([]byte, error) {
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.width, Height: 900, DeviceScaleFactor: 1}); err != nil {
		return nil, err
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}, // no picture of a change of colours halfway
	}}); err != nil {
		return nil, err
	}
	height, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`Math.max(document.documentElement.scrollHeight, innerHeight)`))
	if err != nil {
		return nil, err
	}
	picture, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip: &page.Viewport{Width: float64(v.width), Height: min(height, tallest), Scale: 1}, CaptureBeyondViewport: new(true),
	})
	return picture.Data, err
}
