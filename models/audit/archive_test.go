package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

const kept = 90 * 24 * time.Hour

// attic is a log with old events and new ones, and where the old ones go.
type attic struct {
	*audit.Archives
	t      *testing.T
	d      *db.DB
	clock  *dbtest.Clock
	points *audit.Checkpoints
}

func newAttic(t *testing.T, d *db.DB, clock *dbtest.Clock) *attic {
	c, _ := points(d, seed(1))
	a := &attic{&audit.Archives{DB: d, Signer: c.Signer, Folder: filepath.Join(t.TempDir(), "archive"), Keep: kept}, t, d, clock, c}
	a.InPartsOf(10)
	return a
}

// old fills in events that are old by now, with checkpoints among them, and a few that are new.
func (a *attic) old(n int) {
	a.t.Helper()
	fill(a.t, a.d, n/2)
	run(a.t, a.points)
	fill(a.t, a.d, n-n/2)
	a.clock.Advance(kept + time.Hour)
	fill(a.t, a.d, 3)
	run(a.t, a.points)
}

func (a *attic) run() {
	a.t.Helper()
	if err := a.Run(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
}

// whole verifies the log with its files, and without them.
func (a *attic) whole(archived, events int64) {
	a.t.Helper()
	for _, folder := range []string{a.Folder, ""} {
		v, err := audit.VerifyWith(a.t.Context(), a.d, audit.Trust{Keys: a.Signer.Keys(), Archive: folder})
		if err != nil || !v.Sound || v.Archived != archived || v.Events != events {
			a.t.Fatalf("%q: %+v %v", folder, v, err)
		}
	}
}

func (a *attic) broken(folder string) audit.Verdict {
	a.t.Helper()
	v, err := audit.VerifyWith(a.t.Context(), a.d, audit.Trust{Keys: a.Signer.Keys(), Archive: folder})
	if err != nil || v.Sound || v.FirstBad == 0 || v.Why == "" {
		a.t.Fatalf("it went unseen: %+v %v", v, err)
	}
	return v
}

func (a *attic) files() (names []string) {
	a.t.Helper()
	found, err := os.ReadDir(a.Folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		a.t.Fatal(err)
	}
	for _, f := range found {
		names = append(names, f.Name())
	}
	return names
}

func (a *attic) text() string {
	a.t.Helper()
	var all bytes.Buffer
	for _, name := range a.files() {
		b, err := os.ReadFile(filepath.Join(a.Folder, name))
		if err != nil {
			a.t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

func (a *attic) count(query string) (n int64) {
	a.t.Helper()
	if err := a.d.Read(a.t.Context()).Raw(query).Scan(&n).Error; err != nil {
		a.t.Fatal(err)
	}
	return n
}

func (a *attic) exec(statements ...string) {
	a.t.Helper()
	for _, s := range statements {
		if _, err := a.d.Writer().Exec(s); err != nil {
			a.t.Fatal(s, err)
		}
	}
}

func eachAttic(t *testing.T, body func(a *attic)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(newAttic(t, d, clock)) })
}

// U8
func TestOldEventsGoIntoFilesAndTheRestVerifies(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(25)

		a.run()
		a.run()

		if got := fmt.Sprint(a.files()); got != "[audit-000000000001-000000000010.jsonl audit-000000000011-000000000020.jsonl]" {
			a.t.Fatal(got)
		}
		a.whole(20, 30) // the two parts are acts themselves
		a.clock.Advance(25 * time.Hour)
		a.run()
		a.whole(25, 31)
		if left, values := a.count("SELECT COUNT(*) FROM audit_events"), a.count("SELECT COUNT(*) FROM audit_personal WHERE value = 'mira@example.com'"); left != 6 || values != 3 {
			a.t.Error(left, "events and", values, "personal values are left")
		}
		for _, path := range append([]string{a.Folder}, filepath.Join(a.Folder, a.files()[0])) {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
				a.t.Error(path, info.Mode(), err)
			}
		}
		if n := strings.Count(a.text(), `"type":"event"`); n != 25 || strings.Count(a.text(), `"value":"mira@example.com"`) != 25 {
			a.t.Error(n, "events are in the files")
		}
	})
}

