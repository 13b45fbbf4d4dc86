// Package key holds the pages of keys: the console's and staff's lists, making one, the page that shows a new key once, a key's own
// page, the pages on which somebody confirms, and the policies.
package key

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Status is a state in words and colour.
type Status struct {
	Tone  components.Tone
	Words string
	Href  string // where more of it is told; may be empty
}

// Moment is a time in a list: relative, and exact for the title. Empty Exact shows Relative alone.
type Moment struct {
	Exact    string
	Relative string
}

// Item is one row of a list.
type Item struct {
	Href    string
	Name    string
	Hint    string
	App     string // where it needs telling; on staff's list with its organization
	Test    bool
	Grants  []string
	More    string // "+3" when there are more grants than the row shows
	Status  Status
	Expires Moment
	Used    Moment
	Calls   string
	Due     string // what a policy makes of it soon
}

// due says what becomes of the key soon.
func (i Item) due() templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		if i.Due == "" {
			return nil
		}
		_, err := io.WriteString(w, "<small class=\"hint\">"+templ.EscapeString(i.Due)+"</small>")
		return err
	})
}

// tags writes the scopes. It is no template because a template's loop leaves white space, which a hundred rows pay for.
func (i Item) tags() templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for n, g := range i.Grants {
			if n > 0 {
				b.WriteByte(' ')
			}
			b.WriteString("<b>" + templ.EscapeString(g) + "</b>")
		}
		if i.More != "" {
			b.WriteString(" " + templ.EscapeString(i.More))
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// place writes where the key belongs, on a line of its own.
func (i Item) place() templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		if i.App == "" {
			return nil
		}
		_, err := io.WriteString(w, "<br>"+templ.EscapeString(i.App))
		return err
	})
}

// ListPage is the console's list.
type ListPage struct {
	Frame     layout.Frame
	Items     []Item
	Columns   []components.Column
	Filter    components.Filter
	Filtered  bool
	Pager     components.Pager
	CreateURL string // empty when the reader may make none
	Why       string // why not
	Empty     components.EmptyState
	RulesURL  string // what is asked of the organization's keys
}

// AdminListPage is staff's list.
type AdminListPage struct {
	Frame   layout.Frame
	Items   []Item
	Columns []components.Column
	Filter  components.Filter
	Pager   components.Pager
	Many    bool // the filter may be handed to an act on many keys
	Hidden  []components.Hidden
}

// NewPage is the form that makes a key.
type NewPage struct {
	Frame       layout.Frame
	Crumbs      []components.Crumb
	Why         string // why the reader can make none; the form is not shown then
	Next        *components.Act
	Problems    []components.Problem
	Apps        components.Field // Options; none when there is only one app
	AppID       string
	AppName     string
	Token       string
	Name        components.Field
	Environment components.Field
	Groups      []ScopeGroup
	GrantsError string
	Searchable  bool // there are so many scopes that a search helps
	Search      components.Field
	Found       string // the search that the page shows
	NoneFound   bool
	Last        *Preset // as the reader's newest key of the app
	Bounds      BoundsFields
	Ability     Ability
	NoAccess    bool
	CatalogURL  string // where access is requested; empty when the reader can't
	Asks        string // who can, then
	Waiting     []WaitingRow
	Expires     components.Field
	ExpiresOn   components.Field
	Holds       []RuleRow // what policies ask of this key
	RulesURL    string
	Delivery    []components.Field
	Cancel      string
}

// WaitingRow is a request of the app that nobody has decided yet.
type WaitingRow struct{ API, Href string }

// MadePage shows a new key, once.
type MadePage struct {
	Frame   layout.Frame
	Crumbs  []components.Crumb
	Name    string
	Secret  string
	Whoami  components.CodeBlock
	Export  components.CodeBlock
	Example *components.CodeBlock
	Facts   []components.Fact
	KeyURL  string
	OldNote string // after a rotation: until when the old key works
	OldURL  string // where that can be followed; empty: nowhere for its reader
	Another string // where one more is made; empty as OldURL
	Back    string // the words that lead to KeyURL; empty for those to the key's own page
}

