package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Recompute the chain and compare it with what is stored, and with signed checkpoints."`
	Export auditExportCommand `cmd:"" help:"Write all events as lines of JSON, which others can verify without Gatehouse."`
	Key    auditKeyCommand    `cmd:"" help:"Print the public key that checkpoints are signed with, and those of earlier secrets."`

	Checkpoint auditCheckpointCommand `cmd:"" help:"Sign a checkpoint now, write it down outside where that is set, and print it."`
	Archive    auditArchiveCommand    `cmd:"" help:"Archive now what is older than GATEHOUSE_AUDIT_KEEP, erase from the archive what is to be erased, and list its files."`
	Release    auditReleaseCommand    `cmd:"" help:"Say that a file of the archive was taken elsewhere for good: it is missed no longer."`
}

type auditVerifyCommand struct {
	Checkpoints string   `help:"File of checkpoints that were kept outside; default: that of GATEHOUSE_AUDIT_CHECKPOINTS, where it is a file." type:"existingfile"`
	Key         []string `help:"Public key of an earlier secret, whose checkpoints are trusted too."`
	Archive     string   `help:"Folder of the archived parts; default: GATEHOUSE_AUDIT_ARCHIVE." type:"existingdir"`
	Live        bool     `help:"Do not read archived parts: begin after them, at what was signed when they were archived."`
}

// Help says what scripts need to know.
func (auditVerifyCommand) Help() string {
	return "Changes nothing, and may run beside the server. Exit codes: 0 the log is whole; 1 it is not, and the first event that does not fit is named; 2 the usage or the settings are wrong; 3 it could not be read."
}

// Run tells whether the audit log is whole; it fails when not.
func (v auditVerifyCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return exitError{err, codeUnavailable}
	}
	return closing(v.verify(w, o), o)
}

// errNotWhole is why a log is not whole: an answer, where any other error means that there is none.
type errNotWhole struct{ audit.Verdict }

func (e errNotWhole) Error() string {
	return fmt.Sprintf("the audit log is not whole: event %d: %s", e.FirstBad, e.Why)
}

func (v auditVerifyCommand) verify(w *world, o *opened) error {
	err := v.judge(w, o)
	var found errNotWhole
	if err == nil || errors.As(err, &found) {
		return err
	}
	return exitError{err, codeUnavailable}
}

func (v auditVerifyCommand) judge(w *world, o *opened) error {
	trust := audit.Trust{}
	var err error
	if trust.Keys, err = audit.KnownKeys(w.ctx, o.db, handlers.NewSigner(o.root)); err != nil {
		return err
	}
	trust.Keys = append(trust.Keys, v.Key...)
	if trust.Archive = v.Archive; trust.Archive == "" && !v.Live {
		trust.Archive = o.settings.AuditArchive
	}
	path := v.Checkpoints
	if kept := o.settings.AuditCheckpoints; path == "" && kept != "" && !strings.Contains(kept, "://") {
		path = kept
	}
	if trust.Outside, err = readCheckpoints(path); err != nil {
		return err
	}
	if path != "" && len(trust.Outside) == 0 {
		if _, err := fmt.Fprintf(w.stderr, "gatehouse: no checkpoint is in %s\n", path); err != nil {
			return err
		}
	}
	found, err := audit.VerifyWith(w.ctx, o.db, trust)
	if err != nil {
		return err
	}
	if !found.Sound {
		return errNotWhole{found}
	}
	if _, err = fmt.Fprintf(w.stdout, "The audit log is whole: %d events, head %s.\n", found.Events, hex.EncodeToString(found.Head)); err != nil {
		return err
	}
	if found.Archived > 0 {
		read := "were read from " + trust.Archive
		switch {
		case v.Live:
			read = "were not read"
		case found.Unread > 0:
			read += fmt.Sprintf(", but for %d in files that were released and are not there", found.Unread)
		}
		if _, err = fmt.Fprintf(w.stdout, "%d of them are archived, and %s.\n", found.Archived, read); err != nil {
			return err
		}
	}
	reach := ""
	if len(trust.Outside) > 0 { // the database tells of its own, which proves less
		reach = fmt.Sprintf("; those from outside up to event %d", found.Outside)
	}
	_, err = fmt.Fprintf(w.stdout, "%d signed checkpoints agree with it, %d of them from outside, up to event %d%s.\n", found.Checkpoints, len(trust.Outside), found.Signed, reach)
	return err
}

