package audit_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// U3, U4: nobody has the portal sign a log whose end they took out of the database, with an archive before it or without.
func TestALogWithoutItsEndIsNotSigned(t *testing.T) {
	for what, statements := range map[string][]string{
		"the end":                               {"DELETE FROM audit_events WHERE seq > 45"},
		"all of it":                             {"DELETE FROM audit_events"},
		"the end, and the head is set back":     {"DELETE FROM audit_events WHERE seq > 45", "UPDATE audit_head SET seq = 45, events = 45, hash = (SELECT hash FROM audit_events WHERE seq = 45)"},
		"the end, the head and the checkpoints": {"DELETE FROM audit_events WHERE seq > 45", "DELETE FROM audit_head", "DELETE FROM audit_checkpoints"},
		"all of it, with head and checkpoints":  {"DELETE FROM audit_events", "UPDATE audit_head SET seq = 0, events = 0", "DELETE FROM audit_checkpoints"},
		"the last event, which is another":      {"UPDATE audit_events SET hash = previous_hash WHERE seq = 48"},
	} {
		t.Run(what, func(t *testing.T) {
			eachAttic(t, func(a *attic) {
				a.old(30)
				a.run()
				fill(a.t, a.d, 12)
				a.points.Pace.Events = 1
				run(a.t, a.points)
				loose(a.t, a.d)
				a.exec(statements...)
				var out bytes.Buffer

				_, err := audit.Export(a.t.Context(), a.d, audit.Filter{}, a.Signer, &out)

				if err == nil || strings.Contains(out.String(), `"type":"end"`) {
					a.t.Error(err)
				}
			})
		})
	}
}

// A log in which nothing stands yet has no end to sign.
func TestAnEmptyLogIsNotExported(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		c, _ := points(d, seed(1))
		var out bytes.Buffer

		_, err := audit.Export(t.Context(), d, audit.Filter{}, c.Signer, &out)

		if err == nil || out.Len() != 0 {
			t.Error(err, out.String())
		}
	})
}
