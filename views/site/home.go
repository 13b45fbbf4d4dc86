// Package site has the pages that belong to no area: the home page and the console's first page.
package site

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// HomePage is / for visitors.
type HomePage struct {
	Frame      layout.Frame
	Title      string
	SignedIn   bool
	CanJoin    bool
	NotSetUp   bool // nobody has set the portal up yet
	Call       components.CodeBlock
	APIs       []APILine
	FirstReply string // how soon support replied this month; empty without a figure
}

// APILine is one API of the catalogue.
type APILine struct{ Href, Name, Summary, Version, Facts string }

// ConsolePage is /console.
type ConsolePage struct {
	Frame   layout.Frame
	Steps   []components.Step // empty when all is done
	Next    *layout.Link      // the tutorial that comes after them; nil when there is none, or it is done too
	Tiles   []components.Tile
	Calls   *components.Series // nil before the first call
	Notices []Notice
	Endings []EndingRow // what expires next
	Orgs    []OrgLine
}

// EndingRow is a key that ends soon by itself.
type EndingRow struct {
	Href, Name, Hint, App string
	What                  string
	Ends                  components.Moment
}

// Notice is something that wants attention: a key that expires, a request that was decided.
type Notice struct {
	Tone  components.Tone
	Name  string // of what it is about, as somebody typed it; may be empty
	Text  string
	Href  string
	Label string
}

// OrgLine is one organization with what is in it.
type OrgLine struct {
	Href, Name, Role string
	Rules            string // what its keys are held to
	Apps, Keys       string
	Stopped          bool
}
