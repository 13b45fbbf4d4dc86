package catalog

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
	"github.com/gatehouse-dev/gatehouse/views/org"
)

// Connect is the page that connects an API's gateway. Secret and File are set in the one reply that shows them.
type Connect struct {
	Frame     layout.Frame
	Crumbs    []components.Crumb
	TabsLabel string
	Tabs      []components.Tab
	Problems  []components.Problem
	Checked   bool
	First     components.Moment // of the first check seen
	Last      components.Moment
	StatusURL string // tells by a script whether a check was seen; empty: nothing is waited for
	Secret    string
	File      string
	FileName  string
	Form      *org.Form
	KeysHref  string
}
