package provider

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Arrival is what came of it that somebody came back from a provider: a session, whose token goes into the browser's cookie, or a visit, whose token does. Of who proved an
// address by mail and has yet to show a second factor, it is both.
type Arrival struct {
	Token   string
	Session account.Session
	Visit   string
}

// Came is who came back from a provider, and how.
type Came struct {
	Provider string // its name
	Who      openid.Identity
	Agent    string // how the browser names itself
	Next     string // where to go in the end; checked by the caller
	Linking  bool   // the actor is signed in, and wants to be linked
}

// Arrive lets in whom an account is linked to, and begins a visit for everybody else. A second factor of ours is asked for unless one counts that was shown there.
// Faults: NotFound, Unauthenticated for who may not sign in, Conflict when somebody who is linking is linked to this or another account.
func (s *Store) Arrive(ctx context.Context, a actor.Actor, c Came) (out Arrival, err error) {
	p, err := s.ByName(c.Provider)
	if err != nil {
		return Arrival{}, err
	}
	if p.Issuer != c.Who.Issuer || c.Who.Subject == "" {
		return Arrival{}, fault.Missing()
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		out = Arrival{}
		id, err := identityOf(tx, c.Who)
		if err != nil {
			return err
		}
		switch {
		case id.ID.IsZero():
			out.Visit, err = begin(tx, a, c)
			return err
		case c.Linking && id.UserID == a.UserID:
			return fault.New(fault.Conflict, "Your account is linked to this one at %s already.", p.Label)
		case c.Linking:
			return fault.New(fault.Conflict, "This account at %s is linked to somebody else’s account here.", p.Label)
		}
		u, err := userByID(tx, id.UserID)
		if err != nil {
			return err
		}
		out.Token, out.Session, err = s.enter(tx, a, u, p, c.Who, c.Agent)
		return err
	})
	return out, err
}

// Again lets somebody who is signed in, and whom the provider has just signed in anew, into the same account by a new session, which is fresh (A14). Faults: NotFound,
// Unauthenticated, Conflict for another account than theirs and where the provider does not say that it was just now.
func (s *Store) Again(ctx context.Context, a actor.Actor, c Came) (out Arrival, err error) {
	p, err := s.ByName(c.Provider)
	if err != nil {
		return Arrival{}, err
	}
	if !c.Who.Anew {
		return Arrival{}, fault.New(fault.Conflict, "%s does not say that you signed in there just now.", p.Label)
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		id, err := identityOf(tx, c.Who)
		if err != nil {
			return err
		}
		if id.ID.IsZero() || id.UserID != a.UserID || p.Issuer != c.Who.Issuer {
			return fault.New(fault.Conflict, "That is another account at %s than the one that is linked to yours.", p.Label)
		}
		u, err := userByID(tx, a.UserID)
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserReauthenticated, TargetKind: "user", TargetID: a.UserID, Details: map[string]string{"provider": p.Name}})
		out.Token, out.Session, err = s.enter(tx, a, u, p, c.Who, c.Agent)
		return err
	})
	return out, err
}

// Step is one of a trip to a provider that is counted.
type Step string

// The steps, each in a bucket of its own, so that who only sets out keeps nobody from coming back.
const (
	Going         Step = "going"
	Coming        Step = "coming"
	RefusedLogout Step = "logout" // a logout token that was none, or that the provider has to be asked about; one that is good by a key that is known counts nowhere, and waits for no bucket (S4)
)

// stepsPerNetwork in stepWindow: a whole company may come at nine, from one address.
var stepsPerNetwork = map[Step]int{Going: 1500, Coming: 1500, RefusedLogout: 300}

const stepWindow = 15 * time.Minute

// Allow counts a step of somebody, before what it costs. Faults: RateLimited by network (L7).
func (s *Store) Allow(ctx context.Context, a actor.Actor, step Step) error {
	bucket := "provider:" + string(step) + ":" + account.NetworkOf(a)
	ok, after, err := s.o.Accounts.Take(ctx, bucket, stepsPerNetwork[step], stepWindow)
	if err == nil && !ok {
		err = tooOften(after)
	}
	return err
}

func tooOften(after time.Duration) error {
	return fault.Later(after, "That was tried too often. Wait %d minutes, then try again.", int((after+time.Minute-1)/time.Minute))
}

func identityOf(tx *db.Tx, who openid.Identity) (Identity, error) {
	var rows []Identity
	err := tx.Raw("SELECT * FROM identities WHERE issuer = ? AND subject = ?", who.Issuer, who.Subject).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return Identity{}, err
	}
	return rows[0], nil
}

// enter begins a session of a user whose identity is linked, and notes which session there it is of.
func (s *Store) enter(tx *db.Tx, a actor.Actor, u account.User, p Provider, who openid.Identity, agent string) (string, account.Session, error) {
	vouched := vouchedFor(who)
	if s.o.Land != nil && vouched != "" { // before the session: a transaction that changes an organization's rule takes the same locks in this order
		by := a
		by.Kind, by.UserID, by.Name, by.StaffRole = actor.User, u.ID, u.Name, u.StaffRole
		if err := s.o.Land(tx, by, u.ID, p.Name); err != nil {
			return "", account.Session{}, err
		}
	}
	token, session, err := s.o.Accounts.EnterTx(tx, a, u, account.Entry{Means: account.ByProvider, Provider: p.Label, By: p.Name, Vouched: vouched, Agent: agent, Factor: who.Factor, Anew: who.Anew})
	if err != nil {
		return "", account.Session{}, err
	}
	var factorAt *time.Time
	if who.Factor {
		factorAt = &tx.Now
	}
	if _, err := tx.Run("UPDATE identities SET last_used_at = ?, factor_at = ?, address = ? WHERE issuer = ? AND subject = ?", tx.Now, factorAt, audit.Clean(who.Address), who.Issuer, who.Subject); err != nil {
		return "", account.Session{}, err
	}
	_, err = tx.Run("INSERT INTO provider_sessions (session_id, issuer, subject, sid) VALUES (?, ?, ?, ?)", session.ID, who.Issuer, who.Subject, who.SessionID)
	return token, session, err
}

// vouchedFor is the canonical address that a provider says to be the person's own; "": none.
func vouchedFor(who openid.Identity) string {
	address, err := account.CanonicalEmail(who.Address)
	if err != nil || !who.Verified {
		return ""
	}
	return address
}

// begin keeps what a provider said of somebody whom no account is linked to, for whoever holds the returned token.
func begin(tx *db.Tx, a actor.Actor, c Came) (string, error) {
	token := secret.Token(32)
	v := Visit{ID: db.NewID(), Provider: c.Provider, Issuer: c.Who.Issuer, Subject: c.Who.Subject, Sid: c.Who.SessionID, Name: audit.Clean(c.Who.Name), Factor: c.Who.Factor, NextPath: c.Next}
	if address, err := account.CanonicalEmail(c.Who.Address); err == nil {
		v.Address, v.Verified, v.Vouched = address, c.Who.Verified, c.Who.Verified
	}
	audit.Record(tx, a, audit.Event{Act: audit.ProviderArrived, TargetKind: "visit", TargetID: v.ID, Details: map[string]string{"provider": c.Provider}})
	_, err := tx.Run(`INSERT INTO provider_visits (id, digest, provider, issuer, subject, sid, address, verified, vouched, name, factor, next_path, expires_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, v.ID, digest(token), v.Provider, v.Issuer, v.Subject, v.Sid, v.Address, v.Verified, v.Vouched, v.Name, v.Factor, v.NextPath, tx.Now.Add(VisitAge), tx.Now)
	return token, err
}
