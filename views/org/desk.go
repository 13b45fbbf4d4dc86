// Package org holds the pages of organizations and apps, and Desk, the shape that the lists, forms and detail pages of the desk share.
package org

import (
	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Desk is a page of the desk: a heading with its actions, tabs, and parts beneath each other.
type Desk struct {
	Frame     layout.Frame
	Title     string
	DataTitle bool // the title is what somebody typed
	Lead      string
	Crumbs    []components.Crumb
	Status    *Status // beside the title
	Meta      string  // under the title: an id
	Actions   []components.Act
	TabsLabel string
	Tabs      []components.Tab
	Problems  []components.Problem
	Parts     []Part
}

// Status is a state in words with its tone.
type Status struct {
	Tone  components.Tone
	Words string
	Also  *Status // drawn after it: what is true besides
}

// Part is one section of a Desk; of its fields those that are set are drawn, in this order.
type Part struct {
	Title   string // makes it a section
	ID      string
	Text    string
	Actions []components.Act
	Note    *Note
	Facts   []Fact
	Filter  *components.Filter
	Chart   *components.Series
	Table   *Table
	Empty   *components.EmptyState
	Pager   components.Pager
	Prose   templ.Component // rendered Markdown
	Code    *components.CodeBlock
	Secret  *Secret // is shown this once
	Form    *Form
	Danger  bool // frames the part as a decision that can't be undone
}

// Secret is what is to be copied whole. Label names it to screen readers.
type Secret struct{ Label, Value string }

// Note is a remark. Data marks Text as typed by somebody.
type Note struct {
	Tone  components.Tone
	Title string
	Text  string
	Data  bool
}

// Fact is one term and its value. Exactly one of the values is set; Data marks Value as typed by somebody.
type Fact struct {
	Term   string
	Value  string
	Data   bool
	Code   bool
	Href   string
	Tags   []string
	Status *Status
	Moment *components.Moment
}

// Table is a list.
type Table struct {
	Spec  components.TableSpec
	Named bool // all its cells are: see Cell.Named
	Rows  [][]Cell
	Empty string // sentence for no rows
}

// Cell is one cell. The first of a row names it.
type Cell struct {
	Text   string
	Data   bool // typed by somebody
	Code   bool
	Num    bool
	Wrap   bool
	Href   string
	Hint   string // muted, under the text; as typed when HintData
	HData  bool
	Badge  string
	Tags   []string
	Status *Status
	Moment *components.Moment
	Acts   []components.Act // at the end of the row
	Labels []string         // of Acts, for screen readers: what each is about
	Post   *Post
	Pick   *Pick
	Named  bool // on a phone, where the table stacks, it says what it is
}

// Pick is a box in front of the text of a cell, by which its row is chosen.
type Pick struct {
	Name, Value string
	Checked     bool
}

// Post is a form of one button in a row. Label tells screen readers which row it is about.
type Post struct {
	Action string
	Label  string
	Button string
	Hidden []components.Hidden
}

// Form is a form with its inputs.
type Form struct {
	Spec   components.FormSpec
	Text   string
	Inputs []Input
	Submit string
	Kind   components.Kind
	Cancel string // where to go without doing it
}

// Input is one input; of its fields one is set.
type Input struct {
	Line   *components.Field
	Area   *components.Field
	Select *components.Field
	Check  *components.Field
	Radios *components.Field
	Data   bool              // the radios' options are what somebody typed
	Many   *components.Field // checkboxes of data
	Some   *components.Field // checkboxes of our words
	Scopes *components.Scopes
	Prose  templ.Component // to read before the next input
	Table  *Table          // whose rows are chosen by boxes
}

// Line, Area, Select, Check, Radios and Many make an Input. What stands in a Line or an Area is somebody's own words.
func Line(f components.Field) Input { return Input{Line: own(f)} }

// Area is described at Line.
func Area(f components.Field) Input { return Input{Area: own(f)} }

func own(f components.Field) *components.Field {
	f.Attrs = data(true)
	return &f
}

// Select is described at Line.
func Select(f components.Field) Input { return Input{Select: &f} }

// Check is described at Line.
func Check(f components.Field) Input { return Input{Check: &f} }

// Radios is described at Line.
func Radios(f components.Field) Input { return Input{Radios: &f} }

// Many is described at Line.
func Many(f components.Field) Input { return Input{Many: &f} }

// Choices makes an Input of a table whose rows are chosen.
func Choices(t Table) Input { return Input{Table: &t} }

// Some is described at Line.
func Some(f components.Field) Input { return Input{Some: &f} }

// ScopeInput makes an Input of scopes.
func ScopeInput(s components.Scopes) Input { return Input{Scopes: &s} }

func (c Cell) class() string {
	switch {
	case len(c.Acts) > 0 || c.Post != nil:
		return "end"
	case c.Num:
		return "num"
	case c.Wrap:
		return "wrap"
	}
	return ""
}

// labelled reports whether cell c of column i says on a phone, where the table stacks, what it is.
func (t Table) labelled(i int, c Cell) bool {
	if !t.Spec.Stacks || i >= len(t.Spec.Columns) || t.Spec.Columns[i].Hidden {
		return false
	}
	shows := c.Text != "" || c.Status != nil || c.Moment != nil || len(c.Tags) > 0
	return c.Num || c.Named || t.Named && shows
}

func data(on bool) templ.Attributes {
	if on {
		return templ.Attributes{"translate": "no"}
	}
	return nil
}

func spec(f Form) components.FormSpec {
	if f.Spec.ID == "" && f.Spec.Class == "" {
		f.Spec.Class = "stack"
	}
	return f.Spec
}

// label is what screen readers call an act of the row.
func (c Cell) label(i int) string {
	if i < len(c.Labels) {
		return c.Labels[i]
	}
	return c.Acts[i].Label
}
