package db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// REL-9, 4.5: a database that is away is told apart from a statement that is wrong.
func TestAwayIsToldApartFromWrong(t *testing.T) {
	link, url := testenv.LinkTo(t, dbtest.PostgresURL(t))
	d := dbtest.Open(t, url, nil)
	ask := func(statement string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return d.Read(ctx).Exec(statement).Error
	}
	wrong := ask("SELECT nothing FROM nowhere")
	twice := ask("INSERT INTO settings (name, value, updated_at) SELECT 'x', 'y', NOW() FROM generate_series(1, 2)")
	link.Hang()
	hung := ask("SELECT 1")
	link.Cut()
	cut := ask("SELECT 1")

	for what, is := range map[string]bool{
		"a wrong statement": !db.Away(wrong) && wrong != nil, "a row that is there": !db.Away(twice) && twice != nil,
		"a database that hangs": db.Away(hung), "one that is gone": db.Away(cut), "no error": !db.Away(nil), "some error": !db.Away(errors.New("some")),
	} {
		if !is {
			t.Error(what, fmt.Sprint(wrong, twice, hung, cut))
		}
	}
}

// REL-7: a file that another process holds is away too.
func TestHeldFileIsAway(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	other := dbtest.Open(t, "sqlite:"+d.Path, nil)
	if _, err := d.Writer().Exec("PRAGMA busy_timeout = 10"); err != nil {
		t.Fatal(err)
	}
	err := other.Tx(t.Context(), func(*db.Tx) error {
		return d.Tx(t.Context(), func(*db.Tx) error { return nil })
	})
	if !db.Away(err) {
		t.Error(err)
	}
}
