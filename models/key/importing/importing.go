// Package importing takes over keys that were made elsewhere, by their digests: SHA-256 or HMAC-SHA-256 of the whole text, with the form of the texts. Such a key works as
// before; when it is first used it is digested under our pepper, and its maker's digest is forgotten. An import is one act.
package importing

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Bounds of an import.
const (
	MaxBytes    = 5 << 20 // of a file that comes by a page
	MaxKeys     = 100_000
	maxProblems = 100 // that a report names; it counts all
	minSecret   = 16  // bytes of the HMAC's
	knownAtOnce = 500
	partSize    = 500           // keys of one transaction
	maxImport   = 2 * time.Hour // after which one that is not finished was cut short
)

// Algorithms by which keys may be digested.
const (
	Plain = "sha256"
	Keyed = "hmac-sha256"
)

// Alphabets that a form offers by name.
var Alphabets = map[string]string{
	"base62": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "hex": "0123456789abcdef",
	"base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", "base64url": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_",
}

// Spec says what a file holds, and what its keys get where it says nothing.
type Spec struct {
	Label       string // what people call the import
	Algorithm   string // Plain or Keyed
	Secret      string // of Keyed; kept sealed until no key needs it
	Prefix      string
	Alphabet    string // the characters, or a name of Alphabets
	Length      int
	Shortest    int    // the least characters behind the prefix; 0: Length
	App         string // id of an app
	Environment string // live unless said
	Grants      string // api/scope, parted by spaces
}

// Problem is what is wrong with one key of the file.
type Problem struct {
	Line int
	Says fault.Problem
}

// Here is a key of the file that was imported before. It stays as it is.
type Here struct {
	Line    int
	ID      db.ID
	Revoked bool
}

// Report is what a dry run found.
type Report struct {
	Keys     int // that the file holds
	Good     int
	Bits     float64 // random bits of the form
	Problems []Problem
	Wrong    int // keys with a problem; Problems names the first
	Here     []Here
	Known    int // keys that are here already; Here names the first
}

// Import is one that was carried out.
type Import struct {
	ID        db.ID
	MadeBy    *db.ID
	Label     string
	Algorithm string
	Prefix    string
	Length    int
	Keys      int
	Pending   int // not used yet, and not revoked
	Living    int // not revoked
	SettledAt *time.Time
	CreatedAt time.Time
}

// Store imports keys. Safe for concurrent use.
type Store struct {
	db     *db.DB
	keys   *key.Store
	sealer *secret.Sealer
	queue  chan key.Redigested
}

// NewStore makes a store; sealer is that of secret.LabelImport.
func NewStore(d *db.DB, keys *key.Store, sealer *secret.Sealer) *Store {
	return &Store{d, keys, sealer, make(chan key.Redigested, 1024)}
}

// Check is the dry run: it reads the file and stores nothing. Faults: Forbidden, Invalid (label, algorithm, secret, prefix, alphabet, length, file).
func (s *Store) Check(ctx context.Context, a actor.Actor, spec Spec, file io.Reader) (Report, error) {
	r, err := s.read(s.db.Read(ctx), a, spec, file)
	return r.report, err
}

func algorithmOf(s Spec) string {
	if s.Algorithm == Keyed {
		return key.ImportedKeyed
	}
	return key.ImportedPlain
}

func (s Spec) alphabet() string {
	if named, ok := Alphabets[s.Alphabet]; ok {
		return named
	}
	return s.Alphabet
}

func (s *Spec) check() (apikey.Shape, error) {
	var bad fault.Problems
	s.Label, s.Prefix, s.Alphabet = strings.TrimSpace(audit.Clean(s.Label)), strings.TrimSpace(s.Prefix), strings.TrimSpace(s.Alphabet)
	bad.Check(s.Label != "" && len(s.Label) <= 100, "label", "Name the import in at most %d characters.", 100)
	bad.Check(s.Algorithm == Plain || s.Algorithm == Keyed, "algorithm", "Choose how the keys were digested.")
	bad.Check(s.Algorithm != Keyed || len(s.Secret) >= minSecret, "secret", "The HMAC’s secret has at least %d bytes.", minSecret)
	shape, err := apikey.NewShape(s.Prefix, s.alphabet(), s.Length)
	if err == nil && s.Shortest > 0 {
		shape, err = shape.DownTo(s.Shortest)
	}
	switch {
	case errors.Is(err, apikey.ErrShapeShortest):
		bad.Add("length", "Keys may be at most %d characters shorter than the longest.", apikey.MaxShorter)
	case errors.Is(err, apikey.ErrShapePrefix):
		bad.Add("prefix", "A prefix has at most %d printable characters without spaces.", apikey.MaxShapePrefix)
	case errors.Is(err, apikey.ErrShapeAlphabet):
		bad.Add("alphabet", "An alphabet has at least two printable characters, each once, without spaces.")
	case errors.Is(err, apikey.ErrShapeLength):
		bad.Add("length", "The random part has 1 to %d characters.", apikey.MaxShapeLength)
	case err != nil:
		bad.Add("length", "Keys of this form hold fewer than %d random bits, and could be guessed. They can’t be imported: give their programs new ones.", apikey.MinShapeBits)
	}
	return shape, bad.Err()
}

// List reads a page of the imports, newest first. Faults: Forbidden.
func (s *Store) List(ctx context.Context, a actor.Actor, r db.PageRequest) (db.Page[Import], error) {
	if !a.Trusted() && !permission.Staff(a.StaffRole, permission.StaffKeysRead) {
		return db.Page[Import]{}, fault.Lacking(string(permission.StaffKeysRead), "")
	}
	return db.List(ctx, s.db, db.Listing[Import]{
		Name: "key imports", Select: `SELECT i.id, i.made_by, i.label, i.algorithm, i.prefix, i.length, i.keys, i.settled_at, i.created_at,
			(SELECT COUNT(*) FROM keys k WHERE k.import_id = i.id AND k.revoked_at IS NULL) AS living,
			(SELECT COUNT(*) FROM keys k WHERE k.import_id = i.id AND k.digest_algorithm IN ('imported-sha256', 'imported-hmac-sha256') AND k.revoked_at IS NULL) AS pending
			FROM key_imports i WHERE i.finished_at IS NOT NULL`, IDExpr: "i.id", ID: func(i Import) db.ID { return i.ID }, Default: "-created",
		Sorts: map[string]db.Sort[Import]{"created": {Expr: "i.created_at", Value: func(i Import) any { return i.CreatedAt }}},
	}, r)
}
