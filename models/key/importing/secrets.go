package importing

import (
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// deadKept is for how long a key that was never used is told from an unknown one after it was revoked or has expired. Then the secret of its import is forgotten, and
// without that nobody knows it again. When secrets are short, it is forgotten at once.
const deadKept = 30 * 24 * time.Hour

// neededBy is true of imports i with a key that is kept under its maker's digest and was not over by a moment; two arguments, both that.
const neededBy = `EXISTS (SELECT 1 FROM keys k WHERE k.import_id = i.id AND k.digest_algorithm IN ('imported-sha256', 'imported-hmac-sha256')
	AND (k.revoked_at IS NULL OR k.revoked_at > ?) AND (k.expires_at IS NULL OR k.expires_at > ?))`

// retire forgets the secrets of imports whose keys were all used, or over by a moment.
func retire(tx *db.Tx, over time.Time) error {
	var done []db.ID
	err := tx.Raw("UPDATE key_imports SET secret = '', settled_at = ? WHERE id IN (SELECT i.id FROM key_imports i WHERE i.settled_at IS NULL AND i.finished_at IS NOT NULL AND NOT "+neededBy+") RETURNING id",
		tx.Now, over, over).Scan(&done).Error
	change.RecordMany(tx, change.Import, done)
	return err
}

// inForce are the secrets of imports, each once: all, or those alone that a key needs which is not over.
func (s *Store) inForce(g *gorm.DB, needed bool) (map[string]bool, error) {
	query, args, now := "SELECT i.id, i.secret FROM key_imports i WHERE i.secret <> ''", []any(nil), s.db.Now()
	if needed {
		query, args = query+" AND (i.finished_at IS NULL OR "+neededBy+")", []any{now, now}
	}
	var rows []struct {
		ID     db.ID
		Secret string
	}
	if err := g.Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, r := range rows {
		secret, err := s.sealer.Open(r.Secret, r.ID.String())
		if err != nil { // of another root: no look-up is made under it
			slog.Warn("the secret of an import can't be opened", "import", r.ID.Show(key.ImportPrefix), "error", err)
			continue
		}
		out[string(secret)] = true
	}
	return out, nil
}

// room refuses an import whose secret would be one too many. Faults: Invalid (secret).
func (s *Store) room(g *gorm.DB, spec Spec) error {
	if spec.Algorithm != Keyed {
		return nil
	}
	all, err := s.inForce(g, true)
	if err == nil && len(all) >= key.MaxImportSecrets && !all[spec.Secret] {
		err = fault.BadField("secret", "The secrets of %d HMACs are in force, which is the most. Revoke the keys of an older import that were never used, or wait until all were: then its secret is forgotten.", key.MaxImportSecrets)
	}
	return err
}

// roomForForm refuses an import whose form would be one too many: texts of each are looked for wherever people write, and none may be forgotten while it has keys. Faults: Invalid (prefix).
func roomForForm(g *gorm.DB, shape apikey.Shape) error {
	var rows []struct {
		Prefix, Alphabet string
		Length, Shortest int
	}
	if err := g.Raw(`SELECT DISTINCT i.prefix, i.alphabet, i.length, CASE WHEN i.shortest = 0 THEN i.length ELSE i.shortest END AS shortest FROM key_imports i
		WHERE i.finished_at IS NULL OR EXISTS (SELECT 1 FROM keys k WHERE k.import_id = i.id)`).Scan(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		if r.Prefix == shape.Prefix && r.Alphabet == shape.Alphabet && r.Length == shape.Length && r.Shortest == shape.Shortest {
			return nil
		}
	}
	if len(rows) >= apikey.MaxDeclared {
		return fault.BadField("prefix", "Keys of %d forms were imported, which is the most.", apikey.MaxDeclared)
	}
	return nil
}

// roomLock is the PostgreSQL advisory lock under which imports come into being: each must count the others' secrets and forms.
const roomLock = 0x67_69_6d_70 // "gimp"

// makeRoom is room in the transaction that makes the import. It forgets what nobody needs when the secret is one too many otherwise.
func (s *Store) makeRoom(tx *db.Tx, r reading) error {
	spec := r.spec
	if tx.Home.Dialect == db.Postgres {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(?)", roomLock).Error; err != nil {
			return err
		}
	}
	if err := roomForForm(tx.DB, r.shape); err != nil {
		return err
	}
	if err := s.room(tx.DB, spec); err != nil || spec.Algorithm != Keyed {
		return err
	}
	all, err := s.inForce(tx.DB, false)
	if err == nil && len(all) >= key.MaxImportSecrets && !all[spec.Secret] {
		err = retire(tx, tx.Now)
	}
	return err
}
