// Package usage has the page that shows how keys are used: a developer's own at /console/usage, everybody's at /admin/usage.
package usage

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Page is either of the two. Empty, when set, stands in place of the figures: there never were any.
type Page struct {
	Frame   layout.Frame
	Title   string
	Lead    string
	Notes   []Note
	Spans   []components.Tab
	Filter  components.Filter
	Chosen  []Chosen // filters in force that have no field of their own
	CSVHref string
	Tiles   []components.Tile
	Chart   components.Series
	Codes   components.BarChart
	Refused string // where refused calls are listed one by one
	Tables  []Breakdown
	Silent  *SilentKeys // for staff
	Empty   *components.EmptyState
}

// Note warns of a quota. Text holds names that somebody typed; Href leads to the app.
type Note struct {
	Tone              components.Tone
	Title, Text, Href string
}

// Chosen is a filter that was set by a link; Href takes it away.
type Chosen struct{ Label, Name, Href string }

// Breakdown is the same calls, put together by one thing.
type Breakdown struct {
	Title string
	Name  string // header of the first column
	Empty string
	Rows  []BreakdownRow
	More  bool // there are rows beyond those shown
}

// BreakdownRow is one line. Words is what stands in the place of a name that is not data.
type BreakdownRow struct {
	Name    string
	Words   string
	Detail  string
	Href    string
	Code    bool // monospace
	Calls   string
	Refused string
	Share   string // of all calls
}

// SilentKeys are the keys that were busy and fell silent.
type SilentKeys struct{ Rows []SilentKey }

// SilentKey is one of them.
type SilentKey struct {
	Name, Hint, Href string
	App, Org         string
	Calls            string
	LastUsed         components.Moment
}
