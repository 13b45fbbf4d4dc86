package key

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Sweep deletes form tokens that are too old to be sent again. It is a job.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM form_tokens WHERE expires_at < ?", tx.Now)
		return err
	})
}
