package audit_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// U3: who owns the database cuts off the last event alone, and sets the head row back; the checkpoint of that event finds it, in the database or outside.
func TestALogThatLacksItsLastEventDiffersFromItsCheckpoint(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		c, o := points(d, seed(1))
		c.Pace.Events = 1
		for _, n := range []int{5, 1} {
			fill(t, d, n)
			run(t, c)
		}
		loose(t, d)
		exec := func(statements ...string) {
			for _, s := range statements {
				if _, err := d.Writer().Exec(s); err != nil {
					t.Fatal(s, err)
				}
			}
		}

		exec("DELETE FROM audit_personal WHERE event_id IN (SELECT id FROM audit_events WHERE seq = 6)", "DELETE FROM audit_events WHERE seq = 6",
			"UPDATE audit_head SET seq = 5, events = 5, hash = (SELECT hash FROM audit_events WHERE seq = 5)")
		byTheDatabase := verdict(t, d, c, nil)
		exec("DELETE FROM audit_checkpoints WHERE seq = 6")
		blind, byTheOutside := verdict(t, d, c, nil), verdict(t, d, c, o.kept)

		if byTheDatabase.Sound || byTheDatabase.FirstBad != 6 || !blind.Sound || byTheOutside.Sound || byTheOutside.FirstBad != 6 {
			t.Errorf("%+v\n%+v\n%+v", byTheDatabase, blind, byTheOutside)
		}
	})
}

// U3, U8: a file that is whole in itself and signed by our key, but of another log (a copy of the installation that went its own way), is not taken for ours.
func TestAnArchivedPartOfAnotherLogIsNotTakenForOurs(t *testing.T) {
	eachAttic(t, func(a *attic) {
		clock := dbtest.NewClock()
		other := newAttic(a.t, dbtest.SQLite(a.t, clock), clock)
		for _, one := range []*attic{a, other} {
			one.old(30)
			one.run()
		}
		name := a.files()[0]
		theirs, err := os.ReadFile(filepath.Join(other.Folder, name))
		if err != nil {
			a.t.Fatal(err)
		}

		a.putBack(map[string][]byte{name: theirs})

		if v := a.broken(a.Folder); v.FirstBad > 10 {
			a.t.Errorf("%+v", v)
		}
	})
}
