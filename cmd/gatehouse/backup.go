package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

var errPostgres = errors.New("this is for SQLite; use PostgreSQL's own pg_dump and pg_restore, as docs/operating.md shows")

type backupCommand struct {
	File string `arg:"" help:"Where to write the copy; it must not exist yet."`
}

// Run copies the database as it is at one instant, while the server goes on. The copy does not hold the root secret, without which
// it is of no use: keep that apart.
func (c backupCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	if o.db.Dialect != db.SQLite {
		return closing(errPostgres, o)
	}
	if err := o.db.Backup(w.ctx, c.File); err != nil {
		return closing(err, o)
	}
	_, err = fmt.Fprintf(w.stdout, "Backup written to %s. Keep the root secret too, in another place: %s.\n", c.File, secretPlace(o.settings))
	return closing(err, o)
}

func secretPlace(s config.Settings) string {
	if s.Secret.IsSet() {
		return "the value of GATEHOUSE_SECRET"
	}
	return filepath.Join(s.DataDir, "secret")
}

type restoreCommand struct {
	File  string `arg:"" help:"A file that backup wrote." type:"existingfile"`
	Force bool   `help:"Replace a database that is there; it is kept beside it with .before-restore at the end."`
}

// Run puts a backup in place. It refuses one that is damaged, whose audit chain is not whole, or that was made with another secret.
// Everybody is signed out by it. Keys revoked after the backup was made would live again, so all that changed since must be looked at: the command says so.
func (c restoreCommand) Run(w *world) error {
	settings, err := config.Load(w.lookupEnv)
	if err != nil {
		return err
	}
	target := settings.Database.SQLitePath
	if target == "" {
		return errPostgres
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	_, missing := os.Lstat(target)
	if err := db.RestoreFile(w.ctx, c.File, target, c.Force); err != nil {
		return err
	}
	if err := judgeRestored(w, target); err != nil {
		return errors.Join(err, takeBack(target, missing == nil))
	}
	return nil
}

const restoredWords = `Restored %s; the audit log is whole (%d events).
Everybody is signed out, and links that were mailed before don't work any more.
What was done after this backup was made is undone. Before you serve, do again what mattered: keys that were revoked work again, people who were suspended, removed or
erased are back, and so are former passwords, second factors, recovery codes and invitations.
`

// judgeRestored tells whether this installation can serve what was put at target.
func judgeRestored(w *world, target string) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	keys, err := audit.KnownKeys(w.ctx, o.db, handlers.NewSigner(o.root))
	var v audit.Verdict
	if err == nil {
		v, err = audit.VerifyWith(w.ctx, o.db, audit.Trust{Keys: keys}) // that its beginning was archived is what the keys signed
	}
	if err == nil && !v.Sound {
		err = fmt.Errorf("the restored audit log is not whole: event %d: %s", v.FirstBad, v.Why)
	}
	if err == nil {
		err = account.EndEverything(w.ctx, o.db)
	}
	if err == nil {
		_, err = fmt.Fprintf(w.stdout, restoredWords, target, v.Events)
	}
	return closing(err, o)
}

// takeBack leaves things as they were before a restore that can't be served: without it, or with the database that it replaced.
func takeBack(target string, replaced bool) error {
	var err error
	for _, tail := range []string{"", "-wal", "-shm"} {
		if bad := os.Remove(target + tail); !errors.Is(bad, os.ErrNotExist) {
			err = errors.Join(err, bad)
		}
		if !replaced {
			continue
		}
		if bad := os.Rename(target+".before-restore"+tail, target+tail); !errors.Is(bad, os.ErrNotExist) {
			err = errors.Join(err, bad)
		}
	}
	return err
}
