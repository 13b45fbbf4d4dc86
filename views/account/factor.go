package account

import (
	"strconv"

	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Security is the page of one's own second factors and recovery codes.
type Security struct {
	Frame     layout.Frame
	Factors   []Factor
	Required  bool // who asks is staff, and reaches nothing before there is one
	Demands   []Demand
	CodesLeft int
	CodesMade components.Moment // of the recovery codes; zero when there are none
	Passkeys  bool              // they can be added
	MailCode  bool              // without one, a code by mail is asked for in a new browser
	AtAddress bool              // they can't, because the portal is reached by an IP address
	NewName   string
	NewKey    string // the name of a new passkey
	Problems  []components.Problem
	Errors    map[string]string // of a new app, by field; of a new passkey, "passkey_name"
}

// Demand is an organization that requires a second factor.
type Demand struct {
	Organization string
	By           string // who decided that; empty when nobody is there any more
	Reason       string
	From         components.Moment
	Begun        bool
}

// Factor is one second factor in a list.
type Factor struct {
	Name  string
	Kind  string
	Path  string
	Used  components.Moment
	Added components.Moment
	Back  components.Moment // when a copy of it may have been used; zero: never
}

// FactorPage is the page of one second factor.
type FactorPage struct {
	Frame    layout.Frame
	Factor   Factor
	Last     bool // there is no other: without it the password alone signs in
	Demands  []Demand
	Staff    bool // who asks is staff, who need one
	NewName  string
	Problems []components.Problem
	Errors   map[string]string
}

// Enrol is the page on which an authenticator app is set up.
type Enrol struct {
	Frame       layout.Frame
	Name        string
	Secret      string // in groups, to type
	URL         string // otpauth://, for an app on the same device
	Picture     string // the same as a QR code: data of an SVG path
	PictureSize int
	Action      string
	Problems    []components.Problem
	Errors      map[string]string
}

func (p Enrol) viewBox() string {
	n := strconv.Itoa(p.PictureSize)
	return "0 0 " + n + " " + n
}

// Codes shows recovery codes, once.
type Codes struct {
	Frame layout.Frame
	Codes []string
	First string // the kind of the first factor, with which they come; "": they are new ones
	Next  string // where the reader goes on
}

func (p Codes) hidden() []components.Hidden {
	all := make([]components.Hidden, len(p.Codes))
	for i, c := range p.Codes {
		all[i] = components.Hidden{Name: "codes", Value: c}
	}
	return all
}

// RecoveryMost is how much of what was typed as a recovery code is kept in its field.
const RecoveryMost = 40

// ShowFactor asks for a second factor at sign-in.
type ShowFactor struct {
	Frame        layout.Frame
	Next         string
	Email        string
	Apps         bool // there is an authenticator app
	Passkeys     bool
	OnlyRecovery bool   // codes of apps are not taken now
	Recovery     string // as typed, when it was not taken
	Problems     []components.Problem
	Errors       map[string]string // of "code", the app's, and of "recovery"
}

// recovers reports whether recovery codes are what comes next.
func (p ShowFactor) recovers() bool {
	return p.OnlyRecovery || p.Errors["recovery"] != "" || !p.Apps && (!p.Passkeys || len(p.Problems) > 0)
}

// says has the field of recovery codes read out why codes of the app are not taken: it has the focus then.
func (p ShowFactor) says() templ.Attributes {
	if !p.OnlyRecovery || !p.Apps || p.Errors["code"] == "" {
		return nil
	}
	return templ.Attributes{"aria-describedby": "f-code-error f-recovery-hint"}
}

// Kinds of factors, as Codes.First names them.
const (
	FirstApp     = "totp"
	FirstPasskey = "passkey"
)
