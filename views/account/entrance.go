// Package account is the pages of people and their accounts: sign-up, sign-in, the account itself, and what staff see of users and mail.
package account

import (
	"context"
	"net/url"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Signup is the page on which an account begins.
type Signup struct {
	Frame      layout.Frame
	NotSetUp   bool // nobody has an account yet
	Closed     bool
	Domains    string // sign-up is for addresses at these; empty for all
	Approval   bool   // an admin lets people in
	MailByHand bool   // no mail server: an admin hands out the mail
	Problems   []components.Problem
	Errors     map[string]string
	Name       string
	Email      string
	Next       string // where to go in the end; empty: the console

	Providers []ProviderLink // by which an account begins, too
}

// Verify is the page on which an address is verified.
type Verify struct {
	Frame       layout.Frame
	Email       string // of the sign-up; empty: none is known here
	Token       string // of a mailed link: no code is asked for
	Next        string // where to go in the end; empty: the console
	AskPassword bool   // the link was opened in another browser
	Gone        bool   // the link does not work any more
	MailByHand  bool
	Problems    []components.Problem
	Errors      map[string]string
}

// asked is the field of the one question that the page asks now; empty when it asks none.
func (p Verify) asked() string {
	switch {
	case p.Gone:
	case p.Token != "" && p.AskPassword:
		return "password"
	case p.Token == "" && p.Email != "":
		return "code"
	}
	return ""
}

// Login is the sign-in form.
type Login struct {
	Frame    layout.Frame
	NotSetUp bool // nobody has an account yet
	Next     string
	Email    string
	Failed   string // why signing in failed
	Asked    bool   // somebody wanted a page for which one signs in
	Approval bool
	NoSignup bool
	Passkeys bool // they sign in here

	Providers []ProviderLink // by which one signs in, too
}

// Forgot is the page that asks for a link to choose a new password.
type Forgot struct {
	Frame      layout.Frame
	Sent       bool
	MailByHand bool
	Email      string
	Problems   []components.Problem
	Errors     map[string]string
}

// Reset is the page on which a mailed link leads to a new password.
type Reset struct {
	Frame    layout.Frame
	Token    string
	Gone     bool
	Problems []components.Problem
	Errors   map[string]string
}

// Link is a page of one button, to which a mailed link leads: nothing happens before it is pressed.
type Link struct {
	Frame  layout.Frame
	Title  string
	Text   string
	Email  string // shown on its own
	After  string
	Action string
	Button string
	Token  string
	Gone   bool
}

// Undone is what was done when a change of address was undone, and what comes next.
type Undone struct {
	Frame      layout.Frame
	MailByHand bool // an admin hands mail over
}

func hidden(name, value string) []components.Hidden {
	if value == "" {
		return nil
	}
	return []components.Hidden{{Name: name, Value: value}}
}

// Onward is path that keeps where somebody wants to go in the end; next may be empty.
func Onward(path, next string) string {
	if next == "" {
		return path
	}
	return path + "?" + url.Values{"next": {next}}.Encode()
}

func passwordField(ctx context.Context, name, label, err string) components.Field {
	return components.Field{Name: name, Label: label, Type: "password", Autocomplete: "current-password", Required: true, Error: err, MaxLength: 500}
}

// confirmCode takes a code of an app or a recovery code: letters, too.
func confirmCode(ctx context.Context, p Confirm) components.Field {
	f := components.Field{Name: "code", Label: text.T(ctx, "Code of your second factor"), Autocomplete: "one-time-code", Code: true, Required: true, Error: p.Errors["code"], MaxLength: 40}
	f.Hint = text.T(ctx, "Of your authenticator app, or a recovery code.")
	if !p.Apps {
		f.Label, f.Autocomplete, f.Hint = text.T(ctx, "Recovery code"), "off", text.T(ctx, "One of those that you kept when you set up your second factor. Each works once.")
	}
	return f
}

func newPasswordField(ctx context.Context, name, label, err string) components.Field {
	f := passwordField(ctx, name, label, err)
	f.Autocomplete, f.Hint = "new-password", text.T(ctx, "At least 12 characters. A few words that don’t belong together are good.")
	return f
}

func emailField(name, label, value, err string) components.Field {
	return components.Field{Name: name, Label: label, Type: "email", Value: value, Error: err, Autocomplete: "email", Required: true, MaxLength: 254}
}