// A part is written at most once a day while it is not full, and never for the event of an earlier part alone.
func TestTheArchiveComesToRest(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(5)
		for range 5 {
			a.run()
			a.clock.Advance(kept + time.Hour)
		}

		if n := len(a.files()); n != 2 { // the five, and then the three: but the event of that part is never worth one
			a.t.Error(a.files())
		}
		a.whole(8, 10)
	})
}

func TestWithoutAPeriodNothingIsArchived(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.Keep = 0
		a.old(25)

		a.run()

		if len(a.files()) != 0 {
			a.t.Error(a.files())
		}
		a.whole(0, 28)
	})
}

// What the collector has not taken is not archived: it would never see it.
func TestNothingIsArchivedBeforeTheCollectorHasIt(t *testing.T) {
	eachAttic(t, func(a *attic) {
		taken := int64(12)
		a.Taken = func(context.Context) (int64, error) { return taken, nil }
		a.old(25)
		a.run()
		a.whole(10, 29)

		taken = 1000
		a.run()

		a.whole(20, 30)
	})
}

var errCrash = errors.New("crashed")

// A crash at any point loses nothing, and the next run goes on.
func TestACrashAtAnyPointLosesNoEvent(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(45)
		for _, point := range []string{"written", "taken out", "named", "removed"} {
			seen := 0
			a.Crash(func(at string) error {
				if at == point {
					if seen++; seen == 2 || point != "removed" {
						return errCrash
					}
				}
				return nil
			})

			err := a.Run(a.t.Context())

			v, err2 := audit.VerifyWith(a.t.Context(), a.d, audit.Trust{Keys: a.Signer.Keys(), Archive: a.Folder})
			if !errors.Is(err, errCrash) || err2 != nil || !v.Sound || v.Archived > 0 != (point == "removed") {
				a.t.Fatalf("%s: %v, %+v, %v", point, err, v, err2)
			}
		}
		a.Crash(nil)
		a.run()
		a.clock.Advance(25 * time.Hour)
		a.run()
		a.whole(45, 53)
		if len(a.files()) != 5 || strings.Count(a.text(), `"type":"event"`) != 45 {
			a.t.Error(a.files())
		}
	})
}

// One of two replicas archives a part; the other does no harm, whenever it comes.
func TestTwoWhoArchiveAtOnceDoItOnce(t *testing.T) {
	eachAttic(t, func(a *attic) {
		other := *a.Archives
		for _, point := range []string{"written", "taken out", "named"} {
			a.old(20)
			done := make(chan error, 1)
			first := true
			a.Crash(func(at string) error {
				if at != point || !first {
					return nil
				}
				first = false
				go func() { done <- other.Run(a.t.Context()) }()
				if at == "written" { // not yet in a transaction: the other is through before this one goes on
					done <- <-done
				}
				return nil
			})

			mine := a.Run(a.t.Context())

			if theirs := <-done; first || mine != nil && theirs != nil {
				a.t.Error(point, first, mine, theirs)
			}
			a.run()
			v, err := audit.VerifyWith(a.t.Context(), a.d, audit.Trust{Keys: a.Signer.Keys(), Archive: a.Folder})
			if n := strings.Count(a.text(), `"type":"event"`); err != nil || !v.Sound || v.Archived == 0 || int64(n) != v.Archived {
				a.t.Fatalf("%s: %+v, %v, %d events in %v", point, v, err, n, a.files())
			}
		}
	})
}

