// Package importing takes over keys that were made elsewhere, by their digests: SHA-256 or HMAC-SHA-256 of the whole text, with the form of the texts. Such a key works as
// before; when it is first used it is digested under our pepper, and its maker's digest is forgotten. An import is one act.
package importing

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
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
	App         string // id of an app
	Environment string // live unless said
	Grants      string // api/scope, parted by spaces
}

// Problem is what is wrong with one key of the file.
type Problem struct {
	Line int
	Says fault.Problem
}

// Report is what a dry run found.
type Report struct {
	Keys     int // that the file holds
	Good     int
	Bits     float64 // random bits of the form
	Problems []Problem
	Wrong    int // keys with a problem; Problems names the first
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
	_, report, err := s.read(s.db.Read(ctx), a, spec, file)
	return report, err
}

// Import checks the file again and stores all of its keys in one transaction, or, with a problem anywhere, none. Faults: those of Check, and Invalid (file) when a key has a problem.
func (s *Store) Import(ctx context.Context, a actor.Actor, spec Spec, file io.Reader) (db.ID, Report, error) {
	good, report, err := s.read(s.db.Read(ctx), a, spec, file)
	if err != nil {
		return db.ID{}, report, err
	}
	if report.Wrong > 0 || report.Good == 0 {
		return db.ID{}, report, fault.BadField("file", "Nothing was imported: %d keys have a problem, or there are none.", report.Wrong)
	}
	id, algorithm := db.NewID(), algorithmOf(spec)
	sealed := ""
	if spec.Algorithm == Keyed {
		sealed = s.sealer.Seal([]byte(spec.Secret), id.String())
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO key_imports (id, made_by, label, algorithm, secret, prefix, alphabet, length, keys, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			id, a.UserID.Ref(), spec.Label, spec.Algorithm, sealed, spec.Prefix, spec.alphabet(), spec.Length, len(good), tx.Now)
		if err != nil {
			return err
		}
		importer := s.keys.NewImporter(tx.DB, tx.Now)
		for _, k := range good {
			if err := importer.AddTx(tx, id, algorithm, spec.Prefix, k); err != nil {
				return err
			}
		}
		audit.Record(tx, a, audit.Event{Act: audit.KeysImported, TargetKind: "key_import", TargetID: id, Details: map[string]string{
			"label": spec.Label, "keys": strconv.Itoa(len(good)), "algorithm": spec.Algorithm, "prefix": spec.Prefix, "length": strconv.Itoa(spec.Length),
		}})
		change.Record(tx, change.Import, id)
		return nil
	})
	if db.Duplicate(err) {
		return db.ID{}, report, fault.New(fault.Conflict, "Some of these keys were imported meanwhile. Check the file again.")
	}
	return id, report, err
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
	s.Label, s.Prefix = strings.TrimSpace(audit.Clean(s.Label)), strings.TrimSpace(s.Prefix)
	bad.Check(s.Label != "" && len(s.Label) <= 100, "label", "Name the import in at most %d characters.", 100)
	bad.Check(s.Algorithm == Plain || s.Algorithm == Keyed, "algorithm", "Choose how the keys were digested.")
	bad.Check(s.Algorithm != Keyed || len(s.Secret) >= minSecret, "secret", "The HMAC’s secret has at least %d bytes.", minSecret)
	shape, err := apikey.NewShape(s.Prefix, s.alphabet(), s.Length)
	switch {
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

// read checks the whole file; the good keys of it are those to import.
func (s *Store) read(g *gorm.DB, a actor.Actor, spec Spec, file io.Reader) ([]key.Imported, Report, error) {
	if !key.MayImport(a) {
		return nil, Report{}, fault.Denied()
	}
	shape, err := (&spec).check()
	if err != nil {
		return nil, Report{}, err
	}
	r := reading{spec: spec, importer: s.keys.NewImporter(g, s.db.Now()), seen: map[apikey.Digest]int{}, now: s.db.Now()}
	r.report.Bits = shape.Bits()
	err = each(file, r.add)
	if err == nil {
		err = r.known()
	}
	if errors.Is(err, errFile) {
		err = fault.BadField("file", "The file can’t be read: %s.", strings.TrimPrefix(audit.Clean(err.Error()), errFile.Error()+": "))
	}
	return r.good, r.report, err
}

type reading struct {
	spec     Spec
	importer *key.Importer
	seen     map[apikey.Digest]int // at which line
	now      time.Time
	good     []key.Imported
	lines    []int
	report   Report
}

func (r *reading) wrong(line int, problems ...fault.Problem) {
	r.report.Wrong++
	for _, p := range problems {
		if len(r.report.Problems) < maxProblems {
			r.report.Problems = append(r.report.Problems, Problem{line, p})
		}
	}
}

func (r *reading) add(rec record) error {
	if r.report.Keys++; r.report.Keys > MaxKeys {
		return fault.BadField("file", "A file holds at most %d keys. Import it in parts.", MaxKeys)
	}
	var bad fault.Problems
	sum, ok := digest(rec.Digest)
	bad.Check(ok, "digest", "A digest is 32 bytes in hex or base64.")
	if first, twice := r.seen[sum]; ok && twice {
		bad.Add("digest", "This key stands at %d already.", first)
	}
	r.seen[sum] = rec.Line
	bad.Check(!rec.Off, "enabled", "This key is switched off where it was made. Leave it out.")
	bad.Check(rec.LastFour == "" || len(rec.LastFour) == 4, "last_four", "These are four characters, or none.")
	app, err := db.ParseID("app", or(rec.App, r.spec.App))
	bad.Check(err == nil, "app", "There is no such app.")
	wish := key.CreateRequest{AppID: app, Environment: or(rec.Environment, r.spec.Environment, "live"), Name: rec.Name, Pairs: pairs(or(rec.Grants, r.spec.Grants)), Bounds: key.BoundsForm{Metadata: rec.Metadata}}
	ends, ok := expiry(rec.Expires)
	bad.Check(ok, "expires", "A moment is written like 2027-02-19T00:00:00Z.")
	bad.Check(ends == nil || ends.After(r.now), "expires", "This key is over.")
	if len(bad) > 0 {
		r.wrong(rec.Line, bad...)
		return nil
	}
	k, err := r.importer.Check(wish, ends, sum, rec.LastFour)
	if f := fault.As(err); f != nil && f.Kind == fault.Invalid {
		r.wrong(rec.Line, f.Problems...)
		return nil
	}
	if err != nil {
		return err
	}
	r.good, r.lines = append(r.good, k), append(r.lines, rec.Line)
	return nil
}

// known finds those that were imported before.
func (r *reading) known() error {
	at := 0
	for part := range slices.Chunk(slices.Clone(r.good), knownAtOnce) {
		var digests [][]byte
		for i := range part {
			digests = append(digests, part[i].Digest[:])
		}
		known, err := r.importer.Known(algorithmOf(r.spec), digests)
		if err != nil {
			return err
		}
		for i := range part {
			if known[hex.EncodeToString(part[i].Digest[:])] {
				r.wrong(r.lines[at+i], fault.Problem{Field: "digest", Key: "This key was imported before."})
			}
		}
		at += len(part)
	}
	r.report.Good = r.report.Keys - r.report.Wrong
	return nil
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func pairs(text string) []key.Pair {
	var out []key.Pair
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ';' || r == ',' }) {
		api, scope, _ := strings.Cut(one, "/")
		out = append(out, key.Pair{API: api, Scope: scope})
	}
	return out
}

