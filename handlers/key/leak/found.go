package leak

import (
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	leaks "github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

type foundForm struct {
	Keys  string `form:"keys"`
	Place string `form:"place"`
}

// Found is the page on which anybody hands in keys.
func (h *Handler) Found(c echo.Context) error {
	return h.foundPage(c, http.StatusOK, "", nil)
}

// foundPage never shows what was entered as keys; where they were found it shows again, without a key that stands in it (K1).
func (h *Handler) foundPage(c echo.Context, status int, place string, failed error) error {
	problems, wrong, _ := web.Problems(c, failed)
	policy, err := h.Leaks.Policy(web.Ctx(c))
	if err != nil {
		return err
	}
	p := views.FoundPage{
		Stops: policy.Stops(),
		Frame: h.Frame(c, web.T(c, "Hand in a key that you found")), Problems: problems, Taken: c.QueryParam("taken") != "" && failed == nil,
		Keys: components.Field{
			Name: "keys", Label: web.T(c, "Keys"), Hint: web.T(c, "One or many, also within any text around them: at most %d at once.", leaks.MaxKeys), Error: wrong["keys"],
			Rows: 8, Code: true, Autocomplete: "off", Required: true,
		},
		Place: components.Field{
			Name: "place", Label: web.T(c, "Where did you find them?"), Hint: web.T(c, "The owner reads it."), Value: apikey.Mask(place), Error: wrong["place"], Optional: true,
			MaxLength: leaks.MaxPlace, Autocomplete: "off",
		},
		Brand: h.Brand, Rules: rulesPath, Hook: hookPath,
		API: components.CodeBlock{Title: "curl", Text: `curl ` + h.Link(apiPath) + ` -H "Content-Type: application/json" \` + "\n" + `  -d '{"keys": ["` + h.Brand + `_live_…"], "place": "a public repository", "url": "https://…"}'`},
	}
	p.Frame.Description = web.T(c, "Hand in API keys that you found where they should not be. Their owners are told.")
	return h.RenderStatus(c, status, views.Found(p))
}

// HandIn takes what somebody pasted. The answer is the same whether a key in it is real, dead or invented.
func (h *Handler) HandIn(c echo.Context) error {
	var f foundForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	_, err := h.Leaks.HandIn(web.Ctx(c), web.Actor(c), leaks.Handed{Source: leaks.Page, Texts: []string{f.Keys}, Place: f.Place})
	if fault.Is(err, fault.Invalid) {
		return h.foundPage(c, http.StatusUnprocessableEntity, f.Place, err)
	}
	if err != nil {
		return err
	}
	return h.See(c, foundPath+"?taken=1")
}

// program is who calls without a cookie: nobody that we know, from an address.
func program(c echo.Context) actor.Actor {
	a := actor.Actor{Kind: actor.Anonymous, RequestID: web.RequestID(c)}
	a.Address, _ = netip.ParseAddr(c.RealIP()) // the zero address when it is none
	return a
}
