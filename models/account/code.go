package account

import (
	"context"
	"crypto/hmac"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Limits of codes by mail that finish a sign-in (A5, L7). The mails are counted as guesses are (decision 0015): by account and network, so that who knows the password
// and floods the mailbox leaves the owner a door elsewhere, and under a new password anew. Whoever is refused a code still has their known browsers and the mailed link for a
// new password; who has a factor is never asked.
const (
	codeSessionTries = 5 // of one session, for all its codes together
	codesAgain       = 3
	codesPerNetwork  = 6
	codesPerWide     = 20
	codesPerAccount  = 100
	codesSpan        = time.Hour

	codeLetter = "sign_in_code"
)

// CodeForNewDevices says whether people without a second factor enter a code by mail when they sign in by password with a browser that is not known. It is no factor: whoever
// reads the mail could choose a new password as well. It is called while the program is put together, and only where there is a mail server.
func (s *Store) CodeForNewDevices(on bool) { s.newDeviceCode = on }

// AsksCode reports whether CodeForNewDevices is on.
func (s *Store) AsksCode() bool { return s.newDeviceCode }

// askCode makes the session that was just started pending for a code, and mails it, when this way in takes one. Faults: RateLimited.
func (s *Store) askCode(tx *db.Tx, a actor.Actor, u User, session *Session, e Entry) error {
	if !s.newDeviceCode || session.HasFactor || session.FactorAt != nil {
		return nil
	}
	switch e.Means {
	case ByPassword:
	default:
		return nil
	}
	known, _, err := deviceOf(tx.DB, u.ID, e.Known, tx.Now)
	if err != nil || !known.ID.IsZero() {
		return err
	}
	return s.mailCode(tx, a, u, session, nil)
}

// mailCode gives the session a new code, which ends the older one, and ten minutes from now on.
func (s *Store) mailCode(tx *db.Tx, a actor.Actor, u User, session *Session, details map[string]string) error {
	if err := takeCodes(tx, a, u); err != nil {
		return err
	}
	code, until := secret.LongCode(), tx.Now.Add(PendingAge)
	digest := s.signInCode(session.ID, code)
	session.CodeDigest, session.CodeExpiresAt, session.ExpiresAt = digest[:], &until, until
	_, err := tx.Run("UPDATE sessions SET code_digest = ?, code_expires_at = ?, expires_at = ? WHERE id = ?", session.CodeDigest, until, until, session.ID)
	if err != nil {
		return err
	}
	audit.Record(tx, a, audit.Event{Act: audit.UserCodeMailed, TargetKind: "user", TargetID: u.ID, Details: details})
	return s.outbox.Queue(tx, s.letterCode(tx.Context(), u, *session, code, tx.Now))
}

// takeCodes counts a mail with a code. Faults: RateLimited.
func takeCodes(tx *db.Tx, a actor.Actor, u User) error {
	all := "signin:code:" + u.ID.String() + ":" + passwordOf(u)
	buckets := []bucket{{all, codesPerAccount}, {all + ":" + network(a), codesPerNetwork}}
	if wide := wideNetwork(a); wide != "" {
		buckets = append(buckets, bucket{all + ":" + wide, codesPerWide})
	}
	return takeAll(tx, buckets...)
}

func takeAll(tx *db.Tx, buckets ...bucket) error {
	for _, b := range buckets {
		ok, after, err := take(tx, b.name, b.limit, codesSpan)
		if err != nil {
			return err
		}
		if !ok {
			return tooOften(after)
		}
	}
	return nil
}

// signInCode is keyed, since a plain digest of eight digits could be undone by trying them all, and bound to the session.
func (s *Store) signInCode(session db.ID, code string) [32]byte {
	return s.signer.Sign([]byte("sign-in code\x00" + session.String() + "\x00" + code))
}

// EnterCode finishes the actor's sign-in by the newest code that was mailed for their session, under a new token (S2). Each session bears five tries, counted before
// they are looked at; the fifth wrong one ends it. No factor was shown by it. Faults: Invalid about "code", Unauthenticated when the session is over, or is now.
func (s *Store) EnterCode(ctx context.Context, a actor.Actor, code string) (token string, session Session, err error) {
	var wrong error
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		token, session, wrong = "", Session{}, nil
		var rows []Session
		if err := tx.Raw(`UPDATE sessions SET code_tries = code_tries + 1 WHERE id = ? AND user_id = ? AND code_expires_at > ? AND expires_at > ? AND code_tries < ? RETURNING *`,
			a.SessionID, a.UserID, tx.Now, tx.Now, codeSessionTries).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) == 0 {
			return over()
		}
		want := s.signInCode(rows[0].ID, digits(code[:min(len(code), 100)]))
		if !hmac.Equal(want[:], rows[0].CodeDigest) {
			wrong, err = wrongSignInCode(tx, a, rows[0])
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserCodeEntered, TargetKind: "user", TargetID: a.UserID})
		token, session, err = endCode(tx, rows[0])
		return err
	})
	if err == nil {
		err = wrong
	}
	return token, session, err
}

// wrongSignInCode notes a wrong code, which ends the session when it was the last that it bears. The fault is apart from the error, which undoes the transaction.
func wrongSignInCode(tx *db.Tx, a actor.Actor, session Session) (wrong, err error) {
	audit.Record(tx, a, audit.Event{Act: audit.UserCodeFailed, TargetKind: "user", TargetID: a.UserID, Result: audit.Refused})
	if session.CodeTries < codeSessionTries {
		return fault.BadField("code", "That is not the code. Type the eight digits of the newest mail."), nil
	}
	_, err = tx.Run("DELETE FROM sessions WHERE id = ?", session.ID)
	return fault.New(fault.Unauthenticated, "That was the fifth wrong code, so this sign-in is over. Sign in again for a new one."), err
}

// endCode makes the session whole, or pending for a second factor that its user has by now.
func endCode(tx *db.Tx, session Session) (string, Session, error) {
	limits, err := limitsTx(tx)
	if err != nil {
		return "", Session{}, err
	}
	token := secret.Token(tokenBytes)
	session.Digest, session.CodeDigest, session.CodeExpiresAt, session.CodeTries = sessionDigest(token), nil, nil, 0
	if session.HasFactor, err = hasFactor(tx, session.UserID); err != nil {
		return "", Session{}, err
	}
	if !session.HasFactor {
		session.Means = session.Means.with(withMail)
	}
	if !session.Pending() {
		session.ExpiresAt = session.CreatedAt.Add(limits.Absolute())
	}
	_, err = tx.Run("UPDATE sessions SET digest = ?, means = ?, code_digest = NULL, code_expires_at = NULL, code_tries = 0, expires_at = ? WHERE id = ?", session.Digest, session.Means, session.ExpiresAt, session.ID)
	return token, session, err
}

// ResendCode mails a new code for the actor's session. The tries that were made still count. Faults: RateLimited, Unauthenticated when the session is over.
func (s *Store) ResendCode(ctx context.Context, a actor.Actor) error {
	u, err := s.ByID(ctx, a.UserID)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var rows []Session
		if err := tx.Raw("UPDATE sessions SET last_seen_at = ? WHERE id = ? AND user_id = ? AND code_expires_at > ? AND expires_at > ? RETURNING *",
			tx.Now, a.SessionID, a.UserID, tx.Now, tx.Now).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) == 0 {
			return over()
		}
		if err := takeAll(tx, bucket{"signin:code:again:" + u.ID.String() + ":" + passwordOf(u) + ":" + network(a), codesAgain}); err != nil {
			return err
		}
		return s.mailCode(tx, a, u, &rows[0], map[string]string{"again": "yes"})
	})
}
