package follow

import (
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Options of a Store. All are required.
type Options struct {
	DB      *db.DB
	Outbox  *outbox.Outbox
	Signer  *secret.Signer           // of the links in mails
	Link    func(path string) string // absolute address under the base URL
	Visible Visible                  // forum's, so that nobody is told of what they may not read
}

// Store tells followers. Safe for concurrent use.
type Store struct {
	db      *db.DB
	outbox  *outbox.Outbox
	signer  *secret.Signer
	link    func(string) string
	visible Visible
}

// NewStore makes a store.
func NewStore(o Options) *Store {
	return &Store{db: o.DB, outbox: o.Outbox, signer: o.Signer, link: o.Link, visible: o.Visible}
}
