package account_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/static"
)

func TestSignUpTellsTheZoneOfTheBrowser(t *testing.T) {
	w := serve(t, "", true, func(r *web.Registrar) { r.Get(static.Prefix+"*", web.Public(), echo.WrapHandler(static.Handler())) })
	ctx, _ := testenv.Browser(t, testenv.BrowserOptions{Limit: time.Minute, TimeZone: "Asia/Tokyo"})

	err := chromedp.Do(ctx, chromedp.Navigate(w.URL+"/signup"),
		chromedp.SendKeys(chromedp.CSS("[name=name]"), "Ada Lovelace"), chromedp.SendKeys(chromedp.CSS("[name=email]"), "ada@example.com"),
		chromedp.SendKeys(chromedp.CSS("[name=password]"), good), chromedp.Click(chromedp.CSS("main form button")), chromedp.WaitVisible(chromedp.CSS("[name=code]")))
	if err != nil {
		t.Fatal(err, testenv.Complaints(ctx))
	}
	var zone string
	w.must(w.DB.Read(t.Context()).Raw("SELECT time_zone FROM signups").Row().Scan(&zone))
	if zone != "Asia/Tokyo" {
		t.Error(zone)
	}
}
