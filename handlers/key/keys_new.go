package key

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

const newPath = "/console/keys/new"

// createForm is what the form sends, and what the query of its page may fill in.
type createForm struct {
	Token       string   `form:"form_token"`
	App         string   `form:"app"`
	Name        string   `form:"name"`
	Environment string   `form:"environment"`
	Grants      []string `form:"grants"` // slug/scope
	Expires     string   `form:"expires"`
	ExpiresOn   string   `form:"expires_on"`
	BoundInput
	DeliveryInput
	Show   string `form:"show"`   // find, page, or part: shows the page or what the key can do, and makes no key
	Preset string `form:"preset"` // as Show, with a preset of scopes taken
	Search string `form:"scope_q"`
	Found  string `form:"scope_found"` // the search that the page shows
	Make   string `form:"make"`        // of the button that makes the key, which Enter in a field does not press
}

// shows reports whether the form only asks what the page would show. Who typed a search and pressed Enter wants to see what it finds, and no key yet.
func (f createForm) shows() bool {
	return f.Show != "" || f.Preset != "" || f.Search != f.Found && f.Make == ""
}

// Values of the Expires field beside a number of days. A day that is filled in goes before any of them; onDate insists on one.
const (
	onDate = "date"
	never  = "never"
)

func (f createForm) pairs() []keys.Pair {
	var out []keys.Pair
	for _, g := range f.Grants {
		api, scope, _ := strings.Cut(g, "/")
		out = append(out, keys.Pair{API: api, Scope: scope})
	}
	return out
}

func (f createForm) expiry(zone *time.Location) keys.Expiry {
	return expiryOf(f.Expires, f.ExpiresOn, zone)
}

// expiryOf reads the choice of an end. What is no choice of ours is refused by the policy like a number out of range.
func expiryOf(choice, day string, zone *time.Location) keys.Expiry {
	switch {
	case day != "":
		return keys.Expiry{Date: day, Zone: zone}
	case choice == onDate:
		return keys.Expiry{Date: "?", Zone: zone} // no day is a wrong day
	case choice == "":
		return keys.Expiry{Zone: zone}
	case choice == never:
		return keys.Expiry{Never: true, Zone: zone}
	}
	days, err := strconv.Atoi(choice)
	if err != nil || days == 0 {
		days = -1
	}
	return keys.Expiry{Days: days, Zone: zone}
}

// NewForm is the page on which a key is made.
func (h *Handler) NewForm(c echo.Context) error {
	q := c.QueryParams()
	return h.newPage(c, http.StatusOK, createForm{
		App: q.Get("app"), Name: q.Get("name"), Environment: q.Get("environment"),
		Grants: q["grants"], Expires: q.Get("expires"), ExpiresOn: q.Get("expires_on"), BoundInput: boundsIn(q), DeliveryInput: DeliveryInput{q.Get("delivery"), q.Get("link_life")},
	}, nil)
}

// Create makes the key and shows it in the answer itself, once; a repeat of the form is led to the key's page.
func (h *Handler) Create(c echo.Context) error {
	var f createForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	appID, err := db.ParseID("app", f.App)
	if err != nil {
		return fault.Missing()
	}
	if f.shows() {
		return h.showForm(c, appID, f)
	}
	if stale, err := h.needsPassword(c, appID, f); err != nil || stale {
		return err
	}
	r := f.request(c, appID)
	link, deliver := h.Deliver(f.DeliveryInput)
	r.Deliver = deliver
	made, err := h.Keys.Create(web.Ctx(c), web.Actor(c), r)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return h.newPage(c, web.Status(err), f, err)
	}
	if err != nil {
		return err
	}
	return h.ShowMade(c, made, link, "")
}

