// Package handover is who answers for keys when people go, apps that move to another organization, and links by which a new key's text is
// handed over once.
package handover

import (
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/enforcement"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Options of a Store. All are required.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Keys   *key.Store
	Link   func(path string) string // absolute address under the base URL, for mails
}

// Store keeps what the package is about. Safe for concurrent use.
type Store struct {
	db       *db.DB
	outbox   *outbox.Outbox
	keys     *key.Store
	link     func(string) string
	policies *enforcement.Store
}

// NewStore makes a store.
func NewStore(o Options) *Store {
	return &Store{db: o.DB, outbox: o.Outbox, keys: o.Keys, link: o.Link, policies: enforcement.NewStore(o.DB, o.Keys)}
}

// write queues a letter to each of the people.
func (s *Store) write(tx *db.Tx, to []org.Recipient, l outbox.Letter) error {
	for _, r := range to {
		l.To, l.UserID, l.Language, l.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
		if err := s.outbox.Queue(tx, l); err != nil {
			return err
		}
	}
	return nil
}

// Conditions of package key.
const (
	living   = key.LivingSQL
	orphaned = key.OrphanedSQL
)
