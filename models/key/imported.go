package key

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// How imported keys are kept until they are first used: as their maker digested them. Their pepper version is importedVersion.
const (
	ImportedPlain   = "imported-sha256"
	ImportedKeyed   = "imported-hmac-sha256"
	importedVersion = "import"
)

// Imported is a key that was made elsewhere, checked as a new key is.
type Imported struct {
	Digest   apikey.Digest
	LastFour string // empty when its maker did not say
	n        newKey
}

// MaxImportSecrets is how many HMAC secrets of imports may be in force at once: a text of a declared form that is no key costs a look-up for each, and one for SHA-256.
const MaxImportSecrets = 8

// Importer checks and stores the keys of one import. Use it within one transaction, or for checking alone.
type Importer struct {
	s    *Store
	g    *gorm.DB
	now  time.Time
	apps map[db.ID]offer
}

type offer struct {
	app     appRow
	choices []Choice
}

// NewImporter makes one that reads by g.
func (s *Store) NewImporter(g *gorm.DB, now time.Time) *Importer {
	return &Importer{s: s, g: g, now: now, apps: map[db.ID]offer{}}
}

// Check is what the import would make of the wish: its grants are within its app's access, its bounds and its end within the policies; ends is that of its maker, nil for the
// policies' default. Its Token is not looked at. Faults: Invalid with the problems of a new key, or of field "app".
func (i *Importer) Check(r CreateRequest, ends *time.Time, digest apikey.Digest, lastFour string) (Imported, error) {
	o, ok := i.apps[r.AppID]
	if !ok {
		var found []appRow
		err := i.g.Raw(`SELECT a.id, a.name, a.organization_id FROM apps a JOIN organizations o ON o.id = a.organization_id WHERE a.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL`, r.AppID).Scan(&found).Error
		if err != nil {
			return Imported{}, err
		}
		if len(found) > 0 {
			o.app = found[0]
			if o.choices, err = choices(i.g, r.AppID); err != nil {
				return Imported{}, err
			}
		}
		i.apps[r.AppID] = o
	}
	if o.app.ID.IsZero() {
		return Imported{}, fault.BadField("app", "There is no such app.")
	}
	r.Expiry = Expiry{}
	if ends != nil {
		r.Expiry.Date = ends.UTC().Format(DateLayout)
	}
	n, err := draft(i.g, i.now, r, o.app, o.choices)
	if ends != nil {
		n.expiry.ExpiresAt = ends
	}
	return Imported{Digest: digest, LastFour: lastFour, n: n}, err
}

// Here is a key that was imported before.
type Here struct {
	ID        db.ID
	RevokedAt *time.Time
}

// Known tells which of the digests are those of imported keys, whether or not they were used since, by digest.
func (i *Importer) Known(digests []apikey.Digest) (map[apikey.Digest]Here, error) {
	marks := make([][]byte, 0, len(digests))
	of := map[string]apikey.Digest{}
	for _, d := range digests {
		for _, m := range i.s.marksOf(d) {
			marks = append(marks, m)
			of[string(m)] = d
		}
	}
	out := map[apikey.Digest]Here{}
	for part := range slices.Chunk(marks, idsAtOnce) {
		var rows []struct {
			Here
			ImportMark []byte
		}
		if err := i.g.Raw("SELECT id, revoked_at, import_mark FROM keys WHERE import_mark IN ?", part).Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[of[string(r.ImportMark)]] = r.Here
		}
	}
	return out, nil
}

// marksOf are the marks of a key that was imported under a digest, the current one first: by these it is known again, while the digest itself is forgotten at its first use.
func (s *Store) marksOf(foreign apikey.Digest) [][]byte {
	out := make([][]byte, 0, len(s.marks))
	for _, d := range s.marks {
		sum := d.Sum(string(foreign[:]))
		out = append(out, sum[:])
	}
	return out
}

// ImportMarks are the marks that a key with that text has if it was imported. How many they are depends on the form of the text alone.
func (s *Store) ImportMarks(forms []apikey.Form, text string) (marks [][]byte, fits bool) {
	sums, fits := apikey.Sums(forms, text)
	for _, sum := range sums {
		marks = append(marks, s.marksOf(sum)...)
	}
	return marks, fits
}

