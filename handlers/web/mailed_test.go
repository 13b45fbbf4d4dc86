package web_test

import (
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Where no mail server is set, whatever promises somebody a letter says who hands it out; where there is one, nothing of that is said.
func TestPromisesOfALetterSayWhoHandsItOut(t *testing.T) {
	for _, byHand := range []bool{true, false} {
		clock := dbtest.NewClock()
		site := webtest.New(t, dbtest.SQLite(t, clock), clock, func(k *web.Kit, r *web.Registrar) {
			k.MailByHand = byHand
			r.Get("/page", web.SignedIn(), func(c echo.Context) error {
				return k.Render(c, layout.ErrorPage(k.Frame(c, "Page"), layout.ErrorView{Text: k.Mailed(c, "It holds from their next request on. They are told by mail.")}))
			})
			r.Post("/act", web.SignedIn(), func(c echo.Context) error {
				return k.DoneMailed(c, "/page", "The invitation is on its way to %s.", "The invitation to %s is written.", "vera@example.com")
			})
		})
		ada := site.As(site.Person("ada@example.com", ""))

		ada.Post("/act", nil)
		told, later := ada.Get("/page").Body, ada.Get("/page").Body

		const hands = "ask an admin of it to hand the letter out."
		on, written := strings.Contains(told, "The invitation is on its way to vera@example.com."), strings.Contains(told, "The invitation to vera@example.com is written.")
		if on == byHand || written != byHand {
			t.Errorf("by hand %t: on its way %t, written %t", byHand, on, written)
		}
		want := map[bool][2]int{true: {2, 1}}[byHand]
		if got := [2]int{strings.Count(told, hands), strings.Count(later, hands)}; got != want {
			t.Errorf("by hand %t: told %d times, then %d", byHand, got[0], got[1])
		}
	}
}
