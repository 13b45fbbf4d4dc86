package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/move"
)

type moveCommand struct {
	To      string        `help:"postgres://user@host/name of an empty database. Its password may stand in PGPASSWORD or ~/.pgpass, where a list of processes does not show it. With --undo: the new database, if it is reached otherwise than when it was moved to." placeholder:"URL"`
	Grace   time.Duration `help:"How long the old server goes on answering for keys after the move, in whole minutes such as 15m, at most 1h: so that gateways are led over with no call unanswered. It does not hear of keys that are revoked in the new database. Without it, it stops after GATEHOUSE_STALE_MAX." placeholder:"DURATION"`
	Undo    bool          `help:"Take the last move back: the SQLite database can be served and written again, as it was then. Refused while servers run on the new database; no server starts on that any more."`
	Blind   bool          `help:"With --undo: do not look into the new database. Only when it is gone for good, or you know that no server runs on it."`
	Verbose bool          `help:"Name each table as it is copied and compared." short:"v"`
}

// mostGrace bounds for how long a key may be good at the old server that was revoked at the new one.
const mostGrace = time.Hour

// Help says what happens meanwhile.
func (moveCommand) Help() string {
	return "Takes a SQLite installation over to PostgreSQL. The server may run on: for as long as it takes, keys answer and pages are read, and whatever would change something gets 503. " +
		"That goes for revoking a key, too: Ctrl-C ends the move, and then it can be revoked. " +
		"All tables are copied and compared; only then the old database is marked as moved. Whatever stops it before leaves the old one as it was. docs/operating.md says how to go on."
}

// Run moves, or takes a move back. It neither migrates the source nor needs its root secret.
func (c moveCommand) Run(w *world) error {
	settings, err := config.Load(w.lookupEnv)
	if err != nil {
		return err
	}
	path := settings.Database.SQLitePath
	if path == "" {
		return wrongUse("this is for an installation on SQLite: leave GATEHOUSE_DATABASE_URL as it was, and name the new database with --to")
	}
	switch {
	case c.To == "" && !c.Undo:
		return wrongUse("say where to: gatehouse move --to=postgres://user@host/name; or gatehouse move --undo, to take the last move back")
	case c.Undo && c.Grace != 0:
		return wrongUse("--grace is for a move, not for --undo")
	case c.Blind && !c.Undo:
		return wrongUse("--blind is for --undo")
	}
	if c.To != "" && !strings.HasPrefix(c.To, "postgres://") && !strings.HasPrefix(c.To, "postgresql://") {
		return wrongUse("--to is a postgres:// address")
	}
	if c.Grace < 0 || c.Grace > mostGrace || c.Grace%time.Minute != 0 {
		return wrongUse("--grace is whole minutes, up to 1h")
	}
	if err := lookForFile(settings); err != nil {
		return err
	}
	d, err := db.Open(w.ctx, db.Options{URL: databaseURL(settings)})
	if err != nil {
		return err
	}
	err = (&opened{settings: settings, db: d}).lookInside(w.ctx)
	switch {
	case err != nil:
	case c.Undo:
		err = c.undo(w, d, path)
	default:
		err = c.move(w, d, settings)
	}
	return errors.Join(err, d.Close())
}

func (c moveCommand) move(w *world, d *db.DB, s config.Settings) error {
	report, err := move.Run(w.ctx, move.Options{From: d, To: c.To, Grace: c.Grace, Tell: (&teller{to: w.stderr, verbose: c.Verbose}).tell})
	if err != nil {
		if _, moved, bad := d.Moved(w.ctx); bad == nil && !moved {
			err = fmt.Errorf("%w\nNothing has changed in the old database: it is served and written as before", err)
		}
		return err
	}
	if report.Already {
		say(w.stdout, "Moved to %s on %s already, and nothing is left to do there. %s is marked since then: no server starts on it.\n"+
			"The server is started with GATEHOUSE_DATABASE_URL naming the new database.", report.Mark.To, report.Mark.At.UTC().Format(moveTime), s.Database.SQLitePath)
		return nil
	}
	if !report.Resumed {
		if err := printReport(w.stdout, report); err != nil {
			return err
		}
	}
	say(w.stdout, "\nMoved to %s%s. %s is marked: no server starts on it, and one that runs on it changes nothing any more and %s.\n"+
		"Now start the server with GATEHOUSE_DATABASE_URL naming the new database, lead gateways and browsers to it, and stop the old one.\n"+
		"Carry along %s, without which no key and no password matches%s.\n"+
		"Until the old server has stopped it does not hear of keys that are revoked in the new one.",
		report.Mark.To, heldFor(report), s.Database.SQLitePath, answersFor(report.Mark, s), secretPlace(s), alongWith(s))
	return nil
}

