package refusal

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/usage"
)

// question is the form as it came: all of it stands in the address, so it holds no secret, and what holds one is not shown again (K1).
type question struct {
	root                                                   string
	key, api                                               db.ID
	environment, method, path, scopes, address, origin, at string

	unreadable bool // no key is judged by such a path: the edge refuses it first
}

// methods are offered; others are not judged by routes.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// allowed asks whether a call would be allowed, and answers by the function that verification decides by.
func (h *Handler) allowed(root string) echo.HandlerFunc {
	return func(c echo.Context) error {
		q := question{root: root, key: web.QueryID(c, "key", key.IDPrefix), api: web.QueryID(c, "api", catalog.Prefix)}
		for name, to := range map[string]*string{
			"environment": &q.environment, "method": &q.method, "path": &q.path, "scopes": &q.scopes, "address": &q.address, "origin": &q.origin, "at": &q.at,
		} {
			*to = strings.TrimSpace(c.QueryParam(name))
		}
		p := views.AllowedPage{
			Frame: h.Frame(c, web.T(c, "Would this be allowed?")), Action: root + "/refusals/ask",
			Crumbs: []components.Crumb{{Label: web.T(c, "Refusals"), Href: root + "/refusals"}, {Label: web.T(c, "Would this be allowed?")}},
		}
		ask, failed := q.read(c, h.Now())
		if err := h.Unkeyed(c, failed, &q.method, &q.path, &q.scopes, &q.address, &q.origin, &q.at); err != nil {
			failed = err
		}
		keys, err := h.keysFor(c, &q)
		if err != nil {
			return err
		}
		if root == console && len(keys) == 0 {
			p.None = &components.EmptyState{
				Title: web.T(c, "No keys yet"), Text: web.T(c, "As soon as you have a key, you can ask here what it may do."),
				Action: &components.Act{Label: web.T(c, "Go to keys"), Href: root + "/keys", Kind: components.Primary},
			}
			return h.Render(c, views.Allowed(p))
		}
		apis, err := h.apisFor(c, root)
		if err != nil {
			return err
		}
		asked := !q.key.IsZero() && !q.api.IsZero()
		if asked && failed == nil {
			if err := h.answer(c, &p, q, ask, &apis); err != nil {
				return err
			}
		}
		list, wrong, ok := web.Problems(c, failed)
		if failed != nil && !ok {
			return failed
		}
		p.Problems, p.Fields = list, q.fields(c, keys, apis, wrong)
		if failed != nil {
			return h.RenderProblems(c, views.Allowed(p))
		}
		return h.Render(c, views.Allowed(p))
	}
}

// answer asks, and fills the verdict in. An API that the reader may not see is one that is not there.
func (h *Handler) answer(c echo.Context, p *views.AllowedPage, q question, ask refusal.Question, apis *[]components.Option) error {
	ask.Key, ask.API, ask.Everything = q.key, q.api, q.root == admin
	var known key.Detail
	var err error
	if ask.Everything {
		known, err = h.Keys.GetAny(web.Ctx(c), web.Actor(c), q.key)
	} else {
		known, err = h.Keys.Get(web.Ctx(c), web.Actor(c), q.key)
	}
	if err != nil {
		return err
	}
	id := q.api.Show(catalog.Prefix)
	for _, g := range known.Grants {
		if g.APIID == q.api && !slices.ContainsFunc(*apis, func(o components.Option) bool { return o.Value == id }) {
			*apis = append(*apis, components.Option{Value: id, Label: g.APIName, Data: true})
		}
	}
	if !slices.ContainsFunc(*apis, func(o components.Option) bool { return o.Value == id }) {
		return fault.Missing()
	}
	p.Name, p.Hint = known.Name, known.Hint()
	if q.unreadable {
		p.Verdict = unreadable(web.Ctx(c))
		return nil
	}
	a, err := h.Refusals.Ask(web.Ctx(c), web.Actor(c), ask)
	if err != nil {
		return err
	}
	v := Answered(web.Ctx(c), ask, a)
	p.Verdict = &v
	return nil
}

