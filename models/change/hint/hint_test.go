package hint_test

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/change/hint"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

var bg = context.Background()

// listening runs an ear until the test ends; each hint is in the channel.
func listening(t *testing.T, source hint.Source) (*hint.Ear, chan struct{}) {
	t.Helper()
	heard := make(chan struct{}, 1000)
	ear := hint.NewEar("test", source, func() { heard <- struct{}{} })
	ctx, stop := context.WithCancel(bg)
	done := make(chan struct{})
	go func() { defer close(done); ear.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	<-heard // that it listens
	return ear, heard
}

func write(t *testing.T, d *db.DB, rows int, fails error) {
	t.Helper()
	err := d.Tx(bg, func(tx *db.Tx) error {
		for range rows {
			change.Record(tx, change.Key, db.NewID())
		}
		tx.BeforeCommit(db.StageChange+1, func() error { return fails })
		return nil
	})
	if !errors.Is(err, fails) {
		t.Fatal(err)
	}
}

func TestCommitIsHeardByAnotherProcessAndRollbackIsNot(t *testing.T) { // D5, 4.4
	url := dbtest.PostgresURL(t)
	here, there := dbtest.Open(t, url, nil), dbtest.Open(t, url, nil)
	ear, heard := listening(t, hint.Postgres(there))
	gone := errors.New("rolled back")

	write(t, here, 1, gone)
	write(t, here, 700, nil) // one transaction is one hint
	<-heard
	write(t, here, 1, nil)
	<-heard

	if more := len(heard); more != 0 || !ear.Hears() {
		t.Errorf("%d hints too many; hears: %v", more, ear.Hears())
	}
}

// REL-2: who is cut off listens again, says that something may have been missed, and never holds more than one connection.
func TestEarOnPostgreSQLListensAgainAfterItsConnectionWasCut(t *testing.T) {
	url := dbtest.PostgresURL(t)
	here, there := dbtest.Open(t, url, nil), dbtest.Open(t, url, nil)
	_, heard := listening(t, hint.Postgres(there))
	const listeners = "SELECT COUNT(*) FROM pg_stat_activity WHERE query = 'LISTEN " + change.Channel + "' AND datname = current_database()"
	for range 3 {
		var cut int
		if err := here.Read(bg).Raw("SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query = 'LISTEN " + change.Channel + "' AND datname = current_database()").Scan(&cut).Error; err != nil || cut != 1 {
			t.Fatal(cut, err)
		}
		<-heard // it listens again
		write(t, here, 1, nil)
		<-heard
	}

	var open int
	if err := here.Read(bg).Raw(listeners).Scan(&open).Error; err != nil || open != 1 {
		t.Errorf("%d connections listen: %v", open, err)
	}
}

func TestEarThatIsToldToStopGivesItsConnectionBack(t *testing.T) {
	d := dbtest.Postgres(t, nil)
	ctx, stop := context.WithCancel(bg)
	heard, done := make(chan struct{}, 1), make(chan struct{})
	ear := hint.NewEar("test", hint.Postgres(d), func() { heard <- struct{}{} })
	go func() { defer close(done); ear.Run(ctx) }()
	<-heard
	held := d.Writer().Stats().InUse

	stop()
	<-done

	if held != 1 || d.Writer().Stats().InUse != 0 {
		t.Errorf("held %d, holds %d", held, d.Writer().Stats().InUse)
	}
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.ContextTimeoutEnabled = true
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestEarOnRedisHearsTheCrierAlsoAfterACut(t *testing.T) { // REL-2
	url := testenv.Redis(t)
	here, there := client(t, url), client(t, url)
	_, heard := listening(t, hint.Redis(there))
	crier := hint.NewCrier(here)
	ctx, stop := context.WithCancel(bg)
	done := make(chan struct{})
	go func() { defer close(done); crier.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })

	crier.Call()
	<-heard
	if err := here.Do(bg, "CLIENT", "KILL", "TYPE", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
	<-heard // it listens again
	crier.Call()
	<-heard
}

func TestCrierWithoutRedisHoldsNobodyUp(t *testing.T) { // REL-10
	url := testenv.Redis(t)
	c := client(t, url)
	_ = c.Close()
	crier := hint.NewCrier(c)
	ctx, stop := context.WithCancel(bg)
	done := make(chan struct{})
	go func() { defer close(done); crier.Run(ctx) }()

	for range 1000 {
		crier.Call()
	}
	stop()
	<-done
}
