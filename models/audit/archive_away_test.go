package audit_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A crash after a file was made anew, and before that was noted, forgets no address that was found in it: it is erased from the events of others, too.
func TestACrashAfterErasingForgetsNoAddress(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id := a.somebody()
		a.old(7)
		a.run()
		a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, id) })
		a.Crash(func(at string) error {
			if at == "made anew" {
				return errCrash
			}
			return nil
		})
		crashed := a.Run(a.t.Context())
		again := a.Run(a.t.Context())
		a.Crash(nil)
		a.run()

		waiting, _, err := audit.WaitingErasures(a.t.Context(), a.d)

		if !errors.Is(crashed, errCrash) || again != nil && !errors.Is(again, errCrash) || strings.Contains(a.text(), "zoe.old") || waiting != 0 || err != nil {
			a.t.Error(crashed, again, strings.Count(a.text(), "zoe.old"), waiting, err)
		}
		a.whole(10, 14)
	})
}

// A folder without the parts before is not the archive: a share that is not mounted, a disk of another replica. No event is taken out of the database into it.
func TestNothingIsArchivedIntoAFolderWithoutThePartsBefore(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(25)
		a.run()
		if err := os.Rename(a.Folder, a.Folder+".away"); err != nil {
			a.t.Fatal(err)
		}
		a.old(25)

		err := a.Run(a.t.Context())

		if err == nil || !strings.Contains(err.Error(), "audit-000000000011-000000000020.jsonl") || len(a.files()) != 0 {
			a.t.Error(err, a.files())
		}
		if err := errors.Join(os.Remove(a.Folder), os.Rename(a.Folder+".away", a.Folder)); err != nil {
			a.t.Fatal(err)
		}
		a.run()
		a.whole(50, 61)
	})
}

// L4: while the files are read and written anew, others write the database.
func TestErasingFromFilesHoldsUpNobody(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id := a.somebody()
		a.old(7)
		a.run()
		a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, id) })
		var others error
		a.Crash(func(at string) error {
			if at == "erased" {
				ctx, cancel := context.WithTimeout(a.t.Context(), 3*time.Second)
				defer cancel()
				others = a.d.Tx(ctx, func(tx *db.Tx) error {
					_, err := tx.Run("UPDATE audit_erasures SET at = at")
					return err
				})
			}
			return nil
		})

		a.run()

		if others != nil || strings.Contains(a.text(), "Zander") {
			a.t.Error(others)
		}
		a.whole(10, 14)
	})
}

// Of two who make a file anew the later does not bring back what the first has erased.
func TestTwoWhoEraseAtOnceEraseBoth(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id, second := a.somebody(), db.NewID()
		a.tx(func(tx *db.Tx) error {
			audit.Record(tx, actor.Actor{Kind: actor.User, UserID: second, Name: "Bela Brandt"}, audit.Event{Act: audit.KeyCreated, TargetKind: "key", TargetID: db.NewID()})
			return nil
		})
		a.old(6)
		a.run()
		a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, id) })
		other := *a.Archives
		other.Crash(nil)
		a.Crash(func(at string) error {
			if at != "erased" {
				return nil
			}
			a.Crash(nil)
			a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, second) })
			return other.Run(a.t.Context())
		})

		first := a.Run(a.t.Context())
		a.run()

		if first == nil || strings.Contains(a.text(), "Zander") || strings.Contains(a.text(), "Brandt") {
			a.t.Error(first, a.text())
		}
		a.whole(10, 14)
	})
}

// U8: in the files, too, what was logged about somebody's second factor while nobody was signed in yet goes with them.
func TestTheFactorsOfWhoIsErasedAreErasedInTheArchive(t *testing.T) {
	eachAttic(t, func(a *attic) {
		id, factor := db.NewID(), db.NewID()
		a.tx(func(tx *db.Tx) error {
			name := map[string]string{"name": "Zoe's key ring"}
			audit.Record(tx, actor.Actor{Kind: actor.User, UserID: id, Name: "Zoe"}, audit.Event{Act: audit.FactorAdded, TargetKind: "factor", TargetID: factor, Personal: name})
			audit.Record(tx, actor.Actor{Kind: actor.Anonymous}, audit.Event{Act: audit.FactorCountedBack, TargetKind: "factor", TargetID: factor, Personal: name})
			return nil
		})
		a.old(8)
		a.run()
		a.tx(func(tx *db.Tx) error { return audit.ErasePerson(tx, id) })

		a.run()

		if n := strings.Count(a.text(), "Zoe"); n != 0 {
			a.t.Error(n, "times in the files")
		}
		a.whole(10, 14)
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
