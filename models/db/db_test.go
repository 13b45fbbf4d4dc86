package db_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

type user struct {
	ID        db.ID
	Email     string
	DeletedAt *time.Time
	CreatedAt time.Time
}

func addUser(tx *db.Tx, email string) error {
	_, err := tx.Run("INSERT INTO users (id, email, name, display_name, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)", db.NewID(), email, "N", "N", tx.Now, tx.Now)
	return err
}

func TestTimesAndIDsComeBackAsTheyWere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		clock.Set(time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.FixedZone("x", 3600)))

		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return addUser(tx, "a@example.com") }); err != nil {
			t.Fatal(err)
		}

		var got []user
		if err := d.Read(t.Context()).Raw("SELECT * FROM users WHERE created_at = ? AND deleted_at IS NULL", clock.Now()).Scan(&got).Error; err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || !got[0].CreatedAt.Equal(clock.Now()) || got[0].CreatedAt.Location().String() == "" || got[0].ID.IsZero() || got[0].DeletedAt != nil {
			t.Fatalf("%+v", got)
		}
		id, err := db.ParseID("user", got[0].ID.Show("user"))
		if err != nil || id != got[0].ID {
			t.Fatal(id, err)
		}
	})
}

func TestDuplicatesAreToldFromOtherErrors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		twice := func(tx *db.Tx) error { return errors.Join(addUser(tx, "a@example.com"), addUser(tx, "a@example.com")) }

		err := d.Tx(t.Context(), twice)

		if !db.Duplicate(err) {
			t.Fatal(err)
		}
	})
}

func TestReadersOfSQLiteCannotWrite(t *testing.T) {
	d := dbtest.SQLite(t, nil)

	err := d.Read(t.Context()).Exec("DELETE FROM users").Error

	if err == nil {
		t.Fatal("a reader wrote")
	}
}

// C7
func TestDatabaseFileIsForItsOwnerAlone(t *testing.T) {
	d := dbtest.SQLite(t, nil)

	info, err := os.Stat(d.Path)

	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
}

func TestListPagesForthAndBackWithoutGapOrRepeat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		list := db.Listing[user]{
			Name: "users", Select: "SELECT * FROM users WHERE 1 = 1", IDExpr: "id", ID: func(u user) db.ID { return u.ID }, Default: "-created",
			Sorts: map[string]db.Sort[user]{
				"created": {Expr: "created_at", Value: func(u user) any { return u.CreatedAt }},
				"email":   {Expr: "email", Value: func(u user) any { return u.Email }},
			},
		}
		emails := []string{"e", "b", "d", "a", "c"}
		for _, e := range emails {
			if err := d.Tx(t.Context(), func(tx *db.Tx) error { return addUser(tx, e) }); err != nil {
				t.Fatal(err)
			}
		}

		first, err1 := db.List(t.Context(), d, list, db.PageRequest{Sort: "email", Size: 2})
		second, err2 := db.List(t.Context(), d, list, db.PageRequest{Sort: "email", Size: 2, After: first.Next})
		last, err3 := db.List(t.Context(), d, list, db.PageRequest{Sort: "email", Size: 2, After: second.Next})
		back, err4 := db.List(t.Context(), d, list, db.PageRequest{Sort: "email", Size: 2, Before: last.Previous})
		start, err5 := db.List(t.Context(), d, list, db.PageRequest{Sort: "email", Size: 2, Before: back.Previous})

		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, p := range []db.Page[user]{first, second, last, back, start} {
			for _, u := range p.Rows {
				got += u.Email
			}
			got += " "
		}
		if got != "ab cd e cd ab " || last.Next != "" || first.Previous != "" || start.Previous != "" {
			t.Fatalf("%q %q %q %q", got, last.Next, first.Previous, start.Previous)
		}
	})
}

// Z9
func TestForgedCursorIsRefused(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	list := db.Listing[user]{
		Name: "users", Select: "SELECT * FROM users WHERE 1 = 1", IDExpr: "id", Default: "email",
		Sorts: map[string]db.Sort[user]{"email": {Expr: "email", Value: func(u user) any { return u.Email }}},
	}

	_, err := db.List(t.Context(), d, list, db.PageRequest{After: "eyJMaXN0IjoidXNlcnMifQ_AAAAAAAAAAAAAAAAAAA"})

	if !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
}

// D5: changes become visible in the order of their numbers, so that who polls by number misses none.
func TestChangesOfInterleavedWritersAreNeverSkipped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const writers, each = 8, 25
		errs := make(chan error, writers)
		for range writers {
			go func() {
				for range each {
					if err := d.Tx(t.Context(), func(tx *db.Tx) error { change.Record(tx, change.Key, db.NewID()); return nil }); err != nil {
						errs <- err
						return
					}
				}
				errs <- nil
			}()
		}

		seen, last, done := 0, int64(0), 0
		for done < writers || seen < writers*each {
			select {
			case err := <-errs:
				if err != nil {
					t.Fatal(err)
				}
				done++
			default:
			}
			rows, err := change.Since(t.Context(), d, last, 7)
			if err != nil {
				t.Fatal(err)
			}
			if done == writers && len(rows) == 0 {
				break
			}
			for _, r := range rows {
				seen, last = seen+1, r.Seq
			}
		}

		if seen != writers*each {
			t.Fatalf("saw %d of %d", seen, writers*each)
		}
	})
}

// U3, U7
func TestAuditChainOfParallelWritersIsWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const writers = 50
		errs := make(chan error, writers)
		for range writers {
			go func() {
				errs <- d.Tx(t.Context(), func(tx *db.Tx) error {
					audit.Record(tx, actor.ForSystem(), audit.Event{Act: audit.AppCreated, TargetKind: "app", TargetID: db.NewID(), Personal: map[string]string{"name": "Mira"}})
					return nil
				})
			}()
		}
		for range writers {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}

		v, err := audit.Verify(t.Context(), d)

		if err != nil || !v.Sound || v.Events != writers {
			t.Fatalf("%+v %v", v, err)
		}
	})
}