// What is signed is verified first: neither a changed log nor one whose beginning is gone is archived.
func TestALogThatIsNotWholeIsNotArchived(t *testing.T) {
	for _, tampering := range []string{
		"UPDATE audit_events SET act = 'key.paused' WHERE seq = 4", "DELETE FROM audit_events WHERE seq = 1", "DELETE FROM audit_events WHERE seq = 7",
		"UPDATE audit_personal SET value = 'x' WHERE event_id = (SELECT id FROM audit_events WHERE seq = 3)", "UPDATE audit_checkpoints SET hash = " + "(SELECT hash FROM audit_events WHERE seq = 1)",
	} {
		func() {
			clock := dbtest.NewClock()
			a := newAttic(t, dbtest.SQLite(t, clock), clock)
			a.InPartsOf(20)
			a.old(25)
			loose(a.t, a.d)
			a.exec(tampering)

			err := a.Run(a.t.Context())

			if err == nil || !strings.Contains(err.Error(), "nothing of it is archived") || len(a.files()) != 0 {
				a.t.Error(tampering, err, a.files())
			}
		}()
	}
}

// U3: who owns the database, and not the root secret, can't make a log without its beginning look archived: a checkpoint is no closing.
func TestABeginningThatIsGoneIsNotTakenForArchived(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(20)
		loose(a.t, a.d)
		a.exec(`INSERT INTO audit_archives (last_seq, first_seq, previous_hash, hash, at, public_key, signature) SELECT seq, 1, `+zeros(a.d)+`, hash, at, public_key, signature FROM audit_checkpoints WHERE seq = 10`,
			"DELETE FROM audit_personal WHERE event_id IN (SELECT id FROM audit_events WHERE seq <= 10)", "DELETE FROM audit_events WHERE seq <= 10")

		v := a.broken("")

		if v.FirstBad != 1 || !strings.Contains(v.Why, "not signed") {
			a.t.Errorf("%+v", v)
		}
	})
}

// A file of something else is neither overwritten nor removed.
func TestAForeignFileInTheFolderStays(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(10)
		if err := os.MkdirAll(a.Folder, 0o700); err != nil {
			a.t.Fatal(err)
		}
		path := filepath.Join(a.Folder, "audit-000000000001-000000000010.jsonl")
		if err := os.WriteFile(path, []byte("of another portal\n"), 0o600); err != nil {
			a.t.Fatal(err)
		}

		err := a.Run(a.t.Context())

		text, _ := os.ReadFile(path)
		if err == nil || string(text) != "of another portal\n" {
			a.t.Error(err, string(text))
		}
		a.whole0(13)
	})
}

func (a *attic) whole0(events int64) {
	a.t.Helper()
	if v := verdict(a.t, a.d, a.points, nil); !v.Sound || v.Events != events {
		a.t.Errorf("%+v", v)
	}
}

func (a *attic) tx(fn func(tx *db.Tx) error) {
	a.t.Helper()
	if err := a.d.Tx(a.t.Context(), fn); err != nil {
		a.t.Fatal(err)
	}
}

// somebody leaves traces: two of their own, and one in an event of somebody else's.
func (a *attic) somebody() db.ID {
	a.t.Helper()
	id := db.NewID()
	a.tx(func(tx *db.Tx) error {
		who := actor.Actor{Kind: actor.User, UserID: id, Name: "Zoe Zander", Address: netip.MustParseAddr("203.0.113.77")}
		audit.Record(tx, who, audit.Event{Act: audit.UserSignedUp, TargetKind: "user", TargetID: id, Personal: map[string]string{"email": "zoe.old@example.com"}})
		audit.Record(tx, who, audit.Event{Act: audit.KeyCreated, TargetKind: "key", TargetID: db.NewID()})
		audit.Record(tx, actor.Actor{Kind: actor.User, UserID: db.NewID(), Name: "Mira"}, audit.Event{Act: audit.MemberInvited, TargetKind: "organization", TargetID: db.NewID(), Personal: map[string]string{"email": "zoe.old@example.com", "to": "zoe.new@example.com"}})
		return nil
	})
	return id
}

