package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/telemetry"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/move"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// opened is what every command that touches the installation works with.
type opened struct {
	settings config.Settings
	root     *secret.Root
	db       *db.DB
	logs     *telemetry.Logs // nil where the log goes straight to its sink
}

// logsLost is how many lines of the log were lost.
func (o *opened) logsLost() uint64 {
	if o.logs == nil {
		return 0
	}
	return o.logs.Lost()
}

func (o *opened) Close() error { return o.db.Close() }

// open opens the installation that is there, migrates its database, and checks that the root secret is the one that the database
// knows (REL-17): with another one no key and no password would match, and every answer would be a wrong no. Where there is none it refuses and makes nothing.
func open(w *world) (*opened, error) {
	settings, err := config.Load(w.lookupEnv)
	if err != nil {
		return nil, err
	}
	if err := lookForFile(settings); err != nil {
		return nil, err
	}
	return connect(w.ctx, settings, (*opened).lookInside)
}

// openOrMake is open for what begins an installation: where there is none it makes folder, database and root secret.
func openOrMake(w *world) (*opened, error) {
	settings, err := config.Load(w.lookupEnv)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(settings.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return connect(w.ctx, settings)
}

func connect(ctx context.Context, settings config.Settings, first ...func(*opened, context.Context) error) (*opened, error) {
	d, err := db.Open(ctx, db.Options{URL: databaseURL(settings)})
	if err != nil {
		return nil, err
	}
	o := &opened{settings: settings, db: d}
	for _, step := range append(first, (*opened).finish) {
		if err := step(o, ctx); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return o, nil
}

func (o *opened) finish(ctx context.Context) error {
	if err := o.refuseDeparted(ctx); err != nil {
		return err
	}
	if err := o.db.Migrate(ctx); err != nil {
		return err
	}
	root, err := o.openSecret(ctx)
	if err != nil {
		return err
	}
	if err := o.refuseArriving(ctx); err != nil {
		return err
	}
	o.root = root
	o.db.SetCursorKey(root.Key(secret.LabelCursor))
	return nil
}

// refuseDeparted keeps everybody from a database that was moved elsewhere: what is changed in it would be lost, and what is revoked is revoked elsewhere.
func (o *opened) refuseDeparted(ctx context.Context) error {
	gone, moved, err := move.Departed(ctx, o.db)
	if err != nil || !moved {
		return err
	}
	return fmt.Errorf("this database was moved to %s on %s: set GATEHOUSE_DATABASE_URL to that one. To go back to this one, as it was then, run gatehouse move --undo", gone.To, gone.At.UTC().Format(moveTime))
}

// refuseArriving keeps everybody from a copy that may not be whole. It comes after the secret, since a move that fills an empty database meanwhile has whoever writes there wait.
func (o *opened) refuseArriving(ctx context.Context) error {
	mark, arriving, err := move.Arriving(ctx, o.db)
	if err != nil || !arriving {
		return err
	}
	if back, left := mark.Left(); left {
		return fmt.Errorf("the move to this database was taken back on %s: the installation is served from where it was before. Drop this database; another move asks for an empty one", back.UTC().Format(moveTime))
	}
	return fmt.Errorf("this database is the copy of a move that was begun on %s and is not finished. If none is under way, run the same gatehouse move --to again where the old database is: it finishes the move, or asks for an empty database", mark.At.UTC().Format(moveTime))
}

const moveTime = "2006-01-02 15:04 MST"

func databaseURL(s config.Settings) string {
	if s.Database.SQLitePath != "" {
		return "sqlite:" + s.Database.SQLitePath
	}
	return s.Database.PostgresURL.Reveal()
}

const canaryName = "secret_canary"

// openSecret finds the root secret, makes it on the very first start, and compares it with the canary in the database.
func (o *opened) openSecret(ctx context.Context) (*secret.Root, error) {
	var stored string
	known, err := setting.Get(ctx, o.db, canaryName, &stored)
	if err != nil {
		return nil, err
	}
	root, err := o.loadSecret(known)
	if err != nil {
		return nil, err
	}
	if !known {
		err = o.db.Tx(ctx, func(tx *db.Tx) error {
			_, err := setting.PutFirst(tx, canaryName, root.Canary())
			return err
		})
		if err != nil {
			return nil, err
		}
		if _, err = setting.Get(ctx, o.db, canaryName, &stored); err != nil { // another replica may have been first
			return nil, err
		}
	}
	switch root.CheckCanary(stored) {
	case secret.CanaryCurrent:
		return root, nil
	case secret.CanaryPrevious:
		return root, o.db.Tx(ctx, func(tx *db.Tx) error { return setting.Put(tx, canaryName, root.Canary()) })
	}
	return nil, errors.New("the secret is not the one that this database was made with: no key and no password would match. " +
		"Set GATEHOUSE_SECRET (or put the file named secret in the data folder) as it was when the database was made; after a change of secret, name the old one in GATEHOUSE_SECRET_PREVIOUS")
}

func (o *opened) loadSecret(known bool) (*secret.Root, error) {
	if s := o.settings; s.Secret.IsSet() {
		return secret.Parse(s.Secret.Reveal(), s.SecretPrevious.Reveal())
	}
	path := filepath.Join(o.settings.DataDir, "secret")
	if known && !secret.Exists(path) {
		return nil, fmt.Errorf("this database was made with a secret that is not here: put it at %s or in GATEHOUSE_SECRET", path)
	}
	return secret.Open(path, o.settings.SecretPrevious.Reveal())
}
