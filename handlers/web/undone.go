package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// asked marks the address of a page to which somebody comes back because an act was asked for there, and was not done: it was to be confirmed first that it is them (A14).
// It rides in the address, so that it comes through all the ways of confirming.
const asked = "asked"

// justNow is how long after the proof the page tells it: the mark stays in the address, and a link that somebody else made with it tells nothing.
const justNow = time.Minute

// undone is where to come back to after the proof: to the page itself, or from an act, which is not done by that, to the page where it was asked for.
func undone(c echo.Context) string {
	back := returnPath(c)
	if m := c.Request().Method; m == http.MethodGet || m == http.MethodHead {
		return back
	}
	u, err := url.Parse(back)
	if err != nil {
		return back
	}
	q := u.Query()
	q.Set(asked, "1")
	u.RawQuery = q.Encode()
	return SafeNext(u.String(), back)
}

// tellUndone says on the page to which somebody comes back that what they asked for was not done; nil anywhere else.
func (k *Kit) tellUndone(c echo.Context) *layout.Flash {
	if c.QueryParam(asked) == "" || !Actor(c).SignedIn() {
		return nil
	}
	s, now := Session(c), k.Now()
	proven := s.ReauthenticatedAt
	if s.FactorAt != nil && s.FactorAt.After(proven) {
		proven = *s.FactorAt
	}
	if now.Sub(proven) > justNow || !s.FactorFresh(now) {
		return nil
	}
	return &layout.Flash{Tone: "warn", Text: T(c, text.N("You confirmed that it is you. What you asked for is not done yet: ask for it again."))}
}
