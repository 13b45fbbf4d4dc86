package outbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

func TestBacklogCountsMailThatWaitsAndMailThatWasGivenUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ctx, o := context.Background(), box(t)
		none, noneErr := outbox.BacklogOf(ctx, d)
		queue(t, d, o, "ada@example.org")
		clock.Advance(time.Minute)
		queue(t, d, o, "bob@example.org")

		some, err := outbox.BacklogOf(ctx, d)
		if err != nil || noneErr != nil {
			t.Fatal(err, noneErr)
		}
		if err := d.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE mails SET state = 'failed' WHERE recipient = 'ada@example.org'")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		failed, err := outbox.BacklogOf(ctx, d)

		if err != nil || none != (outbox.Backlog{}) || some != (outbox.Backlog{Waiting: 2, Behind: time.Minute}) || failed != (outbox.Backlog{Waiting: 1, Failed: 1}) {
			t.Errorf("%+v, %+v, %+v, %v", none, some, failed, err)
		}
	})
}
