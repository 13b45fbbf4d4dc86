package testenv

import (
	"context"
	"time"
)

// Await asks every 20 ms until check holds, and reports whether it did before patience or ctx was at its end.
func Await(ctx context.Context, patience time.Duration, check func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if check() {
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}
