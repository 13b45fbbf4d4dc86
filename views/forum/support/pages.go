// Package support has the pages of the support desk.
package support

import (
	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Status is a state in words and colour.
type Status struct {
	Tone  components.Tone
	Words string
}

// QueuePage is /support.
type QueuePage struct {
	Frame   layout.Frame
	Lead    string
	Closed  string // until when nobody is there; empty in opening hours
	Tabs    []components.Tab
	Filter  components.Filter
	Rows    []QueueRow
	Pager   components.Pager
	CanTake bool
	Empty   components.EmptyState
}

// QueueRow is one question. Clock is empty when nothing is due.
type QueueRow struct {
	Title, Href string
	Kind        string // empty for plain questions
	Asker       string
	API         string
	Tags        []string
	Narrow      string // for whom it is, when not for everybody
	Clock       *Status
	Since       components.Moment
	With        string // who has it
	Team        string
	Marks       []Status // escalated, flags
}

// QuestionPage is all of one question.
type QuestionPage struct {
	Frame      layout.Frame
	Crumbs     []components.Crumb
	Title      string
	Meta       []Status
	Narrow     string
	Asked      components.Moment
	PublicHref string
	Others     []string // who else has it open
	Stale      string   // what was written meanwhile
	Problems   []components.Problem
	Merged     *components.Act // leads to the question into which it was merged
	Posts      []Post
	More       string
	Reply      *ReplyForm // nil for who can't answer
	Note       *NoteForm
	Acts       []Act
	Forms      []FoldedForm
	Moderate   []Act
	Asker      []components.Fact
	App        *AppBox
	Earlier    []Link
	EarlierAll string
	Facts      []components.Fact
	MergedHere []Link
}

// Post is one text of the thread: public, or a note among staff.
type Post struct {
	ID         string // anchor
	Note       bool
	Comment    bool
	Author     string
	AuthorHref string
	Badge      string
	At         components.Moment
	Marks      []Status
	Body       templ.Component
	New        bool  // written since the reader opened the page
	Links      []Act // quiet ones, beside the author
	Acts       []Act
}

// ReplyForm is the form of the public answer.
type ReplyForm struct {
	Action    string
	Version   string
	Canned    components.Field
	Body      components.Field
	Preview   templ.Component
	Notice    string // what the last insert did not know
	GoOn      bool   // to the next question that waits
	Heartbeat string
	CanWait   bool
	CanClose  bool
	KeyNote   templ.Component
}

// NoteForm is the form of a note among staff.
type NoteForm struct {
	Action string
	Body   components.Field
}

// Act is a single button that posts, or a link to where one is asked first, when Href is set.
type Act struct {
	Label, Action string
	Href          string
	Kind          components.Kind
	Hidden        []components.Hidden
}

// FoldedForm is a form under its heading, folded until it is wanted.
type FoldedForm struct {
	Title, Action, Button string
	Open                  bool
	Fields                []components.Field
	Hint                  string
}

// AppBox is what the asker shared of an app.
type AppBox struct {
	Name, Href, Org string
	State           *Status
	Access          []Line
	Keys            []Line
	Refused         []Line
	NoKeys          string
	NoAccess        string
	NoRefusals      string
	RefusedTitle    string
}

// Line is one line of a small list.
type Line struct {
	Name, Href, Detail string
	Code               bool
	State              *Status
}

// Link leads somewhere; Label is what somebody typed.
type Link struct {
	Label, Href, Detail string
}

// MergePage asks before a question is merged into another.
type MergePage struct {
	Frame                layout.Frame
	Crumbs               []components.Crumb
	Title                string
	Target, TargetHref   string
	Stops                []string
	Action, Into, Cancel string
}

// RepliesPage lists canned replies.
type RepliesPage struct {
	Frame   layout.Frame
	Rows    []ReplyRow
	CanEdit bool
}

// ReplyRow is one canned reply.
type ReplyRow struct {
	Name, Href, Text string
	Changed          components.Moment
}

// FormPage is a form with a heading: canned reply, team, policy.
type FormPage struct {
	Frame     layout.Frame
	Title     string
	Own       bool
	Lead      string
	Crumbs    []components.Crumb
	Problems  []components.Problem
	Action    string
	Inputs    []Input
	Button    string
	Cancel    string
	Facts     []components.Fact // in place of the form, for who only reads
	Delete    *Act
	DeleteOf  string
	Stops     string
	Variables []Line
}

// Input is a field with the way it is asked.
type Input struct {
	components.Field
	Boxes bool // several can be chosen
	Data  bool // its options are what somebody typed
}

// TeamsPage lists teams.
type TeamsPage struct {
	Frame   layout.Frame
	Rows    []TeamRow
	CanEdit bool
}

// TeamRow is one team.
type TeamRow struct {
	Name, Href, Members, Open string
}

// ReportPage is how support did.
type ReportPage struct {
	Frame  layout.Frame
	Tabs   []components.Tab
	Tiles  []components.Tile
	Chart  components.Series
	ByTag  []ShareRow
	ByAPI  []ShareRow
	Doers  []DoerRow
	Empty  *components.EmptyState
	Export Act
}

// ShareRow is one tag or API.
type ShareRow struct {
	Href, Name, Asked, Replied, Solved, First, Wall string
}

// DoerRow is one person who answered.
type DoerRow struct {
	Name, Badge, Answers, Solved string
}
