package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Access is what a route asks of whoever calls it. There is no zero Access: a route without one does not start (Z1).
type Access struct {
	level level
	perm  permission.Name
	fresh bool
	shown bool
	enrol bool
}

type level int

const (
	undeclared level = iota
	public
	visitor
	pending
	coding
	signedIn
	staff
	token
)

// Public is open to everybody.
func Public() Access { return Access{level: public} }

// Visitor is for people who are not signed in; who is, is led to the console.
func Visitor() Access { return Access{level: visitor} }

// WhilePending is for people who have given the password and have yet to show a second factor; others are led to where they belong.
func WhilePending() Access { return Access{level: pending} }

// WhileCoding is for people who have given the password and have yet to enter the code that was mailed to them; others are led to where they belong.
func WhileCoding() Access { return Access{level: coding} }

// SignedIn is for every user; what of it is theirs, the store decides.
func SignedIn() Access { return Access{level: signedIn} }

// Staff is for staff whose role has p.
func Staff(p permission.Name) Access { return Access{level: staff, perm: p} }

// Token is for programs that prove themselves by a key; cookies do not count. The handler checks the proof.
func Token() Access { return Access{level: token} }

// Fresh asks besides that the password was entered, and a second factor shown by who has one, at most ten minutes ago (A14).
func (a Access) Fresh() Access { a.fresh = true; return a }

// FactorFresh is Fresh about the second factor alone, for forms that ask for the password themselves.
func (a Access) FactorFresh() Access { a.shown = true; return a }

// WhileEnrolling lets staff in, too, who need a second factor and have none: by such routes they get one.
func (a Access) WhileEnrolling() Access { a.enrol = true; return a }

// String names the access for the route table and its tests.
func (a Access) String() string {
	s := [...]string{"undeclared", "public", "visitor", "second factor pending", "code by mail pending", "signed in", "staff", "token"}[a.level]
	if a.perm != "" {
		s += " " + string(a.perm)
	}
	if a.fresh {
		s += " fresh"
	}
	if a.shown {
		s += " factor fresh"
	}
	if a.enrol {
		s += " while enrolling"
	}
	return s
}

// Permission is what the route asks of staff; empty for the other levels.
func (a Access) Permission() permission.Name { return a.perm }

// NeedsUser reports whether only signed-in people get in.
func (a Access) NeedsUser() bool { return a.level == signedIn || a.level == staff }

// IsVisitor reports whether the route is for people who are not signed in.
func (a Access) IsVisitor() bool { return a.level == visitor }

// guard is the check before every page handler.
func (k *Kit) guard(a Access, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if a.enrol {
			enrol(c)
		}
		who := Actor(c)
		switch a.level {
		case public:
			return next(c)
		case visitor:
			if who.SignedIn() || Enrolling(c) {
				return c.Redirect(http.StatusSeeOther, "/console")
			}
			return next(c)
		case pending, coding:
			return pendingOnly(c, a.level == coding, next)
		case signedIn, staff:
			if !who.SignedIn() {
				return k.signedOut(c)
			}
			if a.level == staff && !permission.Staff(who.StaffRole, a.perm) {
				return fault.Lacking(string(a.perm), "")
			}
			if a.level == staff {
				inUTC(c)
			}
			if s := Session(c); a.fresh && !s.Fresh(k.Now()) || a.shown && !s.FactorFresh(k.Now()) {
				return c.Redirect(http.StatusSeeOther, "/console/account/confirm?next="+queryEscape(undone(c)))
			}
			return next(c)
		}
		return fault.Denied()
	}
}

// enrolHome is where staff get the second factor that they need.
const enrolHome = "/console/account/security"

// enrol makes staff who need a second factor themselves, but without their role.
func enrol(c echo.Context) {
	s := stateOf(c)
	if s.enrolling == nil {
		return
	}
	u := *s.enrolling
	u.StaffRole = ""
	s.user = &u
	s.actor.Kind, s.actor.UserID, s.actor.Name = actor.User, u.ID, u.Name
}

// inUTC makes staff pages tell times in UTC, so that two people on call read the same.
func inUTC(c echo.Context) {
	ctx := Ctx(c)
	c.SetRequest(c.Request().WithContext(text.With(ctx, text.Locale{Language: text.Of(ctx).Language, Zone: time.UTC})))
}

// pendingOnly lets those through who have yet to show a second factor, or to enter a code by mail. Neither can do what the other may.
func pendingOnly(c echo.Context, code bool, next echo.HandlerFunc) error {
	switch s := stateOf(c); {
	case s.pending != nil && s.session.AwaitsCode() == code:
		return next(c)
	case s.pending != nil:
		return c.Redirect(http.StatusSeeOther, PendingHome(s.session))
	case Actor(c).SignedIn():
		return c.Redirect(http.StatusSeeOther, "/console")
	}
	return c.Redirect(http.StatusSeeOther, "/login")
}

// PendingHome is where a pending session is finished.
func PendingHome(s account.Session) string {
	if s.AwaitsCode() {
		return "/login/code"
	}
	return "/login/factor"
}

func (k *Kit) signedOut(c echo.Context) error {
	m := c.Request().Method
	if Enrolling(c) {
		if m == http.MethodGet || m == http.MethodHead {
			return c.Redirect(http.StatusSeeOther, enrolHome)
		}
		return fault.New(fault.Forbidden, "Staff need a second factor before anything else. Add one first.")
	}
	if _, u := Pending(c); u != nil && (m == http.MethodGet || m == http.MethodHead) {
		return c.Redirect(http.StatusSeeOther, PendingHome(stateOf(c).session)+onward(c))
	}
	if k.SignIn != nil && (m == http.MethodGet || m == http.MethodHead) {
		return k.SignIn(c, c.Request().URL.RequestURI())
	}
	return fault.New(fault.Unauthenticated, "Sign in to go on.")
}

// returnPath is where to come back to after the password was entered again: the page itself, or the one that held the form.
func returnPath(c echo.Context) string {
	if c.Request().Method == http.MethodGet {
		return c.Request().URL.RequestURI()
	}
	return refererPath(c)
}
