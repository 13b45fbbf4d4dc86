package key

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// RuleRow is one rule in force, and whose policy it is of.
type RuleRow struct{ Sentence, Whose string }

// PolicyRow is what one subject says.
type PolicyRow struct {
	Name      string // what people called it; empty for the installation
	Kind      string // installation, API, plan, scope, organization
	Href      string // of its page; empty for who can't go there
	Sentences []string
	Planned   []string
}

// PoliciesPage is staff's overview of all policies.
type PoliciesPage struct {
	Frame layout.Frame
	Rows  []PolicyRow
	APIs  []components.Act // pages of APIs that say nothing yet
	Pager components.Pager
}

// PolicyPage is the policy of one subject.
type PolicyPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Title    string
	Own      bool // Title is what somebody typed
	Lead     string
	Problems []components.Problem
	Action   string // empty for who may only read
	Fields   []components.Field
	Says     []string // for who may only read
	Planned  []string
	Parts    []PolicyRow // plans and scopes of an API
}

// ChangePage is a stricter policy before it is saved, and afterwards.
type ChangePage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Title    string
	Problems []components.Problem
	Done     string // once it is saved
	Waiting  string // whose people are not told yet
	Stale    string // when the preview is too old
	Tiles    []components.Tile
	Changes  []components.Fact // before and after
	Asks     []RuleRow         // what the keys break, and how many
	Shares   []ShareRow
	More     string // when not all organizations are named
	Hits     []HitRow
	Notice   string // for which notice the latest ends of Hits are told
	Used     string // address of the list of those used lately; or of all
	UsedWord string
	Pager    components.Pager
	Action   string // empty when it can't be saved
	Fields   []components.Field
	Back     string
}

// HitRow is a key that a change hits.
type HitRow struct {
	Href, Name, Hint, App, Organization, Why string
	Ends, Latest                             string // now, and at the latest once the notice is over
	Used                                     components.Moment
}

// RulesPage is what an organization is held to.
type RulesPage struct {
	Frame  layout.Frame
	Crumbs []components.Crumb
	Places []components.Tab
	Name   string
	Rows   []PolicyRow
}
