package usage

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gatehouse-dev/gatehouse/models/usage"
)

// figures are what a page shows, as read from the database.
type figures struct {
	points  []usage.Point
	total   usage.Count
	choices choices
	rows    usage.Breakdowns
	silent  []usage.Silent // for staff alone
}

// mostSilent is how many keys that fell silent are listed.
const mostSilent = 50

// figures reads all of them at once: each passes over the counts by itself, and the page is there when the slowest is (R11).
func (h *Handler) figures(ctx context.Context, a *ask) (f figures, err error) {
	reads := []func() error{
		func() (err error) { f.points, f.total, err = h.store.Series(ctx, a.View); return err },
		func() (err error) { f.rows, err = h.store.Breakdowns(ctx, a.View, mostCodes); return err },
		func() (err error) { f.choices, err = h.choices(ctx, a); return err },
	}
	if a.Everything {
		reads = append(reads, func() (err error) { f.silent, err = h.store.NewlySilent(ctx, a.View, mostSilent); return err })
	}
	return f, atOnce(reads)
}

// atOnce runs all of them and returns what failed. A panic of one fails it, for none may end the process (REL-14).
func atOnce(reads []func() error) error {
	failed := make([]error, len(reads))
	var all sync.WaitGroup
	for i, read := range reads {
		all.Go(func() {
			defer func() {
				if cause := recover(); cause != nil {
					failed[i] = fmt.Errorf("usage: panic: %v", cause)
				}
			}()
			failed[i] = read()
		})
	}
	all.Wait()
	return errors.Join(failed...)
}
