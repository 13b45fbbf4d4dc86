package audit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// copied keeps what stands in the database, as who owns it can.
func (a *attic) copied() {
	a.t.Helper()
	loose(a.t, a.d)
	a.exec("CREATE TABLE copy_events AS SELECT * FROM audit_events", "CREATE TABLE copy_personal AS SELECT * FROM audit_personal")
}

// forgotten puts back what was archived, and has the database know nothing of that.
func (a *attic) forgotten() {
	a.t.Helper()
	a.exec("DELETE FROM audit_archives", "INSERT INTO audit_events SELECT * FROM copy_events WHERE seq <= 30",
		"INSERT INTO audit_personal SELECT * FROM copy_personal p WHERE NOT EXISTS (SELECT 1 FROM audit_personal q WHERE q.event_id = p.event_id)")
}

// emptied takes the whole log out of the database.
func (a *attic) emptied() {
	a.t.Helper()
	for _, table := range []string{"audit_archives", "audit_events", "audit_personal", "audit_checkpoints"} {
		a.exec("DELETE FROM " + table)
	}
	a.exec("UPDATE audit_head SET seq = 0, events = 0, hash = " + zeros(a.d))
}

// sameEvents fails unless the folder has the same files as before, and they the same events: one that was archived once more was signed later.
func (a *attic) sameEvents(want map[string][]byte) {
	a.t.Helper()
	found := a.keepFiles()
	if len(found) != len(want) {
		a.t.Errorf("%d files are left of %d", len(found), len(want))
	}
	for name, text := range want {
		if events := eventsOf(text); events == "" || eventsOf(found[name]) != events {
			a.t.Error(name, "has other events now")
		}
	}
}

func eventsOf(file []byte) string {
	var events strings.Builder
	for line := range strings.Lines(string(file)) {
		if strings.Contains(line, `"type":"event"`) {
			events.WriteString(line)
		}
	}
	return events.String()
}

// U3, U8: who owns the database has no archived file removed: not by rows of other events with the right numbers and hashes, and not by a log that
// was made anew and is whole in itself.
func TestNoArchivedFileGoesAtTheWordOfTheDatabase(t *testing.T) {
	for _, rest := range []func(a *attic){
		func(a *attic) {
			a.exec("DELETE FROM audit_archives", `INSERT INTO audit_events SELECT seq, id, at, actor_kind, actor_id, 'key.paused', target_kind, target_id, organization_id, result, request_id,
				details, personal, previous_hash, hash FROM copy_events WHERE seq <= 30`)
		},
		func(a *attic) { // the rows themselves, and something that keeps them from being archived again
			a.forgotten()
			a.exec("UPDATE audit_checkpoints SET signature = 'x' WHERE seq <= 30")
		},
		func(a *attic) {
			a.emptied()
			fill(a.t, a.d, 40)
			a.clock.Advance(2 * kept)
		},
	} {
		eachAttic(t, func(a *attic) {
			a.old(30)
			a.copied()
			a.run()
			files := a.keepFiles()
			rest(a)

			err := a.Run(a.t.Context())

			if err == nil || !strings.Contains(err.Error(), "audit-000000000") || len(files) != 3 {
				a.t.Error(err, len(files))
			}
			a.sameEvents(files)
			a.broken(a.Folder)
		})
	}
}

// U3, U8: where the database has forgotten what is archived and has all of its events, they are archived once more, into the same files.
func TestWhatTheDatabaseForgotIsArchivedOnceMore(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(30)
		a.copied()
		a.run()
		names := fmt.Sprint(a.files())
		a.forgotten()
		a.Keep = 0

		a.run()

		if got := fmt.Sprint(a.files()); got != names || strings.Count(a.text(), `"type":"event"`) != 30 || strings.Count(a.text(), `"value":"mira@example.com"`) != 30 {
			a.t.Error(got)
		}
		a.whole(30, 39) // that the parts were archived, twice each, are acts
	})
}

