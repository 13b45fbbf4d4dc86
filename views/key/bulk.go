package key

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// BulkNewPage is where staff choose what is done to the keys that a filter finds.
type BulkNewPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Problems []components.Problem
	Filter   []components.Fact
	Hidden   []components.Hidden
	Verb     components.Field
	Ends     components.Field
	Back     string
}

// ShareRow is what of an act on many keys falls on one app.
type ShareRow struct {
	Organization, App, Keys, Used, Calls string
}

// BulkPage is an act on many keys: its preview, how far it is, and what it did.
type BulkPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Title    string
	Problems []components.Problem
	Note     *Note     // what became of it
	Warnings []string  // of the preview
	Progress *Progress // while the job is at it
	Stop     string    // where to post to, while staff can stop it
	Tiles    []components.Tile
	Shares   []ShareRow
	More     string // how much the shares leave out
	Filter   []components.Fact
	Effect   string // what carrying it out does
	Action   string // empty when it can't be carried out
	Fields   []components.Field
	Button   string
	Danger   bool
	Back     string
	Resume   string // where to post to, when what it paused can be resumed
	Keys     []BulkKey
	Pager    components.Pager
}

// Progress is how far a job is.
type Progress struct {
	Done, All string // figures for the bar
	Words     string
	Href      string // the page itself, to look again
}

// BulkKey is one key of an act.
type BulkKey struct {
	Href, Name, Hint, Place string
	Status                  Status
	Leaked                  *Status // when it is paused for a leak
}

// BulkListPage lists the acts on many keys.
type BulkListPage struct {
	Frame  layout.Frame
	Crumbs []components.Crumb
	Items  []BulkItem
	Pager  components.Pager
	Empty  components.EmptyState
}

// BulkItem is one act of the list.
type BulkItem struct {
	Href, Title string
	Reason      string
	Status      Status
	At          components.Moment
}
