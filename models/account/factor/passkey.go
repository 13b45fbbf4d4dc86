package factor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// longestAnswer bounds what an authenticator may answer, in bytes: a certificate chain that nobody asked for is cut by it.
const longestAnswer = 12 << 10

// room reports by its fault whether the person may have one factor more. Faults: Conflict.
func room(q *gorm.DB, userID db.ID) error {
	var n int64
	if err := q.Raw("SELECT COUNT(*) FROM factors WHERE user_id = ? AND confirmed_at IS NOT NULL", userID).Scan(&n).Error; err != nil {
		return err
	}
	if n >= mostFactors {
		return fault.New(fault.Conflict, "You have %d second factors, as many as one can have. Remove one first.", n)
	}
	return nil
}

// MayAdd reports by its fault why the actor can't add a passkey of that name. Faults: Invalid about "name", Conflict.
func (s *Store) MayAdd(ctx context.Context, a actor.Actor, name string) error {
	if s.party == nil {
		return notOffered()
	}
	if _, err := named(name); err != nil {
		return err
	}
	return room(s.o.DB.Read(ctx), a.UserID)
}

// AddPasskey keeps the passkey that an authenticator made for the challenge of AskForNew, and mails that. Other sessions of the actor have to show a factor before they go
// on. Whoever calls has asked for a fresh proof (A14). Faults: Invalid, also about "name", Conflict.
func (s *Store) AddPasskey(ctx context.Context, a actor.Actor, name, answer string) (Added, error) {
	if s.party == nil {
		return Added{}, notOffered()
	}
	name, err := named(name)
	if err != nil {
		return Added{}, err
	}
	h, err := s.holderOf(ctx, a.UserID)
	if err != nil {
		return Added{}, err
	}
	made, err := s.made(ctx, a, h, answer)
	if err != nil {
		return Added{}, err
	}
	var added Added
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		added = Added{}
		if err := room(tx.DB, a.UserID); err != nil {
			return err
		}
		id := db.NewID()
		if err := keep(tx, id, a.UserID, name, made); err != nil {
			return err
		}
		if added.Codes, err = firstCodes(tx, a); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.FactorAdded, TargetKind: "factor", TargetID: id, Details: map[string]string{"kind": Passkey}, Personal: map[string]string{"name": name}})
		if err := s.o.Outbox.Queue(tx, s.letterAdded(tx.Context(), h.User, Passkey, tx.Now)); err != nil {
			return err
		}
		added.Token, added.Session, err = account.ShowPasskey(tx, a, account.ShownNone)
		return err
	})
	return added, err
}

// made judges what an authenticator made. Faults: Invalid.
func (s *Store) made(ctx context.Context, a actor.Actor, h holder, answer string) (*webauthn.Credential, error) {
	if len(answer) > longestAnswer {
		return nil, notTaken()
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return nil, notTaken()
	}
	challenge := parsed.Response.CollectedClientData.Challenge
	c, err := s.spend(ctx, toAdd, a.SessionID.String(), challenge)
	if err != nil {
		return nil, err
	}
	made, err := s.party.CreateCredential(h, c.session(challenge, s.party, &h), parsed)
	if err != nil || !made.Flags.UserVerified {
		return nil, notTaken()
	}
	return made, nil
}

// keep writes a new passkey down. One that is there already, whoever's, is not taken: nobody's authenticator makes the same twice.
func keep(tx *db.Tx, id, userID db.ID, name string, made *webauthn.Credential) error {
	transports := make([]string, 0, len(made.Transport))
	for _, t := range made.Transport[:min(len(made.Transport), 8)] {
		if known[t] {
			transports = append(transports, string(t))
		}
	}
	n, err := tx.Run(`INSERT INTO factors (id, user_id, kind, name, credential_id, public_key, sign_count, backup_eligible, transports, confirmed_at, last_used_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (credential_id) DO NOTHING`,
		id, userID, Passkey, name, made.ID, made.PublicKey, int64(made.Authenticator.SignCount), made.Flags.BackupEligible, strings.Join(transports, " "), tx.Now, tx.Now, tx.Now)
	if err == nil && n == 0 {
		err = notTaken()
	}
	return err
}

var known = map[protocol.AuthenticatorTransport]bool{protocol.USB: true, protocol.NFC: true, protocol.BLE: true, protocol.SmartCard: true, protocol.Hybrid: true, protocol.Internal: true}

// ShowPasskey proves a passkey in the actor's session, who may be pending, for a challenge of Ask. It has verified its user, so it stands for the password, too (A14).
// Faults: Invalid, Unauthenticated when the session is over.
func (s *Store) ShowPasskey(ctx context.Context, a actor.Actor, answer string) (Shown, error) {
	if s.party == nil {
		return Shown{}, notOffered()
	}
	h, err := s.holderOf(ctx, a.UserID)
	if err != nil {
		return Shown{}, err
	}
	f, count, err := s.judge(ctx, toShow, a.SessionID.String(), &h, answer)
	if err != nil {
		return Shown{}, s.refuse(ctx, a, h.User, f, err)
	}
	var shown Shown
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := used(tx, a, f, count); err != nil {
			return err
		}
		shown.Token, shown.Session, err = account.ShowPasskey(tx, a, account.ShownPasskey)
		return err
	})
	if err != nil {
		return Shown{}, s.refuse(ctx, a, h.User, f, err)
	}
	return shown, nil
}