// unreadable is what becomes of a call whose path can be read in two ways.
func unreadable(ctx context.Context) *views.Verdict {
	code := keyring.BadRequest.String()
	return &views.Verdict{
		Title: text.T(ctx, "It would be refused: %s", codeWords(ctx, code)),
		Why:   text.T(ctx, "The path can be read in two ways, so no key is judged at all: the answer is 403 BAD_REQUEST."),
		Remedies: []views.Remedy{
			{Text: text.T(ctx, "Send the path in its plain form: without doubled slashes, segments of dots, and slashes that are escaped.")}, errorsGuide(ctx, code),
		},
	}
}

// Answered tells the answer to a question, with links below /console, or /admin where the question was about any key.
func Answered(ctx context.Context, ask refusal.Question, a refusal.Answer) views.Verdict {
	s := situation{
		code: a.Code, cause: a.Cause, seen: a.Seen, at: ask.At, origin: ask.Origin, root: console, own: true, keyID: ask.Key, appID: a.Key.AppID, apiID: ask.API, slug: a.APISlug,
		manage: a.Key.MayManage, access: true, behind: a.Behind,
	}
	if ask.Address.IsValid() {
		s.address = ask.Address.String()
	}
	if ask.Everything {
		s.root = admin
	}
	v := views.Verdict{Allowed: a.Allowed(), Title: text.T(ctx, "It would be allowed"), Why: text.T(ctx, "Every check passes.")}
	s.checks(ctx, a.Steps, &v)
	switch {
	case v.Allowed && a.NoRoute:
		v.Allowed, v.LetThrough, v.Title = false, true, text.T(ctx, "It depends on the route")
		v.Why = text.T(ctx, "The key works at this API, and which calls pass depends on their routes: it has rules for them. A gateway that names neither route nor scope is refused with 403 BAD_REQUEST.")
		v.Remedies = []views.Remedy{{Text: text.T(ctx, "Choose method and path of the call, or name the scope that is asked for.")}}
		return v
	case v.Allowed && ask.Method == "":
		v.Why = text.T(ctx, "Every check passes. No route was named: this says that the key works at the API, not that any call passes.")
	}
	if !v.Allowed {
		v.Title, v.Why = text.T(ctx, "It would be refused: %s", codeWords(ctx, a.Code.String())), s.why(ctx)
		v.Behind, v.Remedies = s.whence(ctx), s.remedies(ctx)
	}
	return v
}

// read makes a question of the fields. Fault: Invalid.
func (q *question) read(c echo.Context, now time.Time) (refusal.Question, error) {
	ask := refusal.Question{Method: q.method, Origin: q.origin, At: now}
	var p fault.Problems
	if q.environment != "" {
		ask.Environment, _ = keyring.ParseEnvironment(q.environment)
	}
	if (q.method == "") != (q.path == "") {
		p.Add("path", text.N("Method and path go together: fill in both, or neither."))
	}
	if q.path != "" {
		var err error
		if !strings.HasPrefix(q.path, "/") || strings.ContainsAny(q.path, "?#") {
			p.Add("path", text.N("A path begins with a slash. Leave out the host, and what follows a question mark."))
		} else if ask.Path, err = keyring.Canonical(q.path); err != nil {
			q.unreadable = true
		}
	}
	ask.Scopes = strings.Fields(q.scopes)
	p.Check(len(ask.Scopes) <= mostScopes && len(q.scopes) <= mostScopes*longestScope, "scopes", text.N("These are too many scopes for one question."))
	if q.address != "" {
		ip, err := netip.ParseAddr(q.address)
		if err != nil {
			p.Add("address", text.N("This is no IP address."))
		}
		ask.Address = ip.Unmap().WithZone("")
	}
	if q.at != "" {
		at, err := time.ParseInLocation("2006-01-02T15:04", q.at, text.Of(web.Ctx(c)).Zone)
		if err != nil {
			p.Add("at", text.N("This is no time."))
		}
		ask.At = at
	}
	return ask, p.Err()
}

// What one question may ask for.
const (
	mostScopes   = 64
	longestScope = 100
)

// mostKeys bounds the choice of keys; others are reached from their own pages.
const mostKeys = 100

