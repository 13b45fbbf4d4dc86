package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/job"
)

func TestEachJobRunsOnceOnTwoReplicas(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		var runs, periods atomic.Int64
		work := func(replica string) *job.Worker {
			w := job.NewWorker(d, replica)
			w.Handle("greet", func(context.Context, json.RawMessage) error { runs.Add(1); return nil })
			w.Every("sweep", time.Hour, func(context.Context) error { periods.Add(1); return nil })
			return w
		}
		for range 20 {
			if err := d.Tx(t.Context(), func(tx *db.Tx) error { return job.Queue(tx, "greet", "", "hello", tx.Now) }); err != nil {
				t.Fatal(err)
			}
		}
		a, b, errs := work("a"), work("b"), make(chan error, 2)

		go func() { errs <- a.Step(t.Context()) }()
		go func() { errs <- b.Step(t.Context()) }()

		if err := errors.Join(<-errs, <-errs); err != nil {
			t.Fatal(err)
		}
		if runs.Load() != 20 || periods.Load() != 1 {
			t.Fatal(runs.Load(), periods.Load())
		}
	})
}

// REL-20
func TestFailingJobIsRetriedThenSetAsideWhileOthersFlow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		var bad, good int
		w := job.NewWorker(d, "a")
		w.Handle("poison", func(context.Context, json.RawMessage) error { bad++; panic("poison") })
		w.Handle("fine", func(context.Context, json.RawMessage) error { good++; return nil })
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return errors.Join(job.Queue(tx, "poison", "", nil, tx.Now), job.Queue(tx, "fine", "", nil, tx.Now))
		})
		if err != nil {
			t.Fatal(err)
		}

		for range 20 {
			if err := w.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Hour)
		}

		if bad != job.MaxAttempts || good != 1 {
			t.Fatal(bad, good)
		}
	})
}

func TestJobOfADeadReplicaIsTakenOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		runs := 0
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return job.Queue(tx, "greet", "", nil, tx.Now) }); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Writer().Exec("UPDATE jobs SET leased_by = 'dead', leased_until = run_at"); err != nil {
			t.Fatal(err)
		}
		w := job.NewWorker(d, "b")
		w.Handle("greet", func(context.Context, json.RawMessage) error { runs++; return nil })

		clock.Advance(time.Second)
		err := w.Step(t.Context())

		if err != nil || runs != 1 {
			t.Fatal(runs, err)
		}
	})
}
