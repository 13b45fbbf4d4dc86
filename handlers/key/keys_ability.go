package key

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

func isProblem(err error) bool { return fault.Is(err, fault.Invalid) }

// request is what the form asks for.
func (f createForm) request(c echo.Context, appID db.ID) keys.CreateRequest {
	return keys.CreateRequest{
		Token: f.Token, AppID: appID, Environment: f.Environment, Name: f.Name, Pairs: f.pairs(), Expiry: f.expiry(text.Of(web.Ctx(c)).Zone), Bounds: f.model(),
	}
}

// abilityOf says what the key of a form would be able to do; with problems, also what stands in the way of making it.
func (h *Handler) abilityOf(c echo.Context, appID db.ID, f createForm, problems bool) (views.Ability, error) {
	if f.Environment == "" {
		f.Environment = "live"
	}
	a, err := h.Keys.Preview(web.Ctx(c), web.Actor(c), f.request(c, appID))
	if err != nil && !isProblem(err) {
		return views.Ability{}, err
	}
	out := h.ability(c, a)
	out.Brief = web.T(c, "%d scopes ticked.", len(f.Grants))
	if problems {
		list, _, _ := web.Problems(c, err)
		for _, p := range list {
			if p.Field != "grants" || len(f.Grants) > 0 { // who has not begun is not scolded
				out.Problems = append(out.Problems, p.Message)
			}
			if p.Field == "grants" && len(f.Grants) > 0 {
				out.Clash = p.Message
			}
		}
	}
	return out, nil
}

// ability puts into sentences what a key can do.
func (h *Handler) ability(c echo.Context, a keys.Ability) views.Ability {
	out := views.Ability{Title: web.T(c, "What this key will be able to do")}
	for _, s := range a.Scopes {
		words := web.T(c, "At %s it may:", s.APIName)
		if n := len(out.APIs); n == 0 || out.APIs[n-1].Words != words {
			out.APIs = append(out.APIs, views.AbilityAPI{Words: words})
		}
		last := &out.APIs[len(out.APIs)-1]
		last.Scopes = append(last.Scopes, components.ScopeChoice{Scope: s.Scope, Sentence: s.Sentence})
	}
	if len(a.Scopes) == 0 {
		out.Lines = append(out.Lines, web.T(c, "So far it can only ask who it is, at /v1/whoami: no scope is ticked."))
	}
	out.Lines = append(out.Lines, lifeLine(c, a), networksLine(c, a.Bounds.Networks), originsLine(c, a.Bounds.Origins))
	for _, l := range a.Limits {
		out.Lines = append(out.Lines, web.T(c, "All keys of the app together, at %[1]s: %[2]s", l.APIName, web.Limits(c, l.RateRequests, l.RatePeriodSeconds, l.Burst, l.QuotaMonth, l.QuotaDay)))
	}
	if !a.Bounds.Rate.None() {
		out.Lines = append(out.Lines, web.T(c, "This key alone: at most %s.", rateWords(c, a.Bounds.Rate)))
	}
	refusedCall(c, &out, a.Refused)
	return out
}

func lifeLine(c echo.Context, a keys.Ability) string {
	live := a.Environment != "test"
	switch {
	case a.ExpiresAt == nil && live:
		return web.T(c, "It works in the live environment only, without end.")
	case a.ExpiresAt == nil:
		return web.T(c, "It works in the test environment only, without end.")
	case live:
		return web.T(c, "It works in the live environment only, until %s.", text.DateTime(web.Ctx(c), *a.ExpiresAt))
	}
	return web.T(c, "It works in the test environment only, until %s.", text.DateTime(web.Ctx(c), *a.ExpiresAt))
}

// saidAtOnce is how many networks or origins a sentence names.
const saidAtOnce = 6

func named(c echo.Context, all []string) string {
	if len(all) > saidAtOnce {
		return web.T(c, "%[1]s and %[2]d more", strings.Join(all[:saidAtOnce], ", "), len(all)-saidAtOnce)
	}
	return strings.Join(all, ", ")
}

func networksLine(c echo.Context, networks []netip.Prefix) string {
	if len(networks) == 0 {
		return web.T(c, "It works from any network.")
	}
	var all []string
	for _, n := range networks {
		all = append(all, n.String())
	}
	return web.T(c, "It works from these networks only: %s. A call for which no address is told is refused.", named(c, all))
}

func originsLine(c echo.Context, origins []string) string {
	if len(origins) == 0 {
		return web.T(c, "It does not matter which web page it is used on, if any.")
	}
	return web.T(c, "It works for pages of these origins only: %s. A call without an origin is refused. This stops other people’s pages, not programs, which can send any origin.", named(c, origins))
}

func rateWords(c echo.Context, r keys.Rate) string {
	n := text.Number(web.Ctx(c), r.Requests)
	switch r.Period {
	case 1:
		return web.T(c, "%s calls a second", n)
	case 60:
		return web.T(c, "%s calls a minute", n)
	case 3600:
		return web.T(c, "%s calls an hour", n)
	}
	return web.T(c, "%s calls a day", n)
}

// refusedCall puts into words the one call that is refused.
func refusedCall(c echo.Context, out *views.Ability, r *keys.Refusal) {
	if r == nil {
		return
	}
	out.Refused, out.Code = web.T(c, "Refused, for example:"), r.Code.String()
	switch {
	case r.Address != "":
		out.Because = web.T(c, "any call from %s, which is in none of its networks.", r.Address)
	case r.Environment == "test":
		out.Because = web.T(c, "any call in the test environment.")
	case r.Environment == "live":
		out.Because = web.T(c, "any call in the live environment.")
	case r.Method != "":
		out.Call = r.Method + " " + r.Path
		out.Because = web.T(c, "at %[1]s, because it needs %[2]s.", r.APIName, r.Scope)
	default:
		out.Because = web.T(c, "any call at %[1]s that needs %[2]s.", r.APIName, r.Scope)
	}
	if r.Code == keyring.WrongAPI || r.Code == keyring.NotFound {
		out.Because = web.T(c, "at %[1]s, of which it holds no scope.", r.APIName)
		if r.Method == "" {
			out.Because = web.T(c, "any call at %[1]s, of which it holds no scope.", r.APIName)
		}
	}
}

// boundsFacts say on a key's page what it is bound to.
func boundsFacts(c echo.Context, b keys.Bounds) []components.Fact {
	var networks []string
	for _, n := range b.Networks {
		networks = append(networks, n.String())
	}
	whatever := web.T(c, "Any")
	list := func(all []string) components.Fact {
		if len(all) == 0 {
			return components.Fact{Value: whatever}
		}
		return components.Fact{Body: typed(strings.Join(all, ", "))}
	}
	facts := []components.Fact{list(networks), list(b.Origins), {Value: web.T(c, "None: only its plans’ limits hold")}, {Value: "–"}}
	if !b.Rate.None() {
		facts[2].Value = web.T(c, "At most %s", rateWords(c, b.Rate))
	}
	if b.Metadata != "" {
		facts[3] = components.Fact{Body: views.Metadata(b.Form().Metadata)}
	}
	for i, term := range []string{web.T(c, "Allowed networks"), web.T(c, "Allowed origins"), web.T(c, "Its own rate"), web.T(c, "Metadata")} {
		facts[i].Term = term
	}
	return slices.Clip(facts)
}
