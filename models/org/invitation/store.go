// Package invitation asks people into organizations. An invitation is bound to one address and one organization; it is taken by the account that has
// verified that address, once, until it expires or is revoked (Z8). It works only while whoever sent it may give the role that it holds.
package invitation

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Prefix is how ids of invitations are shown; an id opens nothing.
const Prefix = "inv"

// Age is for how long an invitation works after it was sent.
const Age = 7 * 24 * time.Hour

// kept is how long an expired invitation stays in the list, to be sent again.
const kept = 30 * 24 * time.Hour

// Bounds against mail to strangers and lists without end (L7).
const (
	MaxOpen    = 100 // invitations of one organization
	MaxMembers = org.MaxMembers

	perOrganization = 50 // mails in a window
	perPerson       = 50
	perAddress      = 15 // of all organizations
	perAddressOfOne = 5  // of one: the next has its own
	window          = 24 * time.Hour
)

// Options of a Store.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Link   func(path string) string // absolute address under the base URL
}

// Store keeps invitations. Safe for concurrent use.
type Store struct {
	db     *db.DB
	outbox *outbox.Outbox
	link   func(string) string
}

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{db: o.DB, outbox: o.Outbox, link: o.Link} }

// Sweep deletes invitations that expired long ago. It is a job.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM invitations WHERE expires_at <= ?", tx.Now.Add(-kept))
		return err
	})
}
