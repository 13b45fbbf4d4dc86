package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Limits of a session (S3; SP 800-63B-4 section 2.2.3) and of its proofs.
const (
	SessionIdle     = time.Hour
	SessionAbsolute = 24 * time.Hour
	Reauthenticated = 10 * time.Minute // for how long a re-entered password counts (A14)
	touchEvery      = time.Minute      // last seen is not written on every request
)

// Session is one signed-in browser. The token itself is only in its cookie; the database has its SHA-256 (S1).
type Session struct {
	ID                db.ID
	Digest            []byte `json:"-"`
	UserID            db.ID
	UserAgent         string
	Network           string
	FactorPending     bool
	ReauthenticatedAt time.Time
	LastSeenAt        time.Time
	ExpiresAt         time.Time
	CreatedAt         time.Time
}

// Fresh reports whether the password was entered at most ten minutes before now.
func (s Session) Fresh(now time.Time) bool { return now.Sub(s.ReauthenticatedAt) <= Reauthenticated }

func sessionDigest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// startSession makes a session with a new token of 256 bits (S2) and returns the token, which is not kept.
func startSession(tx *db.Tx, a actor.Actor, userID db.ID, userAgent string) (string, Session, error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails, says crypto/rand
	token := base64.RawURLEncoding.EncodeToString(raw)
	s := Session{
		ID: db.NewID(), Digest: sessionDigest(token), UserID: userID, UserAgent: cut(apikey.Redact(userAgent), 300), Network: a.Network(),
		ReauthenticatedAt: tx.Now, LastSeenAt: tx.Now, ExpiresAt: tx.Now.Add(SessionAbsolute), CreatedAt: tx.Now,
	}
	_, err := tx.Run(`INSERT INTO sessions (id, digest, user_id, user_agent, network, reauthenticated_at, last_seen_at, expires_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, s.ID, s.Digest, s.UserID, s.UserAgent, s.Network, s.ReauthenticatedAt, s.LastSeenAt, s.ExpiresAt, s.CreatedAt)
	return token, s, err
}

func cut(s string, n int) string {
	s = audit.Clean(s)
	if len(s) > n {
		return s[:n]
	}
	return s
}

// Resolve finds the session of a cookie's token and its user. Faults: Unauthenticated when there is none, when it was idle for
// an hour or is a day old, or when the user may not sign in (any more). It writes at most once a minute.
func (s *Store) Resolve(ctx context.Context, token string) (Session, User, error) {
	none := fault.New(fault.Unauthenticated, "Sign in to go on.")
	if token == "" || len(token) > 100 {
		return Session{}, User{}, none
	}
	var sessions []Session
	if err := s.db.Read(ctx).Raw("SELECT * FROM sessions WHERE digest = ?", sessionDigest(token)).Scan(&sessions).Error; err != nil {
		return Session{}, User{}, err
	}
	now := s.db.Now()
	if len(sessions) == 0 || !now.Before(sessions[0].ExpiresAt) || now.Sub(sessions[0].LastSeenAt) > SessionIdle {
		return Session{}, User{}, none
	}
	u, err := s.ByID(ctx, sessions[0].UserID)
	if err != nil {
		return Session{}, User{}, err
	}
	if !u.Active(now) {
		return Session{}, User{}, none
	}
	if now.Sub(sessions[0].LastSeenAt) >= touchEvery {
		err = s.db.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE sessions SET last_seen_at = ? WHERE id = ?", tx.Now, sessions[0].ID)
			return err
		})
		if errors.Is(err, db.ErrReadOnly) { // who is signed in goes on reading while the database is moved
			err = nil
		}
	}
	return sessions[0], u, err
}

// Sessions lists the actor's own sessions that are alive, newest first.
func (s *Store) Sessions(ctx context.Context, a actor.Actor) ([]Session, error) {
	return s.sessionsOf(ctx, a.UserID)
}

func (s *Store) sessionsOf(ctx context.Context, userID db.ID) ([]Session, error) {
	var rows []Session
	now := s.db.Now()
	err := s.db.Read(ctx).Raw("SELECT * FROM sessions WHERE user_id = ? AND expires_at > ? AND last_seen_at > ? ORDER BY created_at DESC",
		userID, now, now.Add(-SessionIdle)).Scan(&rows).Error
	return rows, err
}

// EndSession ends one of the actor's own sessions at once, on all replicas (S4). Faults: NotFound.
func (s *Store) EndSession(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("DELETE FROM sessions WHERE id = ? AND user_id = ?", id, a.UserID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		audit.Record(tx, a, audit.Event{Act: audit.SessionEnded, TargetKind: "session", TargetID: id})
		return nil
	})
}

// EndOtherSessions ends all of the actor's own sessions but the one in which they are.
func (s *Store) EndOtherSessions(ctx context.Context, a actor.Actor) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.SessionsEnded, TargetKind: "user", TargetID: a.UserID})
		return endSessions(tx, a.UserID, a.SessionID)
	})
}

// SignOut ends the session in which the actor is. It does nothing for nobody.
func (s *Store) SignOut(ctx context.Context, a actor.Actor) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("DELETE FROM sessions WHERE id = ?", a.SessionID)
		if n > 0 {
			audit.Record(tx, a, audit.Event{Act: audit.UserSignedOut, TargetKind: "user", TargetID: a.UserID})
		}
		return err
	})
}

// endSessions ends all sessions of a user but keep (zero: none is kept).
func endSessions(tx *db.Tx, userID, keep db.ID) error {
	change.Record(tx, change.Session, userID)
	_, err := tx.Run("DELETE FROM sessions WHERE user_id = ? AND id <> ?", userID, keep)
	return err
}