// needsPassword leads to the page that asks for the password again, and for the second factor of who has one, when the key is to work live or to hold scopes of
// the portal's own API and the last time was more than ten minutes ago (A14); the form comes back filled in.
func (h *Handler) needsPassword(c echo.Context, appID db.ID, f createForm) (bool, error) {
	if web.Session(c).Fresh(h.Now()) || len(f.Grants) == 0 {
		return false, nil
	}
	if matters, err := h.matters(c, appID, f); err != nil || !matters {
		return false, err
	}
	back := url.Values{"app": {f.App}, "name": {f.Name}, "environment": {f.Environment}, "grants": f.Grants, "expires": {f.Expires}, "expires_on": {f.ExpiresOn}}
	f.into(back)
	back.Set("delivery", f.Delivery)
	back.Set("link_life", f.LinkLife)
	if to, ok := web.ConfirmFirst(newPath, back); ok {
		return true, h.See(c, to)
	}
	return true, h.newPage(c, http.StatusUnprocessableEntity, f, passwordElsewhere())
}

// matters reports whether the key that the form asks for is worth asking its maker again.
func (h *Handler) matters(c echo.Context, appID db.ID, f createForm) (bool, error) {
	offered, err := h.Keys.Choices(web.Ctx(c), appID)
	if err != nil {
		return false, err
	}
	wanted := f.pairs()
	return f.Environment == "live" || slices.ContainsFunc(offered, func(o keys.Choice) bool { return o.IsPortal && slices.Contains(wanted, o.Pair()) }), nil
}

// showOnce is the one answer that holds a key's text (K2): no-store, as every page, and not compressed.
func (h *Handler) showOnce(c echo.Context, made keys.Made, oldNote string) error {
	path := keyPath(made.Key)
	if made.Again {
		return h.Warn(c, path, "This form had already made this key. A key is shown only once: if you did not copy it, rotate it.")
	}
	secret := made.Secret.Reveal()
	p := views.MadePage{
		Frame: h.Frame(c, web.T(c, "Copy your key now")), Crumbs: h.crumbs(c, made.Key.Name, path), Name: made.Key.Name, Secret: secret, KeyURL: path, OldNote: oldNote, OldURL: path + "/rotation",
		Another: newPath + "?app=" + made.Key.AppID.Show("app"),
		Whoami:  components.CodeBlock{Title: "curl", Text: `curl -H "Authorization: Bearer ` + secret + `" ` + h.Link("/v1/whoami")},
		Export:  components.CodeBlock{Title: web.T(c, "Environment variable"), Text: "export GATEHOUSE_KEY=" + secret},
	}
	example, ok, err := h.Keys.ExampleFor(web.Ctx(c), made.Key.ID)
	if err != nil {
		return err
	}
	if ok {
		e := catalog.Environment{BaseURL: example.BaseURL, ExampleMethod: example.Method, ExamplePath: example.Path, ExampleBody: example.Body}
		p.Example = &components.CodeBlock{Title: example.APIName, Note: "curl", Text: e.Curl(secret)}
	}
	p.Facts = []components.Fact{{Term: web.T(c, "App"), Value: made.Key.AppName}, {Term: web.T(c, "Expires"), Value: h.expiryWords(c, made.Key)}}
	return h.Render(c, views.Made(p))
}

func (h *Handler) expiryWords(c echo.Context, r keys.Row) string {
	if r.ExpiresAt == nil {
		return web.T(c, "Never")
	}
	return text.DateTime(web.Ctx(c), *r.ExpiresAt)
}

func (h *Handler) crumbs(c echo.Context, last, href string) []components.Crumb {
	return []components.Crumb{{Label: web.T(c, "Keys"), Href: listPath}, {Label: last, Href: href, Own: true}}
}

