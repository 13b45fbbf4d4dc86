// Package factor is second factors of people: authenticator apps (TOTP, RFC 6238), passkeys (WebAuthn) and recovery codes, what proves them at sign-in and before what
// matters, and what their owners do with them. A passkey signs in alone, too. Questions and codes by SMS are not offered.
package factor

import (
	"context"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Prefix begins the ids of factors as pages show them.
const Prefix = "factor"

// Kinds of factors.
const (
	TOTP    = "totp"    // an authenticator app
	Passkey = "passkey" // a key pair of WebAuthn, whose private half stays with its authenticator
)

// Options of a Store. All but BaseURL and Issuers are required.
type Options struct {
	DB         *db.DB
	Accounts   *account.Store
	Sealer     *secret.Sealer // seals seeds, the factor's id as record (C6)
	Outbox     *outbox.Outbox
	Link       func(path string) string // absolute address under the configured base URL (W6)
	PortalName func(ctx context.Context) string

	// BaseURL is the origin at which passkeys work, and its host the name that they are for (A11). Nil: there are none.
	BaseURL *url.URL

	Issuers []string // of the providers by which people sign in
}

// Store keeps second factors. Safe for concurrent use.
type Store struct {
	o     Options
	party *webauthn.WebAuthn // nil where passkeys can't be
}

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{o, relyingParty(o.BaseURL)} }

// Factor is one that a person has. One that is not confirmed is being set up, and counts for nothing.
type Factor struct {
	ID           db.ID
	UserID       db.ID
	Kind         string
	Name         string
	SecretSealed string `json:"-"`
	LastStep     int64

	CredentialID   []byte `json:"-"`
	PublicKey      []byte `json:"-"`
	SignCount      int64
	BackupEligible bool
	Transports     string
	CountedBackAt  *time.Time // when this passkey was last shown with a count that had been there before: it may have been copied

	ConfirmedAt *time.Time
	LastUsedAt  *time.Time
	CreatedAt   time.Time
}

// List is the actor's own factors that count, oldest first.
func (s *Store) List(ctx context.Context, a actor.Actor) ([]Factor, error) {
	var rows []Factor
	err := s.o.DB.Read(ctx).Raw("SELECT * FROM factors WHERE user_id = ? AND confirmed_at IS NOT NULL ORDER BY created_at, id", a.UserID).Scan(&rows).Error
	return rows, err
}

// ByID is one of the actor's own factors that counts. Faults: NotFound.
func (s *Store) ByID(ctx context.Context, a actor.Actor, id db.ID) (Factor, error) {
	return one(s.o.DB.Read(ctx).Raw("SELECT * FROM factors WHERE id = ? AND user_id = ? AND confirmed_at IS NOT NULL", id, a.UserID))
}
