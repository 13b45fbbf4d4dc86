package provider

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Visit is somebody who came from a provider and whom no account is linked to yet, in the browser that holds its token.
type Visit struct {
	ID         db.ID
	Provider   string
	Issuer     string
	Subject    string
	Sid        string
	Address    string // canonical; "": none was told
	Verified   bool   // it is known to be theirs
	Vouched    bool   // the provider itself says so
	Name       string
	Factor     bool
	NextPath   string
	LinkDigest []byte
	ExpiresAt  time.Time
	CreatedAt  time.Time

	HasAccount bool `gorm:"-"` // there is an account of the address; told when it is known to be theirs
}

func (v Visit) who() openid.Identity {
	return openid.Identity{Issuer: v.Issuer, Subject: v.Subject, SessionID: v.Sid, Address: v.Address, Verified: v.Vouched, Factor: v.Factor}
}

// visitGone is the answer for a visit that is over.
func visitGone() error {
	return fault.New(fault.NotFound, "This takes half an hour, or an hour with a mail, in one browser. Begin again.")
}

func (s *Store) visit(q *gorm.DB, token string, now time.Time) (Visit, error) {
	if token == "" || len(token) > 100 {
		return Visit{}, visitGone()
	}
	var rows []Visit
	if err := q.Raw("SELECT * FROM provider_visits WHERE digest = ? AND expires_at > ?", digest(token), now).Scan(&rows).Error; err != nil {
		return Visit{}, err
	}
	if len(rows) == 0 {
		return Visit{}, visitGone()
	}
	if _, err := s.ByName(rows[0].Provider); err != nil { // the settings don't know it any more
		return Visit{}, visitGone()
	}
	return rows[0], nil
}

// ByToken is the visit of a browser. Faults: NotFound.
func (s *Store) ByToken(ctx context.Context, token string) (Visit, error) {
	v, err := s.visit(s.o.DB.Read(ctx), token, s.o.DB.Now())
	if err != nil || !v.Verified {
		return v, err
	}
	_, err = s.o.Accounts.ByAddress(ctx, v.Address)
	v.HasAccount = err == nil
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return v, err
}

type mailCount struct {
	bucket string
	most   int
}

// mailCounts are what a mail of a visit takes. Whoever names an address that their provider doesn't know to be theirs uses up the mails of nobody whose provider does (A7).
func mailCounts(a actor.Actor, v Visit) []mailCount {
	visit := mailCount{"provider:visit:" + v.ID.String(), mailsPerVisit}
	if v.Vouched {
		return []mailCount{visit, {"provider:vouched:" + v.Address, mailsPerHour}}
	}
	return []mailCount{visit, {"provider:from:" + v.Address + ":" + account.NetworkOf(a), mailsPerHour}, {"provider:address:" + v.Address, mailsOfOthers}}
}

// SendLink mails to the address of a visit a link that shows, in the same browser, that it is theirs. Faults: NotFound, Conflict without an address, RateLimited.
func (s *Store) SendLink(ctx context.Context, a actor.Actor, visit string) error {
	v, err := s.ByToken(ctx, visit)
	if err != nil {
		return err
	}
	if v.Address == "" {
		return fault.New(fault.Conflict, "There is no address to send a mail to.")
	}
	for _, count := range mailCounts(a, v) {
		ok, after, err := s.o.Accounts.Take(ctx, count.bucket, count.most, time.Hour)
		if err != nil {
			return err
		}
		if !ok {
			return tooOften(after)
		}
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		token, until := secret.Token(32), tx.Now.Add(mailAge)
		if latest := v.CreatedAt.Add(longestVisit); until.After(latest) {
			until = latest
		}
		if _, err := tx.Run("UPDATE provider_visits SET link_digest = ?, expires_at = ? WHERE id = ?", digest(token), until, v.ID); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.ProviderMailed, TargetKind: "visit", TargetID: v.ID, Details: map[string]string{"provider": v.Provider}})
		return s.o.Outbox.Queue(tx, s.letterProof(tx.Context(), v, token, until))
	})
}

// Prove takes the link of a mail in the browser of its visit: the address is theirs. Is there no account of the address, the arrival is empty, and the visit goes on. Else
// they are in the account, by the mail alone: a second factor that somebody showed elsewhere says nothing about whose account this is (A13). Who has a factor here shows it
// next, and nothing is linked yet: the visit goes on, too, for Link, and the arrival names it. Who has none is linked. Faults: NotFound, also in another browser; Unauthenticated for who may not sign in.
func (s *Store) Prove(ctx context.Context, a actor.Actor, visit, link, agent string) (out Arrival, err error) {
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		out = Arrival{}
		v, err := s.visit(tx.DB, visit, tx.Now)
		if err != nil {
			return err
		}
		n, err := tx.Run("UPDATE provider_visits SET verified = TRUE, link_digest = NULL WHERE id = ? AND link_digest = ?", v.ID, digest(link))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "This link does not work any more. Links work once, for a short time, and only the newest of several.")
		}
		audit.Record(tx, a, audit.Event{Act: audit.ProviderProven, TargetKind: "visit", TargetID: v.ID, Details: map[string]string{"provider": v.Provider}})
		var users []account.User
		if err := tx.Raw("SELECT * FROM users WHERE email = ? AND deleted_at IS NULL", v.Address).Scan(&users).Error; err != nil || len(users) == 0 {
			return err
		}
		if !users[0].Active(tx.Now) {
			return fault.New(fault.Unauthenticated, "Nobody can sign in to this account now.")
		}
		goesOn, err := hasFactor(tx, users[0].ID)
		if err != nil {
			return err
		}
		if !goesOn {
			if err := s.link(tx, a, users[0], v); err != nil {
				return err
			}
		}
		v.Factor = false
		out, err = s.enterByVisit(tx, a, users[0], v, agent)
		if goesOn {
			out.Visit = visit
		}
		return err
	})
	return out, err
}

