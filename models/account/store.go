// Package account is people: users, passwords, sessions, sign-up and sign-in.
package account

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Options of a Store. DB alone is enough for reading users and sessions; whatever deals with passwords or mail needs the rest.
type Options struct {
	DB         *db.DB
	Hasher     *password.Hasher
	Sealer     *secret.Sealer // seals password hashes, the user's id as record
	Signer     *secret.Signer // digests the codes of sign-up, which are too short for a plain digest
	Outbox     *outbox.Outbox
	Link       func(path string) string // absolute address under the configured base URL (W6)
	Signup     config.Signup            // zero: open
	PortalName func(ctx context.Context) string
	Log        *slog.Logger // nil: slog's default

	// Floor is the least time that an answer takes where it could otherwise tell by its time whether an address is known
	// (A6). 0: 250 ms; negative: none.
	Floor time.Duration
}

// Store keeps accounts. Safe for concurrent use.
type Store struct {
	db         *db.DB
	hasher     *password.Hasher
	sealer     *secret.Sealer
	signer     *secret.Signer
	outbox     *outbox.Outbox
	link       func(string) string
	signup     config.Signup
	portalName func(context.Context) string
	floor      time.Duration
	log        *slog.Logger

	newDeviceCode bool // set while the program is put together

	onDelete []func(tx *db.Tx, who Gone) error
	leave    func(tx *db.Tx, userID db.ID, all bool) error // nil: nobody writes here
	binding  BindingOf                                     // nil: no domain has its people sign in by one provider
	unbindBy func(tx *db.Tx, u User, b Binding) (bool, error)

	floodMu sync.Mutex
	floodAt time.Time // when the log was last told of very many sign-ins
}

// NewStore makes a store.
func NewStore(o Options) *Store {
	s := &Store{db: o.DB, hasher: o.Hasher, sealer: o.Sealer, signer: o.Signer, outbox: o.Outbox, link: o.Link, signup: o.Signup, portalName: o.PortalName, floor: o.Floor, log: o.Log}
	if s.portalName == nil {
		s.portalName = func(context.Context) string { return "Gatehouse" }
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.floor == 0 {
		s.floor = 250 * time.Millisecond
	}
	return s
}

// Gone is somebody whose account was deleted.
type Gone struct {
	UserID      db.ID
	Memberships []Membership // that they had: organization and role
}

// OnDelete has fn run in each transaction that deletes an account, once its memberships are gone: for what the person leaves behind in areas that this one
// does not know. It is called while the program is put together.
func (s *Store) OnDelete(fn func(tx *db.Tx, who Gone) error) {
	s.onDelete = append(s.onDelete, fn)
}

// LeaveBy has fn take along what somebody wrote, in each transaction that deletes an account: what was never shown, and all of it when all is true. It is called while the
// program is put together.
func (s *Store) LeaveBy(fn func(tx *db.Tx, userID db.ID, all bool) error) { s.leave = fn }

// level makes the answer that ends with the returned function take no less than the floor.
func (s *Store) level(ctx context.Context) func() {
	if s.floor < 0 {
		return func() {}
	}
	timer := time.NewTimer(s.floor)
	return func() {
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}
