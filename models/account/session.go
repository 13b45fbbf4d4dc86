package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// The longest limits of a session (S3; SP 800-63B-4 section 2.2.3; Limits may be shorter) and of its proofs.
const (
	SessionIdle     = time.Hour
	SessionAbsolute = 24 * time.Hour
	Reauthenticated = 10 * time.Minute // for how long a re-entered password, or a factor that was shown, counts (A14)
	PendingAge      = 10 * time.Minute // how long somebody may take between password and second factor
	EnrolmentAge    = time.Hour        // how long a second factor may be in the making
	touchEvery      = time.Minute      // last seen is not written on every request
)

// Session is one signed-in browser. The token itself is only in its cookie; the database has its SHA-256 (S1).
type Session struct {
	ID                db.ID
	Digest            []byte `json:"-"`
	UserID            db.ID
	UserAgent         string
	Network           string
	Means             Means      // empty: from before it was noted
	Provider          string     // of ByProvider: its name
	DeviceID          *db.ID     // nil: pending, or from before browsers were noted
	CodeDigest        []byte     `json:"-"`
	CodeExpiresAt     *time.Time // nil: no code by mail is to be entered
	CodeTries         int        `json:"-"`
	HasFactor         bool       // the user has a second factor; Resolve and SignIn know it
	FactorAt          *time.Time // when one was last shown; nil: never in this session
	ReauthenticatedAt time.Time
	LastSeenAt        time.Time
	ExpiresAt         time.Time
	CreatedAt         time.Time
}

// Pending reports whether the password was given and what else the sign-in takes was not: such a session may do nothing but show that (A12).
func (s Session) Pending() bool { return s.awaitsFactor() || s.CodeExpiresAt != nil }

// awaitsFactor reports whether a second factor, which the user has, is to be shown. It is told from what is there and from no mark of its own, so that a session
// from before the first factor was added is asked for it, too.
func (s Session) awaitsFactor() bool { return s.HasFactor && s.FactorAt == nil }

// AwaitsCode reports whether the session is pending for a code by mail. Who has a second factor by now shows that instead.
func (s Session) AwaitsCode() bool { return s.CodeExpiresAt != nil && !s.awaitsFactor() }

// Fresh reports whether the password was entered, and a factor shown if the user has one, at most ten minutes before now (A14).
func (s Session) Fresh(now time.Time) bool { return s.PasswordFresh(now) && s.FactorFresh(now) }

// PasswordFresh is Fresh about the password alone.
func (s Session) PasswordFresh(now time.Time) bool {
	return now.Sub(s.ReauthenticatedAt) <= Reauthenticated
}

// FactorFresh is Fresh about the second factor alone; it holds for who has none.
func (s Session) FactorFresh(now time.Time) bool {
	return !s.HasFactor || s.FactorAt != nil && now.Sub(*s.FactorAt) <= Reauthenticated
}

