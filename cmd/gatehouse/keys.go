package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/key/importing"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// keysCommand is for operators, on the database itself: it works while the server runs or not, and a running server knows of each change within
// a second. What it does is in the audit log as done by the operator.
type keysCommand struct {
	List    keysListCommand    `cmd:"" help:"List keys."`
	Show    keysShowCommand    `cmd:"" help:"Show one key."`
	Explain keysExplainCommand `cmd:"" help:"Say whether a call with a key would be allowed, and why not."`
	Create  keysCreateCommand  `cmd:"" help:"Make a key of an app, and print its text to standard output: alone, once."`
	Rotate  keysRotateCommand  `cmd:"" help:"Make the successor of a key, and print its text to standard output: alone, once."`
	Revoke  keysRevokeCommand  `cmd:"" help:"End a key for ever, or all that a filter finds."`
	Import  keysImportCommand  `cmd:"" help:"Take over keys that were made elsewhere, by their digests, from a CSV or JSON file."`
}

// Help says what scripts need to know.
func (keysCommand) Help() string {
	return "Exit codes: 0 done; 1 refused, or nothing there; 2 wrong usage or wrong settings; 3 the database or what it needs is not available.\n" +
		"Texts of keys go to standard output alone, everything for people to standard error; with --json standard output is one JSON document."
}

// The exit codes that scripts can use.
const (
	codeRefused     = 1
	codeUsage       = 2
	codeUnavailable = 3
)

// exitError is an error with the code that the program ends with.
type exitError struct {
	error
	code int
}

// Unwrap makes errors.As see what it was.
func (e exitError) Unwrap() error { return e.error }

func wrongUse(sentence string) error { return exitError{errors.New(sentence), codeUsage} }

// desk is what the commands on keys work with.
type desk struct {
	*world
	*opened
	keys    *key.Store
	orgs    *org.Store
	links   *handover.Store
	bulks   *bulk.Store
	imports *importing.Store
	who     actor.Actor
}

// onKeys opens the database and runs fn on it; its error says by its code what scripts need to know.
func onKeys(w *world, fn func(d *desk) error) error {
	o, err := open(w)
	if err != nil {
		var wrong config.Problems
		if errors.As(err, &wrong) {
			return err
		}
		return exitError{err, codeUnavailable}
	}
	link := func(path string) string { return o.settings.BaseURL.String() + path }
	box := outbox.New(o.root.Sealer(secret.LabelMail))
	d := &desk{world: w, opened: o, who: actor.ForOperator()}
	d.keys = key.NewStore(key.Options{DB: o.db, Outbox: box, Root: o.root, Brand: o.settings.KeyBrand, Link: link})
	d.orgs = org.NewStore(org.Options{DB: o.db, Outbox: box, Link: link})
	d.links = handover.NewStore(handover.Options{DB: o.db, Outbox: box, Keys: d.keys, Link: link})
	d.bulks = bulk.NewStore(bulk.Options{DB: o.db, Keys: d.keys, Outbox: box, Link: link})
	d.imports = importing.NewStore(o.db, d.keys, o.root.Sealer(secret.LabelImport))
	// From here on texts of imported keys are masked in whatever is entered and written, as they are in the portal (K1).
	if _, err := d.keys.Loader().LoadForms(w.ctx); err != nil {
		return closing(exitError{err, codeUnavailable}, o)
	}
	return closing(coded(fn(d)), o)
}

// coded gives an error of a store its words and its code.
func coded(err error) error {
	var exit exitError
	f := fault.As(err)
	switch {
	case err == nil || errors.As(err, &exit):
		return err
	case f == nil || f.Kind == fault.Unavailable || f.Kind == fault.Internal:
		return exitError{spoken(err), codeUnavailable}
	}
	return exitError{spoken(err), codeRefused}
}

// say tells a person something, beside what a script reads.
func (d *desk) say(format string, args ...any) { say(d.stderr, format, args...) }

func say(to io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(to, format+"\n", args...) }

// keyArgument is how a key is named: by its id, or by its hint where only one key has it.
func (d *desk) find(name string) (db.ID, error) {
	if id, err := db.ParseID(key.IDPrefix, name); err == nil {
		return id, nil
	}
	if !strings.Contains(name, "…") && !strings.Contains(name, "...") {
		return db.ID{}, wrongUse("name the key by its id (key_…) or its hint (gk_live_…T3xy); never by its text, which would stay in the history of your shell")
	}
	page, err := d.keys.ListAll(d.ctx, d.who, key.Filter{Query: name}, db.PageRequest{})
	if err != nil {
		return db.ID{}, err
	}
	switch len(page.Rows) {
	case 0:
		return db.ID{}, exitError{fmt.Errorf("no key has the hint %s", name), codeRefused}
	case 1:
		return page.Rows[0].ID, nil
	}
	return db.ID{}, exitError{fmt.Errorf("%d keys have the hint %s: name one by its id, which keys list shows", len(page.Rows), name), codeRefused}
}

// appNamed finds an app by its id, or by its exact name where only one has it.
func (d *desk) appNamed(name string) (db.ID, error) {
	if id, err := db.ParseID(org.AppPrefix, name); err == nil {
		return id, nil
	}
	var found []db.ID
	for after := ""; ; {
		page, err := d.orgs.AllApps(d.ctx, d.who, db.ID{}, org.StaffFilter{Search: name}, db.PageRequest{Size: db.MaxPage, After: after})
		if err != nil {
			return db.ID{}, err
		}
		for _, a := range page.Rows {
			if a.Name == name && a.DeletedAt == nil {
				found = append(found, a.ID)
			}
		}
		if after = page.Next; after == "" {
			break
		}
	}
	switch len(found) {
	case 0:
		return db.ID{}, exitError{fmt.Errorf("there is no app named %q", name), codeRefused}
	case 1:
		return found[0], nil
	}
	return db.ID{}, exitError{fmt.Errorf("%d apps are named %q: name one by its id (app_…), which its page shows", len(found), name), codeRefused}
}

// expiryOf reads --expires: a number of days, a day, never, or nothing for the policy's default.
func expiryOf(s string) (key.Expiry, error) {
	var days int
	switch {
	case s == "":
		return key.Expiry{}, nil
	case s == "never":
		return key.Expiry{Never: true}, nil
	case strings.Count(s, "-") == 2:
		if _, err := time.Parse(key.DateLayout, s); err == nil {
			return key.Expiry{Date: s}, nil
		}
	default:
		if n, err := fmt.Sscanf(s, "%d", &days); err == nil && n == 1 && days > 0 && fmt.Sprint(days) == s {
			return key.Expiry{Days: days}, nil
		}
	}
	return key.Expiry{}, wrongUse("--expires is a number of days, a day such as 2027-01-31 (its end in UTC), or never")
}
