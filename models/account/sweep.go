package account

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Sweep deletes what is over: sign-ups nobody verified, links, sessions, counters, form tokens, challenges, second factors that nobody finished to set up. To be run every few minutes by one replica.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := expireSignups(tx); err != nil {
			return err
		}
		for _, query := range []string{
			"DELETE FROM one_time_links WHERE expires_at <= ?",
			"DELETE FROM sessions WHERE expires_at <= ?",
			"DELETE FROM throttles WHERE resets_at <= ?",
			"DELETE FROM form_tokens WHERE expires_at <= ?",
			"DELETE FROM ceremonies WHERE expires_at <= ?",
		} {
			if _, err := tx.Run(query, tx.Now); err != nil {
				return err
			}
		}
		if _, err := tx.Run("DELETE FROM factors WHERE confirmed_at IS NULL AND created_at <= ?", tx.Now.Add(-EnrolmentAge)); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM devices WHERE last_seen_at <= ?", tx.Now.Add(-KnownAge)); err != nil {
			return err
		}
		_, err := tx.Run("DELETE FROM sessions WHERE last_seen_at <= ?", tx.Now.Add(-SessionIdle))
		return err
	})
}

// expireSignups deletes the sign-ups that nobody verified in time.
func expireSignups(tx *db.Tx) error {
	var ids []db.ID
	if err := tx.Raw("DELETE FROM signups WHERE expires_at <= ? RETURNING id", tx.Now).Scan(&ids).Error; err != nil {
		return err
	}
	return eraseSignups(tx, ids)
}

// endSignups deletes the sign-ups of an address. Keep is the one that becomes a user; zero when none does.
func endSignups(tx *db.Tx, email string, keep db.ID) error {
	var ids []db.ID
	if err := tx.Raw("DELETE FROM signups WHERE email = ? RETURNING id", email).Scan(&ids).Error; err != nil {
		return err
	}
	return eraseSignups(tx, slices.DeleteFunc(ids, func(id db.ID) bool { return id == keep }))
}

// eraseSignups deletes from the audit log whose sign-ups they were: a sign-up that was not verified may be anybody's address.
func eraseSignups(tx *db.Tx, ids []db.ID) error {
	for _, id := range ids {
		if err := audit.EraseNewcomer(tx, id); err != nil {
			return err
		}
	}
	return nil
}
