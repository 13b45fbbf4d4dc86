// Package factor is second factors of people: authenticator apps (TOTP, RFC 6238) and recovery codes, what proves them at sign-in and before what matters, and what
// their owners do with them. Questions and codes by SMS are not offered.
package factor

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Prefix begins the ids of factors as pages show them.
const Prefix = "factor"

// TOTP is the kind of an authenticator app.
const TOTP = "totp"

// Options of a Store. All are required.
type Options struct {
	DB         *db.DB
	Accounts   *account.Store
	Sealer     *secret.Sealer // seals seeds, the factor's id as record (C6)
	Outbox     *outbox.Outbox
	Link       func(path string) string // absolute address under the configured base URL (W6)
	PortalName func(ctx context.Context) string
}

// Store keeps second factors. Safe for concurrent use.
type Store struct{ o Options }

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{o} }

// Factor is one that a person has. One that is not confirmed is being set up, and counts for nothing.
type Factor struct {
	ID           db.ID
	UserID       db.ID
	Kind         string
	Name         string
	SecretSealed string `json:"-"`
	LastStep     int64
	ConfirmedAt  *time.Time
	LastUsedAt   *time.Time
	CreatedAt    time.Time
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
