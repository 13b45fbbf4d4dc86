package refusal

import "context"

// SweepTo is Sweep with other bounds on rows.
func (s *Store) SweepTo(ctx context.Context, mostOfOrg, most int) error {
	return s.sweep(ctx, mostOfOrg, most)
}
