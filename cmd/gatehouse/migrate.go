package main

import "fmt"

type migrateCommand struct{}

// Run migrates and stops: for operators who want it apart from the start of the server, which does it too.
func (migrateCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	version, _, err := o.db.SchemaVersion(w.ctx)
	if err == nil {
		_, err = fmt.Fprintf(w.stdout, "The database is at version %d.\n", version)
	}
	return closing(err, o)
}