// AddTx stores some checked keys of an import, at most 500. It records no event: the import's one event tells of all.
func (i *Importer) AddTx(tx *db.Tx, importID db.ID, algorithm, prefix string, some []Imported) error {
	var keys, grants []any
	for _, k := range some {
		id, b := db.NewID(), k.n.bounds.row()
		keys = append(keys, id, k.n.app.ID, k.n.environment, k.n.name, k.n.domain, prefix, k.LastFour, algorithm, importedVersion, k.Digest[:], i.s.marksOf(k.Digest)[0], importID,
			k.n.expiry.ExpiresAt, b.Networks, b.Origins, b.Metadata, b.RateRequests, b.RatePeriodSeconds, tx.Now, tx.Now)
		for _, c := range k.n.scopes {
			grants = append(grants, id, c.APIID, c.ScopeID)
		}
	}
	_, err := tx.Run(`INSERT INTO keys (id, app_id, environment, name, data_domain, prefix, last_four, digest_algorithm, pepper_version, digest, import_mark, import_id,
		expires_at, networks, origins, metadata, rate_requests, rate_period_seconds, created_at, updated_at) VALUES `+db.Rows(20, len(some)), keys...)
	for part := range slices.Chunk(grants, 3*idsAtOnce) {
		if err == nil {
			_, err = tx.Run("INSERT INTO key_grants (key_id, api_id, scope_id) VALUES "+db.Rows(3, len(part)/3), part...)
		}
	}
	return err
}

// DropTx takes some keys of an import back that was never finished, so that none of them ever worked, and tells how many are gone.
func DropTx(tx *db.Tx, importID db.ID) (int64, error) {
	var ids []db.ID
	err := tx.Raw("SELECT k.id FROM keys k JOIN key_imports i ON i.id = k.import_id WHERE i.id = ? AND i.finished_at IS NULL ORDER BY k.id LIMIT ?", importID, idsAtOnce).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if _, err := tx.Run("DELETE FROM key_grants WHERE key_id IN ?", ids); err != nil {
		return 0, err
	}
	return tx.Run("DELETE FROM keys WHERE id IN ?", ids)
}

