package share

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// atOnce is how many shares one transaction ends, or tells of.
const atOnce = 100

// What is over, with the cause: by its end, unanswered, moved, or deleted for good. What only is deleted can come back, and opens nothing while it is.
const overQuery = `SELECT s.*, a.name AS app_name, CASE WHEN s.ends_at <= ? THEN 'expired' WHEN s.accepted_at IS NULL AND s.created_at <= ? THEN 'lapsed'
		WHEN a.organization_id <> s.lender_id THEN 'moved' ELSE 'gone' END AS cause
	FROM app_shares s JOIN apps a ON a.id = s.app_id JOIN organizations l ON l.id = s.lender_id LEFT JOIN organizations r ON r.id = s.receiver_id
	WHERE s.ended_at IS NULL AND (s.ends_at <= ? OR s.accepted_at IS NULL AND s.created_at <= ? OR a.organization_id <> s.lender_id OR a.deleted_at IS NOT NULL
		OR l.deleted_at <= ? OR r.deleted_at <= ?) ORDER BY s.ends_at, s.id LIMIT ?`

// Sweep writes down which shares and offers are over, tells both sides of shares that end within Ahead, once, and forgets those that ended long ago. What is over
// opens nothing before that too. It is a job.
func (s *Store) Sweep(ctx context.Context) error {
	for n := atOnce; n == atOnce; {
		err := s.db.Tx(ctx, func(tx *db.Tx) (err error) {
			n, err = s.settle(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	for n := atOnce; n == atOnce; {
		err := s.db.Tx(ctx, func(tx *db.Tx) (err error) {
			n, err = s.remind(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM app_shares WHERE ended_at <= ?", tx.Now.Add(-kept))
		return err
	})
}

func (s *Store) settle(tx *db.Tx) (int, error) {
	var over []struct {
		Share
		Cause Cause
	}
	now, lapsed, forGood := tx.Now, tx.Now.Add(-OfferAge), tx.Now.Add(-org.Grace)
	if err := tx.Raw(overQuery, now, lapsed, now, lapsed, forGood, forGood, atOnce).Scan(&over).Error; err != nil {
		return 0, err
	}
	for _, o := range over {
		if err := end(tx, actor.ForSystem(), o.Share, o.Cause); err != nil {
			return 0, err
		}
	}
	return len(over), nil
}

// remind writes to both sides of what ends soon. A share that was made for no longer than that is not announced: whoever offered and took it just did.
func (s *Store) remind(tx *db.Tx) (int, error) {
	var soon []Share
	err := tx.Raw(shareColumns+"'' AS lender_role, '' AS receiver_role"+shareTables+"WHERE s.ended_at IS NULL AND s.accepted_at IS NOT NULL AND s.reminded_at IS NULL AND s.ends_at > ? AND s.ends_at <= ? ORDER BY s.ends_at, s.id LIMIT ?",
		tx.Now, tx.Now, tx.Now, tx.Now, tx.Now, tx.Now.Add(Ahead), atOnce).Scan(&soon).Error
	if err != nil {
		return 0, err
	}
	for _, one := range soon {
		n, err := tx.Run("UPDATE app_shares SET reminded_at = ? WHERE id = ? AND reminded_at IS NULL", tx.Now, one.ID)
		if err != nil {
			return 0, err
		}
		if n == 0 || one.EndsAt.Sub(*one.AcceptedAt) <= Ahead+time.Hour { // told by another replica, or too short
			continue
		}
		if err := s.tellEnds(tx, one); err != nil {
			return 0, err
		}
	}
	return len(soon), nil
}
