package factor

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// What every authenticator app can do (RFC 6238): SHA-1, six digits, thirty seconds.
const (
	period    = 30 // seconds
	codeLen   = 6
	seedBytes = 20
	window    = 1 // steps before and after now, for clocks that differ
)

var seedText = base32.StdEncoding.WithPadding(base32.NoPadding)

// Enrolment is what an app needs to be set up: once as an address for a QR code, once as text to type. It is shown until the first code is given.
type Enrolment struct {
	ID     db.ID
	Name   string
	Secret string // base32
	URL    string // otpauth://…
}

// Begin makes a seed for an app of the actor and forgets those that were begun and not confirmed. It counts once Confirm has seen a code of it. Faults: Invalid
// about "name", Conflict when the actor has as many factors as one can have.
func (s *Store) Begin(ctx context.Context, a actor.Actor, name string) (db.ID, error) {
	name, err := named(name)
	if err != nil {
		return db.ID{}, err
	}
	seed, id := make([]byte, seedBytes), db.NewID()
	_, _ = rand.Read(seed) // never fails, says crypto/rand
	return id, s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run("DELETE FROM factors WHERE user_id = ? AND confirmed_at IS NULL", a.UserID); err != nil {
			return err
		}
		if err := room(tx.DB, a.UserID); err != nil {
			return err
		}
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, secret_sealed, created_at) VALUES (?, ?, ?, ?, ?, ?)", id, a.UserID, TOTP, name, s.o.Sealer.Seal(seed, id.String()), tx.Now)
		return err
	})
}

// Enrolment is the app that the actor began to set up. Faults: NotFound, also once it is confirmed: nobody sees a seed again.
func (s *Store) Enrolment(ctx context.Context, a actor.Actor, id db.ID) (Enrolment, error) {
	f, err := s.begun(ctx, a, id)
	if err != nil {
		return Enrolment{}, err
	}
	seed, err := s.o.Sealer.Open(f.SecretSealed, f.ID.String())
	if err != nil {
		return Enrolment{}, err
	}
	u, err := s.o.Accounts.ByID(ctx, a.UserID)
	if err != nil {
		return Enrolment{}, err
	}
	e := Enrolment{ID: f.ID, Name: f.Name, Secret: seedText.EncodeToString(seed)}
	issuer := strings.ReplaceAll(s.o.PortalName(ctx), ":", "") // which parts issuer and account
	address := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + u.Email}
	address.RawQuery = "secret=" + e.Secret + "&issuer=" + url.PathEscape(issuer) + "&algorithm=SHA1&digits=6&period=30"
	e.URL = address.String()
	return e, nil
}

func (s *Store) begun(ctx context.Context, a actor.Actor, id db.ID) (Factor, error) {
	return one(s.o.DB.Read(ctx).Raw("SELECT * FROM factors WHERE id = ? AND user_id = ? AND kind = ? AND confirmed_at IS NULL AND created_at > ?",
		id, a.UserID, TOTP, s.o.DB.Now().Add(-account.EnrolmentAge)))
}

// Added is what becomes of a session whose owner added a factor: a new token, and with the first factor recovery codes, which are shown once.
type Added struct {
	Token   string
	Session account.Session
	Codes   []string
}

// Confirm makes the app count, given a code of it, and mails that. Other sessions of the actor have to show it before they go on. Whoever calls has asked for a fresh
// proof (A14). Faults: NotFound, Invalid about "code", RateLimited.
func (s *Store) Confirm(ctx context.Context, a actor.Actor, id db.ID, code string) (Added, error) {
	f, err := s.begun(ctx, a, id)
	if err != nil {
		return Added{}, err
	}
	if err := s.takeTry(ctx, enrolBucket(a.UserID)); err != nil {
		return Added{}, err
	}
	u, err := s.o.Accounts.ByID(ctx, a.UserID)
	if err != nil {
		return Added{}, err
	}
	step, ok := s.stepOf(f, normal(code), s.o.DB.Now())
	if !ok {
		return Added{}, fault.BadField("code", "That is not the code that the app shows now. Check that the clock of its device is right, and type the newest one.")
	}
	var added Added
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		added = Added{}
		n, err := tx.Run("UPDATE factors SET confirmed_at = ?, last_used_at = ?, last_step = ? WHERE id = ? AND confirmed_at IS NULL", tx.Now, tx.Now, step, f.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		if added.Codes, err = firstCodes(tx, a); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.FactorAdded, TargetKind: "factor", TargetID: f.ID, Details: map[string]string{"kind": TOTP}, Personal: map[string]string{"name": f.Name}})
		if err := s.o.Outbox.Queue(tx, s.letterAdded(tx.Context(), u, TOTP, tx.Now)); err != nil {
			return err
		}
		added.Token, added.Session, err = account.ShowFactor(tx, a, account.ShownNone)
		return err
	})
	if err != nil {
		return Added{}, err
	}
	return added, s.o.Accounts.Release(ctx, enrolBucket(a.UserID))
}

// stepOf is the step whose code this is, among those near now that are newer than the last one taken (A9). A seed that does not open matches nothing.
func (s *Store) stepOf(f Factor, code string, now time.Time) (int64, bool) {
	seed, err := s.o.Sealer.Open(f.SecretSealed, f.ID.String())
	if err != nil || len(code) != codeLen {
		return 0, false
	}
	current, found := now.Unix()/period, int64(0)
	for step := current - window; step <= current+window; step++ {
		want, err := hotp.GenerateCodeCustom(seedText.EncodeToString(seed), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // steps since 1970 are positive
		if err == nil && step > f.LastStep && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found, found > 0
}