// Enter signs in by a passkey alone, for a challenge of AskToEnter in the same browser: it is both factors at once. Faults: Unauthenticated, whatever does not fit;
// Conflict when passkeys are not offered.
func (s *Store) Enter(ctx context.Context, a actor.Actor, bound, answer, agent string) (token string, session account.Session, err error) {
	if s.party == nil {
		return "", account.Session{}, notOffered()
	}
	var h holder
	f, count, err := s.judge(ctx, toEnter, bound, &h, answer)
	if err == nil {
		who := a
		who.Kind, who.UserID, who.Name, who.StaffRole = actor.User, h.ID, h.Name, h.StaffRole
		err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
			if err := used(tx, who, f, count); err != nil {
				return err
			}
			token, session, err = s.o.Accounts.EnterTx(tx, a, h.User, account.Entry{Means: account.ByPasskey, Agent: agent, Factor: true})
			return err
		})
	}
	if err == nil {
		return token, session, nil
	}
	err = s.refuse(ctx, a, h.User, f, err)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Unauthenticated) {
		err = fault.New(fault.Unauthenticated, "That passkey did not sign you in. Try again, or sign in with your password.")
	}
	return "", account.Session{}, err
}

// errCounted is of a passkey whose count had been there before.
var errCounted = errors.New("the signature counter went back")

// judge verifies an answer (WebAuthn, section 7.2) and returns whose passkey it is and the count of its signatures. Of signing in, h is filled in with whom the
// authenticator names. Faults: Invalid.
func (s *Store) judge(ctx context.Context, kind, bound string, h *holder, answer string) (Factor, uint32, error) {
	if len(answer) > longestAnswer {
		return Factor{}, 0, notTaken()
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return Factor{}, 0, notTaken()
	}
	challenge := parsed.Response.CollectedClientData.Challenge
	c, err := s.spend(ctx, kind, bound, challenge)
	if err != nil {
		return Factor{}, 0, err
	}
	if kind == toEnter {
		if *h, err = s.holderBy(ctx, parsed.Response.UserHandle); err != nil {
			return Factor{}, 0, err
		}
		_, _, err = s.party.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return *h, nil }, c.session(challenge, s.party, nil), parsed)
	} else {
		_, err = s.party.ValidateLogin(*h, c.session(challenge, s.party, h), parsed)
	}
	if err != nil {
		return Factor{}, 0, notTaken()
	}
	return h.by(parsed.RawID), parsed.Response.AuthenticatorData.Counter, nil
}

// holderBy is whom an authenticator says that its passkey is of. Faults: Invalid.
func (s *Store) holderBy(ctx context.Context, userHandle []byte) (holder, error) {
	if len(userHandle) != len(db.ID{}) {
		return holder{}, notTaken()
	}
	h, err := s.holderOf(ctx, db.ID(userHandle))
	if fault.Is(err, fault.NotFound) {
		err = notTaken()
	}
	return h, err
}

// used notes that a passkey was shown. Of an authenticator that counts its signatures, the count must be new: also of two answers at the same moment, one alone is taken.
func used(tx *db.Tx, a actor.Actor, f Factor, count uint32) error {
	query, args := "UPDATE factors SET last_used_at = ? WHERE id = ? AND sign_count = 0", []any{tx.Now, f.ID}
	if count > 0 {
		query, args = "UPDATE factors SET last_used_at = ?, sign_count = ? WHERE id = ? AND sign_count < ?", []any{tx.Now, int64(count), f.ID, int64(count)}
	}
	n, err := tx.Run(query, args...)
	if err != nil {
		return err
	}
	if n == 0 {
		return errCounted
	}
	if _, err := tx.Run("DELETE FROM factor_failures WHERE user_id = ?", f.UserID); err != nil {
		return err
	}
	audit.Record(tx, a, audit.Event{Act: audit.FactorShown, TargetKind: "factor", TargetID: f.ID, Details: map[string]string{"kind": Passkey}})
	return nil
}

// countedBackEvery is how often at most its owner is told that a passkey may have been copied.
const countedBackEvery = 24 * time.Hour

// refuse writes down that a passkey was not taken, and of one whose count went back, mails its owner. It returns the fault for whoever showed it.
func (s *Store) refuse(ctx context.Context, a actor.Actor, u account.User, f Factor, why error) error {
	counted := errors.Is(why, errCounted)
	if !counted && !fault.Is(why, fault.Invalid) {
		return why
	}
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if !counted {
			audit.Record(tx, a, audit.Event{Act: audit.FactorFailed, TargetKind: "user", TargetID: u.ID, Details: map[string]string{"kind": Passkey}, Result: audit.Refused})
			return nil
		}
		why = notTaken()
		audit.Record(tx, a, audit.Event{Act: audit.FactorCountedBack, TargetKind: "factor", TargetID: f.ID, Personal: map[string]string{"name": f.Name}, Result: audit.Refused})
		n, err := tx.Run("UPDATE factors SET counted_back_at = ? WHERE id = ? AND (counted_back_at IS NULL OR counted_back_at <= ?)", tx.Now, f.ID, tx.Now.Add(-countedBackEvery))
		if err != nil || n == 0 {
			return err
		}
		return s.o.Outbox.Queue(tx, s.letterCountedBack(tx.Context(), u, tx.Now))
	})
	if err != nil {
		return err
	}
	return why
}
