package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/move"
)

type moveCommand struct {
	To    string        `help:"postgres://user@host/name of an empty database. Its password may stand in PGPASSWORD or ~/.pgpass, where a list of processes does not show it." placeholder:"URL" xor:"what" required:""`
	Grace time.Duration `help:"How long the old server goes on answering for keys after the move, in minutes, at most 1h: so that gateways are led over with no call unanswered. It does not hear of keys that are revoked in the new database. Without it, it stops after GATEHOUSE_STALE_MAX." placeholder:"15m"`
	Undo  bool          `help:"Take the last move back: the SQLite database can be served and written again, as it was then." xor:"what" required:""`
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
	if c.To != "" && !strings.HasPrefix(c.To, "postgres://") && !strings.HasPrefix(c.To, "postgresql://") {
		return wrongUse("--to is a postgres:// address")
	}
	if c.Grace < 0 || c.Grace > mostGrace || c.Grace%time.Minute != 0 {
		return wrongUse("--grace is whole minutes, up to 1h")
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("there is nothing to move: %w", err)
	}
	d, err := db.Open(w.ctx, db.Options{URL: databaseURL(settings)})
	if err != nil {
		return err
	}
	if c.Undo {
		err = undoMove(w, d, path)
	} else {
		err = c.move(w, d, settings)
	}
	return errors.Join(err, d.Close())
}

func (c moveCommand) move(w *world, d *db.DB, s config.Settings) error {
	report, err := move.Run(w.ctx, move.Options{From: d, To: c.To, Grace: c.Grace, Tell: func(e move.Event) { tellStep(w.stderr, e) }})
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

// alongWith names the counts that the old server could not store any more.
func alongWith(s config.Settings) string {
	if s.UsageSpool.Dir == "" {
		return ""
	}
	return ", and, when the old server has stopped, " + s.UsageSpool.Dir + ", where what it counted since the move began waits; a server with the same data folder finds both"
}

func undoMove(w *world, d *db.DB, path string) error {
	gone, err := move.Undo(w.ctx, d)
	if err != nil {
		return err
	}
	say(w.stdout, "%s can be served and written again, as it was on %s.\nIt knows nothing of what happened in %s since: keys that were revoked there work again here. Revoke them once more before you serve, and stop the servers of the other database.",
		path, gone.At.UTC().Format(moveTime), gone.To)
	return nil
}

// tellStep says on one line what begins.
func tellStep(to io.Writer, e move.Event) {
	switch e.Step {
	case move.Holding:
		say(to, "waiting for the last change: from then on the old database is read and not written, and nothing can be revoked until the move ends. Ctrl-C ends it and gives the database back")
	case move.Copying, move.Comparing:
		if e.Rows > 0 {
			say(to, "%s %s: %d rows", e.Step, e.Table, e.Rows)
			return
		}
		say(to, "%s %s", e.Step, e.Table)
	case move.Verifying:
		say(to, "verifying the audit log of the copy")
	case move.Marking:
		say(to, "marking the old database as moved")
	case move.Finishing:
		say(to, "opening the new one")
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
