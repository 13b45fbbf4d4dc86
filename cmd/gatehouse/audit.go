package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/gatehouse-dev/gatehouse/models/audit"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Recompute the chain and compare it with what is stored."`
}

type auditVerifyCommand struct{}

// Run tells whether the audit log is whole; it fails when not.
func (auditVerifyCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	v, err := audit.Verify(w.ctx, o.db)
	switch {
	case err != nil:
	case v.Sound:
		_, err = fmt.Fprintf(w.stdout, "The audit log is whole: %d events, head %s.\n", v.Events, hex.EncodeToString(v.Head))
	default:
		err = fmt.Errorf("the audit log is not whole: event %d: %s", v.FirstBad, v.Why)
	}
	return closing(err, o)
}

// closing closes c and returns err together with what closing said.
func closing(err error, c io.Closer) error { return errors.Join(err, c.Close()) }