// readCheckpoints reads those of a file; none when there is no path, or nothing was written there yet.
func readCheckpoints(path string) ([]audit.Checkpoint, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path) //nolint:gosec // the operator's own path
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := audit.ReadCheckpoints(f)
	return found, closing(err, f)
}

type auditExportCommand struct {
	Out string `arg:"" optional:"" help:"File to write, which must not be there yet; default: standard output."`
}

// Run writes the export.
func (e auditExportCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	return closing(e.export(w, o), o)
}

func (e auditExportCommand) export(w *world, o *opened) error {
	if e.Out != "" {
		f, err := os.OpenFile(e.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator's own path
		if err != nil {
			return err
		}
		buffered := bufio.NewWriter(f)
		n, err := audit.Export(w.ctx, o.db, audit.Filter{}, handlers.NewSigner(o.root), buffered)
		if err = errors.Join(err, buffered.Flush(), f.Close()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.stdout, "%d events are in %s.\n", n, e.Out)
		return err
	}
	_, err := audit.Export(w.ctx, o.db, audit.Filter{}, handlers.NewSigner(o.root), w.stdout)
	return err
}

type auditCheckpointCommand struct{}

// Run signs the head of the log.
func (auditCheckpointCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	points := handlers.NewCheckpoints(o.db, o.root, o.settings)
	points.Pace.Events = 1
	err = points.Run(w.ctx)
	if err == nil {
		var last audit.Checkpoint
		if last, err = audit.LastCheckpoint(w.ctx, o.db); err == nil {
			err = json.NewEncoder(w.stdout).Encode(last)
		}
	}
	return closing(err, o)
}

type auditKeyCommand struct{}

// Run prints the keys, the current one first.
func (auditKeyCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	keys, err := audit.KnownKeys(w.ctx, o.db, handlers.NewSigner(o.root))
	for _, k := range keys {
		if err == nil {
			_, err = fmt.Fprintln(w.stdout, k)
		}
	}
	return closing(err, o)
}

type auditArchiveCommand struct{}

// Run archives, and prints the files.
func (auditArchiveCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	err = handlers.NewArchives(handlers.Options{DB: o.db, Root: o.root, Settings: o.settings}).Run(w.ctx)
	return closing(errors.Join(err, listArchive(w, o)), o)
}

func listArchive(w *world, o *opened) error {
	parts, err := audit.ArchivedParts(w.ctx, o.db)
	if err == nil && len(parts) == 0 {
		_, err = fmt.Fprintln(w.stdout, "Nothing is archived.")
	}
	for _, p := range parts {
		says := ""
		if p.Released {
			says = "  released"
		}
		if err == nil {
			_, err = fmt.Fprintf(w.stdout, "%s  %s  %d events%s\n", p.Name(), p.Closing.At, p.Last-p.First+1, says)
		}
	}
	return err
}

type auditReleaseCommand struct {
	File string `arg:"" help:"Its name, as audit archive lists it."`
}

// Run notes that the file is elsewhere.
func (r auditReleaseCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	err = audit.Release(w.ctx, o.db, actor.ForOperator(), r.File)
	switch {
	case fault.Is(err, fault.NotFound):
		err = fmt.Errorf("no file of the archive is called %s, or it was released before: see gatehouse audit archive", r.File)
	case err == nil:
		_, err = fmt.Fprintf(w.stdout, "%s is missed no longer. What it holds of persons is yours to erase.\n", r.File)
	}
	return closing(err, o)
}

// closing closes c and returns err together with what closing said.
func closing(err error, c io.Closer) error { return errors.Join(err, c.Close()) }
