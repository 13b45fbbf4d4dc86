// Package move takes a SQLite installation over to PostgreSQL, whole.
//
// For as long as it lasts one transaction holds the old database: everybody reads in it, nobody writes, and what is copied is one state of it. The copy is
// one transaction of the new one. Both are compared, row by row in sum, before it is committed; then the audit chain is verified in the new database, and only then the
// old one is marked as moved, by the transaction that holds it. A process that dies at any point before that leaves the old database as it was, free to be written.
package move

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// ArrivalName is the setting of a target that must not be served: its move has not been finished, or was taken back.
const ArrivalName = "move.arrival"

// movedName is the setting of a source that says where it went.
const movedName = "move.departure"

// Mark is one move, as either side remembers it.
type Mark struct {
	ID db.ID     `json:"id"`
	To string    `json:"to"` // host, port and database
	At time.Time `json:"at"`
	// Until is when the old servers stop to answer for keys, to the minute; zero: once they missed the change feed for GATEHOUSE_STALE_MAX.
	Until time.Time `json:"until,omitzero"`
	Via   string    `json:"via,omitempty"` // the address with which it was moved, without a password
	Back  time.Time `json:"back,omitzero"` // in the new database: when the move was taken back
}

// Options of Run. All but Grace are required.
type Options struct {
	From *db.DB      // SQLite; may be served meanwhile
	To   string      // postgres://… of an empty database
	Tell func(Event) // is told how far it is
	// Grace is for how long after the move servers of the old database go on answering for keys, in whole minutes and up to one less. What is revoked in the
	// new one they do not hear of.
	Grace time.Duration
}

// Event is a step that begins. Rows is how many of the table have been read.
type Event struct {
	Step  Step
	Table string
	Rows  int64
}

// Step is a part of a move.
type Step string

// The steps, in their order. Until Marking has begun whatever fails leaves the source as it was.
const (
	Holding   Step = "holding"
	Copying   Step = "copying"
	Comparing Step = "comparing"
	Verifying Step = "verifying"
	Marking   Step = "marking"
	Finishing Step = "finishing"
)

// Report is what a finished move found equal.
type Report struct {
	Mark    Mark
	Tables  []Table
	Numbers []Number
	Figures []Figure
	Audit   audit.Verdict
	Held    time.Duration // for how long nothing could be changed
	Resumed bool          // an earlier Run had done all but the last step; only Mark is set
	Already bool          // an earlier Run had done all of it; only Mark is set
}

// Table is one table that was copied, in the order in which it was.
type Table struct {
	Name   string
	Rows   int64
	Digest string // of the rows of both sides
}

// Number is a column that counts by itself: the next number either side gives.
type Number struct {
	Table string
	Next  int64
}

// Figure is one count that both sides give.
type Figure struct {
	Name  string
	Value string
}

type mover struct {
	Options
	to     *pgx.Conn
	hold   *db.Hold
	tables []table
	report Report
}

// Run moves. When it fails, the source can be written as before, unless the error says that only the last step is missing; the target holds
// nothing, or a copy that no program serves. A move to the same target that is finished is no failure: there is nothing left to do. Refused are a target that holds anything and a source or target of another schema than this program's.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.From.Dialect != db.SQLite {
		return Report{}, errors.New("move: the installation is not on SQLite")
	}
	m := &mover{Options: o}
	config, err := pgx.ParseConfig(o.To)
	if err != nil {
		return Report{}, fmt.Errorf("move: %w", err)
	}
	m.report.Mark = Mark{ID: db.NewID(), Via: withoutPassword(o.To), To: net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))) + "/" + config.Database, At: o.From.Now()}
	if _, moved, err := o.From.Moved(ctx); err != nil || moved {
		return m.resume(ctx, err)
	}
	if err := current(ctx, m.From, "this installation"); err != nil {
		return Report{}, err
	}
	if m.to, err = connect(ctx, o.To); err != nil {
		return Report{}, fmt.Errorf("move: %w", err)
	}
	defer func() { _ = m.to.Close(context.WithoutCancel(ctx)) }()
	if err := m.prepare(ctx); err != nil {
		return Report{}, err
	}
	err = m.move(ctx)
	return m.report, err
}

// move holds the source for as long as it works.
func (m *mover) move(ctx context.Context) error {
	m.Tell(Event{Step: Holding})
	var err error
	began := m.From.Now()
	if m.hold, err = m.From.Hold(ctx); err != nil {
		return fmt.Errorf("move: %w", err)
	}
	if err = m.transfer(ctx); err == nil {
		err = m.verify(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("move: %w", err), m.hold.Release())
	}
	m.Tell(Event{Step: Marking})
	if err := m.depart(ctx); err != nil {
		return fmt.Errorf("move: the copy is whole, the old database can’t be marked: %w", err)
	}
	m.report.Held = m.From.Now().Sub(began)
	m.Tell(Event{Step: Finishing})
	return arrive(ctx, m.to)
}

// transfer copies all in one transaction of the target, and commits it when both sides are equal.
func (m *mover) transfer(ctx context.Context) error {
	tx, err := m.to.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after the commit this does nothing
	if err := same(ctx, m.hold, m.tables); err != nil {
		return err
	}
	if err := m.clear(ctx, tx); err != nil {
		return err
	}
	digests := map[string]*Digest{}
	for _, t := range m.tables {
		m.Tell(Event{Step: Copying, Table: t.name})
		digests[t.name], err = fill(ctx, m.hold, tx, t, func(rows int64) { m.Tell(Event{Copying, t.name, rows}) })
		if err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	if err := m.compare(ctx, tx, digests); err != nil {
		return err
	}
	mark, err := json.Marshal(m.report.Mark)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $3)", ArrivalName, string(mark), m.report.Mark.At); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// verify has the audit chain of the target judged as the command audit verify does, and its planner told what it holds now.
func (m *mover) verify(ctx context.Context) error {
	m.Tell(Event{Step: Verifying})
	if _, err := m.to.Exec(ctx, "ANALYZE"); err != nil {
		return err
	}
	target, err := db.Open(ctx, db.Options{URL: m.To, MaxConns: 2})
	if err != nil {
		return err
	}
	defer func() { _ = target.Close() }()
	if m.report.Audit, err = audit.Verify(ctx, target); err != nil {
		return err
	}
	if v := m.report.Audit; !v.Sound {
		return fmt.Errorf("the audit log is not whole, neither here nor in the copy: event %d: %s. Drop the copy", v.FirstBad, v.Why)
	}
	m.report.Figures = append(m.report.Figures, Figure{"head of the audit log", hex.EncodeToString(m.report.Audit.Head)})
	return nil
}

// depart marks the source, and by the same commit gives it back.
func (m *mover) depart(ctx context.Context) error {
	if m.Grace > 0 {
		m.report.Mark.Until = m.From.Now().Add(m.Grace).Truncate(time.Minute)
	}
	mark, err := json.Marshal(m.report.Mark)
	if err == nil {
		err = m.hold.Exec(ctx, "INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?)", movedName, string(mark), m.report.Mark.At)
	}
	if err != nil {
		return errors.Join(err, m.hold.Release())
	}
	return m.hold.Finish(ctx, m.report.Mark.Until)
}

// arrive lets the target be served.
func arrive(ctx context.Context, to *pgx.Conn) error {
	if _, err := to.Exec(ctx, "DELETE FROM settings WHERE name = $1", ArrivalName); err != nil {
		return fmt.Errorf("move: all is moved, but the new database does not know it yet; run the same command again: %w", err)
	}
	return nil
}
