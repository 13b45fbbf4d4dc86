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

// slow is a worker that is at a job until it is let go or told to stop.
type slow struct {
	*job.Worker
	beats            chan time.Time
	begun, told, end chan struct{}
	stepped          chan error
}

func newSlow(d *db.DB, replica string) *slow {
	s := &slow{job.NewWorker(d, replica), make(chan time.Time), make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan error, 1)}
	s.BeatBy(s.beats)
	s.Handle("long", func(ctx context.Context, _ json.RawMessage) error {
		close(s.begun)
		select {
		case <-ctx.Done():
			close(s.told)
			return ctx.Err()
		case <-s.end:
			return nil
		}
	})
	return s
}

// begin returns once the worker is at the job.
func (s *slow) begin(ctx context.Context) {
	go func() { s.stepped <- s.Step(ctx) }()
	<-s.begun
}

// beat returns once a renewal is done: the one after it is taken when it is.
func (s *slow) beat() {
	s.beats <- time.Time{}
	s.beats <- time.Time{}
}

func queueLong(t *testing.T, d *db.DB) {
	t.Helper()
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { return job.Queue(tx, "long", "", nil, tx.Now) }); err != nil {
		t.Fatal(err)
	}
}

// REL-20: however long a job runs, nobody else takes it while its worker lives.
func TestRunningJobIsHeldByItsHeartbeat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		queueLong(t, d)
		a, b := newSlow(d, "a"), newSlow(d, "b")
		a.begin(t.Context())

		for range 6 {
			clock.Advance(job.Lease - time.Second)
			a.beat()
			if err := b.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		close(a.end)
		if err := <-a.stepped; err != nil {
			t.Fatal(err)
		}
		select {
		case <-b.begun:
			t.Error("another worker ran the job while its worker was at it")
		case <-a.told:
			t.Error("the worker was told to stop")
		default:
		}
	})
}

// REL-20: what a killed worker was at goes on within one lease; should the worker live after all, it stops, and changes nothing of what the other one does.
func TestJobOfASilentWorkerIsTakenOverWithinALease(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		queueLong(t, d)
		a, b := newSlow(d, "a"), newSlow(d, "b")
		a.begin(t.Context())
		clock.Advance(job.Lease - time.Second)
		if err := b.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-b.begun:
			t.Fatal("the job was taken within its lease")
		default:
		}

		clock.Advance(time.Second)
		b.begin(t.Context())
		a.beats <- time.Time{}

		<-a.told
		if err := <-a.stepped; err != nil {
			t.Fatal(err)
		}
		var holder string
		if err := d.Read(t.Context()).Raw("SELECT leased_by FROM jobs WHERE leased_until IS NOT NULL AND finished_at IS NULL").Row().Scan(&holder); err != nil || holder != "b" {
			t.Error("held by", holder, err)
		}
		close(b.end)
		if err := <-b.stepped; err != nil {
			t.Fatal(err)
		}
	})
}
