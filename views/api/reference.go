// Package api is the pages about the operations of an API.
package api

import (
	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// ReferencePage is every operation of an API. What comes out of its document is not for translating.
type ReferencePage struct {
	Frame        layout.Frame
	Name, Slug   string
	Lead         string
	Intro        templ.Component
	DocumentHref string // the document itself
	Groups       []Group
}

// Group is the operations of one tag.
type Group struct {
	ID, Name, Description string
	Operations            []Operation
}

// Operation is one method of one path.
type Operation struct {
	ID, Method, Path string
	Summary          string
	Description      string
	Scope            string // "" for none
	Params           []Part
	Body             []Part
	Success          string // status and meaning
	Answer           []Part
	Curl             string
}

// Part is a parameter, or a field of a body.
type Part struct {
	Name, Kind, Description string
	Required                bool
}
