package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// url email height scheme (path out)...
func main() {
	site, email, scheme := os.Args[1], os.Args[2], os.Args[4]
	h, _ := strconv.Atoi(os.Args[3])
	v, err := rig.NewVisitor(site)
	must(err)
	if email != "" {
		must(v.SignIn(email, "harbour lights at seven"))
	}
	ctx, done, err := testenv.Visit(testenv.BrowserOptions{ReducedMotion: true, Limit: time.Hour, Dark: scheme == "dark"})
	must(err)
	defer done()
	for name, value := range v.Cookies() {
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: site, HTTPOnly: new(true)})
		must(err)
	}
	for i := 5; i+1 < len(os.Args); i += 2 {
		must(chromedp.Do(ctx, chromedp.Navigate(site+os.Args[i])))
		height := float64(h)
		if h == 0 {
			height, err = chromedp.Run(ctx, chromedp.Evaluate[float64](`Math.max(document.documentElement.scrollHeight, innerHeight)`))
			must(err)
			height = min(height, 2600)
		}
		_, _ = chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1280, Height: int64(height), DeviceScaleFactor: 1})
		picture, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Clip: &page.Viewport{Width: 1280, Height: height, Scale: 1}, CaptureBeyondViewport: new(true)})
		must(err)
		must(os.WriteFile(os.Args[i+1], picture.Data, 0o600))
		fmt.Println(os.Args[i+1], len(picture.Data))
	}
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
