package job_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/job"
)

// REL-8, 4.5: jobs that stop keys are taken up and finished on a full disk, those that were queued before and those that are due by period; others wait.
func TestUrgentJobsAreDoneOnAFullDisk(t *testing.T) {
	d, fill := dbtest.Small(t, dbtest.NewClock())
	var stops, greets, periods int
	w := job.NewWorker(d, "one")
	w.Handle("greet", func(context.Context, json.RawMessage) error { greets++; return nil })
	w.Every("tidy", time.Hour, func(context.Context) error { greets++; return nil })
	w.HandleUrgent("stop", func(context.Context, json.RawMessage) error { stops++; return nil })
	w.EveryUrgent("due", time.Hour, func(context.Context) error { periods++; return nil })
	for _, kind := range []string{"greet", "stop"} {
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return job.Queue(tx, kind, "", "hello", tx.Now) }); err != nil {
			t.Fatal(err)
		}
	}
	fill()

	first, second := w.Step(t.Context()), w.Step(t.Context())

	if stops != 1 || periods != 1 || greets != 0 || !db.Full(first) || !db.Full(second) {
		t.Errorf("%d that stop, %d by period, %d others; %v; %v", stops, periods, greets, first, second)
	}
	var finished int64
	if err := d.Read(t.Context()).Raw("SELECT COUNT(*) FROM jobs WHERE finished_at IS NOT NULL").Scan(&finished).Error; err != nil || finished != 2 {
		t.Error(finished, "are finished", err)
	}
}
