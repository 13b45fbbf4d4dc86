package key

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// LinkMadePage shows a new hand-over link once, in the place of the key's text.
type LinkMadePage struct {
	Frame   layout.Frame
	Crumbs  []components.Crumb
	Name    string
	Link    string
	Until   string // when it stops working
	Script  components.CodeBlock
	Can     []string // what the key may do, in sentences that people typed
	KeyURL  string
	OldNote string // after a rotation
	Another string
}

// OfferPage is what somebody sees who opens a hand-over link: what it holds, and a button.
type OfferPage struct {
	Frame  layout.Frame
	Hint   string
	Facts  []components.Fact
	Can    []string
	Action string
	Script components.CodeBlock
}

// OpenedPage shows what a link held, once.
type OpenedPage struct {
	Frame  layout.Frame
	Secret string
	Whoami components.CodeBlock
	Export components.CodeBlock
	Facts  []components.Fact
	Can    []string
}

// LinkRow is one hand-over link on a key's page.
type LinkRow struct {
	Maker   string
	Made    components.Moment
	Status  Status
	Network string // from which it was opened
	Again   string // a sentence, when somebody tried it again
	Cancel  string // where to post to; empty when it can't be cancelled
}
