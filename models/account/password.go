package account

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// CheckPassword says what is wrong with a new password (A2), as problems of field. Known is what others know of the user: name, address.
func (s *Store) CheckPassword(ctx context.Context, field, plain string, known ...string) fault.Problems {
	var p fault.Problems
	for _, r := range (password.Policy{}).Check(plain, append(known, s.portalName(ctx), "Gatehouse")...) {
		p.Add(field, r.Key, r.Args...)
	}
	return p
}

// HashPassword makes what the users table keeps of a password: the argon2id string, sealed for the user of that id (A1). It doesn't ask the
// policy. Faults: Unavailable when too many hash at once.
func (s *Store) HashPassword(ctx context.Context, userID db.ID, plain string) (string, error) {
	phc, err := s.hasher.Hash(ctx, plain)
	if err != nil {
		return "", busy(err)
	}
	return s.sealer.Seal([]byte(phc), userID.String()), nil
}

// verifyPassword checks plain against what is kept of userID's password. stale says that it was right and should be kept anew: with today's
// parameters, or sealed under today's secret. A hash that can't be opened or is out of bounds matches nothing.
func (s *Store) verifyPassword(ctx context.Context, userID db.ID, sealed, plain string) (ok, stale bool, err error) {
	phc, err := s.sealer.Open(sealed, userID.String())
	if err != nil {
		return false, false, busy(s.hasher.VerifyDummy(ctx, plain))
	}
	ok, weak, err := s.hasher.Verify(ctx, string(phc), plain)
	if errors.Is(err, password.ErrParams) {
		return false, false, busy(s.hasher.VerifyDummy(ctx, plain))
	}
	if err != nil || !ok {
		return false, false, busy(err)
	}
	return true, weak || s.sealer.Outdated(sealed), nil
}

// keepAnew hashes the password of u, who is in, once more. Nobody who is refused pays for that: the time would tell that the password was right (A6). Where it fails,
// the next sign-in does it.
func (s *Store) keepAnew(ctx context.Context, u User, plain string) {
	sealed, err := s.HashPassword(ctx, u.ID, plain)
	if err == nil {
		err = s.db.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE users SET password_sealed = ? WHERE id = ? AND password_sealed = ?", sealed, u.ID, u.PasswordSealed)
			return err
		})
	}
	if err != nil {
		s.log.Info("a password's hash is not renewed yet", "user", u.ID.Show("user"), "error", err)
	}
}

func busy(err error) error {
	if errors.Is(err, password.ErrBusy) {
		return &fault.Error{Kind: fault.Unavailable, Key: text.N("Many people sign in at the moment. Try again in a few seconds."), RetryAfter: password.RetryAfter, Cause: err}
	}
	return err
}

// samePassword reports whether the password of u is the one that was looked at, and keeps it until the commit: whoever changes it meanwhile comes before, and is heard, or
// after. A hash that was kept anew is the same password.
func samePassword(tx *db.Tx, u User) (bool, error) {
	var now []User
	err := tx.Raw("UPDATE users SET password_changed_at = password_changed_at WHERE id = ? AND deleted_at IS NULL RETURNING *", u.ID).Scan(&now).Error
	return len(now) > 0 && passwordOf(now[0]) == passwordOf(u), err
}

// stillCurrent is samePassword for what confirmPassword was asked for: a password that was replaced since proves nothing. Faults: Invalid about field.
func stillCurrent(tx *db.Tx, u User, field string) error {
	same, err := samePassword(tx, u)
	if err == nil && !same {
		err = notCurrent(field)
	}
	return err
}

func notCurrent(field string) error {
	return fault.BadField(field, text.N("That is not your current password."))
}

// confirmPassword asks the signed-in actor for the current password again, whatever for: all forms that do share a counter, and what is wrong here
// is told in the audit log. What it is asked for goes on by stillCurrent. Faults: Invalid about field, RateLimited, Unavailable.
func (s *Store) confirmPassword(ctx context.Context, a actor.Actor, field, plain string) (User, error) {
	u, err := s.ByID(ctx, a.UserID)
	if err != nil {
		return User{}, err
	}
	try, err := s.reserveConfirm(ctx, a, u)
	if err != nil {
		return User{}, err
	}
	ok, _, err := s.verifyPassword(ctx, u.ID, u.PasswordSealed, plain)
	if err != nil {
		return User{}, errors.Join(err, s.Release(context.WithoutCancel(ctx), try.buckets...))
	}
	if !ok {
		return User{}, errors.Join(notCurrent(field), s.noteFailure(ctx, a, audit.UserReauthenticated, u))
	}
	return u, s.Release(ctx, try.buckets...)
}

// reserveConfirm takes the counters before the password is looked at (A5). A guess counts at the door of the account too, so that whoever holds a session
// has fewer guesses left there; but a door that strangers keep shut doesn't keep its owner from confirming (A7). Faults: RateLimited.
func (s *Store) reserveConfirm(ctx context.Context, a actor.Actor, u User) (attempt, error) {
	var t attempt
	var wait time.Duration
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		t, wait = attempt{}, 0
		ok, after, err := take(tx, confirmBucket(u.ID), signInPerAccount, signInWindow)
		if err != nil || !ok {
			wait = after
			return err
		}
		t.buckets = append(t.buckets, confirmBucket(u.ID))
		return t.knock(tx, a, u.Email, u)
	})
	if err == nil && wait > 0 {
		err = tooOften(wait)
	}
	return t, err
}

// confirmBucket counts the tries to confirm who one is.
func confirmBucket(userID db.ID) string { return "confirm:" + userID.String() }

// locale is how u reads mail.
func (u User) locale() text.Locale {
	return text.Locale{Language: text.Language(u.Language), Zone: u.Location()}
}

// moment writes t as the reader of l does.
func moment(l text.Locale, t time.Time) string {
	return text.DateTime(text.With(context.Background(), l), t)
}
