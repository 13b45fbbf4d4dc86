package audit_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// U7: fifty writers at once, some of whom are rolled back, make one chain without a fork, a gap or a deadlock.
func TestFiftyWritersMakeOneChain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const writers, each = 50, 10
		points, _ := points(d, seed(1))
		failed := make(chan error, writers*each)
		var all sync.WaitGroup
		for n := range writers {
			all.Go(func() {
				for i := range each {
					undone := i == 5
					err := d.Tx(t.Context(), func(tx *db.Tx) error {
						audit.RecordMany(tx, actor.Actor{Kind: actor.User, UserID: db.NewID(), Name: "Mira"}, []audit.Event{
							{Act: audit.KeyPaused, TargetKind: "key", TargetID: db.NewID()}, {Act: audit.KeyResumed, TargetKind: "key", TargetID: db.NewID(), Details: map[string]string{"n": fmt.Sprint(n, i)}},
						})
						if undone {
							tx.BeforeCommit(db.StageChange, func() error { return errUndone })
						}
						return nil
					})
					if (err == nil) == undone {
						failed <- err
					}
				}
				if n%10 == 0 {
					if err := points.Run(t.Context()); err != nil {
						failed <- err
					}
				}
			})
		}

		all.Wait()

		close(failed)
		for err := range failed {
			t.Error(err)
		}
		if v := verdict(t, d, points, nil); !v.Sound || v.Events != writers*(each-1)*2 {
			t.Errorf("%+v", v)
		}
	})
}

var errUndone = fmt.Errorf("undone")
