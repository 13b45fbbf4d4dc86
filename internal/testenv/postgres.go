package testenv

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres returns the URL of a fresh, empty database of a real PostgreSQL server; it is dropped when the test ends.
//
// The server is the one named in GATEHOUSE_TEST_POSTGRES_URL (15 or newer; its user must be allowed to create databases), else one
// of our own that all test packages of this machine share. It forgets everything when the machine goes down (fsync
// off): what it stores is as real as PostgreSQL, how safely it stores it is not. A database takes about 30 ms.
func Postgres(t testing.TB) string {
	t.Helper()
	return database(t, "template0")
}

// PostgresFrom is Postgres with the database copied from one that prepare filled, so that a package with a hundred
// tests migrates once. The copy is named by key: the same key means the same content, on this machine, in any package,
// so make it a digest of the migrations. prepare gets the URL of an empty database and must close its connections; it
// runs once for each key and server.
func PostgresFrom(t testing.TB, key string, prepare func(url string) error) string {
	t.Helper()
	server, err := postgresServer()
	if err != nil {
		t.Fatal(err)
	}
	template := "gatehouse_template_" + identifier(key)
	if err := locked("postgres-template", func() error { return makeTemplate(server, template, prepare) }); err != nil {
		t.Fatalf("make the PostgreSQL database that tests copy: %v", err)
	}
	return database(t, template)
}

func database(t testing.TB, template string) string {
	t.Helper()
	server, err := postgresServer()
	if err != nil {
		t.Fatal(err)
	}
	name := "gatehouse_test_" + random(8)
	// Copying files, as before PostgreSQL 15, takes half as long as writing each page to the log: nothing else uses the template.
	if err := onServer(server, "CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY FILE_COPY"); err != nil {
		t.Fatalf("create a PostgreSQL database: %v", err)
	}
	t.Cleanup(func() {
		if err := onServer(server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the PostgreSQL database: %v", err)
		}
	})
	return withDatabase(server, name)
}

// makeTemplate fills the template under a name of its own first: a prepare that fails halfway leaves no template.
func makeTemplate(server, template string, prepare func(string) error) error {
	there, err := databaseExists(server, template)
	if err != nil || there {
		return err
	}
	draft := template + "_draft"
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + draft + " WITH (FORCE)", "CREATE DATABASE " + draft + " TEMPLATE template0"} {
		if err := onServer(server, statement); err != nil {
			return err
		}
	}
	if err := prepare(withDatabase(server, draft)); err != nil {
		return err
	}
	return onServer(server, "ALTER DATABASE "+draft+" RENAME TO "+template)
}

// identifier keeps letters and digits, which need no quoting, and no more than a name of PostgreSQL can hold.
func identifier(key string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(key))
	return clean[:min(len(clean), 32)]
}

func withDatabase(server, name string) string {
	address, err := url.Parse(server)
	if err != nil {
		return server
	}
	address.Path = "/" + name
	return address.String()
}

func databaseExists(server, name string) (there bool, err error) {
	err = withServer(server, func(ctx context.Context, connection *pgx.Conn) error {
		return connection.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
	})
	return there, err
}

// onServer runs one statement. Its names are made here, never taken from outside.
func onServer(server, statement string) error {
	return withServer(server, func(ctx context.Context, connection *pgx.Conn) error {
		_, err := connection.Exec(ctx, statement)
		return err
	})
}

func withServer(server string, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	connection, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer connection.Close(ctx)
	return f(ctx, connection)
}

// postgresServer finds or starts the server once in this process.
var postgresServer = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("GATEHOUSE_TEST_POSTGRES_URL"); given != "" {
		if err := onServer(given, "SELECT 1"); err != nil {
			return "", fmt.Errorf("this test needs the PostgreSQL server of GATEHOUSE_TEST_POSTGRES_URL, which does not answer: %w", err)
		}
		return given, nil
	}
	return sharedCluster()
})
