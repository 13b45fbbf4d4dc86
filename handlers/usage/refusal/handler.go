// Package refusal serves the pages on why calls were refused, and the form that asks whether one would be: a developer's own in the console, with those
// at the APIs of a publisher; everybody's for staff.
package refusal

import (
	"net/http"
	"net/url"
	"slices"
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
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/usage"
)

// Handler serves the pages.
type Handler struct {
	*web.Kit
	Refusals *refusal.Store
	Usage    *usage.Store
	Keys     *key.Store
	Catalog  *catalog.Store
}

// Routes lists the routes.
func (h *Handler) Routes(r *web.Registrar) {
	read := web.Staff(permission.StaffUsageRead)
	r.Get("/console/refusals", web.SignedIn(), h.list(console))
	r.Get("/console/refusals/:request", web.SignedIn(), h.show(console))
	r.Get("/console/refusals/ask", web.SignedIn(), h.allowed(console))
	r.Get("/admin/refusals", read, h.list(admin))
	r.Get("/admin/refusals/:request", read, h.show(admin))
	r.Get("/admin/refusals/ask", web.Staff(permission.StaffKeysRead), h.allowed(admin))
}

// The roots of the pages.
const (
	console = "/console"
	admin   = "/admin"
)

// spans are how far back the list looks, the first where nothing else is chosen.
var spans = []struct {
	value, label string
	back         time.Duration
}{
	{"", text.N("7 days"), refusal.Keep}, {"24h", text.N("24 hours"), 24 * time.Hour}, {"1h", text.N("1 hour"), time.Hour},
}

// ask is what the address of a list asks for.
type ask struct {
	refusal.View
	root, span string
	query      url.Values
}

func (h *Handler) askOf(c echo.Context, root string) ask {
	a := ask{root: root, query: url.Values{}}
	a.Actor, a.Everything = web.Actor(c), root == admin
	a.App, a.Key, a.API = web.QueryID(c, "app", org.AppPrefix), web.QueryID(c, "key", key.IDPrefix), web.QueryID(c, "api", catalog.Prefix)
	if code := c.QueryParam("code"); knownCode(code) {
		a.Code = code
	}
	for _, s := range spans {
		if s.value == c.QueryParam("span") {
			a.span, a.Since = s.value, h.Now().Add(-s.back)
		}
	}
	if a.Since.IsZero() {
		a.Since = h.Now().Add(-refusal.Keep)
	}
	for name, value := range map[string]string{"app": a.App.Show(org.AppPrefix), "key": a.Key.Show(key.IDPrefix), "api": a.API.Show(catalog.Prefix), "code": a.Code, "span": a.span} {
		if value != "" {
			a.query.Set(name, value)
		}
	}
	return a
}

// with is the address of the list with one filter set otherwise.
func (a *ask) with(name, value string) string {
	q := url.Values{}
	for n, v := range a.query {
		q[n] = v
	}
	q.Set(name, value)
	if value == "" {
		q.Del(name)
	}
	if len(q) == 0 {
		return a.root + "/refusals"
	}
	return a.root + "/refusals?" + q.Encode()
}

// list shows refused calls, the newest first. With a request id it leads to that one.
func (h *Handler) list(root string) echo.HandlerFunc {
	return func(c echo.Context) error {
		p := views.RefusalsPage{Request: requestField(c)}
		typed := strings.TrimSpace(c.QueryParam("request"))
		if refusal.IsRequestID(typed) {
			return h.See(c, root+"/refusals/"+typed)
		}
		if typed != "" {
			err := h.Unkeyed(c, fault.BadField("request", text.N("A request ID begins with req_ and has 16 letters and digits after it.")), &typed)
			_, wrong, ok := web.Problems(c, err)
			if !ok {
				return err
			}
			p.Request.Value, p.Request.Error = typed, wrong["request"]
		}
		status := http.StatusOK
		if p.Request.Error != "" {
			status = http.StatusUnprocessableEntity
		}
		return h.listing(c, h.askOf(c, root), p, status)
	}
}

func requestField(c echo.Context) components.Field {
	return components.Field{Name: "request", Label: web.T(c, "Request ID"), Type: "search", Placeholder: "req_…", Code: true, Autocomplete: "off", MaxLength: 40}
}

// missing is the list with the box filled in, for a request of which this reader can see nothing. It says why that may be, in the same words for one that
// is none and for one of others (Z2).
func (h *Handler) missing(c echo.Context, root, request string) error {
	p := views.RefusalsPage{Request: requestField(c), Missing: web.T(c, "Refusals are kept for 7 days, and it takes a second until one is there. Calls that were let through are not here. A call whose key was not recognized belongs to nobody: ask who runs the gateway.")}
	if root == admin {
		p.Missing = web.T(c, "Refusals are kept for 7 days, and it takes a second until one is there. Calls that were let through are not here, and of very many within a minute not each is kept.")
	}
	p.Request.Value, p.Request.Error = request, web.T(c, "There is nothing with this ID that you can see.")
	return h.listing(c, ask{root: root, View: refusal.View{Actor: web.Actor(c), Everything: root == admin, Since: h.Now().Add(-refusal.Keep)}, query: url.Values{}}, p, http.StatusNotFound)
}

