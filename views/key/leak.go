package key

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// FoundPage is where anybody hands in keys that they found. What was entered as keys is never shown again.
type FoundPage struct {
	Frame    layout.Frame
	Problems []components.Problem
	Taken    bool // a report was taken: says what happens now
	Stops    bool // the policy stops every key that is reported; it says nothing of any one key
	Keys     components.Field
	Place    components.Field
	Brand    string // how keys begin
	Rules    string // address of the rule file
	Hook     string // address of the example for pre-commit
	API      components.CodeBlock
}

// DecideForm is a decision about an incident, with a word.
type DecideForm struct {
	Action string
	Hidden []components.Hidden
	Words  string
	Field  components.Field
	Button string
}

// ReportRow is one report of a key.
type ReportRow struct {
	At    components.Moment
	By    string
	Place string
	URL   string
	Href  bool // the address may be followed
}

// StepRow is one act on the key while its incident was open.
type StepRow struct {
	At    components.Moment
	What  string
	Who   string
	Typed bool   // Who is a name
	Word  string // what was said about it
}

// IncidentPage is one leak of a key, for its people and for staff.
type IncidentPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Title    string
	Key      string
	KeyHref  string
	Hint     string
	Note     Note
	Problems []components.Problem
	Tiles    []components.Tile

	RotateAction string // empty when it can't be rotated, or not by the reader
	RotateToken  string
	ReplaceHref  string // of a revoked key: the form of a new one with the same scopes
	RevokeHref   string
	Resume       *DecideForm
	Close        *DecideForm
	AdminsResume bool // the reader is told who may

	Steps     []StepRow
	Reports   []ReportRow
	Dropped   string // a sentence, when not all reports are kept
	Networks  []NetworkRow
	Abilities []AbilityAPI
	Facts     []components.Fact
}

// Acts reports whether the reader can do something here.
func (p IncidentPage) Acts() bool {
	return p.RotateAction != "" || p.ReplaceHref != "" || p.RevokeHref != "" || p.Resume != nil || p.Close != nil
}

// IncidentRow is one row of a list of incidents.
type IncidentRow struct {
	Href, Key, Hint, App string
	Status               Status
	Reported             components.Moment
	Reports              string
}

// IncidentsPage is a list of incidents, the console's or staff's.
type IncidentsPage struct {
	Frame     layout.Frame
	Lead      string
	Tabs      []components.Tab
	Rows      []IncidentRow
	Pager     components.Pager
	Empty     components.EmptyState
	Filtered  bool
	PolicyURL string // staff's
}

// LeakPolicyPage says what happens to leaked keys.
type LeakPolicyPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Problems []components.Problem
	Live     components.Field
	Test     components.Field
	Notice   components.Field
	Facts    []components.Fact
	MayEdit  bool
	GitHub   []components.Fact // what an operator tells GitHub
}

// foundLead and takenWords promise what the policy does with every key, whether or not one that is handed in is real.
func foundLead(ctx context.Context, stops bool) string {
	if stops {
		return text.T(ctx, "A key of this portal lies where it should not: in a repository, a chat, a log? Paste it here. Its owner is told, and it is stopped.")
	}
	return text.T(ctx, "A key of this portal lies where it should not: in a repository, a chat, a log? Paste it here. Its owner is told.")
}

func takenWords(ctx context.Context, stops bool) string {
	if stops {
		return text.T(ctx, "If a key in it still works, it is stopped within seconds and its owner is told. Whether one was real is not said here, or anybody could try keys out.")
	}
	return text.T(ctx, "If a key in it still works, its owner is told within seconds. Whether one was real is not said here, or anybody could try keys out.")
}