// newPage shows the form; err puts its problems beside the fields.
func (h *Handler) newPage(c echo.Context, status int, f createForm, failed error) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	places, err := h.Keys.Places(ctx, who)
	if err != nil {
		return err
	}
	p := views.NewPage{Frame: h.Frame(c, web.T(c, "Create a key")), Crumbs: []components.Crumb{{Label: web.T(c, "Keys"), Href: listPath}, {Label: web.T(c, "Create a key")}}, Cancel: listPath}
	place, ok := h.choosePlace(c, &p, places, f.App)
	if !ok {
		return h.RenderStatus(c, status, views.New(p))
	}
	rules, err := h.Keys.Rules(ctx, place.AppID, f.pairs())
	if err != nil {
		return err
	}
	offered, err := h.Keys.Choices(ctx, place.AppID)
	if err != nil {
		return err
	}
	if err := h.access(c, &p, place); err != nil {
		return err
	}
	var wrong map[string]string
	p.Problems, wrong = problemsOf(c, failed)
	p.AppID, p.AppName = place.AppID.Show("app"), place.AppName
	p.Token = h.Keys.NewFormToken(who, keys.CreatePurpose())
	p.Name = components.Field{
		Name: "name", Label: web.T(c, "Name"), Value: f.Name, Error: wrong["name"], MaxLength: keys.MaxName, Required: true, Autocomplete: "off",
		Hint: web.T(c, "What uses it, such as “Checkout worker”. You will see this name in usage and mails."),
	}
	p.Environment = environmentChoice(c, f.Environment, wrong["environment"])
	p.NoAccess, p.GrantsError = len(offered) == 0, wrong["grants"]
	if err := h.scopeTables(c, &p, place, offered, f); err != nil {
		return err
	}
	p.Bounds = boundsFields(c, f.BoundInput, wrong)
	if p.Ability, err = h.abilityOf(c, place.AppID, f, f.shows()); err != nil {
		return err
	}
	p.Delivery = DeliveryFields(c, f.DeliveryInput, wrong)
	p.Holds, p.RulesURL = HoldingRows(ctx, rules), rulesPath(place.OrganizationID)
	p.Expires, p.ExpiresOn = h.expiryFields(c, rules, f.Expires, f.ExpiresOn, verifierOffered(offered), wrong)
	return h.RenderStatus(c, status, views.New(p))
}

// access says which requests of the app wait, and how to come by more: the catalogue, or whoever may ask there.
func (h *Handler) access(c echo.Context, p *views.NewPage, place keys.Place) error {
	waiting, err := h.Keys.Waiting(web.Ctx(c), place.AppID)
	if err != nil {
		return err
	}
	for _, x := range waiting {
		p.Waiting = append(p.Waiting, views.WaitingRow{API: x.APIName, Href: "/console/access/" + x.ID.Show("acc")})
	}
	if permission.Org(place.Role, permission.AccessRequest) {
		p.CatalogURL = "/apis"
	} else {
		p.Asks = web.T(c, "You are a developer at %s. An admin or owner of it requests access.", place.OrganizationName)
	}
	return nil
}

// problemsOf puts a refusal into words for the form: of fields beside them, of the whole above it.
func problemsOf(c echo.Context, err error) ([]components.Problem, map[string]string) {
	if err == nil {
		return nil, map[string]string{}
	}
	if list, byField, ok := web.Problems(c, err); ok {
		return list, byField
	}
	f := fault.As(err)
	if f == nil {
		return nil, map[string]string{}
	}
	return []components.Problem{{Message: web.T(c, f.Key, f.Args...)}}, map[string]string{}
}

// choosePlace finds the app that the key will be of: the wanted one, or the first in which the reader may make keys. ok is false when there
// is none, and the page then says why and what to do.
func (h *Handler) choosePlace(c echo.Context, p *views.NewPage, places []keys.Place, wanted string) (keys.Place, bool) {
	org := web.QueryID(c, "org", "org")
	usable := func(place keys.Place) bool { return place.MayMake() && place.Stopped == 0 }
	var chosen *keys.Place
	for i, place := range places {
		if place.AppID.IsZero() || !usable(place) {
			continue
		}
		switch {
		case place.AppID.Show("app") == wanted:
			chosen = &places[i]
		case chosen == nil && (org.IsZero() || place.OrganizationID == org):
			chosen = &places[i]
		}
	}
	if chosen == nil {
		h.whyNot(c, p, places)
		return keys.Place{}, false
	}
	p.Apps = components.Field{Name: "app", Label: web.T(c, "App"), Value: chosen.AppID.Show("app"), Options: appOptions(places, db.ID{}, usable)}
	return *chosen, true
}

func (h *Handler) whyNot(c echo.Context, p *views.NewPage, places []keys.Place) {
	var act *components.Act
	p.Why, act = whyNone(c, places, web.QueryID(c, "org", "org"))
	p.Next = act
	if act == nil {
		p.Next = &components.Act{Label: web.T(c, "See the keys"), Href: listPath}
	}
}

