// Package web is what all handlers share: the registrar through which every route goes, sessions, access, rendering,
// and the one place where an error becomes an answer.
package web

import (
	"cmp"
	"context"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/setting"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Kit holds what handlers need of the running installation.
type Kit struct {
	DB       *db.DB
	Accounts *account.Store
	BaseURL  *url.URL // scheme and host of every absolute link (W6)
	Proxies  []netip.Prefix
	Keys     *key.Store // looks up keys that were pasted into forms; nil: none is known

	// MailByHand says that there is no mail server: an admin hands out what waits.
	MailByHand bool

	// StaffFactor says that staff reach nothing before they have a second factor.
	StaffFactor bool

	// SignIn answers a signed-out reader of a page with the sign-in form and status 401.
	SignIn func(c echo.Context, next string) error

	// Elsewhere is where somebody is led who asks for a page that is not there for them, and who can change that there; "" or nil: nowhere.
	Elsewhere func(c echo.Context) string

	// Shut is what stands above lists of somebody's things, of those that are shut to them; nil: nothing ever is.
	Shut func(c echo.Context) []layout.Told
}

// Now is the installation's time.
func (k *Kit) Now() time.Time { return k.DB.Now() }

// Secure reports whether browsers reach the portal by https.
func (k *Kit) Secure() bool { return k.BaseURL.Scheme == "https" }

// Link is the absolute address of path under the configured base URL: the only way in which links leave in mails.
func (k *Kit) Link(path string) string { return k.BaseURL.String() + path }

// state is what one request knows of itself.
type state struct {
	actor   actor.Actor
	user    *account.User
	session account.Session
	pending *account.User // gave the password and not yet the second factor, or the code by mail: nobody to all routes but those that ask for it (A12)
	// enrolling is staff who have no second factor and need one: nobody to all routes but those by which they get one, and there without their role.
	enrolling *account.User
	nonce     string
	portal    setting.Portal
}

const stateKey = "gatehouse.state"

func stateOf(c echo.Context) *state {
	if s, ok := c.Get(stateKey).(*state); ok {
		return s
	}
	return &state{}
}

// Actor is who asks.
func Actor(c echo.Context) actor.Actor { return stateOf(c).actor }

// User is the signed-in user, or nil.
func User(c echo.Context) *account.User { return stateOf(c).user }

// Session is the session of the signed-in user; zero when there is none.
func Session(c echo.Context) account.Session { return stateOf(c).session }

// Pending is who has given the password and has yet to show a second factor or a code by mail; nil: nobody. The actor is theirs, for showing it and for nothing else; also of staff who
// have yet to get one, so that they can sign out.
func Pending(c echo.Context) (actor.Actor, *account.User) {
	s := stateOf(c)
	a := s.actor
	if u := cmp.Or(s.pending, s.enrolling); u != nil {
		a.Kind, a.UserID, a.Name = actor.User, u.ID, u.Name
	}
	return a, s.pending
}

// Enrolling reports whether who asks is staff and reaches nothing before they have a second factor.
func Enrolling(c echo.Context) bool { return stateOf(c).enrolling != nil }

// Portal is the installation's name and look.
func Portal(c echo.Context) setting.Portal { return stateOf(c).portal }

// Ctx is the context of the request: it carries language and time zone, and ends with the request.
func Ctx(c echo.Context) context.Context { return c.Request().Context() }

// T translates key for the reader.
func T(c echo.Context, key string, args ...any) string { return text.T(Ctx(c), key, args...) }
