package factor

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Limits of guessing (A8). The right password gives none of them back.
const (
	triesPerWindow = 5
	triesWindow    = 15 * time.Minute
	failuresInRow  = 100
)

// Codes of apps and recovery codes are counted apart: whoever guesses six digits doesn't keep the owner from using a recovery code.
func codeBucket(userID db.ID) string     { return "factor:" + userID.String() }
func recoveryBucket(userID db.ID) string { return "factor:recovery:" + userID.String() }
func enrolBucket(userID db.ID) string    { return "factor:enrol:" + userID.String() }

// Shown is what becomes of a session in which a second factor was shown: a new token. Of a recovery code, Recovery is true and Left tells how many there still are.
type Shown struct {
	Token    string
	Session  account.Session
	Recovery bool
	Left     int
}

// Show proves a second factor in the actor's session, by a code of an app or a recovery code: to finish signing in, or again before something that matters. Tries are
// counted before the code is looked at. Faults: Invalid about "code", RateLimited, Unauthenticated when the session is over.
func (s *Store) Show(ctx context.Context, a actor.Actor, code string) (Shown, error) {
	code = normal(code)
	if len(code) == recoveryLen {
		return s.showRecovery(ctx, a, code)
	}
	return s.showCode(ctx, a, code)
}

// normal takes a code as people type it: with spaces or hyphens, in full-width digits or capitals, and with letters that recovery codes don't have for the digits
// that look like them.
func normal(code string) string {
	code = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(code[:min(len(code), 200)]))
	return strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(code)
}

// ErrRecoveryWorks is the cause of a fault about codes of apps that leaves one way in at once: a recovery code.
var ErrRecoveryWorks = errors.New("codes of apps are not taken now")

// LooksRecovery reports whether a text has the form of a recovery code, however it is typed: of one that has not, nothing need be asked or counted.
func LooksRecovery(code string) bool { return len(normal(code)) == recoveryLen }

func wrongCode() error {
	return fault.BadField("code", "That is not a code that works now. Codes of an app change every 30 seconds, and each works once.")
}

func wrongRecovery() error {
	return fault.BadField("code", "That is not a recovery code that works. Each works once, and new ones ended those from before.")
}

func (s *Store) showCode(ctx context.Context, a actor.Actor, code string) (Shown, error) {
	if err := s.takeTry(ctx, codeBucket(a.UserID)); err != nil {
		return Shown{}, recoveryWorks(err)
	}
	if err := s.countFailure(ctx, a.UserID); err != nil {
		return Shown{}, err
	}
	var shown Shown
	ok := false
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		shown, ok = Shown{}, false
		id, err := s.spendCode(tx, a.UserID, code)
		if err != nil || id.IsZero() {
			return err
		}
		if _, err := tx.Run("DELETE FROM factor_failures WHERE user_id = ?", a.UserID); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.FactorShown, TargetKind: "factor", TargetID: id, Details: map[string]string{"kind": TOTP}})
		shown.Token, shown.Session, err = account.ShowFactor(tx, a, account.ShownApp)
		ok = err == nil
		return err
	})
	return s.settle(ctx, a, codeBucket(a.UserID), shown, ok, err, wrongCode())
}

// spendCode finds whose code it is among the person's apps and uses it up; the zero ID when it is none's, or was used on another replica just now (A9).
func (s *Store) spendCode(tx *db.Tx, userID db.ID, code string) (db.ID, error) {
	var apps []Factor
	if err := tx.Raw("SELECT * FROM factors WHERE user_id = ? AND kind = ? AND confirmed_at IS NOT NULL ORDER BY id", userID, TOTP).Scan(&apps).Error; err != nil {
		return db.ID{}, err
	}
	for _, f := range apps {
		step, ok := s.stepOf(f, code, tx.Now)
		if !ok {
			continue
		}
		n, err := tx.Run("UPDATE factors SET last_step = ?, last_used_at = ? WHERE id = ? AND last_step < ?", step, tx.Now, f.ID, step)
		if err != nil || n == 0 {
			return db.ID{}, err
		}
		return f.ID, nil
	}
	return db.ID{}, nil
}

