package account

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Account is the page of one's own account: profile, address, password, sessions, deletion. Problems are those of the form that was sent.
type Account struct {
	Frame       layout.Frame
	Problems    []components.Problem
	Errors      map[string]string
	Name        string
	DisplayName string
	Email       string
	NewEmail    string
	Language    string
	TimeZone    string
	Languages   []components.Option
	Zones       []components.Option
	PasswordAge components.Moment
	MailByHand  bool
	Sessions    []Session

	HasProviders bool // one can sign in by providers
}

// Session is one browser in which a user is signed in.
type Session struct {
	ID      string
	Device  string
	Network string
	Means   string // by what it began; empty: from before that was noted
	Seen    components.Moment
	Begun   components.Moment
	Here    bool // this browser
}

// others reports whether somebody is signed in elsewhere too.
func (p Account) others() bool { return len(p.Sessions) > 1 }

// Confirm asks again, before something that matters, for the password, a code of a second factor, or both.
type Confirm struct {
	Frame       layout.Frame
	Next        string
	Email       string
	AskPassword bool
	AskCode     bool
	Apps        bool           // a code can be one of an authenticator app
	Passkeys    bool           // one stands for all that is asked
	Providers   []ProviderLink // that can say that it is them, of who has no password
	NoPassword  bool           // nor a provider that can say so: a password has to be chosen first
	Problems    []components.Problem
	Errors      map[string]string
}

// Delete is the page on which an account ends.
type Delete struct {
	Frame    layout.Frame
	Apps     int64
	Keys     int64
	Obstacle string // why it can't be deleted now
	Email    string // as typed
	Problems []components.Problem
	Errors   map[string]string
}
