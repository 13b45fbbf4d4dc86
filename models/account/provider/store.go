// Package provider is signing in from elsewhere: who a person is at the providers of the settings, how an account is linked to that, and which sessions a
// provider may end. What a provider says counts for its own subject alone. An address that it names never opens the account of that address: its owner shows first
// that it is theirs, by signing in as ever or by a mail.
package provider

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Prefix begins the ids of identities as pages show them.
const Prefix = "idn"

// Bounds.
const (
	VisitAge       = 30 * time.Minute // how long somebody who is not linked may take
	mailAge        = 30 * time.Minute
	longestVisit   = VisitAge + mailAge // also of who asks for one mail after the other
	mailsPerVisit  = 3
	mailsPerHour   = 6  // to one address: of those for whom a provider vouches, and of all others in one network
	mailsOfOthers  = 24 // of all others together
	mostIdentities = 20
)

// Provider is one of the settings.
type Provider struct {
	Name   string
	Label  string
	Issuer string
	Anew   bool // it can be asked to have people sign in anew, and says that they did
}

// Options of a Store. All but Providers are required.
type Options struct {
	DB         *db.DB
	Accounts   *account.Store
	Outbox     *outbox.Outbox
	Link       func(path string) string // absolute address under the configured base URL (W6)
	PortalName func(ctx context.Context) string
	Providers  []Provider

	// Land makes a user who signs in by the named provider, which vouches for their address, a member of the organization whose people do; nil: there is none such.
	Land func(tx *db.Tx, a actor.Actor, userID db.ID, provider string) error
}

// Store keeps identities. Safe for concurrent use.
type Store struct{ o Options }

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{o} }

// Identity is who a user is at a provider.
type Identity struct {
	ID         db.ID
	UserID     db.ID
	Issuer     string
	Subject    string
	Address    string
	LastUsedAt *time.Time
	CreatedAt  time.Time
}

// Providers are those of the settings.
func (s *Store) Providers() []Provider { return s.o.Providers }

// ByName is one of the settings. Faults: NotFound.
func (s *Store) ByName(name string) (Provider, error) {
	for _, p := range s.o.Providers {
		if p.Name == name {
			return p, nil
		}
	}
	return Provider{}, fault.Missing()
}

// Label is what people call the provider of an issuer; the issuer itself once the settings don't know it any more.
func (s *Store) Label(issuer string) string {
	for _, p := range s.o.Providers {
		if p.Issuer == issuer {
			return p.Label
		}
	}
	return issuer
}

func (s *Store) issuers() []string {
	all := []string{""} // never an issuer, and never an empty list
	for _, p := range s.o.Providers {
		all = append(all, p.Issuer)
	}
	return all
}

func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// List is the actor's own identities, oldest first.
func (s *Store) List(ctx context.Context, a actor.Actor) ([]Identity, error) {
	return identitiesOf(s.o.DB.Read(ctx), a.UserID)
}

func identitiesOf(q *gorm.DB, userID db.ID) (rows []Identity, err error) {
	err = q.Raw("SELECT * FROM identities WHERE user_id = ? ORDER BY created_at, id", userID).Scan(&rows).Error
	return rows, err
}

// Linked are the providers by which the actor can sign in now.
func (s *Store) Linked(ctx context.Context, a actor.Actor) ([]Provider, error) {
	own, err := s.List(ctx, a)
	var all []Provider
	for _, p := range s.o.Providers {
		if slices.ContainsFunc(own, func(i Identity) bool { return i.Issuer == p.Issuer }) {
			all = append(all, p)
		}
	}
	return all, err
}

func userByID(tx *db.Tx, id db.ID) (account.User, error) {
	var rows []account.User
	if err := tx.Raw("SELECT * FROM users WHERE id = ? AND deleted_at IS NULL", id).Scan(&rows).Error; err != nil {
		return account.User{}, err
	}
	if len(rows) == 0 {
		return account.User{}, fault.Missing()
	}
	return rows[0], nil
}

// lockUser has two changes of one person's ways in wait for each other.
func lockUser(tx *db.Tx, id db.ID) error {
	_, err := tx.Run("UPDATE users SET updated_at = ? WHERE id = ?", tx.Now, id)
	return err
}

// Unlink takes one of the actor's own identities away, ends the sessions that it began elsewhere, and mails that. The last way into an account stays. Whoever calls
// has asked for a fresh proof (A14). Faults: NotFound, Conflict.
func (s *Store) Unlink(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockUser(tx, a.UserID); err != nil {
			return err
		}
		u, err := userByID(tx, a.UserID)
		if err != nil {
			return err
		}
		var gone []Identity
		if err := tx.Raw("DELETE FROM identities WHERE id = ? AND user_id = ? RETURNING *", id, a.UserID).Scan(&gone).Error; err != nil {
			return err
		}
		if len(gone) == 0 {
			return fault.Missing()
		}
		if err := s.waysLeft(tx, u); err != nil {
			return err
		}
		if err := endSessions(tx, gone[0].Issuer, gone[0].Subject, a.SessionID); err != nil {
			return err
		}
		change.Record(tx, change.Session, a.UserID)
		label := s.Label(gone[0].Issuer)
		audit.Record(tx, a, audit.Event{Act: audit.ProviderUnlinked, TargetKind: "user", TargetID: a.UserID, Details: map[string]string{"issuer": gone[0].Issuer}, Personal: map[string]string{"email": gone[0].Address}})
		return s.o.Outbox.Queue(tx, s.letterUnlinked(tx.Context(), u, label, tx.Now))
	})
}

// waysLeft refuses to leave somebody without any way into their account. Faults: Conflict.
func (s *Store) waysLeft(tx *db.Tx, u account.User) error {
	if u.PasswordSealed != "" {
		return nil
	}
	var n int64
	err := tx.Raw("SELECT (SELECT COUNT(*) FROM identities WHERE user_id = ? AND issuer IN ?) + (SELECT COUNT(*) FROM factors WHERE user_id = ? AND kind = 'passkey' AND confirmed_at IS NOT NULL)",
		u.ID, s.issuers(), u.ID).Scan(&n).Error
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "This is the only way into your account. Choose a password first, by “I forgot my password”, or link another provider.")
	}
	return err
}

// endSessions ends the sessions that a subject of an issuer began, but keep.
func endSessions(tx *db.Tx, issuer, subject string, keep db.ID) error {
	_, err := tx.Run("DELETE FROM sessions WHERE id IN (SELECT session_id FROM provider_sessions WHERE issuer = ? AND subject = ?) AND id <> ?", issuer, subject, keep)
	return err
}

// Sweep deletes visits and logouts that are over.
func (s *Store) Sweep(ctx context.Context) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run("DELETE FROM provider_visits WHERE expires_at <= ?", tx.Now); err != nil {
			return err
		}
		_, err := tx.Run("DELETE FROM provider_logouts WHERE expires_at <= ?", tx.Now)
		return err
	})
}
