package usage

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// RefusalsPage lists refused calls: a developer's own, those at a publisher's APIs, or everybody's for staff.
type RefusalsPage struct {
	Frame   layout.Frame
	Lead    string
	Request components.Field // the box that opens one
	Open    string           // where the box leads
	Missing string           // why nothing may be seen of the request that was asked for; "" when none was
	Ask     string           // of the form "Would this be allowed?"
	Filter  components.Filter
	Chosen  []Chosen
	LeftOut string // what was not kept; "" for nothing
	Rows    []RefusalRow
	Empty   string
	Pager   components.Pager
}

// RefusalRow is one refused call.
type RefusalRow struct {
	Href, Request  string
	At             components.Moment
	Words, Code    string
	Passed         bool   // it went on, since the API is in report-only mode
	Call           string // method and path; "" when not told
	API            string
	Key, App, Hint string
	Address        string
}

// RefusalPage tells of one refused call why it was refused, and what would make it pass.
type RefusalPage struct {
	Frame   layout.Frame
	Crumbs  []components.Crumb
	Request string
	Code    string
	Words   string
	Passed  bool
	Verdict Verdict
	Facts   []components.Fact
	Ask     string // of the form, filled in; "" where there is nothing to ask
}

// Verdict is what became of a call, or would, with all checks.
type Verdict struct {
	Allowed    bool
	LetThrough bool // it would have been refused, had the API not been in report-only mode
	Title      string
	Why        string  // a sentence of ours
	Said       string  // what the answer said, where no key was judged: in English, as programs get it
	Behind     *Remedy // what set the value that the check refused by; nil where there is nothing to tell
	Remedies   []Remedy
	// Of the checks, all empty where no key was judged: those that passed, the one that refused, and the names of those that were not reached.
	Passed, Checks []CheckRow
	Unreached      []string
}

// Remedy is a way to make the call pass, or what is behind a refusal: a sentence with a link.
type Remedy struct{ Text, Label, Href string }

// CheckRow is one check.
type CheckRow struct {
	Name    string
	Tone    components.Tone
	Outcome string
	Seen    []SeenValue
}

// SeenValue is what a check saw: our word for it, and the value, which is data.
type SeenValue struct{ Label, Value string }

// AllowedPage asks whether a call would be allowed, and answers.
type AllowedPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Action   string
	Problems []components.Problem
	Fields   []components.Field // selects have Options
	Verdict  *Verdict           // nil: nothing was asked yet
	Name     string             // of the key that was asked about
	Hint     string
	None     *components.EmptyState // there is no key to ask about
}

// refusalTone warns of what would have been refused, where what was is bad.
func refusalTone(letThrough bool) components.Tone {
	if letThrough {
		return components.Warn
	}
	return components.Bad
}
