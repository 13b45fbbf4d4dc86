package key

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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

// Importer checks and stores the keys of one import. Use it within one transaction, or for checking alone.
type Importer struct {
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
	return &Importer{g: g, now: now, apps: map[db.ID]offer{}}
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

// Known tells which of the digests are imported keys already, as hex.
func (i *Importer) Known(digests [][]byte) (map[string]bool, error) {
	var found [][]byte
	err := i.g.Raw("SELECT digest FROM keys WHERE pepper_version = 'import' AND digest IN ?", digests).Scan(&found).Error
	out := map[string]bool{}
	for _, d := range found {
		out[hex.EncodeToString(d)] = true
	}
	return out, err
}

// AddTx stores some checked keys of an import, at most 500. It records no event: the import's one event tells of all.
func (i *Importer) AddTx(tx *db.Tx, importID db.ID, algorithm, prefix string, some []Imported) error {
	var keys, grants []any
	for _, k := range some {
		id, b := db.NewID(), k.n.bounds.row()
		keys = append(keys, id, k.n.app.ID, k.n.environment, k.n.name, k.n.domain, prefix, k.LastFour, algorithm, importedVersion, k.Digest[:], importID,
			k.n.expiry.ExpiresAt, b.Networks, b.Origins, b.Metadata, b.RateRequests, b.RatePeriodSeconds, tx.Now, tx.Now)
		for _, c := range k.n.scopes {
			grants = append(grants, id, c.APIID, c.ScopeID)
		}
	}
	_, err := tx.Run(`INSERT INTO keys (id, app_id, environment, name, data_domain, prefix, last_four, digest_algorithm, pepper_version, digest, import_id,
		expires_at, networks, origins, metadata, rate_requests, rate_period_seconds, created_at, updated_at) VALUES `+db.Rows(19, len(some)), keys...)
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
				done = append(done, r.ID)
			}
		}
		change.RecordMany(tx, change.Key, done)
		return nil
	})
}

var _ keyring.FormLoader = (*Loader)(nil)

// LoadForms implements keyring.FormLoader: of finished imports with a key that is not revoked, each form once. One that can't be read is logged and left out: the keys of all others work on.
func (l *Loader) LoadForms(ctx context.Context) ([]apikey.Form, error) {
	var rows []struct {
		ID                                  db.ID
		Algorithm, Secret, Prefix, Alphabet string
		Length, Pending                     int
	}
	err := l.db.Read(ctx).Raw(`SELECT i.id, i.algorithm, i.secret, i.prefix, i.alphabet, i.length,
		CASE WHEN EXISTS (SELECT 1 FROM keys k WHERE k.import_id = i.id AND k.digest_algorithm IN ('imported-sha256', 'imported-hmac-sha256')) THEN 1 ELSE 0 END AS pending
		FROM key_imports i WHERE i.finished_at IS NOT NULL AND EXISTS (SELECT 1 FROM keys k WHERE k.import_id = i.id AND k.revoked_at IS NULL) ORDER BY i.id`).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	var out []apikey.Form
	seen := map[string]bool{}
	for _, r := range rows {
		shape, err := apikey.NewShape(r.Prefix, r.Alphabet, r.Length)
		if err != nil {
			slog.ErrorContext(ctx, "the form of an import can't be read: its keys are unknown", "import", r.ID.Show(ImportPrefix), "error", err)
			continue
		}
		f, what := apikey.Form{Shape: shape}, fmt.Sprintf("%s %s %d", r.Prefix, r.Alphabet, r.Length)
		switch {
		case r.Pending == 0:
		case r.Algorithm == "sha256":
			f.Sum, what = apikey.PlainSum, what+" plain"
		case r.Secret != "" && l.sealer != nil:
			secret, err := l.sealer.Open(r.Secret, r.ID.String())
			if err != nil {
				slog.ErrorContext(ctx, "the secret of an import can't be opened: its keys are unknown", "import", r.ID.Show(ImportPrefix), "error", err)
				continue
			}
			f.Sum, what = apikey.KeyedSum(secret), what+" under "+string(secret) // imports of one secret are one form, and cost one look-up
		}
		if !seen[what] {
			seen[what] = true
			out = append(out, f)
		}
	}
	return out, nil
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