// whyNone says why the reader can make no key in the organization (zero: in any), and what to do about it; the act is nil when it is
// somebody else who must act.
func whyNone(c echo.Context, places []keys.Place, org db.ID) (string, *components.Act) {
	admin, apps, stopped := false, false, false
	for _, place := range places {
		if org.IsZero() || place.OrganizationID == org {
			admin = admin || permission.Org(place.Role, permission.AppsManage)
			apps = apps || !place.AppID.IsZero()
			stopped = stopped || place.MayMake() && place.Stopped == 1 && !place.AppID.IsZero()
		}
	}
	makeApp := &components.Act{Label: web.T(c, "Create app"), Href: "/console/apps/new", Kind: components.Primary}
	switch {
	case stopped:
		return web.T(c, "The app or its organization is suspended. No key can be made until that ends."), nil
	case admin && apps:
		return web.T(c, "Where there are apps, you are a viewer: you see keys but can’t make them. In an organization of your own you can, once it has an app."), makeApp
	case admin:
		return web.T(c, "Keys belong to apps. Make an app first."), makeApp
	case apps:
		return web.T(c, "You are a viewer here: you see keys but can’t make them. An admin of the organization can make you a developer."), nil
	}
	return web.T(c, "Keys belong to apps, and there is none yet. An admin of the organization can make one."), nil
}

func environmentChoice(c echo.Context, value, wrong string) components.Field {
	if value == "" {
		value = "live"
	}
	return components.Field{Name: "environment", Label: web.T(c, "Environment"), Value: value, Error: wrong, Options: []components.Option{
		{Value: "live", Label: web.T(c, "Live"), Hint: web.T(c, "For the real thing.")},
		{Value: "test", Label: web.T(c, "Test"), Hint: web.T(c, "For trying out: APIs answer with test data where they have a test environment.")},
	}}
}

func verifierOffered(offered []keys.Choice) bool {
	return slices.ContainsFunc(offered, func(o keys.Choice) bool { return o.IsPortal && o.Scope == keys.VerifyScope })
}

// presets are the lifetimes offered, as far as the policy allows them; its default is always among them.
var presets = []int{7, 30, 90, 180, 365}

func (h *Handler) expiryFields(c echo.Context, e policy.Effective, choice, day string, verifier bool, wrong map[string]string) (components.Field, components.Field) {
	ctx := web.Ctx(c)
	if n, err := strconv.Atoi(choice); choice == "" || err == nil && n > e.Max.Value { // what is not on offer can't stay chosen
		choice = strconv.Itoa(e.Default.Value)
	}
	days := append(slices.Clone(presets), e.Default.Value, e.Max.Value)
	slices.Sort(days)
	expires := components.Field{Name: "expires", Label: web.T(c, "Expires"), Value: choice, Error: wrong["expires"]}
	for _, d := range slices.Compact(days) {
		if d <= e.Max.Value {
			expires.Options = append(expires.Options, components.Option{Value: strconv.Itoa(d), Label: web.T(c, "In %[1]d days (%[2]s)", d, text.Date(ctx, h.Now().AddDate(0, 0, d)))})
		}
	}
	switch {
	case e.Never.On:
		expires.Options = append(expires.Options, components.Option{Value: never, Label: web.T(c, "Never")})
	case verifier:
		expires.Options = append(expires.Options, components.Option{Value: never, Label: web.T(c, "Never (only with keys:verify)")})
	}
	zone := text.Of(ctx).Zone
	now := h.Now().In(zone)
	return expires, components.Field{
		Name: "expires_on", Label: web.T(c, "Or on a day"), Type: "date", Value: day, Error: wrong["expires_on"], Optional: true, Min: now.Format(keys.DateLayout),
		Max: now.AddDate(0, 0, e.Max.Value).Format(keys.DateLayout), Hint: web.T(c, "If you set a day, it replaces the choice above. The key works until the end of that day in %s.", zoneName(ctx)),
	}
}