// List reads a page of the imports, newest first. Faults: Forbidden.
func (s *Store) List(ctx context.Context, a actor.Actor, r db.PageRequest) (db.Page[Import], error) {
	if !a.Trusted() && !permission.Staff(a.StaffRole, permission.StaffKeysRead) {
		return db.Page[Import]{}, fault.Denied()
	}
	return db.List(ctx, s.db, db.Listing[Import]{
		Name: "key imports", Select: `SELECT i.id, i.made_by, i.label, i.algorithm, i.prefix, i.length, i.keys, i.settled_at, i.created_at,
			(SELECT COUNT(*) FROM keys k WHERE k.import_id = i.id AND k.revoked_at IS NULL) AS living,
			(SELECT COUNT(*) FROM keys k WHERE k.import_id = i.id AND k.digest_algorithm IN ('imported-sha256', 'imported-hmac-sha256') AND k.revoked_at IS NULL) AS pending
			FROM key_imports i WHERE 1 = 1`, IDExpr: "i.id", ID: func(i Import) db.ID { return i.ID }, Default: "-created",
		Sorts: map[string]db.Sort[Import]{"created": {Expr: "i.created_at", Value: func(i Import) any { return i.CreatedAt }}},
	}, r)
}

// Recognised notes that a key was presented which is kept under its maker's digest. It never blocks: when there is too much to write, the key is noted at its next use.
func (s *Store) Recognised(r key.Redigested) {
	select {
	case s.queue <- r:
	default:
	}
}

// Run writes what Recognised noted, until ctx ends.
func (s *Store) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-s.queue:
			if err := s.write(ctx, first); err != nil && ctx.Err() == nil {
				slog.Error("an imported key is not digested anew; its next use tries again", "error", err)
			}
		}
	}
}

// Flush writes what was noted so far. Tests call it instead of Run.
func (s *Store) Flush(ctx context.Context) error {
	select {
	case first := <-s.queue:
		return s.write(ctx, first)
	default:
		return nil
	}
}

func (s *Store) write(ctx context.Context, first key.Redigested) error {
	all := []key.Redigested{first}
	for len(all) < 200 {
		select {
		case next := <-s.queue:
			if !slices.Contains(all, next) {
				all = append(all, next)
			}
			continue
		default:
		}
		break
	}
	if err := s.keys.Redigest(ctx, all); err != nil {
		return fmt.Errorf("redigest: %w", err)
	}
	return nil
}

// Settle forgets the secrets of imports of which no key is kept under its maker's digest any more, but for revoked ones. It is a job: run it each hour.
func (s *Store) Settle(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var done []db.ID
		err := tx.Raw(`UPDATE key_imports SET secret = '', settled_at = ? WHERE settled_at IS NULL AND NOT EXISTS (SELECT 1 FROM keys k WHERE k.import_id = key_imports.id
			AND k.digest_algorithm IN ('imported-sha256', 'imported-hmac-sha256') AND k.revoked_at IS NULL) RETURNING id`, tx.Now).Scan(&done).Error
		change.RecordMany(tx, change.Import, done)
		return err
	})
}
