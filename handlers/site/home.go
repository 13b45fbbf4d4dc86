package site

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/site"
)

const homeAPIs = 6

// Home says what this portal offers.
func (h *Handler) Home(c echo.Context) error {
	apis, err := h.Catalog.Visible(web.Ctx(c), web.Actor(c), "")
	if err != nil {
		return err
	}
	page := site.HomePage{Frame: h.Frame(c, ""), SignedIn: web.Actor(c).SignedIn(), CanJoin: h.Signup != config.SignupClosed && web.Portal(c).SetUpAt != nil, NotSetUp: web.Portal(c).SetUpAt == nil, Title: web.T(c, "Build on the APIs of %s", web.Portal(c).Name), Call: h.firstCall(c)}
	page.Frame.Wide, page.Frame.Canonical = true, h.Link("/")
	page.Frame.Description = web.T(c, "Make an account, get a key, and send your first request in about two minutes.")
	for _, a := range apis[:min(len(apis), homeAPIs)] {
		if a.IsPortal {
			continue
		}
		page.APIs = append(page.APIs, site.APILine{Href: "/apis/" + a.Slug, Name: a.Name, Summary: a.Summary, Version: a.LiveVersion, Facts: web.T(c, "%d scopes", a.ScopeCount)})
	}
	if h.Desk != nil {
		median, _, err := h.Desk.MonthFirstReply(web.Ctx(c))
		if err == nil {
			page.FirstReply = web.T(c, "Median first reply this month: %s, counted in opening hours.", web.OpenSpan(c, median))
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return h.Render(c, site.Home(page))
}

// firstCall is the call that works with any key of any installation.
func (h *Handler) firstCall(c echo.Context) components.CodeBlock {
	call := "curl " + h.Link("/v1/whoami") + " \\\n" + `  -H "Authorization: Bearer $GATEHOUSE_KEY"`
	return components.CodeBlock{Title: web.T(c, "Your first call"), Note: "curl", Text: call + firstAnswer, CopyText: call}
}

// firstAnswer is what the first tutorial's key gets, without the ids.
const firstAnswer = `

{
  "key": {
    "name": "My laptop",
    "environment": "live",
    "scopes": []
  },
  "app": {"name": "Order tracker"}
}`

// publicAPIs are those that a visitor sees.
func (h *Handler) publicAPIs(c echo.Context) ([]catalog.Listed, error) {
	return h.Catalog.Visible(web.Ctx(c), actor.Actor{}, "")
}