// heldFor says for how long nothing could be changed.
func heldFor(r move.Report) string {
	if r.Resumed {
		return ""
	}
	return " in " + r.Held.Round(time.Second/10).String() + ", in which nothing could be changed or revoked"
}

func answersFor(m move.Mark, s config.Settings) string {
	if m.Until.IsZero() {
		return "stops answering for keys within " + s.StaleMax.String()
	}
	return "answers for keys until " + m.Until.UTC().Format(moveTime)
}

// alongWith names the counts and refusals that the old server could not store any more.
func alongWith(s config.Settings) string {
	if s.UsageSpool.Dir == "" {
		return ""
	}
	return ", and, when the old server has stopped, " + s.UsageSpool.Dir + " and " + filepath.Join(s.DataDir, "refusals-*.waiting") + ", where what it counted and refused since the move began waits; a server with the same data folder finds all"
}

func (c moveCommand) undo(w *world, d *db.DB, path string) error {
	u, err := move.Undo(w.ctx, d, move.Back{To: c.To, Blind: c.Blind})
	var served *move.ErrServed
	switch {
	case errors.As(err, &served):
		return fmt.Errorf("servers run on %s: %s. Stop them first, and run this again within the minute: of two databases that are served, neither hears of keys that are revoked in the other. Nothing has changed",
			u.To, strings.Join(served.Names, ", "))
	case errors.Is(err, move.ErrUnseen):
		return fmt.Errorf("%w\nWhether servers run on %s can’t be seen, and of two databases that are served neither hears of keys that are revoked in the other. Nothing has changed. "+
			"Name it with --to=postgres://…, or say --blind if it is gone for good", err, u.To)
	case err != nil:
		return err
	}
	say(w.stdout, "%s can be served and written again, as it was on %s.\n%s", path, u.At.UTC().Format(moveTime), c.since(u))
	return nil
}

// since says what the old database does not know, and how the new one stands.
func (c moveCommand) since(u move.Undone) string {
	const (
		again  = "keys that were revoked there work again here, passwords are the former ones, and who was suspended there is not suspended here"
		before = "Revoke and suspend once more before you serve. Everybody is signed out here."
	)
	switch {
	case c.Blind:
		return fmt.Sprintf("It knows nothing of what happened in %s since: %s. %s Nobody looked whether servers run there: stop them.", u.To, again, before)
	case u.Gone:
		return fmt.Sprintf("%s is gone, and what happened there with it: %s. %s", u.To, again, before)
	case u.Since == move.Since{}:
		return fmt.Sprintf("No key was revoked in %s since, no password changed and nothing suspended. Everybody is signed out here. It is marked: no server starts on it any more; drop it.", u.To)
	}
	return fmt.Sprintf("In %s since: %d keys were revoked, and work again here; the passwords of %d people were changed, and the former ones work again; %d people, organizations, apps and keys were suspended, and are not suspended here. %s\n"+
		"All that is there after %s, in its audit log. That database is marked: no server starts on it any more.",
		u.To, u.Revoked, u.Passwords, u.Suspended, before, u.At.UTC().Format(time.RFC3339))
}

// teller says on one line what begins.
type teller struct {
	to      io.Writer
	verbose bool
	said    move.Step
}

func (t *teller) tell(e move.Event) {
	first := t.said != e.Step
	t.said = e.Step
	switch e.Step {
	case move.Holding:
		say(t.to, "waiting for the last change: from then on the old database is read and not written, and nothing can be revoked until the move ends. Ctrl-C ends it and gives the database back")
	case move.Copying, move.Comparing:
		switch {
		case e.Rows > 0:
			say(t.to, "%s %s: %d rows", e.Step, e.Table, e.Rows)
		case t.verbose:
			say(t.to, "%s %s", e.Step, e.Table)
		case first:
			say(t.to, "%s all tables", e.Step)
		}
	case move.Verifying:
		say(t.to, "verifying the audit log of the copy")
	case move.Marking:
		say(t.to, "marking the old database as moved")
	case move.Finishing:
		say(t.to, "opening the new one")
	}
}

// printReport lists what was found equal.
func printReport(to io.Writer, r move.Report) error {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	say(t, "TABLE\tROWS\tSHA-256, SUMMED")
	var rows int64
	for _, table := range r.Tables {
		say(t, "%s\t%d\t%s", table.Name, table.Rows, table.Digest)
		rows += table.Rows
	}
	say(t, "all %d\t%d\t", len(r.Tables), rows)
	for _, n := range r.Numbers {
		say(t, "next number of %s\t%d\t", n.Table, n.Next)
	}
	for _, f := range r.Figures {
		say(t, "%s\t%s\t", f.Name, f.Value)
	}
	say(t, "audit log\twhole, %d events\t", r.Audit.Events)
	say(t, "\nBoth databases are equal in all of this.")
	return t.Flush()
}
