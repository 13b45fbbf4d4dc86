package change

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Kept is how long rows of the feed stay: long past the 60 s after which a process that has not read it believes nothing that it knew (4.4).
const Kept = 24 * time.Hour

// sweptAtOnce bounds what one transaction deletes, so that nobody waits long for it.
const sweptAtOnce = 1000

// Sweep deletes rows older than Kept, oldest first and in parts. The newest row always stays: its number is where a process begins, and a feed that
// ended before it would look like that of a restored backup.
func Sweep(ctx context.Context, d *db.DB) error {
	for {
		var n int64
		err := d.Tx(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Run(`DELETE FROM changes WHERE seq IN (SELECT o.seq FROM (SELECT seq, at FROM changes ORDER BY seq LIMIT ?) o WHERE o.at < ?)
				AND seq < (SELECT MAX(seq) FROM changes)`, sweptAtOnce, tx.Now.Add(-Kept))
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