// Mark marks the keys of imports that wait for their first use: those that a program of before left unmarked, and those whose mark is under a root that is not the current one, so that they are
// still known by their marks when that one is dropped. A key that is marked as it should be costs one read.
func (s *Store) Mark(ctx context.Context) error {
	for after := []byte{0}; ; { // no SHA-256 that anybody knows is less
		type row struct {
			ID                 db.ID
			Digest, ImportMark []byte
		}
		var rows []row
		err := s.db.Read(ctx).Raw("SELECT id, digest, import_mark FROM keys WHERE pepper_version = 'import' AND digest > ? ORDER BY digest LIMIT ?", after, idsAtOnce).Scan(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].Digest
		rows = slices.DeleteFunc(rows, func(r row) bool { return bytes.Equal(r.ImportMark, s.marksOf(apikey.Digest(r.Digest))[0]) })
		if len(rows) == 0 {
			continue
		}
		err = s.db.Tx(ctx, func(tx *db.Tx) error {
			for _, r := range rows {
				if err := s.mark(tx, r.ID, apikey.Digest(r.Digest)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// mark gives a key the mark of its maker's digest under the current root.
func (s *Store) mark(tx *db.Tx, id db.ID, foreign apikey.Digest) error {
	mark := s.marksOf(foreign)[0]
	_, err := tx.Run("UPDATE keys SET import_mark = ? WHERE id = ? AND NOT EXISTS (SELECT 1 FROM keys z WHERE z.import_mark = ?)", mark, id, mark)
	return err
}

// Redigested is a key that was recognised by its maker's digest: from now on it is kept under ours.
type Redigested struct {
	ID           db.ID
	Foreign, Own apikey.Digest
}

// Redigest keeps keys under our current pepper and forgets their makers' digests. Doing it again does nothing.
func (s *Store) Redigest(ctx context.Context, all []Redigested) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var done []db.ID
		for _, r := range all {
			n, err := tx.Run(`UPDATE keys SET digest_algorithm = ?, pepper_version = ?, digest = ?, updated_at = ? WHERE id = ? AND pepper_version = ? AND digest = ?
				AND NOT EXISTS (SELECT 1 FROM keys z WHERE z.digest_algorithm = ? AND z.pepper_version = ? AND z.digest = ?)`,
				apikey.AlgorithmHMACSHA256, s.digester.Version(), r.Own[:], tx.Now, r.ID, importedVersion, r.Foreign[:], apikey.AlgorithmHMACSHA256, s.digester.Version(), r.Own[:])
			if err != nil {
				return err
			}
			if n > 0 {
				if err := s.mark(tx, r.ID, r.Foreign); err != nil { // the last time that its maker's digest is at hand
					return err
				}
				done = append(done, r.ID)
			}
		}
		change.RecordMany(tx, change.Key, done)
		return nil
	})
}

var _ keyring.FormLoader = (*Loader)(nil)

type formRow struct {
	ID                                  db.ID
	Algorithm, Secret, Prefix, Alphabet string
	Length, Shortest, Pending           int
}

// brokenTold are the imports of which this process has logged that they can't be read: forms are read for whoever asks, and a log that anybody can fill tells nothing.
var brokenTold sync.Map

// LoadForms implements keyring.FormLoader: of finished imports with a key, also one that is revoked, each form once. One that can't be read is logged and left out: the keys
// of all others work on. From then on texts of the forms are found and masked (apikey.Declare).
func (l *Loader) LoadForms(ctx context.Context) ([]apikey.Form, error) {
	var rows []formRow
	err := l.db.Read(ctx).Raw(`SELECT i.id, i.algorithm, i.secret, i.prefix, i.alphabet, i.length, i.shortest,
		CASE WHEN EXISTS (SELECT 1 FROM keys k WHERE k.import_id = i.id AND k.digest_algorithm IN ('imported-sha256', 'imported-hmac-sha256')) THEN 1 ELSE 0 END AS pending
		FROM key_imports i WHERE i.finished_at IS NOT NULL AND EXISTS (SELECT 1 FROM keys k WHERE k.import_id = i.id) ORDER BY i.id`).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	var out []apikey.Form
	seen, ways := map[string]bool{}, map[string]uint8{}
	for _, r := range rows {
		f, by, err := l.form(r)
		if err != nil {
			if _, told := brokenTold.LoadOrStore(r.ID, true); !told {
				slog.ErrorContext(ctx, "the form or the secret of an import can't be read: its keys are unknown", "import", r.ID.Show(ImportPrefix), "error", err)
			}
			continue
		}
		if by != "" { // imports under one secret are one way, and cost one look-up
			if ways[by] == 0 && len(ways) < maxWays {
				ways[by] = uint8(len(ways) + 1) //nolint:gosec // below maxWays
			}
			f.Way = ways[by]
		}
		what := fmt.Sprintf("%s %s %d %d %s", r.Prefix, r.Alphabet, r.Length, f.Shortest, by)
		if !seen[what] {
			seen[what] = true
			out = append(out, f)
		}
		apikey.Declare(f.Shape)
	}
	return out, nil
}

const maxWays = 60 // that apikey.Sums tells apart

// form reads one; by is the way in which its keys are digested, empty when none is kept so any more.
func (l *Loader) form(r formRow) (f apikey.Form, by string, err error) {
	f.Shape, err = apikey.NewShape(r.Prefix, r.Alphabet, r.Length)
	if err == nil && r.Shortest > 0 {
		f.Shape, err = f.DownTo(r.Shortest)
	}
	switch {
	case err != nil || r.Pending == 0:
	case r.Algorithm == "sha256":
		f.Sum, by = apikey.PlainSum, "plain"
	case r.Secret != "" && l.sealer != nil:
		secret, opened := l.sealer.Open(r.Secret, r.ID.String())
		if opened != nil {
			return f, "", opened
		}
		f.Sum, by = apikey.KeyedSum(secret), "under "+string(secret)
	}
	return f, by, err
}

// MayImport reports whether the actor may import keys.
func MayImport(a actor.Actor) bool { return mayStaff(a, permission.StaffKeysImport) }

// OwnForm reports whether texts with the prefix would be taken for keys of this portal, which are refused by their checksum.
func (s *Store) OwnForm(prefix string) bool { return strings.HasPrefix(prefix, s.brand+"_") }

// ImportPrefix is how the id of an import is shown.
const ImportPrefix = "imp"

// importOf reads the id of an import; a text that is none finds nothing.
func importOf(text string) db.ID {
	id, err := db.ParseID(ImportPrefix, text)
	if err != nil {
		return db.ID{1}
	}
	return id
}
