package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// PartEvents is how many events one archived part holds at most: so many are removed in one transaction.
const PartEvents = 5000

// partEvery is how often a part is written that is not full.
const partEvery = 24 * time.Hour

// Archives takes the oldest events out of the database into files (U8). A part is written, taken by the disk and read back before its events are
// removed, in the transaction that keeps its signed closing; the rest of the log verifies from that closing on. A crash at any point leaves the events in the
// database or in a file that is whole; what it left half done the next run does again.
type Archives struct {
	DB     *db.DB
	Signer *Signer
	Folder string                               // made when it is needed, for its owner alone; several replicas share one
	Keep   time.Duration                        // events stay in the database for so long; 0: for ever
	Taken  func(context.Context) (int64, error) // the last event that the collector has taken: none after it is archived; nil where there is no collector

	crash func(point string) error // in tests
	size  int                      // of a part; 0: PartEvents
}

// Run finishes what was cut off, erases from archived parts what is to be erased, and archives what is older than Keep. What fails is tried again by the next run.
func (a *Archives) Run(ctx context.Context) error {
	err := a.begin(ctx)
	if err == nil {
		err = a.finish(ctx)
	}
	if err == nil {
		err = a.erase(ctx)
	}
	if err == nil && a.Keep > 0 {
		err = a.archive(ctx)
	}
	if err != nil {
		return fmt.Errorf("audit: archive: %w", err)
	}
	return nil
}

// begin tidies, where anything is or will be archived.
func (a *Archives) begin(ctx context.Context) error {
	if _, err := os.Lstat(a.Folder); a.Keep == 0 && errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return a.tidy(ctx)
}

func (a *Archives) at(point string) error {
	if a.crash == nil {
		return nil
	}
	return a.crash(point)
}

func (a *Archives) partSize() int {
	if a.size > 0 {
		return a.size
	}
	return PartEvents
}

func (a *Archives) archive(ctx context.Context) error {
	for ctx.Err() == nil {
		parts, err := ArchivedParts(ctx, a.DB)
		if err != nil {
			return err
		}
		if err := a.there(parts); err != nil {
			return err
		}
		rows, err := a.due(ctx, parts)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := a.one(ctx, parts, rows); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// there fails when the folder lacks the last of the parts before: it is not the archive then, but a share that is not mounted, or another disk.
func (a *Archives) there(parts []Archived) error {
	for _, p := range slices.Backward(parts) {
		if p.Released {
			continue
		}
		if c, ok := closingOf(filepath.Join(a.Folder, p.Name())); !ok || c != p.Closing {
			return fmt.Errorf("nothing is archived: %s is not in %s: put it back, or say that it was taken elsewhere by gatehouse audit release", p.Name(), a.Folder)
		}
		return nil
	}
	return nil
}

// due are the events of the next part; none when it can wait.
func (a *Archives) due(ctx context.Context, parts []Archived) ([]Row, error) {
	from, _ := ending(parts)
	upto, before := int64(0), a.DB.Now().Add(-a.Keep)
	if err := a.DB.Read(ctx).Raw("SELECT seq FROM audit_head WHERE id = 1").Scan(&upto).Error; err != nil {
		return nil, err
	}
	upto-- // the last event stays: something must follow a closing
	if a.Taken != nil {
		taken, err := a.Taken(ctx)
		if err != nil {
			return nil, err
		}
		upto = min(upto, taken)
	}
	var rows []Row
	if err := a.DB.Read(ctx).Raw("SELECT * FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?", from, a.partSize()).Scan(&rows).Error; err != nil {
		return nil, err
	}
	if n := slices.IndexFunc(rows, func(r Row) bool { return r.Seq > upto || !r.At.Before(before) }); n >= 0 {
		rows = rows[:n]
	}
	full := len(rows) == a.partSize()
	late := len(parts) == 0 || a.DB.Now().Sub(parts[len(parts)-1].At) >= partEvery
	worth := slices.ContainsFunc(rows, func(r Row) bool { return r.Act != string(LogArchived) }) // else each part would be for the event of an earlier one
	if !full && (!late || !worth) {
		return nil, nil
	}
	return rows, nil
}
