package bulk

import (
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// FilterForm is staff's filter, in the address of their list and in the form of an act on many keys.
type FilterForm struct {
	Query       string `form:"q"`
	Owner       string `form:"owner"`
	App         string `form:"app"`
	Scope       string `form:"scope"`
	API         string `form:"api"`
	Environment string `form:"environment"`
	State       string `form:"state"`
	From        string `form:"from"`
	To          string `form:"to"`
	Used        string `form:"used"`
	Import      string `form:"import"`
	Leaked      string `form:"leaked"`
}

// Hidden is the form as it goes along unseen.
func (f FilterForm) Hidden() []components.Hidden {
	return []components.Hidden{
		{Name: "q", Value: f.Query},
		{Name: "owner", Value: f.Owner},
		{Name: "app", Value: f.App},
		{Name: "scope", Value: f.Scope},
		{Name: "api", Value: f.API},
		{Name: "environment", Value: f.Environment},
		{Name: "state", Value: f.State},
		{Name: "from", Value: f.From},
		{Name: "to", Value: f.To},
		{Name: "used", Value: f.Used},
		{Name: "import", Value: f.Import},
		{Name: "leaked", Value: f.Leaked},
	}
}

// Redacted is the form with the hints of keys in the place of keys, which must not be kept with an act on many keys (K1).
func (f FilterForm) Redacted() FilterForm {
	for _, word := range []*string{&f.Query, &f.Owner, &f.App, &f.Scope, &f.API} {
		*word = apikey.Redact(*word)
	}
	return f
}

// Known is the form without values that are none of a choice: they would narrow nothing, and must not be carried into an act on many keys.
func (f FilterForm) Known() FilterForm {
	f.Environment, f.State, f.Used = oneOf(f.Environment, "live", "test"), knownState(f.State), oneOf(f.Used, "hour", "never")
	f.Leaked = oneOf(f.Leaked, "open")
	if _, err := db.ParseID(keys.ImportPrefix, f.Import); err != nil {
		f.Import = ""
	}
	for _, day := range []*string{&f.From, &f.To} {
		if _, err := time.Parse(keys.DateLayout, *day); err != nil {
			*day = ""
		}
	}
	return f
}

// Filter reads a form that is known; days are UTC, and the last one is included.
func (f FilterForm) Filter() keys.Filter {
	out := keys.Filter{Query: f.Query, Owner: f.Owner, App: f.App, Scope: f.Scope, API: f.API, Environment: f.Environment, State: f.State, UsedLastHour: f.Used == "hour", Unused: f.Used == "never", Import: f.Import, Leaked: f.Leaked == "open"}
	if from, err := time.Parse(keys.DateLayout, f.From); err == nil {
		out.CreatedFrom = from
	}
	if to, err := time.Parse(keys.DateLayout, f.To); err == nil {
		out.CreatedTo = to.AddDate(0, 0, 1)
	}
	return out
}

// FilterOf reads the form from the address.
func FilterOf(c echo.Context) FilterForm {
	f := FilterForm{}
	for _, field := range f.Hidden() {
		f.set(field.Name, c.QueryParam(field.Name))
	}
	return f
}

func (f *FilterForm) set(name, value string) {
	for n, p := range map[string]*string{"q": &f.Query, "owner": &f.Owner, "app": &f.App, "scope": &f.Scope, "api": &f.API, "environment": &f.Environment, "state": &f.State, "from": &f.From, "to": &f.To, "used": &f.Used, "import": &f.Import, "leaked": &f.Leaked} {
		if n == name {
			*p = value
		}
	}
}

// knownState is the state when lists can be narrowed by it, else nothing.
func knownState(name string) string {
	if slices.Contains(keys.States, keys.StateName(name)) {
		return name
	}
	return ""
}

func oneOf(value string, allowed ...string) string {
	if slices.Contains(allowed, value) {
		return value
	}
	return ""
}

// StateWords name the states by which lists are narrowed.
var StateWords = map[keys.StateName]string{
	keys.Active: text.N("Active"), keys.ExpiringNow: text.N("Expires soon"), keys.Paused: text.N("Paused"), keys.Suspended: text.N("Suspended"),
	keys.Stopped: text.N("Stopped"), keys.Rotated: text.N("Rotated"), keys.Unowned: text.N("Needs an owner"), keys.Expired: text.N("Expired"), keys.Revoked: text.N("Revoked"),
}

var environmentWords = map[string]string{"live": text.N("Live"), "test": text.N("Test")}

// dayUTC is a day of UTC, as the filter counts them, whatever the reader's time zone.
func dayUTC(c echo.Context, t time.Time) string {
	y, m, d := t.UTC().Date()
	return text.Date(web.Ctx(c), time.Date(y, m, d, 12, 0, 0, 0, text.Of(web.Ctx(c)).Zone)) + " (UTC)"
}

// filterFacts says by what the keys were found.
func filterFacts(c echo.Context, f keys.Filter) []components.Fact {
	var out []components.Fact
	add := func(term, value string) {
		if value != "" {
			out = append(out, components.Fact{Term: term, Value: value})
		}
	}
	add(web.T(c, "Search"), f.Query)
	add(web.T(c, "Organization"), f.Owner)
	add(web.T(c, "App"), f.App)
	add(web.T(c, "Scope"), f.Scope)
	add(web.T(c, "API"), f.API)
	add(web.T(c, "Import"), f.Import)
	if f.Leaked {
		add(web.T(c, "Reported as leaked"), web.T(c, "Not settled yet"))
	}
	if f.Environment != "" {
		add(web.T(c, "Environment"), web.T(c, environmentWords[f.Environment]))
	}
	if f.State != "" {
		add(web.T(c, "Status"), web.T(c, StateWords[keys.StateName(f.State)]))
	}
	if !f.CreatedFrom.IsZero() {
		add(web.T(c, "Made from"), dayUTC(c, f.CreatedFrom))
	}
	if !f.CreatedTo.IsZero() {
		add(web.T(c, "Made until"), dayUTC(c, f.CreatedTo.AddDate(0, 0, -1))) // the last day is included
	}
	if f.UsedLastHour {
		add(web.T(c, "Used"), web.T(c, "In the last hour"))
	}
	if f.Unused {
		add(web.T(c, "Used"), web.T(c, "Never"))
	}
	return out
}
