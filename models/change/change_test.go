package change_test

import (
	"context"
	"slices"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

var bg = context.Background()

// poller reads the feed as a replica does: from where it stopped.
type poller struct {
	t    *testing.T
	db   *db.DB
	seq  int64
	seen []db.ID
}

func (p *poller) poll() {
	p.t.Helper()
	rows, err := change.Since(bg, p.db, p.seq, 100)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range rows {
		p.seq, p.seen = r.Seq, append(p.seen, r.SubjectID)
	}
}

// writer writes one row; it has its number when entered is closed, and commits once leave is closed.
type writer struct {
	id             db.ID
	entered, leave chan struct{}
	done           chan error
}

func write(d *db.DB, hold bool) *writer {
	w := &writer{id: db.NewID(), entered: make(chan struct{}), leave: make(chan struct{}), done: make(chan error, 1)}
	if !hold {
		close(w.leave)
	}
	go func() {
		w.done <- d.Tx(bg, func(tx *db.Tx) error {
			change.Record(tx, change.Key, w.id)
			tx.BeforeCommit(db.StageChange+1, func() error { close(w.entered); <-w.leave; return nil })
			return nil
		})
	}()
	return w
}

// D5, 4.4: of two writers the one that took the lower number would commit last, after a replica has read past it. The second must wait for
// the first, so that no number appears behind one that was read.
func TestNoChangeIsMissedWhenWritersInterleave(t *testing.T) {
	d := dbtest.Postgres(t, dbtest.NewClock())
	reader := &poller{t: t, db: d}
	first := write(d, true)
	<-first.entered
	second := write(d, false)
	committed := waitsOrCommits(t, d, second)
	reader.poll()
	close(first.leave)
	if err := <-first.done; err != nil {
		t.Fatal(err)
	}
	if !committed {
		if err := <-second.done; err != nil {
			t.Fatal(err)
		}
	}

	reader.poll()

	if !slices.Equal(reader.seen, []db.ID{first.id, second.id}) {
		t.Errorf("seen %v; written %v, then %v", reader.seen, first.id, second.id)
	}
}

// waitsOrCommits returns when the writer has committed (true) or PostgreSQL says that somebody waits for the feed's lock (false).
func waitsOrCommits(t *testing.T, d *db.DB, w *writer) bool {
	t.Helper()
	for {
		select {
		case err := <-w.done:
			if err != nil {
				t.Fatal(err)
			}
			return true
		default:
		}
		var waiting int
		err := d.Read(bg).Raw("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Scan(&waiting).Error
		if err != nil {
			t.Fatal(err)
		}
		if waiting > 0 {
			return false
		}
	}
}

func TestManyWritersAtOnceAreAllSeenByAReaderThatGoesByNumbers(t *testing.T) { // D5
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const writers, each = 8, 25
		reader, done := &poller{t: t, db: d}, make(chan []db.ID, writers)
		for range writers {
			go func() {
				var ids []db.ID
				for range each {
					id := db.NewID()
					if err := d.Tx(bg, func(tx *db.Tx) error { change.Record(tx, change.Key, id); return nil }); err != nil {
						t.Error(err)
					}
					ids = append(ids, id)
				}
				done <- ids
			}()
		}
		var written []db.ID
		for finished := 0; finished < writers; {
			select {
			case ids := <-done:
				written, finished = append(written, ids...), finished+1
			default:
				reader.poll()
			}
		}
		reader.poll()

		if len(reader.seen) != writers*each {
			t.Fatalf("%d of %d changes were seen", len(reader.seen), writers*each)
		}
		for _, id := range written {
			if !slices.Contains(reader.seen, id) {
				t.Errorf("missed %v", id)
			}
		}
	})
}