func (h *Handler) keysFor(c echo.Context, q *question) ([]components.Option, error) {
	var rows []key.Row
	if q.root == console {
		page, err := h.Keys.List(web.Ctx(c), web.Actor(c), key.Filter{}, db.PageRequest{Size: mostKeys, Sort: "name"})
		if err != nil {
			return nil, err
		}
		rows = page.Rows
	}
	if !q.key.IsZero() && !slices.ContainsFunc(rows, func(r key.Row) bool { return r.ID == q.key }) {
		get := h.Keys.Get
		if q.root == admin {
			get = h.Keys.GetAny
		}
		one, err := get(web.Ctx(c), web.Actor(c), q.key)
		if err != nil {
			return nil, err
		}
		rows = append(rows, one.Row)
	}
	options := make([]components.Option, 0, len(rows))
	for _, r := range rows {
		options = append(options, components.Option{Value: r.ID.Show(key.IDPrefix), Label: r.Name + " " + r.Hint(), Group: r.AppName, Data: true, Selected: r.ID == q.key})
	}
	slices.SortStableFunc(options, func(a, b components.Option) int { return strings.Compare(a.Group, b.Group) })
	return options, nil
}

func (h *Handler) apisFor(c echo.Context, root string) ([]components.Option, error) {
	visible := h.Catalog.Visible
	if root == admin {
		visible = h.Catalog.All
	}
	apis, err := visible(web.Ctx(c), web.Actor(c), "")
	options := make([]components.Option, 0, len(apis))
	for _, a := range apis {
		options = append(options, components.Option{Value: a.ID.Show(catalog.Prefix), Label: a.Name, Data: true})
	}
	return options, err
}

func (q *question) fields(c echo.Context, keys, apis []components.Option, wrong map[string]string) []components.Field {
	choose := func(all []components.Option, value string) []components.Option {
		for i := range all {
			all[i].Selected = all[i].Value == value
		}
		return all
	}
	verbs := []components.Option{{Label: web.T(c, "No route")}}
	if q.method != "" && !slices.Contains(methods, q.method) {
		verbs = append(verbs, components.Option{Value: q.method, Label: q.method, Data: true})
	}
	for _, m := range methods {
		verbs = append(verbs, components.Option{Value: m, Label: m, Data: true})
	}
	environments := []components.Option{{Label: web.T(c, "That of the key")}, {Value: "live", Label: web.EnvironmentWord(c, "live")}, {Value: "test", Label: web.EnvironmentWord(c, "test")}}
	which := components.Field{Name: "key", Label: web.T(c, "Key"), Value: q.key.Show(key.IDPrefix), Options: keys, Hint: web.T(c, "Of another key, ask from its own page."), Error: wrong["key"]}
	if len(keys) == 0 {
		which.Placeholder, which.Hint, which.Code = "key_…", web.T(c, "Its ID, as its page shows it."), true
	}
	return []components.Field{
		which,
		{Name: "api", Label: web.T(c, "API"), Options: choose(apis, q.api.Show(catalog.Prefix))},
		{Name: "method", Label: web.T(c, "Method"), Options: choose(verbs, q.method), Error: wrong["method"]},
		{Name: "path", Label: web.T(c, "Path"), Value: q.path, Error: wrong["path"], Code: true, Optional: true, Autocomplete: "off", Hint: web.T(c, "Without host and query, such as /v2/orders.")},
		{Name: "scopes", Label: web.T(c, "Scopes"), Value: q.scopes, Error: wrong["scopes"], Code: true, Optional: true, Autocomplete: "off", Hint: web.T(c, "Those that whoever asks names besides: a gateway with scope=, a service with scopes. With spaces between them.")},
		{Name: "environment", Label: web.T(c, "Environment"), Options: choose(environments, q.environment), Hint: web.T(c, "Which one the gateway asks for.")},
		{Name: "address", Label: web.T(c, "Address of the caller"), Value: q.address, Error: wrong["address"], Code: true, Optional: true, Autocomplete: "off"},
		{Name: "origin", Label: web.T(c, "Origin of the page"), Value: q.origin, Error: wrong["origin"], Code: true, Optional: true, Autocomplete: "off"},
		{Name: "at", Label: web.T(c, "Time"), Type: "datetime-local", Value: q.at, Error: wrong["at"], Optional: true, Hint: web.T(c, "Now, when left empty. The key is judged as it stands now, also for another time.")},
	}
}