// U3: a log that was removed as a whole, or from an archived part on, with what the database tells of archive and checkpoints, differs from what is signed in the files.
func TestWhatIsInTheFilesIsFoundWhenTheDatabaseForgetsIt(t *testing.T) {
	for what, rest := range map[string]func(a *attic){
		"all":       func(a *attic) { a.emptied(); fill(a.t, a.d, 3) },
		"made anew": func(a *attic) { a.emptied(); fill(a.t, a.d, 48) },
		"the end": func(a *attic) {
			a.exec("DELETE FROM audit_archives WHERE last_seq > 10", "DELETE FROM audit_personal", "DELETE FROM audit_events", "DELETE FROM audit_checkpoints",
				"UPDATE audit_head SET seq = 10, events = 10, hash = (SELECT hash FROM audit_archives WHERE last_seq = 10)")
			fill(a.t, a.d, 3)
		},
		"the end, made anew": func(a *attic) {
			a.exec("DELETE FROM audit_archives WHERE last_seq > 10", "DELETE FROM audit_personal", "DELETE FROM audit_events", "DELETE FROM audit_checkpoints",
				"UPDATE audit_head SET seq = 10, events = 10, hash = (SELECT hash FROM audit_archives WHERE last_seq = 10)")
			fill(a.t, a.d, 30)
		},
	} {
		eachAttic(t, func(a *attic) {
			a.old(30)
			a.run()
			loose(a.t, a.d)
			rest(a)

			if v := a.broken(a.Folder); !strings.Contains(v.Why, "audit-000000000") {
				a.t.Errorf("%s: %+v", what, v)
			}
		})
	}
}

// U3: what a key has signed that is not known is no part of the log, and is told: it can be one of ours, which the database was made to forget.
func TestAFileOfAnotherInstallationIsNoPartOfTheLog(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(10)
		if err := os.MkdirAll(a.Folder, 0o700); err != nil {
			a.t.Fatal(err)
		}
		c := audit.NewSigner([][]byte{seed(9)}).Close(1, 7, make([]byte, 32), seed(3), a.d.Now())
		path := filepath.Join(a.Folder, c.Name())
		a.write(path, c)

		err := a.Run(a.t.Context())

		if v := a.broken(a.Folder); !strings.Contains(v.Why, c.Name()+" ends with is not signed") || v.FirstBad != 7 {
			a.t.Errorf("%+v", v)
		}
		if err == nil || !strings.Contains(err.Error(), c.Name()) {
			a.t.Error(err)
		}
		if err := os.Remove(path); err != nil {
			a.t.Fatal(err)
		}
		a.whole0(13)
	})
}

// U8: a file that a crash left in the folder holds nothing of who was erased since, also where nothing is archived any more.
func TestWhatACrashLeftHoldsNobodyWhoWasErased(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id := a.somebody()
		a.old(7)
		a.Crash(func(at string) error {
			if at == "named" {
				return errCrash
			}
			return nil
		})
		crashed := a.Run(a.t.Context())
		a.Crash(nil)
		if !errors.Is(crashed, errCrash) || !strings.Contains(a.text(), "Zander") {
			a.t.Fatal(crashed, a.files())
		}
		a.whole(0, 13)
		a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, id) })
		a.Keep = 0

		a.run()

		if strings.Contains(a.text(), "Zander") || len(a.files()) != 1 {
			a.t.Error(a.files())
		}
		a.whole(10, 14)
	})
}

func (a *attic) write(path string, c audit.Closing) {
	a.t.Helper()
	line, err := json.Marshal(c)
	if err == nil {
		err = os.WriteFile(path, append(line, '\n'), 0o600)
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// U8: a file that comes into the folder while a part is written is not replaced by it.
func TestAFileThatCameMeanwhileIsNotReplaced(t *testing.T) {
	for _, last := range []int64{10, 7} {
		eachAttic(t, func(a *attic) {
			a.old(10)
			c := a.Signer.Close(1, last, make([]byte, 32), seed(3), a.d.Now())
			path := filepath.Join(a.Folder, c.Name())
			a.Crash(func(at string) error {
				if at == "written" {
					a.write(path, c)
				}
				return nil
			})

			err := a.Run(a.t.Context())

			text, gone := os.ReadFile(path)
			if err == nil || !strings.Contains(err.Error(), c.Name()) || gone != nil || !strings.Contains(string(text), c.Signature) || a.count("SELECT COUNT(*) FROM audit_archives") != 0 {
				a.t.Error(err, gone, string(text))
			}
		})
	}
}

// U3: a log that was made anew is not archived where it differs from a file, also one that begins elsewhere than its parts.
func TestALogThatDiffersFromAFileIsNotArchived(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(30)
		a.run()
		loose(a.t, a.d)
		a.emptied()
		if err := os.Remove(filepath.Join(a.Folder, a.files()[0])); err != nil {
			a.t.Fatal(err)
		}
		fill(a.t, a.d, 40)
		a.clock.Advance(2 * kept)
		a.InPartsOf(20)

		err := a.Run(a.t.Context())

		if err == nil || !strings.Contains(err.Error(), "audit-000000000011-000000000020.jsonl") || len(a.files()) != 2 || a.count("SELECT COUNT(*) FROM audit_archives") != 0 {
			a.t.Error(err, a.files())
		}
	})
}
