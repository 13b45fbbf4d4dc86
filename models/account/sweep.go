package account

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Sweep deletes what is over: sign-ups nobody verified, links, sessions, counters, form tokens. To be run every few minutes by one replica.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		for _, query := range []string{
			"DELETE FROM signups WHERE expires_at <= ?",
			"DELETE FROM one_time_links WHERE expires_at <= ?",
			"DELETE FROM sessions WHERE expires_at <= ?",
			"DELETE FROM throttles WHERE resets_at <= ?",
			"DELETE FROM form_tokens WHERE expires_at <= ?",
		} {
			if _, err := tx.Run(query, tx.Now); err != nil {
				return err
			}
		}
		_, err := tx.Run("DELETE FROM sessions WHERE last_seen_at <= ?", tx.Now.Add(-SessionIdle))
		return err
	})
}
