package refusal

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/usage"
)

// show opens the refusal of a request.
func (h *Handler) show(root string) echo.HandlerFunc {
	return func(c echo.Context) error {
		view := refusal.View{Actor: web.Actor(c), Everything: root == admin}
		r, err := h.Refusals.Open(web.Ctx(c), view, c.Param("request"))
		if fault.Is(err, fault.NotFound) && refusal.IsRequestID(c.Param("request")) {
			return h.missing(c, root, c.Param("request"))
		}
		if err != nil {
			return err
		}
		behind, err := h.Refusals.BehindOf(web.Ctx(c), view, &r)
		if err != nil {
			return err
		}
		p := views.RefusalPage{
			Frame: h.Frame(c, r.RequestID), Request: r.RequestID, Code: r.Code, Words: codeWords(web.Ctx(c), r.Code), Passed: passedOver(&r),
			Crumbs: []components.Crumb{{Label: web.T(c, "Refusals"), Href: root + "/refusals"}, {Label: r.RequestID, Own: true}},
			Facts:  h.facts(c, &r, root), Verdict: Told(web.Ctx(c), &r, root, behind),
		}
		if r.Own && !r.KeyID.IsZero() && !r.APIID.IsZero() {
			p.Ask = askHref(root, &r)
		}
		return h.Render(c, views.Refusal(p))
	}
}

// askHref is the form with the call filled in. Of an address only a whole one is.
func askHref(root string, r *refusal.Refusal) string {
	q := url.Values{"key": {r.KeyID.Show(key.IDPrefix)}, "api": {r.APIID.Show(catalog.Prefix)}}
	for name, value := range map[string]string{"method": r.Method, "path": r.Path, "origin": r.Origin} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if r.Why() == keyring.ScopeMissing {
		q.Set("scopes", strings.Join(r.Seen.Needed, " "))
	}
	if r.Code == keyring.ForbiddenIP.String() && r.Address != "" {
		q.Set("address", r.Address)
	}
	return root + "/refusals/ask?" + q.Encode()
}

func (h *Handler) facts(c echo.Context, r *refusal.Refusal, root string) []components.Fact {
	facts := []components.Fact{
		{Term: web.T(c, "Time"), Body: components.Time(components.MomentAt(web.Ctx(c), h.Now(), r.At))},
		{Term: web.T(c, "Asked by"), Value: doorWords(c, r.Door)},
		{Term: web.T(c, "Answered"), Value: text.Number(web.Ctx(c), r.Status)},
	}
	code := func(term, value string) {
		if value != "" {
			facts = append(facts, components.Fact{Term: term, Body: views.Data(value, "", true)})
		}
	}
	name := func(term, value, href string) {
		if !r.Own {
			href = ""
		}
		if value != "" {
			facts = append(facts, components.Fact{Term: term, Body: views.Data(value, href, false)})
		}
	}
	code(web.T(c, "Call"), call(r))
	name(web.T(c, "API"), r.APIName, "")
	name(web.T(c, "Key"), r.KeyName, root+"/keys/"+r.KeyID.Show(key.IDPrefix))
	code(web.T(c, "Hint"), r.KeyHint)
	name(web.T(c, "App"), r.AppName, root+"/apps/"+r.AppID.Show(org.AppPrefix))
	name(web.T(c, "Organization"), r.OrgName, root+"/organizations/"+r.OrganizationID.Show(org.Prefix))
	if r.Environment == "live" || r.Environment == "test" {
		facts = append(facts, components.Fact{Term: web.T(c, "Environment"), Value: web.EnvironmentWord(c, r.Environment)})
	}
	code(web.T(c, "Address"), r.Address)
	code(web.T(c, "Origin"), r.Origin)
	return facts
}

var doors = map[refusal.Door]string{
	refusal.Authz: text.N("a gateway, about the call that it held back"), refusal.Verify: text.N("a service, about the key of its caller"),
	refusal.Whoami: text.N("the holder of the key"), refusal.Portal: text.N("a program, calling the portal’s own API"),
}

func doorWords(c echo.Context, d refusal.Door) string {
	if words, ok := doors[d]; ok {
		return web.T(c, words)
	}
	return ""
}

// ToldInConsole is Told with links for those whose call it was.
func ToldInConsole(ctx context.Context, r *refusal.Refusal, behind refusal.Behind) views.Verdict {
	return Told(ctx, r, console, behind)
}

// Told tells why a call was refused, and what would make it pass, with links below root. What is behind it is of BehindOf.
func Told(ctx context.Context, r *refusal.Refusal, root string, behind refusal.Behind) views.Verdict {
	v := views.Verdict{Title: text.T(ctx, "Refused: %s", codeWords(ctx, r.Code))}
	if passedOver(r) {
		v.Title, v.LetThrough = text.T(ctx, "Would have been refused: %s", codeWords(ctx, r.Code)), true
	}
	code, judged := r.Judged()
	if !judged {
		v.Said, v.Remedies = r.Detail, []views.Remedy{errorsGuide(ctx, r.Code)}
		if r.Code == keyring.MissingKey.String() {
			v.Remedies = append([]views.Remedy{{Text: text.T(ctx, "Send a key, as Authorization: Bearer or as X-API-Key.")}}, v.Remedies...)
		}
		if !r.KeyID.IsZero() && r.Own {
			v.Remedies = append(v.Remedies, views.Remedy{Text: text.T(ctx, "What was refused is the key by which was asked."), Label: text.T(ctx, "Open the key"), Href: root + "/keys/" + r.KeyID.Show(key.IDPrefix)})
		}
		return v
	}
	s := situation{
		cause: r.Why(), seen: r.Seen, at: r.At, address: r.Address, origin: r.Origin, root: root, own: r.Own, keyID: r.KeyID, appID: r.AppID, slug: r.APISlug, manage: r.MayManageKey,
		access: r.MayAskAccess, code: code, apiID: r.APIID, behind: behind,
	}
	v.Why, v.Behind, v.Remedies = s.why(ctx), s.whence(ctx), s.remedies(ctx)
	s.checks(ctx, keyring.Steps(code), &v)
	return v
}

// passedOver reports whether the call went on, since the API was in report-only mode.
func passedOver(r *refusal.Refusal) bool { return r.Status == 200 && r.Door == refusal.Authz }

// errorsGuide leads to where a code is told at length.
func errorsGuide(ctx context.Context, code string) views.Remedy {
	return views.Remedy{Text: text.T(ctx, "The guide to errors tells what this code means, and what to do."), Label: text.T(ctx, "Read about it"), Href: web.ErrorsPage + "#" + code}
}

// moment is a time of Seen.
func moment(ctx context.Context, ns int64) string { return text.DateTime(ctx, time.Unix(0, ns)) }

func appHref(root string, s *situation) string { return root + "/apps/" + s.appID.Show(org.AppPrefix) }
