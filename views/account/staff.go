package account

import (
	"context"
	"net/url"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Users is staff's list of users.
type Users struct {
	Frame    layout.Frame
	Search   string
	State    string
	Role     string
	States   []components.Option
	Roles    []components.Option
	Filtered bool
	Columns  []components.Column
	Rows     []UserRow
	Pager    components.Pager
}

// UserRow is one line of Users.
type UserRow struct {
	Href     string
	Name     string
	Email    string
	Tone     components.Tone
	State    string
	Role     string // in words; empty for people outside the company
	SignedIn components.Moment
	Created  components.Moment
}

// User is what staff see of one user, and may do.
type User struct {
	Frame         layout.Frame
	ID            string
	Path          string // of this page
	Name          string
	Tone          components.Tone
	State         string
	Facts         []components.Fact
	ShutOut       []string // what is shut to them for want of a second factor
	Reason        string   // of a suspension
	Until         string
	Organizations []Organization
	Sessions      []Session

	CanApprove, CanSuspend, CanUnsuspend, CanEndSessions, CanChangeRole bool

	Roles       []components.Option
	FormReason  string
	FormUntil   string
	Problems    []components.Problem
	Errors      map[string]string
	OwnAccount  bool
	RolesAction string
}

// Organization is one membership.
type Organization struct {
	Href string
	Name string
	Kind string
	Role string
}

// Mails is staff's view of the outbox.
type Mails struct {
	Frame      layout.Frame
	MailByHand bool
	LastError  string
	State      string
	To         string // a part of an address, by which the list is narrowed
	Tabs       []components.Tab
	Rows       []Mail
	Pager      components.Pager
	TestTo     string
}

func (p Mails) clearHref() string {
	switch {
	case p.To == "":
		return ""
	case p.State == "":
		return "/admin/mail"
	}
	return "/admin/mail?" + url.Values{"state": {p.State}}.Encode()
}

func (p Mails) none(ctx context.Context) string {
	if p.To != "" {
		return text.T(ctx, "No mail to such an address here.")
	}
	return text.T(ctx, "No mail here.")
}

// Mail is one line of Mails.
type Mail struct {
	ID        string
	Subject   string
	Kind      string
	Recipient string
	Tone      components.Tone
	State     string
	Error     string
	Attempts  string
	At        components.Moment
	CanOpen   bool
	Closed    bool // it would let the reader into the account of another member of staff
}

// MailLetter is one letter, opened to be handed out.
type MailLetter struct {
	Frame     layout.Frame
	ID        string
	Subject   string
	Recipient string
	Ends      []components.Fact // of the code, of the link
	Acts      bool              // its link or code acts for its recipient
	Dead      bool              // its link does not work any more
	Text      string
	Code      string
	URL       string
}