func (s *Store) showRecovery(ctx context.Context, a actor.Actor, code string) (Shown, error) {
	if err := s.takeTry(ctx, recoveryBucket(a.UserID)); err != nil {
		return Shown{}, err
	}
	u, err := s.o.Accounts.ByID(ctx, a.UserID)
	if err != nil {
		return Shown{}, err
	}
	var shown Shown
	ok := false
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		shown, ok = Shown{Recovery: true}, false
		n, err := tx.Run("UPDATE recovery_codes SET used_at = ? WHERE digest = ? AND used_at IS NULL", tx.Now, codeDigest(a.UserID, code))
		if err != nil || n == 0 {
			return err
		}
		var left int64
		if err := tx.Raw("SELECT COUNT(*) FROM recovery_codes WHERE user_id = ? AND used_at IS NULL", a.UserID).Scan(&left).Error; err != nil {
			return err
		}
		shown.Left = int(left)
		if _, err := tx.Run("DELETE FROM factor_failures WHERE user_id = ?", a.UserID); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.RecoveryUsed, TargetKind: "user", TargetID: a.UserID})
		if err := s.o.Outbox.Queue(tx, s.letterRecovery(tx.Context(), u, shown.Left, tx.Now)); err != nil {
			return err
		}
		shown.Token, shown.Session, err = account.ShowFactor(tx, a, account.ShownRecovery)
		ok = err == nil
		return err
	})
	return s.settle(ctx, a, recoveryBucket(a.UserID), shown, ok, err, wrongRecovery())
}

// settle ends a try: a good one gives back what it took, a wrong one is told in the audit log.
func (s *Store) settle(ctx context.Context, a actor.Actor, bucket string, shown Shown, ok bool, err, wrong error) (Shown, error) {
	switch {
	case err != nil:
		return Shown{}, err
	case ok:
		return shown, s.o.Accounts.Release(ctx, bucket)
	}
	return Shown{}, errors.Join(wrong, s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.FactorFailed, TargetKind: "user", TargetID: a.UserID, Result: audit.Refused})
		return nil
	}))
}

// takeTry counts a try before it is looked at (A5, A8). Faults: RateLimited.
func (s *Store) takeTry(ctx context.Context, bucket string) error {
	ok, after, err := s.o.Accounts.Take(ctx, bucket, triesPerWindow, triesWindow)
	if err != nil || ok {
		return err
	}
	return tooOften(after)
}

func tooOften(after time.Duration) error {
	return fault.Later(after, text.N("That was tried too often. Wait %d minutes, then try again."), int((after+time.Minute-1)/time.Minute))
}

// recoveryWorks says of too many codes of apps that recovery codes, which are counted apart, are taken all the while: whoever guesses six digits shuts nobody out (A7).
func recoveryWorks(err error) error {
	if f := fault.As(err); f != nil && f.Kind == fault.RateLimited {
		f.Key, f.Cause = text.N("Too many codes of the app were entered. Wait %d minutes for the next one. A recovery code is taken now."), ErrRecoveryWorks
	}
	return err
}

// countFailure counts a try as one of those that fail in a row; one that succeeds deletes the count. After a hundred, codes of apps are worth nothing until another
// factor was shown (A8; SP 800-63B-4 section 3.2.2). Faults: Invalid about "code".
func (s *Store) countFailure(ctx context.Context, userID db.ID) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run(`INSERT INTO factor_failures (user_id, failures) VALUES (?, 1)
			ON CONFLICT (user_id) DO UPDATE SET failures = factor_failures.failures + 1 WHERE factor_failures.failures < ?`, userID, failuresInRow)
		if err == nil && n == 0 {
			spent := fault.BadField("code", "Codes of apps don’t work for this account any more: too many wrong ones were entered. Use a recovery code.")
			spent.Cause = ErrRecoveryWorks
			err = spent
		}
		return err
	})
}
