package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// withState finds out who asks and how they read, before anything else of a page runs.
func (k *Kit) withState(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		s := &state{nonce: newNonce()}
		s.actor = actor.Actor{Kind: actor.Anonymous, RequestID: RequestID(c), At: k.Now()}
		s.actor.Address, _ = netip.ParseAddr(c.RealIP()) // the zero address when it is none
		c.Set(stateKey, s)
		k.setHeaders(c)
		var err error
		if s.portal, err = setting.PortalOf(Ctx(c), k.DB); err != nil {
			return err
		}
		if err := k.departed(c, s); err != nil {
			return err
		}
		if err := k.resolve(c, s); err != nil {
			return err
		}
		c.SetRequest(c.Request().WithContext(k.withLocale(c, s)))
		if err := readable(c); err != nil {
			return err
		}
		if done, err := k.keyless(c); done || err != nil {
			return err
		}
		return next(c)
	}
}

// departed refuses every page of a database that was moved elsewhere, once the grace of that move has passed: who was signed out or removed in the new one since is
// still there in this one (S4, Z7). Before the session is looked at; styles are no secret.
func (k *Kit) departed(c echo.Context, s *state) error {
	err := k.DB.Left(Ctx(c))
	if !errors.Is(err, db.ErrLeft) || strings.HasPrefix(c.Request().URL.Path, "/static/") {
		return nil // what else is wrong with the database, the page finds out
	}
	c.SetRequest(c.Request().WithContext(k.withLocale(c, s)))
	return &fault.Error{
		Kind: fault.Unavailable, RetryAfter: awayFor, Cause: err,
		Key: "This portal was moved to another database, and this is its old server: what it knows is out of date. Try again in a moment; if it stays so, tell whoever runs the portal.",
	}
}

// resolve reads the session cookie. A cookie of no session is nobody, not an error.
func (k *Kit) resolve(c echo.Context, s *state) error {
	token := k.cookie(c, sessionCookie)
	if token == "" {
		return nil
	}
	session, user, err := k.Accounts.Resolve(Ctx(c), token)
	if fault.Is(err, fault.Unauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	if session.Pending() {
		s.session, s.pending, s.actor.SessionID = session, &user, session.ID
		return nil
	}
	if k.StaffFactor && user.StaffRole != "" && !session.HasFactor && session.FactorAt == nil {
		s.session, s.enrolling, s.actor.SessionID = session, &user, session.ID
		return nil
	}
	s.session, s.user = session, &user
	s.actor.Kind, s.actor.UserID, s.actor.SessionID = actor.User, user.ID, session.ID
	s.actor.StaffRole, s.actor.Name, s.actor.Factor = user.StaffRole, user.Name, session.HasFactor || session.FactorAt != nil
	return nil
}

func (k *Kit) withLocale(c echo.Context, s *state) context.Context {
	l := text.Locale{Language: text.Match(c.Request().Header.Get("Accept-Language")), Zone: time.UTC}
	if chosen, ok := text.Parse(k.cookie(c, languageCookie)); ok {
		l.Language = chosen
	}
	if u := cmp.Or(s.user, s.pending, s.enrolling); u != nil {
		if own, ok := text.Parse(u.Language); ok {
			l.Language = own
		}
		l.Zone = u.Location()
	}
	return text.With(Ctx(c), l)
}

// Names of the cookies; with https they carry the __Host- prefix, which ties them to this host.
const (
	sessionCookie  = "gatehouse-session"
	languageCookie = "gatehouse-language"
	flashCookie    = "gatehouse-flash"
	// SignupCookie ties a sign-up to the browser that began it.
	SignupCookie = "gatehouse-signup"
	// KnownCookie says that somebody signed in with this browser before. It opens nothing; strangers' guesses don't lock it out (A7).
	KnownCookie = "gatehouse-known"
	// PasskeyCookie ties the challenge of a passkey to the browser that asked for it, before anybody is signed in there (A11).
	PasskeyCookie = "gatehouse-passkey"
)

func (k *Kit) cookieName(name string) string {
	if k.Secure() {
		return "__Host-" + name
	}
	return name
}

func (k *Kit) cookie(c echo.Context, name string) string {
	found, err := c.Cookie(k.cookieName(name))
	if err != nil {
		return ""
	}
	return found.Value
}

// Cookie is the value of one of our cookies, or "".
func (k *Kit) Cookie(c echo.Context, name string) string { return k.cookie(c, name) }

// SetCookie sets one of our cookies for age; age ≤ 0 removes it.
func (k *Kit) SetCookie(c echo.Context, name, value string, age time.Duration) {
	//nolint:gosec // Secure is off on loopback alone, which config holds
	cookie := &http.Cookie{Name: k.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: k.Secure(), SameSite: http.SameSiteLaxMode, MaxAge: int(age.Seconds())}
	if age <= 0 {
		cookie.Value, cookie.MaxAge = "", -1
	}
	c.SetCookie(cookie)
}

// StartSession hands the browser the token of a new session; it ends with the browser at the latest with the session.
func (k *Kit) StartSession(c echo.Context, token string, age time.Duration) {
	k.SetCookie(c, sessionCookie, token, age)
}

// Enter hands the token of a new session to the browser, whatever the way in. One that is whole makes the browser known, which mails its owner when it was not, and
// forgets the sign-up that led to it; one that is pending leads to where a second factor is shown.
func (k *Kit) Enter(c echo.Context, token string, s account.Session) error {
	if s.Pending() {
		k.StartSession(c, token, s.ExpiresAt.Sub(k.Now()))
		return nil
	}
	known, err := k.Accounts.Remember(Ctx(c), Actor(c), s, k.Browser(c))
	if err != nil {
		return err
	}
	k.StartSession(c, token, s.ExpiresAt.Sub(k.Now()))
	k.SetCookie(c, KnownCookie, known, account.KnownAge)
	if k.cookie(c, SignupCookie) != "" {
		k.SetCookie(c, SignupCookie, "", 0)
	}
	return nil
}

// Browser is what signs in.
func (k *Kit) Browser(c echo.Context) account.Browser {
	return account.Browser{Agent: c.Request().UserAgent(), Known: k.cookie(c, KnownCookie)}
}

// ForgetSession takes the token away from the browser, and all else that it keeps of us (S5) but KnownCookie, which is of use to who signed out, and the language in which
// pages are read there. That is why Clear-Site-Data doesn't name the cookies.
func (k *Kit) ForgetSession(c echo.Context) {
	k.SetCookie(c, sessionCookie, "", 0)
	for _, name := range []string{flashCookie, SignupCookie} {
		if k.cookie(c, name) != "" {
			k.SetCookie(c, name, "", 0)
		}
	}
	if read := text.Of(Ctx(c)).Language; k.cookie(c, languageCookie) == "" && read != text.Match(c.Request().Header.Get("Accept-Language")) {
		k.SetLanguage(c, string(read))
	}
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// SetLanguage remembers the choice of somebody who is not signed in.
func (k *Kit) SetLanguage(c echo.Context, tag string) {
	k.SetCookie(c, languageCookie, tag, 365*24*time.Hour)
}

func newNonce() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, says crypto/rand
	return base64.RawStdEncoding.EncodeToString(b)
}
