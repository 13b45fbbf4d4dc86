// Package scim lets the directory of an organization, such as Okta or Entra ID, say by SCIM 2.0 who belongs to it. A directory manages people whose address is
// in a domain that the organization has proven, their membership of this one organization, and nothing else: it never makes an owner, never changes an account,
// and learns of no other organization. Its token stands for the owner who made it, and ends with what that rests on.
package scim

import (
	"errors"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Prefixes of ids, as directories and people see them.
const (
	TokenPrefix = "sct"
	UserPrefix  = "scu"
	GroupPrefix = "scg"
)

// Bounds against making things without end (L7).
const (
	MaxTokens   = 2 // that work at a time: one, and the next while it takes over
	MaxUsers    = 2000
	MaxGroups   = 200
	MaxSeats    = 20000 // memberships of groups, of all groups of a directory
	maxMade     = 10    // tokens of one organization in a day
	maxAccounts = 1000  // new ones of one organization in a day
	maxChanges  = 25000 // what one directory adds or renames in a day; taking away is never refused, and there is no more of it than of this
	day         = 24 * time.Hour
)

// ErrTaken is the cause of a Conflict about a name that another user or group of the directory has.
var ErrTaken = errors.New("scim: the name is taken")

func taken(key string, args ...any) error { return fault.Wrap(ErrTaken, fault.Conflict, key, args...) }

// Options of a Store. All are required.
type Options struct {
	DB       *db.DB
	Accounts *account.Store
	Orgs     *org.Store
	Handover *handover.Store
	Outbox   *outbox.Outbox
	Root     *secret.Root             // pepper of digests
	Brand    string                   // how every key begins, and so every token
	Link     func(path string) string // absolute address of a page, for mails (W6)
}

// Store keeps directories. Safe for concurrent use.
type Store struct {
	db        *db.DB
	accounts  *account.Store
	orgs      *org.Store
	handover  *handover.Store
	outbox    *outbox.Outbox
	digesters []*apikey.Digester // of every pepper, the current one first
	versions  []string
	brand     string
	link      func(path string) string
}

// NewStore makes a store.
func NewStore(o Options) *Store {
	s := &Store{db: o.DB, accounts: o.Accounts, orgs: o.Orgs, handover: o.Handover, outbox: o.Outbox, versions: o.Root.Versions(), brand: o.Brand, link: o.Link}
	for i, pepper := range o.Root.Keys(secret.LabelKeyPepper) {
		s.digesters = append(s.digesters, apikey.NewDigester(apikey.Pepper{Version: s.versions[i], Key: pepper}))
	}
	return s
}

// digests are those of a text under every pepper.
func (s *Store) digests(text string) [][]byte {
	var all [][]byte
	for _, d := range s.digesters {
		sum := d.Sum(text)
		all = append(all, sum[:])
	}
	return all
}

// Page is where owners see their directory.
func Page(organization db.ID) string {
	return "/console/organizations/" + organization.Show(org.Prefix) + "/directory"
}

// madeOften counts a token: each writes to all who manage the organization (L7). Faults: RateLimited.
func madeOften(tx *db.Tx, organizationID db.ID) error {
	ok, err := account.TakeTx(tx, "directory tokens of "+organizationID.String(), maxMade, day)
	if err == nil && !ok {
		err = fault.Later(day, "Those were many tokens for one day, and each time all owners and admins get a mail. Try again tomorrow.")
	}
	return err
}
