// Package key is API keys: made, rotated, paused, suspended and revoked; what each may do and when it was last used; the policy for their life;
// and the facts that verification decides from. The full text of a key passes through here once, in the result of the method that
// made it, and is never stored (K1, K2).
package key

import (
	"crypto/rand"
	"io"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Options of a Store. All but Random are required.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Root   *secret.Root             // pepper of digests, MAC of form tokens
	Brand  string                   // how every key begins
	Link   func(path string) string // absolute address of a page, for mails (W6)
	Random io.Reader                // nil: crypto/rand
}

// Store keeps keys. Safe for concurrent use.
type Store struct {
	db        *db.DB
	outbox    *outbox.Outbox
	forms     *secret.Signer
	sealer    *secret.Sealer // of the secrets of imports
	digester  *apikey.Digester
	digesters []*apikey.Digester // of every pepper, the current one first
	marks     []*apikey.Digester // of digests of imported keys, the current one first
	versions  []string
	brand     string
	link      func(path string) string
	random    io.Reader
}

// NewStore makes a store.
func NewStore(o Options) *Store {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	s := &Store{
		db: o.DB, outbox: o.Outbox, forms: o.Root.Signer(secret.LabelForm), sealer: o.Root.Sealer(secret.LabelImport), versions: o.Root.Versions(), brand: o.Brand, link: o.Link, random: o.Random,
		digester: apikey.NewDigester(apikey.Pepper{Version: o.Root.Version(), Key: o.Root.Key(secret.LabelKeyPepper)}),
	}
	for i, pepper := range o.Root.Keys(secret.LabelKeyPepper) {
		s.digesters = append(s.digesters, apikey.NewDigester(apikey.Pepper{Version: s.versions[i], Key: pepper}))
	}
	for i, pepper := range o.Root.Keys(secret.LabelMark) {
		s.marks = append(s.marks, apikey.NewDigester(apikey.Pepper{Version: s.versions[i], Key: pepper}))
	}
	return s
}

// Made is the result of making or rotating a key. Secret is shown once and then forgotten; it is empty when Again is set: the form
// had already made Key, and this was its repeat.
type Made struct {
	Key    Row
	Secret apikey.Secret
	Again  bool
}

// lock is what a SELECT of keys k ends with to keep the row as it is until the commit; SQLite has one writer anyway.
func lock(tx *db.Tx) string {
	if tx.Home.Dialect == db.Postgres {
		return " FOR UPDATE OF k"
	}
	return ""
}

// lockKey keeps a key as it is until the commit, and goes on with the time at which it has the lock. What else is read of it is read by statements after
// this one: one that waits for the lock itself would join what was there before it waited, such as the organization that an app has left meanwhile.
func lockKey(tx *db.Tx, id db.ID) error {
	if tx.Home.Dialect != db.Postgres {
		return nil
	}
	err := tx.Exec("SELECT 1 FROM keys WHERE id = ? FOR UPDATE", id).Error
	if now := tx.Home.Now(); now.After(tx.Now) {
		tx.Now = now
	}
	return err
}

// reached reports whether the moment p is set and not after now.
func reached(p *time.Time, now time.Time) bool { return p != nil && !now.Before(*p) }

// inForce reports whether a suspension from at until until (nil: until a person ends it) holds at now.
func inForce(at, until *time.Time, now time.Time) bool {
	return at != nil && (until == nil || now.Before(*until))
}