// hasFactor tells whether a user has a second factor here; until the transaction ends, none is added.
func hasFactor(tx *db.Tx, userID db.ID) (bool, error) {
	if err := lockUser(tx, userID); err != nil {
		return false, err
	}
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM factors WHERE user_id = ? AND confirmed_at IS NOT NULL", userID).Scan(&n).Error
	return n > 0, err
}

func (s *Store) enterByVisit(tx *db.Tx, a actor.Actor, u account.User, v Visit, agent string) (out Arrival, err error) {
	p, err := s.ByName(v.Provider)
	if err != nil {
		return Arrival{}, err
	}
	out.Token, out.Session, err = s.enter(tx, a, u, p, v.who(), agent)
	return out, err
}

// link links an account to the identity of a visit, which is over then, and mails that. Faults: Conflict.
func (s *Store) link(tx *db.Tx, a actor.Actor, u account.User, v Visit) error {
	if err := lockUser(tx, u.ID); err != nil {
		return err
	}
	own, err := identitiesOf(tx.DB, u.ID)
	if err != nil {
		return err
	}
	if len(own) >= mostIdentities {
		return fault.New(fault.Conflict, "Your account is linked to %d accounts elsewhere, which is the most.", len(own))
	}
	_, err = tx.Run("INSERT INTO identities (id, user_id, issuer, subject, address, created_at) VALUES (?, ?, ?, ?, ?, ?)", db.NewID(), u.ID, v.Issuer, v.Subject, v.Address, tx.Now)
	if db.Duplicate(err) {
		return fault.Wrap(err, fault.Conflict, "This account at %s is linked to an account here already.", s.Label(v.Issuer))
	}
	if err != nil {
		return err
	}
	if _, err := tx.Run("DELETE FROM provider_visits WHERE id = ?", v.ID); err != nil {
		return err
	}
	if !a.SignedIn() {
		a.Kind, a.UserID, a.Name, a.StaffRole = actor.User, u.ID, u.Name, u.StaffRole
	}
	audit.Record(tx, a, audit.Event{Act: audit.ProviderLinked, TargetKind: "user", TargetID: u.ID, Details: map[string]string{"issuer": v.Issuer}, Personal: map[string]string{"email": v.Address}})
	return s.o.Outbox.Queue(tx, s.letterLinked(tx.Context(), u, s.Label(v.Issuer), v.Address, tx.Now))
}

// Link links the account of the actor, who is signed in and has freshly shown who they are (A14), to the identity of a visit. Faults: NotFound, Conflict.
func (s *Store) Link(ctx context.Context, a actor.Actor, visit string) (Visit, error) {
	var v Visit
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		u, err := userByID(tx, a.UserID)
		if err != nil {
			return err
		}
		if v, err = s.visit(tx.DB, visit, tx.Now); err != nil {
			return err
		}
		return s.link(tx, a, u, v)
	})
	return v, err
}

// NewPerson is what somebody says of themselves before their account is made.
type NewPerson struct{ Name, Language, TimeZone, Agent string }

// Create makes the account of a visit whose address is known to be theirs, by the sign-up setting, linked, and signs in unless an admin has to approve it first.
// Faults: NotFound, Forbidden, Invalid about "name", Conflict when the address is not known to be theirs or has an account.
func (s *Store) Create(ctx context.Context, a actor.Actor, visit string, n NewPerson) (v Visit, out Arrival, err error) {
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		out = Arrival{}
		if v, err = s.visit(tx.DB, visit, tx.Now); err != nil {
			return err
		}
		if !v.Verified {
			return fault.New(fault.Conflict, "Show first that the address is yours.")
		}
		u, waits, err := s.o.Accounts.ProvisionTx(tx, a, account.NewUser{Email: v.Address, Name: n.Name, Language: n.Language, TimeZone: n.TimeZone}, map[string]string{"provider": v.Provider})
		if err != nil {
			return err
		}
		if err := s.link(tx, a, u, v); err != nil || waits {
			return err
		}
		out, err = s.enterByVisit(tx, a, u, v, n.Agent)
		return err
	})
	return v, out, err
}
