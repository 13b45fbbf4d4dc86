package importing

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Import checks the file again and stores all of its keys, or, with a problem anywhere, none. It stores them in parts, so that others write meanwhile, and none works before the last is stored:
// then one event tells of all. Faults: those of Check, and Invalid (file) when a key has a problem.
func (s *Store) Import(ctx context.Context, a actor.Actor, spec Spec, file io.Reader) (db.ID, Report, error) {
	r, err := s.read(s.db.Read(ctx), a, spec, file)
	if err != nil {
		return db.ID{}, r.report, err
	}
	if r.report.Wrong > 0 || r.report.Good == 0 {
		if r.report.Wrong == 0 && r.report.Known > 0 {
			return db.ID{}, r.report, fault.BadField("file", "Nothing was imported: all keys of this file are here already.")
		}
		return db.ID{}, r.report, fault.BadField("file", "Nothing was imported: %d keys have a problem, or there are none.", r.report.Wrong)
	}
	id := db.NewID()
	if err = s.store(ctx, a, id, r); err != nil {
		if undone := s.drop(context.WithoutCancel(ctx), id); undone != nil {
			slog.ErrorContext(ctx, "an import that failed is not taken back yet; the hourly job does it", "error", undone)
		}
	}
	if db.Duplicate(err) {
		return db.ID{}, r.report, fault.New(fault.Conflict, "Some of these keys were imported meanwhile. Check the file again.")
	}
	return id, r.report, err
}

func (s *Store) store(ctx context.Context, a actor.Actor, id db.ID, r reading) error {
	spec, sealed := r.spec, ""
	spec.Label = audit.Clean(r.finder.Mask(spec.Label)) // it is not declared yet
	if spec.Algorithm == Keyed {
		sealed = s.sealer.Seal([]byte(spec.Secret), id.String())
	}
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := s.makeRoom(tx, r); err != nil {
			return err
		}
		_, err := tx.Run("INSERT INTO key_imports (id, made_by, label, algorithm, secret, prefix, alphabet, length, shortest, keys, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			id, a.UserID.Ref(), spec.Label, spec.Algorithm, sealed, spec.Prefix, spec.alphabet(), spec.Length, r.shape.Shortest, len(r.good), tx.Now)
		return err
	})
	if err == nil {
		apikey.Declare(r.shape) // before a key of it is kept: from now on no text of such a key is
	}
	for part := range slices.Chunk(r.good, partSize) {
		if err == nil {
			err = s.db.Tx(ctx, func(tx *db.Tx) error {
				return s.keys.NewImporter(tx.DB, tx.Now).AddTx(tx, id, algorithmOf(spec), spec.Prefix, part)
			})
		}
	}
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("UPDATE key_imports SET finished_at = ? WHERE id = ?", tx.Now, id)
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "This import took too long and was taken back. Import the file in parts.")
		}
		audit.Record(tx, a, audit.Event{Act: audit.KeysImported, TargetKind: "key_import", TargetID: id, Details: map[string]string{
			"label": spec.Label, "keys": strconv.Itoa(len(r.good)), "algorithm": spec.Algorithm, "prefix": spec.Prefix, "length": strconv.Itoa(spec.Length),
		}})
		change.Record(tx, change.Import, id)
		return err
	})
}

// drop takes back what was stored of an import that was never finished.
func (s *Store) drop(ctx context.Context, id db.ID) error {
	for more := true; more; {
		err := s.db.Tx(ctx, func(tx *db.Tx) error {
			n, err := key.DropTx(tx, id)
			if err == nil && n == 0 {
				more = false
				_, err = tx.Run("DELETE FROM key_imports WHERE id = ? AND finished_at IS NULL", id)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
