package account

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// attempt is one try to sign in, with the counters that it has taken.
type attempt struct {
	buckets []string
	locked  bool // the account's counter is used up: the password is not looked at
}

// refused is the one answer to every sign-in that fails (A6): unknown, unverified, unapproved, suspended, deleted, locked, wrong.
func refused() error {
	return fault.New(fault.Unauthenticated, "This address and password don’t fit together, or the address is not verified yet. After several wrong tries even the right password waits 15 minutes.")
}

// SignIn checks the password and starts a session with a new token; the session in which the actor was is over (S2). Faults: Unauthenticated in
// the same words for whatever reason, RateLimited for a network that guesses or to which too many codes were mailed, Unavailable when too many sign in at once. At a domain whose people sign in by a provider
// it is a Conflict, a BoundError in its chain, for whoever does not get in.
func (s *Store) SignIn(ctx context.Context, a actor.Actor, email, plain string, from Browser) (string, Session, error) {
	canonical, bad := CanonicalEmail(email)
	if bad != nil {
		canonical = strings.ToLower(strings.TrimSpace(email)) // no account has it; it is counted and answered all the same
	}
	no, err := s.refusedAt(ctx, canonical)
	if err != nil {
		return "", Session{}, err
	}
	u, err := s.byEmail(ctx, canonical)
	if err != nil {
		return "", Session{}, err
	}
	known, err := s.knownBucket(ctx, u, from.Known)
	if err != nil {
		return "", Session{}, err
	}
	try, err := s.reserve(ctx, a, canonical, u, known)
	if err != nil {
		return "", Session{}, err
	}
	ok, stale, err := s.judge(ctx, u, try, plain)
	if errors.Is(err, password.ErrBusy) {
		return "", Session{}, errors.Join(err, s.Release(context.WithoutCancel(ctx), try.buckets...))
	}
	if err != nil {
		return "", Session{}, err
	}
	if !ok || !u.Active(s.db.Now()) {
		return "", Session{}, errors.Join(no, s.noteFailure(ctx, a, audit.UserSignInFailed, u))
	}
	token, session, err := s.enter(ctx, a, u, try, from)
	if errors.As(err, new(*BoundError)) || fault.Is(err, fault.RateLimited) {
		err = errors.Join(err, s.noteFailure(ctx, a, audit.UserSignInFailed, u))
	}
	if err == nil && stale {
		s.keepAnew(ctx, u, plain)
	}
	return token, session, err
}

// refusedAt is the one answer to every sign-in with an address that fails: what its domain's rule says, or nothing but that.
func (s *Store) refusedAt(ctx context.Context, address string) (no, err error) {
	b, bound, err := s.bindingOf(s.db.Read(ctx), address, false)
	if bound {
		return refusedBy(b), err
	}
	return refused(), err
}

// reserve takes the counters before anything is checked, so that parallel guesses can't overtake them (A5). A browser that is known for the account
// has a counter of its own, which others can't use up (A7); everybody else takes those of the network, of the account, and of the account from that network. Faults:
// RateLimited by network. A used-up account is no fault here: it is answered like a wrong password.
func (s *Store) reserve(ctx context.Context, a actor.Actor, email string, u User, known string) (attempt, error) {
	var t attempt
	var wait time.Duration
	flood := false
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		t, wait, flood = attempt{}, 0, false
		if known != "" {
			ok, err := t.take(tx, known, signInPerAccount)
			t.locked = !ok
			return err
		}
		byNetwork := "signin:network:" + network(a)
		ok, after, err := take(tx, byNetwork, signInPerNetwork, signInWindow)
		if err != nil {
			return err
		}
		if !ok {
			wait = after
			return nil
		}
		t.buckets = append(t.buckets, byNetwork)
		calm, err := t.take(tx, signInAllBucket, signInAll)
		if err != nil {
			return err
		}
		flood = !calm
		return t.knock(tx, a, email, u)
	})
	if flood {
		s.warnOfFlood()
	}
	if err == nil && wait > 0 {
		err = tooOften(wait)
	}
	return t, err
}

// knock takes the counters of strangers at an account: that of the account, which all its spellings share (A5) and which tells how many may try from one network,
// and that of the account from this network, of which a new password makes new ones. A try for which this network has nothing left counts at neither: else one network
// could use the account up for all others.
func (t *attempt) knock(tx *db.Tx, a actor.Actor, email string, u User) error {
	strangers, ok, _, err := takeCount(tx, doorBucket(email), 1, strangersMost, signInWindow)
	if err != nil || !ok {
		t.locked = true
		return err
	}
	taken := []string{doorBucket(email)}
	for _, b := range doors(a, email, u, strangers) {
		if ok, _, err = take(tx, b.name, b.limit, signInWindow); err != nil {
			return err
		}
		if !ok {
			t.locked = true
			return release(tx, taken...)
		}
		taken = append(taken, b.name)
	}
	t.buckets = append(t.buckets, taken...)
	return nil
}

type bucket struct {
	name  string
	limit int
}

