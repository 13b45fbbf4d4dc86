// Package usage serves the pages and downloads of how keys are used: a developer's own in the console, everybody's for staff.
package usage

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
)

// Handler serves the area usage.
type Handler struct {
	*web.Kit
	store  *usage.Store
	quotas *quota.Store
	// Counting, when set, tells how far the figures reach.
	Counting *Counting
}

// New returns the handler over store and quotas.
func New(k *web.Kit, store *usage.Store, quotas *quota.Store) *Handler {
	return &Handler{Kit: k, store: store, quotas: quotas}
}

// Routes lists the routes of the area.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/console/usage", web.SignedIn(), h.Console)
	r.Get("/console/usage.csv", web.SignedIn(), h.ConsoleCSV)
	r.Get("/admin/usage", web.Staff(permission.StaffUsageRead), h.Admin)
	r.Get("/admin/usage.csv", web.Staff(permission.StaffUsageRead), h.AdminCSV)
}

// ask is what the address asks for. Filters that don't exist count as not given.
type ask struct {
	usage.View
	path  string
	query url.Values // what is in force, for links
}

func askOf(c echo.Context, path string, everything bool) ask {
	a := ask{path: path, query: url.Values{}}
	a.Actor, a.Everything = web.Actor(c), everything
	a.Org, a.App = web.QueryID(c, "org", "org"), web.QueryID(c, "app", "app")
	a.Key, a.API = web.QueryID(c, "key", "key"), web.QueryID(c, "api", "api")
	a.Span = usage.ParseSpan(c.QueryParam("span"))
	if env, ok := keyring.ParseEnvironment(c.QueryParam("environment")); ok && env != keyring.Any {
		a.Environment = env.String()
	}
	if code := c.QueryParam("code"); code == usage.Refused || code == usage.Passed {
		a.Code = code
	} else if known, ok := keyring.ParseCode(code); ok {
		a.Code = known.String()
	}
	a.keep("org", a.Org.Show("org"))
	a.keep("app", a.App.Show("app"))
	a.keep("key", a.Key.Show("key"))
	a.keep("api", a.API.Show("api"))
	a.keep("environment", a.Environment)
	a.keep("code", a.Code)
	if a.Span != usage.Day {
		a.keep("span", string(a.Span))
	}
	return a
}

func (a *ask) keep(name, value string) {
	if value != "" {
		a.query.Set(name, value)
	}
}

// with is the address with one filter set, or taken away by "".
func (a *ask) with(name, value string) string {
	q := url.Values{}
	for n, v := range a.query {
		q[n] = v
	}
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	return address(a.path, q)
}

func address(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (a *ask) filtered() bool {
	return !a.Org.IsZero() || !a.App.IsZero() || !a.Key.IsZero() || !a.API.IsZero() || a.Environment != "" || a.Code != ""
}

// Console is a developer's own usage.
func (h *Handler) Console(c echo.Context) error { return h.page(c, askOf(c, "/console/usage", false)) }

// Admin is everybody's usage.
func (h *Handler) Admin(c echo.Context) error { return h.page(c, askOf(c, "/admin/usage", true)) }

// ConsoleCSV is a developer's own usage as a file.
func (h *Handler) ConsoleCSV(c echo.Context) error {
	return h.csv(c, askOf(c, "/console/usage", false))
}

// AdminCSV is everybody's usage as a file.
func (h *Handler) AdminCSV(c echo.Context) error { return h.csv(c, askOf(c, "/admin/usage", true)) }

var csvHeader = []string{"time", "organization", "app", "key", "key_id", "hint", "api", "environment", "route", "code", "calls"}

// csv streams the lines behind the page. The answer begins with the first line, so that a query that fails is still an error page.
func (h *Handler) csv(c echo.Context, a ask) error {
	var file *web.CSV
	begin := func() {
		if file == nil {
			file = web.NewCSV(c, "usage-"+string(a.Span), append([]string(nil), csvHeader...)...)
		}
	}
	more, err := h.store.Each(web.Ctx(c), a.View, func(l usage.Line) error {
		begin()
		file.Row(l.At.UTC().Format(time.RFC3339), l.Org, l.App, l.Key, keyID(l.KeyID), l.Hint, l.API, l.Environment, l.Template, l.Code, strconv.FormatInt(l.Calls, 10))
		return nil
	})
	if err != nil {
		return err
	}
	begin()
	if more {
		file.Row("cut off after "+strconv.Itoa(usage.MostLines)+" lines: filter, or take a shorter time", "", "", "", "", "", "", "", "", "", "")
	}
	return file.Close()
}

func keyID(id db.ID) string { return id.Show("key") }

// refusals is the list of refused calls, narrowed as the page is.
func (a *ask) refusals() string {
	q := url.Values{}
	for _, name := range []string{"app", "key", "api", "code"} {
		if v := a.query.Get(name); v != "" && v != usage.Refused {
			q.Set(name, v)
		}
	}
	if a.Span == usage.Hour || a.Span == usage.Day {
		q.Set("span", string(a.Span))
	}
	return address(strings.Replace(a.path, "/usage", "/refusals", 1), q)
}
