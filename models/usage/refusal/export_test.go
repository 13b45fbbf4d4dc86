package refusal

import "context"

// SweepTo is Sweep with another bound on rows.
func (s *Store) SweepTo(ctx context.Context, most int) error { return s.sweep(ctx, most) }