// doors are the counters of an account for the network of a, once so many strangers tried.
func doors(a actor.Actor, email string, u User, strangers int64) []bucket {
	limit := signInPerAccount
	switch {
	case strangers > strangersMore:
		limit = perNetworkMore
	case strangers > strangersMany:
		limit = perNetworkMany
	}
	from := "signin:from:" + email + ":" + passwordOf(u) + ":"
	out := []bucket{{from + network(a), limit}}
	if wide := wideNetwork(a); wide != "" {
		out = append(out, bucket{from + wide, strangersPerNet})
	}
	return out
}

// passwordOf tells one password of u from the next.
func passwordOf(u User) string {
	if u.PasswordChangedAt == nil {
		return ""
	}
	return strconv.FormatInt(u.PasswordChangedAt.UnixMicro(), 10)
}

// take takes one counter of sign-in and notes that it did.
func (t *attempt) take(tx *db.Tx, bucket string, limit int) (bool, error) {
	ok, _, err := take(tx, bucket, limit, signInWindow)
	if ok {
		t.buckets = append(t.buckets, bucket)
	}
	return ok, err
}

// signInAllBucket counts the tries of all strangers. It refuses nobody: else some thousand tries from a few dozen networks would shut everybody out,
// and what it would stop, guessing from many networks, each account's own counters stop already. It tells the operator.
const signInAllBucket = "signin:all"

// warnOfFlood writes to the log, once a minute at most.
func (s *Store) warnOfFlood() {
	now := s.db.Now()
	s.floodMu.Lock()
	defer s.floodMu.Unlock()
	if now.Sub(s.floodAt) < time.Minute {
		return
	}
	s.floodAt = now
	s.log.Warn("very many sign-ins fail: somebody may be guessing passwords from many networks", "limit", signInAll, "window", signInWindow)
}

// doorBucket counts the tries of strangers to get into the account of an address.
func doorBucket(email string) string { return "signin:account:" + email }

// judge costs the same whether there is such a user or not, through the same gate.
func (s *Store) judge(ctx context.Context, u User, t attempt, plain string) (ok, stale bool, err error) {
	if t.locked || u.PasswordSealed == "" {
		return false, false, busy(s.hasher.VerifyDummy(ctx, plain))
	}
	return s.verifyPassword(ctx, u.ID, u.PasswordSealed, plain)
}

// byEmail is the user of a canonical address, or the zero User.
func (s *Store) byEmail(ctx context.Context, email string) (User, error) {
	var rows []User
	err := s.db.Read(ctx).Raw("SELECT * FROM users WHERE email = ?", email).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return User{}, err
	}
	return rows[0], nil
}

// noteFailure writes the same for every failure. The address is left out: people type passwords there.
func (s *Store) noteFailure(ctx context.Context, a actor.Actor, act audit.Act, u User) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: act, TargetKind: "user", TargetID: u.ID, Result: audit.Refused})
		return nil
	})
}

// enter starts the session, provided the password is still the one that was looked at.
func (s *Store) enter(ctx context.Context, a actor.Actor, u User, t attempt, from Browser) (token string, session Session, err error) {
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		same, err := samePassword(tx, u)
		if err != nil {
			return err
		}
		if !same {
			return refused()
		}
		token, session, err = s.EnterTx(tx, a, u, Entry{Means: ByPassword, Agent: from.Agent, Known: from.Known, Buckets: t.buckets})
		return err
	})
	return token, session, err
}

// SignInAs starts a session without a password: for the first admin, right after set-up made the account. Faults: NotFound, Unauthenticated
// for a user who may not sign in.
func (s *Store) SignInAs(ctx context.Context, a actor.Actor, userID db.ID, userAgent string) (token string, session Session, err error) {
	u, err := s.ByID(ctx, userID)
	if err != nil {
		return "", Session{}, err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		token, session, err = s.EnterTx(tx, a, u, Entry{Means: BySetup, Agent: userAgent})
		return err
	})
	return token, session, err
}

// Reauthenticate checks the password again and gives the session a new token, which counts as fresh for ten minutes; the old one is dead (A14, S2).
// Faults: Invalid about "password", RateLimited, Unavailable, Unauthenticated.
func (s *Store) Reauthenticate(ctx context.Context, a actor.Actor, plain string) (token string, err error) {
	u, err := s.confirmPassword(ctx, a, "password", plain)
	if err != nil {
		return "", err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := stillCurrent(tx, u, "password"); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserReauthenticated, TargetKind: "user", TargetID: a.UserID})
		token, err = renewToken(tx, a)
		return err
	})
	return token, err
}

// renewToken gives the actor's session a new token and makes it fresh. It still ends when it would have ended.
func renewToken(tx *db.Tx, a actor.Actor) (string, error) {
	token := secret.Token(tokenBytes)
	n, err := tx.Run("UPDATE sessions SET digest = ?, reauthenticated_at = ? WHERE id = ? AND user_id = ?", sessionDigest(token), tx.Now, a.SessionID, a.UserID)
	if err == nil && n == 0 {
		err = over()
	}
	return token, err
}