func sessionDigest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// startSession makes the actor's session with a new token of 256 bits (S1, S2) and returns the token, which is not kept. While a second factor is to be shown it ends
// soon.
func startSession(tx *db.Tx, a actor.Actor, e Entry) (string, Session, error) {
	token := secret.Token(tokenBytes)
	s := Session{
		ID: db.NewID(), Digest: sessionDigest(token), UserID: a.UserID, UserAgent: cut(apikey.Redact(e.Agent), 300), Network: a.Network(), Means: e.Means, Provider: audit.Clean(e.Provider),
		ReauthenticatedAt: tx.Now, LastSeenAt: tx.Now, CreatedAt: tx.Now,
	}
	if e.Means == ByProvider && !e.Anew {
		s.ReauthenticatedAt = tx.Now.Add(-Reauthenticated - time.Second)
	}
	limits, err := limitsTx(tx)
	if err != nil {
		return "", Session{}, err
	}
	s.ExpiresAt = tx.Now.Add(limits.Absolute())
	if s.HasFactor, err = hasFactor(tx, a.UserID); err != nil {
		return "", Session{}, err
	}
	if e.Factor {
		at := s.ReauthenticatedAt
		s.FactorAt = &at
	}
	if s.Pending() {
		s.ExpiresAt = tx.Now.Add(PendingAge)
	}
	_, err = tx.Run(`INSERT INTO sessions (id, digest, user_id, user_agent, network, means, provider, factor_at, reauthenticated_at, last_seen_at, expires_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, s.ID, s.Digest, s.UserID, s.UserAgent, s.Network, s.Means, s.Provider, s.FactorAt, s.ReauthenticatedAt, s.LastSeenAt, s.ExpiresAt, s.CreatedAt)
	return token, s, err
}

func hasFactor(tx *db.Tx, userID db.ID) (bool, error) {
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM factors WHERE user_id = ? AND confirmed_at IS NOT NULL", userID).Scan(&n).Error
	return n > 0, err
}

// Shown is what somebody showed as their second factor.
type Shown string

// What can be shown; nothing, of who adds a factor in a session that is whole.
const (
	ShownNone     Shown = ""
	ShownApp      Shown = "totp"
	ShownPasskey  Shown = "passkey"
	ShownRecovery Shown = "recovery"
)

var shownMeans = map[Shown]Means{ShownApp: withApp, ShownPasskey: withPasskey, ShownRecovery: withRecovery}

// ShowFactor notes in the actor's session that a second factor was shown, and gives it a new token: the one that knew the password alone is dead (S2). It ends
// when the limits say, counted from when it began. By what, one of the Shown, is kept of a session that waited for it. Whoever calls has checked the factor in the same transaction, and records the act. Faults: Unauthenticated when the session is over.
func ShowFactor(tx *db.Tx, a actor.Actor, by Shown) (string, Session, error) {
	var rows []Session
	if err := tx.Raw("SELECT * FROM sessions WHERE id = ? AND user_id = ? AND expires_at > ?", a.SessionID, a.UserID, tx.Now).Scan(&rows).Error; err != nil {
		return "", Session{}, err
	}
	if len(rows) == 0 {
		return "", Session{}, over()
	}
	limits, err := limitsTx(tx)
	if err != nil {
		return "", Session{}, err
	}
	s, token := rows[0], secret.Token(tokenBytes)
	if s.FactorAt == nil {
		s.Means = s.Means.with(shownMeans[by])
	}
	s.Digest, s.HasFactor, s.FactorAt, s.ExpiresAt = sessionDigest(token), true, &tx.Now, s.CreatedAt.Add(limits.Absolute())
	s.CodeDigest, s.CodeExpiresAt, s.CodeTries = nil, nil, 0 // a factor proves more than a mail
	_, err = tx.Run("UPDATE sessions SET digest = ?, means = ?, factor_at = ?, expires_at = ?, code_digest = NULL, code_expires_at = NULL, code_tries = 0 WHERE id = ?", s.Digest, s.Means, tx.Now, s.ExpiresAt, s.ID)
	return token, s, err
}

func cut(s string, n int) string {
	s = audit.Clean(s)
	if len(s) > n {
		return s[:n]
	}
	return s
}

// Resolve finds the session of a cookie's token and its user. Faults: Unauthenticated when there is none, when it was idle for too
// long or is too old, or when the user may not sign in (any more). It writes at most once a minute.
func (s *Store) Resolve(ctx context.Context, token string) (Session, User, error) {
	none := over()
	if token == "" || len(token) > 100 {
		return Session{}, User{}, none
	}
	var sessions []struct {
		Session
		Limits *string
	}
	if err := s.db.Read(ctx).Raw(`SELECT s.*, f.id IS NOT NULL AS has_factor, g.value AS limits FROM sessions s
		LEFT JOIN factors f ON f.id = (SELECT o.id FROM factors o WHERE o.user_id = s.user_id AND o.confirmed_at IS NOT NULL ORDER BY o.id LIMIT 1)
		LEFT JOIN settings g ON g.name = ?
		WHERE s.digest = ?`, limitsSetting, sessionDigest(token)).Scan(&sessions).Error; err != nil {
		return Session{}, User{}, err
	}
	now := s.db.Now()
	if len(sessions) == 0 {
		return Session{}, User{}, none
	}
	limits, err := limitsOf(sessions[0].Limits)
	if err != nil {
		return Session{}, User{}, err
	}
	session := sessions[0].Session
	if limits.over(session, now) {
		return Session{}, User{}, none
	}
	u, err := s.ByID(ctx, session.UserID)
	if err != nil {
		return Session{}, User{}, err
	}
	if !u.Active(now) {
		return Session{}, User{}, none
	}
	if now.Sub(session.LastSeenAt) >= touchEvery {
		err = s.db.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE sessions SET last_seen_at = ? WHERE id = ?", tx.Now, session.ID)
			return err
		})
		if errors.Is(err, db.ErrReadOnly) || db.Full(err) { // who is signed in goes on reading while the database is moved, and stops keys on a full disk
			err = nil
		}
	}
	return session, u, err
}

// Sessions lists the actor's own sessions that are alive, newest first.
func (s *Store) Sessions(ctx context.Context, a actor.Actor) ([]Session, error) {
	return s.sessionsOf(ctx, a.UserID)
}

func (s *Store) sessionsOf(ctx context.Context, userID db.ID) ([]Session, error) {
	limits, err := s.SessionLimits(ctx)
	if err != nil {
		return nil, err
	}
	var rows []Session
	now := s.db.Now()
	err = s.db.Read(ctx).Raw("SELECT * FROM sessions WHERE user_id = ? AND expires_at > ? ORDER BY created_at DESC, id DESC", userID, now).Scan(&rows).Error
	return slices.DeleteFunc(rows, func(one Session) bool { return limits.over(one, now) }), err
}

// EndSession ends one of the actor's own sessions at once, on all replicas (S4). If it is another one than that in which they are, its browser is a stranger from now on.
// Faults: NotFound.
func (s *Store) EndSession(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error { return endSession(tx, a, a.UserID, id) })
}

// endSession ends one session of a user. Faults: NotFound.
func endSession(tx *db.Tx, a actor.Actor, userID, id db.ID) error {
	var devices []*db.ID
	if err := tx.Raw("DELETE FROM sessions WHERE id = ? AND user_id = ? RETURNING device_id", id, userID).Scan(&devices).Error; err != nil {
		return err
	}
	if len(devices) == 0 {
		return fault.Missing()
	}
	change.Record(tx, change.Session, userID)
	audit.Record(tx, a, audit.Event{Act: audit.SessionEnded, TargetKind: "user", TargetID: userID, Details: map[string]string{"session": id.Show("session")}})
	if id == a.SessionID || devices[0] == nil {
		return nil
	}
	_, err := tx.Run("DELETE FROM devices WHERE id = ? AND user_id = ?", *devices[0], userID)
	return err
}

// EndOtherSessions ends all of the actor's own sessions but the one in which they are; other browsers are strangers from now on.
func (s *Store) EndOtherSessions(ctx context.Context, a actor.Actor) error {
	return s.endAll(ctx, a, a.SessionID)
}

// EndAllSessions ends all of the actor's own sessions, also the one in which they are; every browser is a stranger from now on.
func (s *Store) EndAllSessions(ctx context.Context, a actor.Actor) error {
	return s.endAll(ctx, a, db.ID{})
}

func (s *Store) endAll(ctx context.Context, a actor.Actor, keep db.ID) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		var ending int64
		err := tx.Raw("SELECT (SELECT COUNT(*) FROM sessions WHERE user_id = ? AND id <> ?) + (SELECT COUNT(*) FROM devices WHERE user_id = ? AND "+deviceOfAnother+")",
			a.UserID, keep, a.UserID, keep).Scan(&ending).Error
		if err != nil || ending == 0 { // nothing is written, so that nobody uses up by this the room that a full disk keeps for what is urgent
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.SessionsEnded, TargetKind: "user", TargetID: a.UserID})
		return shutOut(tx, a.UserID, keep)
	})
}

// SignOut ends the session in which the actor is. It does nothing for nobody.
func (s *Store) SignOut(ctx context.Context, a actor.Actor) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		n, err := tx.Run("DELETE FROM sessions WHERE id = ?", a.SessionID)
		if n > 0 {
			audit.Record(tx, a, audit.Event{Act: audit.UserSignedOut, TargetKind: "user", TargetID: a.UserID})
		}
		return err
	})
}

// over is the answer to who has no session, or none any more.
func over() error { return fault.New(fault.Unauthenticated, "Sign in to go on.") }

// shutOut ends all sessions of a user but keep, and makes their browsers strangers.
func shutOut(tx *db.Tx, userID, keep db.ID) error {
	if err := forgetDevices(tx, userID, keep); err != nil {
		return err
	}
	return endSessions(tx, userID, keep)
}

// endSessions ends all sessions of a user but keep (zero: none is kept).
func endSessions(tx *db.Tx, userID, keep db.ID) error {
	change.Record(tx, change.Session, userID)
	_, err := tx.Run("DELETE FROM sessions WHERE user_id = ? AND id <> ?", userID, keep)
	return err
}
