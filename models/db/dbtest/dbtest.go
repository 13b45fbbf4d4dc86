// Package dbtest gives tests a migrated, empty, real database of each dialect. One test body runs on both.
package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/migrations"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Clock is a clock turned by hand.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at 2026-11-21 12:00 UTC.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)} }

// Now reads the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance turns the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set turns the clock to t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t.UTC()
}

// Each runs body once on SQLite and once on PostgreSQL, each with an empty migrated database and a clock of its own.
func Each(t *testing.T, body func(t *testing.T, d *db.DB, clock *Clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { c := NewClock(); body(t, SQLite(t, c), c) })
	t.Run("postgres", func(t *testing.T) { c := NewClock(); body(t, Postgres(t, c), c) })
}

// Postgres opens a migrated PostgreSQL database of its own.
func Postgres(t testing.TB, c *Clock) *db.DB {
	t.Helper()
	return Open(t, PostgresURL(t), c)
}

// PostgresURL is the URL of a migrated PostgreSQL database of the test's own, for tests with several processes.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return testenv.PostgresFrom(t, schemaKey(t), func(url string) error {
		d, err := db.Open(context.Background(), db.Options{URL: url})
		if err != nil {
			return err
		}
		defer func() { _ = d.Close() }()
		return d.Migrate(context.Background())
	})
}

// Open opens and migrates the database at url; it is closed with the test. A nil clock is the system's.
func Open(t testing.TB, url string, c *Clock) *db.DB {
	t.Helper()
	o := db.Options{URL: url, CursorKey: []byte("cursor key of tests, 32 bytes long"), MaxConns: 8}
	if c != nil {
		o.Clock = c.Now
	}
	d, err := db.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func schemaKey(t testing.TB) string {
	t.Helper()
	h := sha256.New()
	err := fs.WalkDir(migrations.FS, "postgres", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(migrations.FS, path)
		_, _ = h.Write(append([]byte(path), b...))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
