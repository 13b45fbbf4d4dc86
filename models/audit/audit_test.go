package audit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

func fill(t *testing.T, d *db.DB, n int) {
	t.Helper()
	for i := range n {
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			audit.Record(tx, actor.Actor{Kind: actor.User, UserID: db.NewID(), Name: "Mira", RequestID: "req_1"}, audit.Event{
				Act: audit.KeyRevoked, TargetKind: "key", TargetID: db.NewID(), Details: map[string]string{"n": fmt.Sprint(i)}, Personal: map[string]string{"email": "mira@example.com"},
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// loose lets a test tamper as somebody who owns the database could.
func loose(t *testing.T, d *db.DB) {
	t.Helper()
	drop := []string{"DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete"}
	if d.Dialect == db.Postgres {
		drop = []string{"ALTER TABLE audit_events DISABLE TRIGGER ALL"}
	}
	for _, s := range drop {
		if _, err := d.Writer().Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

// U3: a hundred random tamperings, a hundred found.
func TestEveryTamperingIsFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		fill(t, d, 30)
		loose(t, d)
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // which row, not a secret
		kinds := []string{
			"UPDATE audit_events SET act = 'key.paused' WHERE seq = %d",
			"UPDATE audit_events SET details = '{}' WHERE seq = %d",
			"UPDATE audit_events SET actor_id = NULL WHERE seq = %d",
			"UPDATE audit_events SET request_id = 'req_2' WHERE seq = %d",
			"DELETE FROM audit_events WHERE seq = %d",
			"DELETE FROM audit_events WHERE seq >= %d",
			"UPDATE audit_events SET seq = seq + 1000 WHERE seq = %d",
			"UPDATE audit_personal SET value = 'x' WHERE event_id = (SELECT id FROM audit_events WHERE seq = %d)",
			"UPDATE audit_events SET previous_hash = hash WHERE seq = %d",
			"UPDATE audit_head SET seq = %d - 1 WHERE id = 1",
		}

		for i := range 100 {
			tampering := fmt.Sprintf(kinds[i%len(kinds)], random.IntN(30)+1)
			tx := d.Writer()
			if _, err := tx.Exec("CREATE TABLE kept AS SELECT * FROM audit_events"); err != nil {
				t.Fatal(err)
			}
			for _, s := range []string{"CREATE TABLE kept_personal AS SELECT * FROM audit_personal", "CREATE TABLE kept_head AS SELECT * FROM audit_head", tampering} {
				if _, err := tx.Exec(s); err != nil {
					t.Fatal(s, err)
				}
			}

			v, err := audit.Verify(t.Context(), d)

			if err != nil || v.Sound || v.FirstBad == 0 {
				t.Fatalf("%s went unseen: %+v %v", tampering, v, err)
			}
			for _, s := range []string{
				"DELETE FROM audit_events", "INSERT INTO audit_events SELECT * FROM kept", "DELETE FROM audit_personal", "INSERT INTO audit_personal SELECT * FROM kept_personal",
				"DELETE FROM audit_head", "INSERT INTO audit_head SELECT * FROM kept_head", "DROP TABLE kept", "DROP TABLE kept_personal", "DROP TABLE kept_head",
			} {
				if _, err := tx.Exec(s); err != nil {
					t.Fatal(s, err)
				}
			}
		}
		if v, err := audit.Verify(t.Context(), d); err != nil || !v.Sound {
			t.Fatal("the untouched log is not whole", v, err)
		}
	})
}

// U8
func TestErasingAPersonKeepsTheChainWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		fill(t, d, 3)
		page, err := audit.List(t.Context(), d, audit.Filter{}, db.PageRequest{})
		if err != nil || page.Rows[0].Who["actor"] != "Mira" {
			t.Fatal(page, err)
		}

		err = d.Tx(t.Context(), func(tx *db.Tx) error { return audit.ErasePerson(tx, *page.Rows[0].ActorID) })

		after, listErr := audit.List(t.Context(), d, audit.Filter{ActorID: *page.Rows[0].ActorID}, db.PageRequest{})
		v, verifyErr := audit.Verify(t.Context(), d)
		if err != nil || listErr != nil || verifyErr != nil || !v.Sound || len(after.Rows) != 1 || len(after.Rows[0].Who) != 0 {
			t.Fatal(err, listErr, verifyErr, v, after)
		}
	})
}

func TestEventsCannotBeChangedOrDeleted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		fill(t, d, 1)

		_, update := d.Writer().Exec("UPDATE audit_events SET act = 'x'")
		_, del := d.Writer().Exec("DELETE FROM audit_events")

		if update == nil || del == nil {
			t.Fatal("an event was changed", update, del)
		}
	})
}

// U6
func TestValuesCannotForgeALine(t *testing.T) {
	got := audit.Clean("a\r\nb\x1b[31mc\u202ed\u2066e" + strings.Repeat("é", 400))

	if strings.ContainsAny(got, "\r\n\x1b\u202e\u2066") || len(got) > 510 {
		t.Fatalf("%q", got)
	}
}

func TestNoRecordMeansNoAct(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		if _, err := d.Writer().Exec("DROP TABLE audit_personal"); err != nil {
			t.Fatal(err)
		}

		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			audit.Record(tx, actor.Actor{Kind: actor.User, Name: "Mira"}, audit.Event{Act: audit.AppCreated, TargetKind: "app"})
			_, err := tx.Run("INSERT INTO settings (name, value, updated_at) VALUES ('a', '1', ?)", tx.Now)
			return err
		})

		var n int64
		_ = d.Read(t.Context()).Raw("SELECT COUNT(*) FROM settings").Scan(&n)
		if err == nil || n != 0 {
			t.Fatal("the act stood without its record", err, n)
		}
	})
}
