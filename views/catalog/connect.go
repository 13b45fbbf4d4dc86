package catalog

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
	"github.com/gatehouse-dev/gatehouse/views/org"
)

// Gateway is a program that can stand in front of the API, with the files that it needs and the guide to it.
type Gateway struct {
	Name  string
	Href  string
	Note  string // of how far we have tested the files; empty: the tests run them
	Files []components.CodeBlock
}

// Connect is the page that connects an API's gateway. Secret and Gateways are set in the one reply that shows them.
type Connect struct {
	Frame     layout.Frame
	Crumbs    []components.Crumb
	Name      string // of the API
	Slug      string
	Status    org.Status // whether a gateway asks, and more
	InClear   bool       // keys would cross the network unencrypted, by the address of Gatehouse in the form
	TabsLabel string
	Tabs      []components.Tab
	Problems  []components.Problem
	Confirmed bool // the password was asked for: the form is filled in, and nothing was done yet
	Checked   bool
	First     components.Moment // of the first check seen
	Last      components.Moment
	StatusURL string // tells by a script whether a check was seen; empty: nothing is waited for
	Secret    string
	Gateways  []Gateway // the first is open
	Form      *org.Form
	KeysHref  string
	// ReportOnly warns that the API is in report-only mode, and where; ReportHref leads to its page.
	ReportOnly []org.Note
	ReportHref string
	// Code asks without a gateway, a language each.
	Code []Gateway
}
