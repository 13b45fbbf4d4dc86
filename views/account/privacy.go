package account

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Data is the page on which people get what is held about them.
type Data struct {
	Frame    layout.Frame
	Problem  string // why it was not put together
	Making   bool   // it is being put together
	Ready    *components.Moment
	Until    components.Moment
	Size     string
	Fetched  *components.Moment // when it was last downloaded
	MayBegin bool

	MailByHand bool // no mail tells that it is there
}
