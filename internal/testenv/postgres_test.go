package testenv_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close(context.Background()) })
	return connection
}

func TestPostgresGivesEachTestADatabaseOfItsOwn(t *testing.T) {
	first := connect(t, testenv.Postgres(t))
	second := connect(t, testenv.Postgres(t))

	_, err := first.Exec(t.Context(), "CREATE TABLE only_here (id int)")
	if err != nil {
		t.Fatal(err)
	}

	if _, err := second.Exec(t.Context(), "SELECT * FROM only_here"); err == nil {
		t.Error("the second database sees a table of the first")
	}
}

func TestPostgresFromCopiesWhatWasPreparedOnce(t *testing.T) {
	runs := 0
	prepare := func(url string) error {
		runs++
		connection, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		defer connection.Close(t.Context())
		_, err = connection.Exec(t.Context(), "CREATE TABLE prepared (id int)")
		return err
	}
	key := "testenv" + t.Name() + t.TempDir()

	first := connect(t, testenv.PostgresFrom(t, key, prepare))
	second := connect(t, testenv.PostgresFrom(t, key, prepare))

	for _, connection := range []*pgx.Conn{first, second} {
		if _, err := connection.Exec(t.Context(), "INSERT INTO prepared VALUES (1)"); err != nil {
			t.Error(err)
		}
	}
	if runs > 1 {
		t.Errorf("prepared %d times", runs)
	}
}

func TestPostgresDropsTheDatabaseWhenTheTestEnds(t *testing.T) {
	var url string
	t.Run("uses it", func(t *testing.T) { url = testenv.Postgres(t) })

	connection, err := pgx.Connect(t.Context(), url)

	if err == nil {
		connection.Close(t.Context())
		t.Fatal("the database is still there")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}
