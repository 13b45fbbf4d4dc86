package refusal

import "context"

// SweepTo is Sweep with other bounds on rows.
func (s *Store) SweepTo(ctx context.Context, mostOfOrg, most int) error {
	return s.sweep(ctx, mostOfOrg, most)
}

// FlushLosingTheAnswer writes what waits, and then knows nothing of it: as when the connection breaks between commit and answer.
func (r *Recorder) FlushLosingTheAnswer(ctx context.Context) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	r.take(true)
	return writeAll(ctx, r.db, r.queue)
}
