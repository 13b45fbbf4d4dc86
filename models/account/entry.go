package account

import (
	"cmp"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Means is by what somebody got into their account.
type Means string

// The means.
const (
	ByPassword Means = "password"
	ByPasskey  Means = "passkey"
	ByProvider Means = "provider"
	BySetup    Means = "setup" // the first admin, right after set-up made the account
	ByLink     Means = "link"  // a new account, right after its address was verified
	ByCode     Means = "code"  // the same, by the code of the mail

	// What a sign-in by password showed besides. They are no ways in of their own.
	withApp      Means = "password+totp"
	withPasskey  Means = "password+passkey"
	withRecovery Means = "password+recovery"
	withMail     Means = "password+mail"
)

// with is what a sign-in began by, and showed besides: of a password alone it is kept.
func (m Means) with(besides Means) Means {
	switch m {
	case ByPassword:
		return cmp.Or(besides, m)
	}
	return m
}

// Entry is one way into an account that was walked to its end: whoever makes one has checked the proof, in the same transaction where it can be used once.
type Entry struct {
	Means    Means
	Provider string // of ByProvider: its name, as people see it
	By       string // of ByProvider: its name in the settings
	Vouched  string // of ByProvider: the address of theirs, canonical, that it vouches for now; "": none
	Agent    string // how the browser names itself
	Known    string // of ByPassword: the value of its cookie that Remember made

	// Factor says that a second factor was shown on the way: a passkey that verified its user, or one that a provider vouches for and is trusted in. The
	// session is then whole at once; else a factor of ours is asked for when the person has one.
	Factor bool

	// Anew says of ByProvider that the person signed in there just now. Else the session is not fresh (A14): the provider may have known them from a
	// browser that was left open.
	Anew bool

	Buckets []string // the counters that were taken before the proof was looked at; a good one gives them back
}

// EnterTx is the one way into an account, whatever the means: it ends the session in which the actor was (S2), notes the sign-in and its means, and starts a session
// with a new token, which is not kept. Hand both to handlers/account's Enter: a session without its browser's cookies is none. The session is Pending while a second
// factor is to be shown, or a code by mail is to be entered. Faults: RateLimited when too many such codes were mailed; Unauthenticated, in the words of a wrong password, for who may not sign in; Conflict, a BoundError in its chain, for whom their
// domain has sign in by a provider.
func (s *Store) EnterTx(tx *db.Tx, a actor.Actor, u User, e Entry) (token string, session Session, err error) {
	var now []User
	if err := tx.Raw("UPDATE users SET last_signed_in_at = ? WHERE id = ? RETURNING *", tx.Now, u.ID).Scan(&now).Error; err != nil {
		return "", Session{}, err
	}
	if len(now) == 0 || !now[0].Active(tx.Now) {
		return "", Session{}, refused()
	}
	if err := s.mayEnter(tx, now[0], e); err != nil {
		return "", Session{}, err
	}
	if err := release(tx, e.Buckets...); err != nil {
		return "", Session{}, err
	}
	if _, err := tx.Run("DELETE FROM sessions WHERE id = ?", a.SessionID); err != nil {
		return "", Session{}, err
	}
	a.Kind, a.UserID, a.Name, a.StaffRole = actor.User, u.ID, now[0].Name, now[0].StaffRole
	details := map[string]string{"means": string(e.Means)}
	if e.Provider != "" {
		details["provider"] = audit.Clean(e.Provider)
	}
	audit.Record(tx, a, audit.Event{Act: audit.UserSignedIn, TargetKind: "user", TargetID: u.ID, Details: details})
	if token, session, err = startSession(tx, a, e); err != nil {
		return "", Session{}, err
	}
	err = s.askCode(tx, a, now[0], &session, e) // which may make the session pending: before it is copied
	return token, session, err
}
