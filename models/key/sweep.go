package key

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Sweep deletes form tokens that are too old to be sent again, and previews of mass revocations that nobody carried out. It is a job.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run("DELETE FROM form_tokens WHERE expires_at < ?", tx.Now); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM key_revocation_keys WHERE revocation_id IN (SELECT id FROM key_revocations WHERE finished_at IS NULL AND expires_at < ?)", tx.Now); err != nil {
			return err
		}
		_, err := tx.Run("DELETE FROM key_revocations WHERE finished_at IS NULL AND expires_at < ?", tx.Now)
		return err
	})
}
