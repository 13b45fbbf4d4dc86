package account

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Account is the page of one's own account: profile, address, password, sessions, deletion. Problems are those of the form that was sent.
type Account struct {
	Frame                    layout.Frame
	Problems                 []components.Problem
	Errors                   map[string]string
	Name                     string
	DisplayName              string
	Email                    string
	NewEmail                 string
	WaitingEmail, WaitsUntil string // an address that nobody confirmed yet
	Language                 string
	TimeZone                 string
	Languages                []components.Option
	Zones                    []components.Option
	PasswordAge              components.Moment
	MailByHand               bool
	Sessions                 []Session
	Browsers                 []Browser

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

// Browser is one in which a user is known.
type Browser struct {
	ID      string
	Device  string
	Network string
	First   components.Moment // the first and the last sign-in there
	Last    components.Moment
	Here    bool // this browser
}

// otherBrowsers reports whether somebody is known in more than the one in which they are.
func (p Account) otherBrowsers() bool {
	return slices.ContainsFunc(p.Browsers, func(b Browser) bool { return !b.Here })
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
	Words    string // what becomes of what they wrote: WordsStay, unless it is WordsGo
	Problems []components.Problem
	Errors   map[string]string
}

// What becomes of what somebody wrote in the forum.
const (
	WordsStay = "keep"
	WordsGo   = "delete"
)

// wordsField is the choice between the two; what is nothing of them stays.
func wordsField(ctx context.Context, chosen string) components.Field {
	if chosen != WordsGo {
		chosen = WordsStay
	}
	return components.Field{Name: "words", Label: text.T(ctx, "What you wrote in the forum"), Value: chosen, Required: true, Options: []components.Option{
		{Value: WordsStay, Label: text.T(ctx, "Keep it, under “Deleted user”"), Hint: text.T(ctx, "Others build on it. What it said earlier stays in its history.")},
		{Value: WordsGo, Label: text.T(ctx, "Delete it, too"), Hint: text.T(ctx, "“Deleted by its author” stands in its place; a question to which nobody else wrote goes whole. History and votes go, too. What you wrote as staff stays.")},
	}}
}
