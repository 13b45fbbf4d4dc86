package main

import (
	"fmt"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

type migrateCommand struct{}

// Run migrates and stops: for operators who want it apart from the start of the server, which does it too. It may be the first
// start, and then says that it began an installation: who only named the wrong folder sees it.
func (migrateCommand) Run(w *world) error {
	settings, err := config.Load(w.lookupEnv)
	if err != nil {
		return err
	}
	first := lookForFile(settings) != nil
	o, err := openOrMake(w)
	if err != nil {
		return err
	}
	version, _, err := o.db.SchemaVersion(w.ctx)
	if err == nil && first {
		_, err = fmt.Fprintf(w.stdout, "A new installation was begun: there was no database at %s.\n", absolute(settings.Database.SQLitePath))
	}
	if err == nil {
		_, err = fmt.Fprintf(w.stdout, "The database is at version %d.\n", version)
	}
	return closing(err, o)
}
