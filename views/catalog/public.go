// Package catalog holds the public pages of the catalogue. Its other pages have the shape of views/org.Desk.
package catalog

import (
	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Catalogue is the list of APIs that the reader may see.
type Catalogue struct {
	Frame  layout.Frame
	Search string
	Items  []Item
}

// Item is one API of the list.
type Item struct {
	Name    string
	Summary string
	Facts   string // "4 scopes"
	Href    string
}

// API is the page of one API.
type API struct {
	Frame         layout.Frame
	Name          string
	Summary       string
	Publisher     string
	Slug          string
	RequestHref   string // empty: the reader can't ask
	ReferenceHref string // empty: there is none
	Note          string // why, when RequestHref is empty
	Waiting       []Waiting
	Description   templ.Component
	Versions      []Version
	Environments  []Environment
	Scopes        []Scope
	Presets       []Preset
	Plans         []Plan
	Terms         templ.Component
	AskHref       string        // where questions about it are asked; empty: nowhere
	Solved        []layout.Link // solved questions about it
}

// Waiting is a request of the reader's that nobody has decided.
type Waiting struct{ API, App, Href string }

// Version is one version with its state.
type Version struct {
	Name   string
	Tone   components.Tone
	State  string
	Sunset string
}

// Environment is where the API is reached, with an example call.
type Environment struct {
	Name    string
	BaseURL string
	Curl    string // empty without an example
}

// Scope is one scope with its sentence.
type Scope struct {
	Name      string
	Sentence  string
	Sensitive bool
}

// Preset is a set of scopes for one purpose.
type Preset struct {
	Name    string
	Purpose string
	Scopes  []string
}

// Plan is one plan, its limits in words.
type Plan struct {
	Name     string
	Summary  string
	Limits   string
	Approval string
}
