package faults_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// mostOfApp is a little less than how many living keys an app may have.
const mostOfApp = 9_900

// REL-7: fifty programs write at once to SQLite, somebody reads for a long time, and another process holds the file for three seconds. Nobody is told 5xx, the
// log beside the file does not grow without end, and all that was acknowledged is there.
func TestWritersOfSQLiteWaitForEachOther(t *testing.T) {
	c := newCompany(t, "sqlite")
	p := c.start(map[string]string{"GATEHOUSE_DATA_DIR": c.dir})
	l := c.load(p)
	stop := make(chan struct{})
	var all sync.WaitGroup
	var writes answers
	var mu sync.Mutex
	acked := map[string]bool{}
	client := callers()
	defer client.CloseIdleConnections()
	const writers = 50
	for range writers {
		all.Go(func() {
			for !closed(stop) {
				began := time.Now()
				status, answer := c.call(client, p, http.MethodPost, "/v1/keys", c.newKey("Contended"))
				writes.add(fmt.Sprint(status), time.Since(began))
				if status == http.StatusCreated {
					mu.Lock()
					acked[madeOf(answer).id] = true
					mu.Unlock()
				}
			}
		})
	}
	wal := c.reads(amount(2*time.Second, 20*time.Second))
	c.holds(amount(time.Second, 3*time.Second))
	pass(amount(time.Second, 20*time.Second))
	close(stop)
	all.Wait()
	l.end()
	c.stopped(p)

	l.honest(t)
	good := []string{"201"}
	if len(acked) >= mostOfApp {
		good = append(good, "409") // the app is full
	}
	if bad := writes.others(good...); len(bad) > 0 {
		t.Errorf("writers were told %s", &writes)
	}
	if bad := l.pages.others("200"); len(bad) > 0 {
		t.Errorf("readers were told %s", &l.pages)
	}
	if there := c.number("SELECT COUNT(*) FROM keys WHERE name = 'Contended'"); there != int64(len(acked)) {
		t.Errorf("%d keys are there, %d were acknowledged", there, len(acked))
	}
	after := c.wal()
	if after > 64<<20 {
		t.Errorf("the log beside the file has %d MiB", after>>20)
	}
	gone := c.exact(c.key.Key.ID, &l.good)
	c.sound()
	report(t, "REL-7", "%d writers, a long read, a lock held elsewhere: %s; log beside the file %d kB during the read, %d kB after; counts lost %d; %s", writers, &writes, wal>>10, after>>10, gone, l)
}

// reads reads the database within one transaction for so long, and returns how large the log beside it was at the end.
func (c *company) reads(lasts time.Duration) int64 {
	c.Helper()
	reader, err := sql.Open("sqlite", "file:"+c.db.Path+"?mode=ro")
	c.must(err)
	defer func() { _ = reader.Close() }()
	tx, err := reader.Begin() //nolint:noctx // ends with the test
	c.must(err)
	var n int64
	c.must(tx.QueryRow("SELECT COUNT(*) FROM keys").Scan(&n)) //nolint:noctx // ends with the test
	pass(lasts)
	defer func() { _ = tx.Rollback() }()
	return c.wal()
}

// holds keeps everybody else from writing for so long.
func (c *company) holds(lasts time.Duration) {
	c.Helper()
	c.must(c.db.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE users SET updated_at = updated_at")
		pass(lasts)
		return err
	}))
}

func (c *company) wal() int64 {
	info, err := os.Stat(c.db.Path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}
