package importing

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Recognised notes that a key was presented which is kept under its maker's digest. It never blocks: when there is too much to write, the key is noted at its next use.
func (s *Store) Recognised(r key.Redigested) {
	select {
	case s.queue <- r:
	default:
	}
}

// Run writes what Recognised noted, until ctx ends.
func (s *Store) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-s.queue:
			if err := s.write(ctx, first); err != nil && ctx.Err() == nil {
				slog.Error("an imported key is not digested anew; its next use tries again", "error", err)
			}
		}
	}
}

// Flush writes what was noted so far. Tests call it instead of Run.
func (s *Store) Flush(ctx context.Context) error {
	select {
	case first := <-s.queue:
		return s.write(ctx, first)
	default:
		return nil
	}
}

func (s *Store) write(ctx context.Context, first key.Redigested) error {
	all := []key.Redigested{first}
	for len(all) < 200 {
		select {
		case next := <-s.queue:
			if !slices.Contains(all, next) {
				all = append(all, next)
			}
			continue
		default:
		}
		break
	}
	if err := s.keys.Redigest(ctx, all); err != nil {
		return fmt.Errorf("redigest: %w", err)
	}
	return nil
}

// Settle forgets the secrets of imports of which no key is kept under its maker's digest any more, but for those that are over for long, marks under the current root what waits
// for its first use, and takes back imports that a restart cut short. It is a job: run it each hour.
func (s *Store) Settle(ctx context.Context) error {
	var short []db.ID
	if err := s.db.Read(ctx).Raw("SELECT id FROM key_imports WHERE finished_at IS NULL AND created_at < ?", s.db.Now().Add(-maxImport)).Scan(&short).Error; err != nil {
		return err
	}
	for _, id := range short {
		if err := s.drop(ctx, id); err != nil {
			return err
		}
	}
	if err := s.keys.Mark(ctx); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return retire(tx, tx.Now.Add(-deadKept)) })
}
