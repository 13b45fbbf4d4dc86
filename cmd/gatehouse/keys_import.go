package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/importing"
)

type keysImportCommand struct {
	File        string `arg:"" type:"existingfile" help:"CSV with a header, or JSON; its columns are in the guide to importing keys."`
	Label       string `required:"" help:"What people call the import."`
	Algorithm   string `enum:"sha256,hmac-sha256" default:"sha256" help:"How the keys were digested: sha256 or hmac-sha256."`
	SecretFile  string `type:"existingfile" help:"File with the secret of the HMAC. A line break at its end is left out." placeholder:"FILE"`
	Prefix      string `help:"With which the text of each key begins."`
	Alphabet    string `default:"base62" help:"Of the rest: base62, base58, base64url or hex, or the characters themselves."`
	Length      int    `required:"" help:"How many characters come after the prefix."`
	Shortest    int    `help:"How many come at least, where some keys are shorter." placeholder:"N"`
	App         string `help:"Id (app_…) or exact name of the app, where the file names none."`
	Environment string `enum:"live,test" default:"live" help:"live or test, where the file says nothing."`
	Grants      string `help:"As orders/orders:read, parted by spaces, where the file names none."`
	DryRun      bool   `name:"dry-run" help:"Check the file, and store nothing."`
	JSON        bool   `name:"json" help:"Write one JSON document."`
}

// shownImport is what scripts read of an import, or of its dry run.
type shownImport struct {
	ID       string         `json:"id,omitempty"` // none: nothing was stored
	Keys     int            `json:"keys"`
	Good     int            `json:"good"`
	Bits     float64        `json:"bits"`
	Problems []shownProblem `json:"problems"`
	Here     []shownHere    `json:"here"` // imported before: they stay as they are
}

type shownHere struct {
	Line    int    `json:"line"`
	ID      string `json:"id"`
	Revoked bool   `json:"revoked"`
}

type shownProblem struct {
	Line  int    `json:"line"`
	Field string `json:"field"`
	Says  string `json:"says"`
}

// Run checks the file, and imports it unless that is all that was asked. With a problem in the file nothing is stored, and the exit code says so.
func (c keysImportCommand) Run(w *world) error {
	return onKeys(w, func(d *desk) error {
		spec, err := c.spec(d)
		if err != nil {
			return err
		}
		file, err := os.Open(c.File)
		if err != nil {
			return wrongUse(err.Error())
		}
		defer func() { _ = file.Close() }()
		if c.DryRun {
			report, err := d.imports.Check(d.ctx, d.who, spec, file)
			if err == nil && report.Wrong > 0 {
				err = exitError{fmt.Errorf("%s of %d have a problem", keysInWords(report.Wrong), report.Keys), codeRefused}
			}
			return c.tell(d, "", report, err)
		}
		id, report, err := d.imports.Import(d.ctx, d.who, spec, file)
		return c.tell(d, id.Show(key.ImportPrefix), report, err)
	})
}

func (c keysImportCommand) spec(d *desk) (importing.Spec, error) {
	s := importing.Spec{Label: c.Label, Algorithm: c.Algorithm, Prefix: c.Prefix, Alphabet: c.Alphabet, Length: c.Length, Shortest: c.Shortest, Environment: c.Environment, Grants: c.Grants}
	if c.App != "" {
		app, err := d.appNamed(c.App)
		if err != nil {
			return s, err
		}
		s.App = app.Show("app")
	}
	if c.SecretFile != "" {
		b, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return s, wrongUse(err.Error())
		}
		s.Secret = strings.TrimRight(string(b), "\r\n")
	}
	return s, nil
}

// tell writes what was found, also when that was refused.
func (c keysImportCommand) tell(d *desk, id string, r importing.Report, failed error) error {
	out := shownImport{ID: id, Keys: r.Keys, Good: r.Good, Bits: r.Bits, Problems: []shownProblem{}, Here: []shownHere{}}
	if failed != nil {
		out.ID = ""
	}
	for _, p := range r.Problems {
		says := audit.Clean(text.T(d.ctx, p.Says.Key, p.Says.Args...))
		out.Problems = append(out.Problems, shownProblem{p.Line, p.Says.Field, says})
		d.say("%s:%d: %s: %s", c.File, p.Line, p.Says.Field, says)
	}
	for _, h := range r.Here {
		out.Here = append(out.Here, shownHere{h.Line, h.ID.Show(key.IDPrefix), h.Revoked})
		d.say("%s:%d: already here: %s", c.File, h.Line, h.ID.Show(key.IDPrefix))
	}
	if r.Known > 0 {
		d.say("%s of the file: already here, and left as they are.", keysInWords(r.Known))
	}
	switch {
	case failed != nil:
	case c.DryRun:
		d.say("%s could be imported; nothing is stored.", keysInWords(r.Good))
	default:
		d.say("%s: %s imported. They work from now on.", id, keysInWords(r.Good))
	}
	if !c.JSON || r.Keys == 0 {
		return failed
	}
	if err := d.json(out); err != nil {
		return err
	}
	return failed
}
