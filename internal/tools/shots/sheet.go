package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// sheets makes a contact sheet of each role: its pages side by side, small, with their paths.
func sheets(dir string, shots []shot) error {
	ctx, closePage, err := testenv.Visit(testenv.BrowserOptions{Limit: time.Hour})
	if err != nil {
		return err
	}
	defer closePage()
	var roles []string
	byRole := map[string][]shot{}
	for _, s := range shots {
		if byRole[s.role] == nil {
			roles = append(roles, s.role)
		}
		byRole[s.role] = append(byRole[s.role], s)
	}
	for _, role := range roles {
		file := filepath.Join(dir, role+".png")
		if err := sheet(ctx, dir, file, byRole[role]); err != nil {
			return fmt.Errorf("contact sheet of %s: %w", role, err)
		}
		fmt.Println(file)
	}
	return nil
}

const sheetWidth = 2000

// sheetStyle sets four pictures of a page beside each other, two pages a line.
const sheetStyle = `<!doctype html><meta charset="utf-8"><style>
body { margin: 16px; font: 14px/1.4 monospace; background: #888; width: 1968px; display: grid; grid-template-columns: 1fr 1fr; gap: 16px }
figure { margin: 0; background: #fff; padding: 8px } div { display: flex; gap: 8px; align-items: flex-start; height: 420px; overflow: hidden; margin-top: 6px }
img { border: 1px solid #ccc } .w { width: 340px } .n { width: 110px } </style>`

func sheet(ctx context.Context, dir, file string, shots []shot) error {
	var text strings.Builder
	text.WriteString(sheetStyle)
	for _, s := range shots {
		fmt.Fprintf(&text, "<figure>%s<div>", html.EscapeString(s.path))
		for _, v := range variants {
			picture, err := os.ReadFile(s.file(dir, v))
			if err != nil {
				return err
			}
			class := "w"
			if v.width < 600 {
				class = "n"
			}
			fmt.Fprintf(&text, `<img class=%s src="data:image/png;base64,%s">`, class, base64.StdEncoding.EncodeToString(picture))
		}
		text.WriteString("</div></figure>")
	}
	source := filepath.Join(dir, "sheet.html")
	if err := os.WriteFile(source, []byte(text.String()), 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(source) }()
	picture, err := photograph(ctx, source)
	if err != nil {
		return err
	}
	return os.WriteFile(file, picture, 0o600)
}

func photograph(ctx context.Context, source string) ([]byte, error) {
	if err := chromedp.Do(ctx, chromedp.Navigate("file://"+source)); err != nil {
		return nil, err
	}
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: sheetWidth, Height: 1000, DeviceScaleFactor: 1}); err != nil {
		return nil, err
	}
	height, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.documentElement.scrollHeight`))
	if err != nil {
		return nil, err
	}
	picture, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip: &page.Viewport{Width: sheetWidth, Height: height, Scale: 1}, CaptureBeyondViewport: new(true),
	})
	return picture.Data, err
}
