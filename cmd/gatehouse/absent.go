package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// lookForFile refuses where the SQLite file is not there. Nothing is made by looking: neither the file nor its folder.
func lookForFile(s config.Settings) error {
	path := s.Database.SQLitePath
	if path == "" {
		return nil
	}
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return noPortal(s, "there is no database at "+absolute(path))
	case err != nil:
		return exitError{err, codeUnavailable}
	}
	return nil
}

// lookInside refuses a database in which no portal was ever begun: one with no tables of ours, or without the mark of the root secret that it was made with.
func (o *opened) lookInside(ctx context.Context) error {
	h, err := o.db.Health(ctx)
	if err != nil {
		return exitError{err, codeUnavailable}
	}
	begun := false
	if h.Schema > 0 {
		var canary string
		if begun, err = setting.Get(ctx, o.db, canaryName, &canary); err != nil {
			return exitError{err, codeUnavailable}
		}
	}
	switch {
	case begun:
		return nil
	case o.db.Dialect == db.SQLite:
		return noPortal(o.settings, "the database at "+absolute(o.settings.Database.SQLitePath)+" is empty")
	}
	return noPortal(o.settings, "the database that GATEHOUSE_DATABASE_URL names is empty")
}

// noPortal says that there is nothing to work on where the settings lead, and how to lead elsewhere. To make an installation there would answer for one that
// nobody uses: an audit log that is whole since it is empty, a key that signed nothing, a backup of nothing.
func noPortal(s config.Settings, found string) error {
	return exitError{fmt.Errorf("%s, and this command makes none. Run it with the settings of the server: GATEHOUSE_DATA_DIR names its data folder, GATEHOUSE_DATABASE_URL a database elsewhere. "+
		"gatehouse serve begins a new installation%s", found, demoHint(s)), codeUnavailable}
}

// demoHint says where the demo is, where it is in the data folder; else "".
func demoHint(s config.Settings) string {
	dir := filepath.Join(s.DataDir, demoFolder)
	if _, err := os.Stat(filepath.Join(dir, "gatehouse.db")); err != nil {
		return ""
	}
	return ". The demo is there: set GATEHOUSE_DATA_DIR=" + dir + " to work on it"
}

// absolute is a path as whoever reads a log of another folder understands it.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}
