package job_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/job"
)

func TestBacklogCountsWhatIsDueAndWhatWasGivenUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ctx := context.Background()
		none, noneErr := job.BacklogOf(ctx, d)
		err := d.Tx(ctx, func(tx *db.Tx) error {
			for _, at := range []time.Duration{-time.Minute, -time.Hour, time.Hour} {
				if err := job.Queue(tx, "a", "", nil, tx.Now.Add(at)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || noneErr != nil {
			t.Fatal(err, noneErr)
		}

		some, err := job.BacklogOf(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE jobs SET failed_at = ? WHERE run_at = ?", tx.Now, tx.Now.Add(-time.Hour))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		failed, err := job.BacklogOf(ctx, d)

		if err != nil || none != (job.Backlog{}) || some != (job.Backlog{Due: 2, Behind: time.Hour}) || failed != (job.Backlog{Due: 1, Behind: time.Minute, Failed: 1}) {
			t.Errorf("%+v, %+v, %+v, %v", none, some, failed, err)
		}
	})
}