// GrantRow is one grant on a key's page.
type GrantRow struct {
	API, Scope, Sentence string
	Sensitive            bool
	Used                 components.Moment
	Status               *Status // when it does not count
	Take                 string  // its value, when it can be taken away
}

// LimitRow is what may be used of one API, in words.
type LimitRow struct{ API, Plan, Limits, Used string }

// NetworkRow is one network on a key's page.
type NetworkRow struct {
	Network     string
	First, Last components.Moment
}

// PairRow is a key beside the one that it was rotated to or from.
type PairRow struct {
	Href, Name, Hint string
	Label            string // old or new; may be empty
	This             bool
	Status           Status
	Used             components.Moment
	Ends             components.Moment
}

// ShowPage is a key's own page.
type ShowPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Name     string
	Hint     string
	Test     bool
	Status   Status
	Notes    []Note
	Actions  []components.Act
	Resume   string // where to post to, when it can be resumed
	Lift     string // where to post to, when staff can lift a suspension
	Tiles    []components.Tile
	Facts    []components.Fact
	Grants   []GrantRow
	Networks []NetworkRow
	Pair     []PairRow
	PairURL  string // where both keys' traffic stands side by side; may be empty
	Codes    components.BarChart
	Limits   []LimitRow
	Try      []components.CodeBlock // lines for the first call, until it is seen
	UsageURL string
	Refusals string // its refused calls
	Ask      string // where a call with it can be asked about
	Rename   *RenameForm

	Refused      Ability           // one call that is refused, while it works
	Bounds       []components.Fact // what it is bound to
	ChangeBounds string            // empty when the reader can't
	Take         string            // where to post to, when the reader can take scopes away
	Give         string
	Taken        []TakenRow

	Links []LinkRow // that hand the key over
}

// Note is a remark above the page.
type Note struct {
	Tone  components.Tone
	Title string
	Label string // of ours before Text, where that is typed
	Text  string
	Typed bool   // Text is what a person typed
	More  string // a sentence of ours after it
	Href  string // where to read on; may be empty
	Link  string
}

// RenameForm changes the name.
type RenameForm struct {
	Action string
	Name   components.Field
}

// ConfirmPage is where somebody decides: it says what stops.
type ConfirmPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Title    string
	Key      string // name and hint
	Hint     string
	Stops    []string
	Problems []components.Problem
	Action   string
	Token    string
	Hidden   []components.Hidden
	Fields   []components.Field // an Input each; with Options a Select, with Rows a TextArea
	Button   string
	Danger   bool
	Back     string
}

// Typed is what a person typed, or an id: data that no translation touches.
type Typed string

// Render implements templ.Component.
func (t Typed) Render(_ context.Context, w io.Writer) error {
	s := string(t)
	if s == "" {
		s = "–"
	}
	_, err := io.WriteString(w, `<span translate="no">`+templ.EscapeString(s)+`</span>`)
	return err
}

// Metadata is metadata as it is typed: data on several lines.
type Metadata string

// Render implements templ.Component.
func (m Metadata) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, `<span class="lines mono" translate="no">`+templ.EscapeString(string(m))+`</span>`)
	return err
}

// TypedLink is Typed that leads somewhere.
type TypedLink struct{ Text, Href, Before string } // Before are words of ours before it

// Render implements templ.Component. Href is a path of ours.
func (t TypedLink) Render(_ context.Context, w io.Writer) error {
	before := ""
	if t.Before != "" {
		before = templ.EscapeString(t.Before) + " "
	}
	_, err := io.WriteString(w, before+`<a translate="no" href="`+templ.EscapeString(t.Href)+`">`+templ.EscapeString(t.Text)+`</a>`)
	return err
}