// listing fills p in and shows it.
func (h *Handler) listing(c echo.Context, a ask, p views.RefusalsPage, status int) error {
	p.Frame, p.Open, p.Ask = h.Frame(c, web.T(c, "Refusals")), a.root+"/refusals", a.root+"/refusals/ask"
	p.Empty, p.Lead = web.T(c, "No refused calls in this time."), web.T(c, "Why calls were refused, for seven days. Each answer names its request in the header X-Request-Id.")
	page, err := h.Refusals.List(web.Ctx(c), a.View, web.PageOf(c))
	if err != nil {
		return err
	}
	left, err := h.Refusals.LeftOut(web.Ctx(c), a.View)
	if err != nil {
		return err
	}
	if left > 0 {
		p.LeftOut = web.T(c, "%s more refusals of this time were not kept: too many came within a minute. Only how many there were is known.", text.Number(web.Ctx(c), left))
	}
	for i := range page.Rows {
		p.Rows = append(p.Rows, h.row(c, &page.Rows[i], a.root))
	}
	p.Pager, p.Chosen = web.Pager(c, page.Previous, page.Next), chosen(c, &a, page.Rows)
	if p.Filter, err = h.filter(c, &a); err != nil {
		return err
	}
	return h.RenderStatus(c, status, views.Refusals(p))
}

func (h *Handler) row(c echo.Context, r *refusal.Refusal, root string) views.RefusalRow {
	return views.RefusalRow{
		Href: root + "/refusals/" + r.RequestID, Request: r.RequestID, At: components.MomentAt(web.Ctx(c), h.Now(), r.At), Words: codeWords(web.Ctx(c), r.Code), Code: r.Code, Passed: passedOver(r),
		Call: call(r), API: r.APIName, Key: r.KeyName, App: r.AppName, Hint: r.KeyHint, Address: r.Address,
	}
}

func call(r *refusal.Refusal) string { return strings.TrimSpace(r.Method + " " + r.Path) }

func (h *Handler) filter(c echo.Context, a *ask) (components.Filter, error) {
	f := components.Filter{Action: a.root + "/refusals", Label: web.T(c, "Filter refusals")}
	add := func(name, label, all, prefix string, from []usage.Choice) {
		field := components.Field{Name: name, Label: label, Options: []components.Option{{Label: all}}}
		for _, one := range from {
			value := one.ID.Show(prefix)
			field.Options = append(field.Options, components.Option{Value: value, Label: one.Name, Group: one.Org, Data: true, Selected: value == a.query.Get(name)})
		}
		f.Fields = append(f.Fields, field)
	}
	hidden := []string{"api"}
	if a.Everything { // too many for a list: links lead to each
		hidden = append(hidden, "app", "key")
	} else {
		view := usage.View{Actor: a.Actor}
		apps, err := h.Usage.Apps(web.Ctx(c), view)
		if err != nil {
			return f, err
		}
		keys, err := h.Usage.Keys(web.Ctx(c), view)
		if err != nil {
			return f, err
		}
		add("app", web.T(c, "App"), web.T(c, "All apps"), org.AppPrefix, apps)
		add("key", web.T(c, "Key"), web.T(c, "All keys"), key.IDPrefix, keys)
	}
	codes := components.Field{Name: "code", Label: web.T(c, "Reason"), Options: []components.Option{{Label: web.T(c, "All reasons")}}}
	offered, err := h.reasons(c, a)
	if err != nil {
		return f, err
	}
	for _, code := range offered {
		codes.Options = append(codes.Options, components.Option{Value: code, Label: codeWords(web.Ctx(c), code), Selected: code == a.Code})
	}
	times := components.Field{Name: "span", Label: web.T(c, "Time")}
	for _, s := range spans {
		times.Options = append(times.Options, components.Option{Value: s.value, Label: web.T(c, s.label), Selected: s.value == a.span})
	}
	f.Fields = append(f.Fields, codes, times)
	for _, name := range hidden {
		if v := a.query.Get(name); v != "" {
			f.Hidden = append(f.Hidden, components.Hidden{Name: name, Value: v})
		}
	}
	if len(a.query) > 0 {
		f.ClearHref = a.root + "/refusals"
	}
	return f, nil
}

// chosen tells of filters that have no field, by the names that the rows have.
func chosen(c echo.Context, a *ask, rows []refusal.Refusal) (all []views.Chosen) {
	if len(rows) == 0 {
		return nil
	}
	if !a.API.IsZero() {
		all = append(all, views.Chosen{Label: web.T(c, "Only the API"), Name: rows[0].APIName, Href: a.with("api", "")})
	}
	if a.Everything && !a.App.IsZero() {
		all = append(all, views.Chosen{Label: web.T(c, "Only the app"), Name: rows[0].AppName, Href: a.with("app", "")})
	}
	if a.Everything && !a.Key.IsZero() {
		all = append(all, views.Chosen{Label: web.T(c, "Only the key"), Name: rows[0].KeyName, Href: a.with("key", "")})
	}
	return all
}

// reasons are the codes that this reader can filter by: those of decisions, and of the others those that any of their calls had.
func (h *Handler) reasons(c echo.Context, a *ask) ([]string, error) {
	if a.Everything {
		return codeOrder, nil
	}
	had, err := h.Refusals.Codes(web.Ctx(c), a.View)
	var all []string
	for _, code := range codeOrder {
		if known, _ := keyring.ParseCode(code); known != 0 && known < keyring.Valid || code == a.Code || slices.Contains(had, code) {
			all = append(all, code)
		}
	}
	return all, err
}

// codeOrder are the codes that can be filtered by: those of decisions in their order, and those from before one.
var codeOrder = func() (all []string) {
	for code := keyring.NotFound; code < keyring.Valid; code++ {
		all = append(all, code.String())
	}
	return append(all, "MISSING_KEY", "BAD_REQUEST", "GATEWAY_UNAUTHENTICATED", "UNAUTHENTICATED", "FORBIDDEN", "INVALID", "KEY_IN_URL", "UNAVAILABLE")
}()

func knownCode(code string) bool {
	for _, known := range codeOrder {
		if code == known {
			return true
		}
	}
	return false
}
