package account

import (
	"context"
	"crypto/hmac"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Verified is a sign-up whose address is verified: now a user. Under GATEHOUSE_SIGNUP=approval it Waits and has no session.
type Verified struct {
	User    User
	Waits   bool
	Token   string
	Session Session
}

// PendingSignup is what the page that verifies shows. SameBrowser says that the sign-up began in the browser that asks; Next is where its person was
// going.
type PendingSignup struct {
	Email       string
	SameBrowser bool
	Next        string
}

// SignupHere tells of the sign-up that began in the browser with this token. Faults: NotFound.
func (s *Store) SignupHere(ctx context.Context, browser string) (PendingSignup, error) {
	row, err := s.signupOf(ctx, browser)
	return PendingSignup{row.Email, true, row.NextPath}, err
}

// SignupOfLink tells of the sign-up of a mailed link; it uses nothing up, since mail scanners open links too. Faults: NotFound.
func (s *Store) SignupOfLink(ctx context.Context, token, browser string) (PendingSignup, error) {
	row, err := s.signupByLink(ctx, token)
	return PendingSignup{row.Email, row.begunIn(browser), row.NextPath}, err
}

func (r signup) begunIn(browser string) bool {
	return browser != "" && hmac.Equal(r.BrowserDigest, tokenDigest(browser))
}

// VerifyCode verifies by the code of the mail, in the browser where the sign-up began, and signs in. Each code bears five tries, counted before
// they are looked at. Faults: NotFound, Invalid, RateLimited, Conflict.
func (s *Store) VerifyCode(ctx context.Context, a actor.Actor, browser, code, userAgent string) (Verified, error) {
	row, err := s.signupOf(ctx, browser)
	if err != nil {
		return Verified{}, err
	}
	if err := s.allow(ctx, "signup:code:"+row.Email, codesPerAddress, codesWindow); err != nil {
		return Verified{}, err
	}
	var out Verified
	var wrong error
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		out, wrong = Verified{}, nil
		n, err := tx.Run("UPDATE signups SET code_tries = code_tries + 1 WHERE id = ? AND code_tries < ? AND code_expires_at > ?", row.ID, codeTries, tx.Now)
		if err != nil {
			return err
		}
		var rows []signup
		if err := tx.Raw("SELECT * FROM signups WHERE id = ?", row.ID).Scan(&rows).Error; err != nil {
			return err
		}
		switch {
		case n == 0 || len(rows) == 0:
			wrong = fault.BadField("code", "This code does not work any more. Send a new mail, or use the link.")
			return nil
		case !s.codeMatches(rows[0], digits(code)):
			wrong = fault.BadField("code", "That is not the code. Type the six digits of the newest mail.")
			return nil
		}
		out, err = s.finish(tx, a, rows[0], ByCode, userAgent)
		return err
	})
	if err == nil {
		err = wrong
	}
	return out, err
}

// digits takes a code as people type it: with spaces or hyphens, or in full-width digits.
func digits(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, norm.NFKC.String(code))
}

// VerifyLink verifies by the link of the mail and signs in. In another browser than the one where the sign-up began it asks for the password
// that was chosen there: whoever owns the mailbox but didn't choose the password must not bring to life an account that a stranger
// prepared (A15). Faults: NotFound, Invalid, RateLimited, Unavailable, Conflict.
func (s *Store) VerifyLink(ctx context.Context, a actor.Actor, token, browser, password, userAgent string) (Verified, error) {
	row, err := s.signupByLink(ctx, token)
	if err != nil {
		return Verified{}, err
	}
	if !row.begunIn(browser) {
		if err := s.allow(ctx, "signup:password:"+row.ID.String(), signInPerAccount, signInWindow); err != nil {
			return Verified{}, err
		}
		ok, _, err := s.verifyPassword(ctx, row.ID, row.PasswordSealed, password)
		if err != nil {
			return Verified{}, err
		}
		if !ok {
			return Verified{}, fault.BadField("password", "That is not the password that was chosen at sign-up.")
		}
	}
	var out Verified
	return out, s.db.Tx(ctx, func(tx *db.Tx) error {
		var rows []signup
		err := tx.Raw("SELECT * FROM signups WHERE id = ? AND link_digest = ?", row.ID, tokenDigest(token)).Scan(&rows).Error
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return linkGone()
		}
		out, err = s.finish(tx, a, rows[0], ByLink, userAgent)
		return err
	})
}

// finish makes the user of a verified sign-up, ends all other sign-ups of that address, and signs in or lets the admins know.
func (s *Store) finish(tx *db.Tx, a actor.Actor, row signup, by Means, userAgent string) (Verified, error) {
	if err := endSignups(tx, row.Email, row.ID); err != nil {
		return Verified{}, err
	}
	waits := s.SignupPolicy().Policy == config.SignupApproval
	u, err := s.AddUser(tx, NewUser{
		ID: row.ID, Email: row.Email, Name: row.Name, DisplayName: row.DisplayName, Language: row.Language, TimeZone: row.TimeZone,
		PasswordSealed: row.PasswordSealed, Unapproved: waits,
	})
	if err != nil {
		return Verified{}, err
	}
	a.Kind, a.UserID, a.Name = actor.User, u.ID, u.Name
	audit.Record(tx, a, audit.Event{Act: audit.UserSignedUp, TargetKind: "user", TargetID: u.ID, Personal: map[string]string{"email": u.Email}})
	if waits {
		return Verified{User: u, Waits: true}, s.tellAdmins(tx, u)
	}
	token, session, err := s.EnterTx(tx, a, u, Entry{Means: by, Agent: userAgent})
	return Verified{User: u, Token: token, Session: session}, err
}
