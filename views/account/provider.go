package account

import (
	"net/url"

	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// ProviderLink leads to a provider elsewhere.
type ProviderLink struct {
	Name  string // in addresses
	Label string
}

func (l ProviderLink) enter(next string) string {
	return Onward("/login/with/"+url.PathEscape(l.Name), next)
}

func (l ProviderLink) link() string {
	return "/console/account/providers/" + url.PathEscape(l.Name) + "/link"
}

func (l ProviderLink) confirm(next string) string {
	return Onward("/console/account/providers/"+url.PathEscape(l.Name)+"/confirm", next)
}

// Providers is the page of the providers by which one signs in.
type Providers struct {
	Frame    layout.Frame
	Linked   []Identity
	Others   []ProviderLink // that are not linked
	Password bool           // there is a password, too
}

// Identity is an account elsewhere to which one's own is linked.
type Identity struct {
	ID      string
	Label   string
	Address string // as the provider last told; empty: it told none
	Gone    bool   // the portal does not offer this provider any more
	Used    components.Moment
	Since   components.Moment
}

// Visit is the page of somebody who came from a provider and whom no account is linked to yet. One of the steps is what is next.
type Visit struct {
	Frame      layout.Frame
	Label      string // of the provider
	Address    string
	Step       VisitStep
	Why        string // of VisitStuck
	Email      string // of VisitLink: of the account that they are signed in to
	Name       string // of VisitCreate
	Approval   bool
	MailByHand bool
	Sent       bool // a mail is on its way
	MailOnly   bool // of VisitProve: no password signs in to the account
	Problems   []components.Problem
	Errors     map[string]string
}

// VisitStep is what is next of a Visit.
type VisitStep int

// The steps.
const (
	VisitStuck  VisitStep = iota // nothing but another way in
	VisitLink                    // signed in: link the two
	VisitProve                   // there is an account of the address: show that it is theirs
	VisitMail                    // nobody knows yet whose the address is
	VisitCreate                  // make an account
)

// ProviderFailed is the page for signing in by a provider that came to nothing.
type ProviderFailed struct {
	Frame layout.Frame
	Title string
	Text  string
	Again string // where to try again
	Own   bool   // that is the page of one's own providers
}

// Bound is the page for who has to sign in by a provider.
type Bound struct {
	Frame    layout.Frame
	Domain   string // of their address
	Provider ProviderLink
	Next     string
}