// U8: who is erased is erased in the archive, too, and it still verifies.
func TestWhoIsErasedIsErasedInTheArchive(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id := a.somebody()
		a.old(17)
		a.run()
		a.whole(20, 25)

		a.tx(func(tx *db.Tx) error {
			if err := audit.EraseValue(tx, "zoe.new@example.com"); err != nil {
				return err
			}
			return audit.ErasePerson(tx, id)
		})
		waiting, since, err := audit.WaitingErasures(a.t.Context(), a.d)
		a.run()
		none, _, err2 := audit.WaitingErasures(a.t.Context(), a.d)

		if waiting != 2 || since.IsZero() || err != nil || none != 0 || err2 != nil {
			a.t.Error(waiting, since, err, none, err2)
		}
		text := a.text()
		if strings.Contains(text, "zoe.") || strings.Contains(text, "Zander") || strings.Count(text, `"value":"Mira"`) != 18 || strings.Count(text, `"value":"mira@example.com"`) != 17 {
			a.t.Error("zoe is", strings.Count(text, "zoe."), "times in the files")
		}
		a.whole(20, 25)
	})
}

// B2-5: from where somebody came is kept for so many days as the portal says, and no file outlives them.
func TestFromWhereSomebodyCameIsNotArchived(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.somebody()
		a.old(7)

		a.run()

		if text := a.text(); strings.Contains(text, "203.0.113") || !strings.Contains(text, "Zander") || len(a.files()) != 1 || a.count("SELECT COUNT(*) FROM audit_personal WHERE value = '203.0.113.77'") != 0 {
			a.t.Error(a.files())
		}
		a.whole(10, 14)
	})
}

// A value that is erased between the writing of its part and the removal of its events does not come back in the file.
func TestWhatIsErasedWhileItIsArchivedStaysErased(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id := a.somebody()
		a.old(7)
		a.Crash(func(at string) error {
			if at == "written" {
				a.Crash(nil)
				a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, id) })
			}
			return nil
		})

		first, second := a.Run(a.t.Context()), a.Run(a.t.Context())

		if first == nil || second != nil || strings.Contains(a.text(), "Zander") {
			a.t.Error(first, second)
		}
		a.whole(10, 14)
	})
}

// A crash while a file is made anew leaves the old one or the new one, and the next run finishes it.
func TestACrashWhileErasingLeavesAWholeFile(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id := a.somebody()
		a.old(7)
		a.run()
		a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, id) })
		a.Crash(func(string) error { return errCrash })

		err := a.Run(a.t.Context())

		a.whole(10, 14)
		a.Crash(nil)
		a.run()
		if !errors.Is(err, errCrash) || strings.Contains(a.text(), "Zander") || len(a.files()) != 1 {
			a.t.Error(err, a.files())
		}
		a.whole(10, 14)
	})
}

// What is to be erased from a file that is away waits for it, and is done in the others; a file that was released is waited for no longer.
func TestErasuresWaitForAFileThatIsAway(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id := a.somebody()
		a.old(7)
		a.run()
		path := filepath.Join(a.Folder, a.files()[0])
		if err := os.Rename(path, path+".away"); err != nil {
			a.t.Fatal(err)
		}
		a.broken(a.Folder)
		a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, id) })

		err := a.Run(a.t.Context())
		waiting, _, _ := audit.WaitingErasures(a.t.Context(), a.d)
		released := audit.Release(a.t.Context(), a.d, actor.ForOperator(), filepath.Base(path))
		unknown := audit.Release(a.t.Context(), a.d, actor.ForOperator(), "audit-1-2.jsonl")
		a.run()
		none, _, _ := audit.WaitingErasures(a.t.Context(), a.d)

		if err == nil || !strings.Contains(err.Error(), filepath.Base(path)) || waiting != 1 || released != nil || unknown == nil || none != 0 {
			a.t.Error(err, waiting, released, unknown, none)
		}
		a.whole(10, 15)
	})
}
