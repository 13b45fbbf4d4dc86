package audit_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

const (
	columns   = "id, at, actor_kind, actor_id, act, target_kind, target_id, organization_id, result, request_id, details, personal, previous_hash"
	beginning = "UPDATE audit_head SET seq = 0, events = 0, hash = (SELECT previous_hash FROM kept_events WHERE seq = 1)"
)

// archivedWhole is a log of three archived parts, of which the one who owns the database kept every event.
func (a *attic) archivedWhole() map[string][]byte {
	a.t.Helper()
	a.points.Pace.Events = 1
	fill(a.t, a.d, 10)
	a.exec("CREATE TABLE kept_events AS SELECT * FROM audit_events")
	a.clock.Advance(kept)
	a.old(20)
	a.run()
	if len(a.files()) != 3 {
		a.t.Fatal(a.files())
	}
	loose(a.t, a.d)
	a.exec("CREATE TABLE kept_archives AS SELECT * FROM audit_archives")
	return a.keepFiles()
}

// U3, U8: rows that only look like those that were archived have no file removed.
func TestNoFileIsRemovedAtTheWordOfTheDatabase(t *testing.T) {
	eachAttic(t, func(a *attic) {
		files := a.archivedWhole()
		a.exec("DELETE FROM audit_archives")
		for seq := 1; seq <= 30; seq++ {
			hash := fmt.Sprintf("COALESCE((SELECT hash FROM kept_archives WHERE last_seq = %d), hash)", seq)
			a.exec(fmt.Sprintf("INSERT INTO audit_events (seq, %s, hash) SELECT %d, '00000000-0000-7000-8000-%012d', %s, %s FROM audit_events WHERE seq = 31", columns, seq, seq, strings.TrimPrefix(columns, "id, "), hash))
		}

		err := a.Run(a.t.Context())

		if err == nil || !strings.Contains(err.Error(), "this installation archived") || !maps.EqualFunc(files, a.keepFiles(), slices.Equal) {
			a.t.Error(err, a.files())
		}
	})
}

// U3, U8: a log that was emptied, or lost its end, is found by the files that were archived of it, though nobody kept a checkpoint elsewhere.
func TestAnEmptiedLogIsFoundByItsFiles(t *testing.T) {
	for what, statements := range map[string][]string{
		"all of it":          {"DELETE FROM audit_archives", "DELETE FROM audit_events", beginning},
		"from the second on": {"DELETE FROM audit_archives WHERE first_seq > 1", "DELETE FROM audit_events", "UPDATE audit_head SET seq = 10, events = 10, hash = (SELECT hash FROM kept_archives WHERE last_seq = 10)"},
	} {
		t.Run(what, func(t *testing.T) {
			eachAttic(t, func(a *attic) {
				a.archivedWhole()
				a.exec(append(statements, "DELETE FROM audit_personal", "DELETE FROM audit_checkpoints")...)

				short := a.broken(a.Folder)
				fill(a.t, a.d, 50)
				long := a.broken(a.Folder)

				if !strings.Contains(short.Why, "the archived file of") || !strings.Contains(long.Why, "the archived file of") {
					a.t.Errorf("%+v %+v", short, long)
				}
			})
		})
	}
}

// U3, U8: who brings back the very events of a file has it taken out of the way, but for what was signed of it: changed later, the events differ from that.
func TestOfAFileThatIsSetAsideItsClosingStays(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.archivedWhole()
		a.exec("DELETE FROM audit_archives", "DELETE FROM audit_events", "INSERT INTO audit_events SELECT * FROM kept_events", "DELETE FROM audit_checkpoints",
			"UPDATE audit_head SET seq = 10, events = 10, hash = (SELECT hash FROM kept_archives WHERE last_seq = 10)")
		err := a.Run(a.t.Context())
		files := fmt.Sprint(a.files())
		a.exec("DELETE FROM audit_events", beginning)
		fill(a.t, a.d, 50)

		v := a.broken(a.Folder)

		if err == nil || !strings.Contains(files, "audit-000000000001-000000000010.jsonl.closing audit-000000000011-") || v.FirstBad != 10 {
			a.t.Errorf("%v %s %+v", err, files, v)
		}
	})
}

// L4: what is to be erased from a part that the database does not know is told, and holds up nothing.
func TestAnErasureOfNoPartEndsTheRun(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id := a.somebody()
		a.old(7)
		a.run()
		a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, id) })
		a.exec("UPDATE audit_erasures SET upto = 1000")

		err := a.Run(a.t.Context())

		if err == nil || !strings.Contains(err.Error(), "does not know") || strings.Contains(a.text(), "Zander") {
			a.t.Error(err)
		}
	})
}
