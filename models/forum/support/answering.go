package support

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// AnsweringFor is how long others are told that somebody has the reply form of a question open, after the last sign of it.
const AnsweringFor = 10 * time.Minute

// Answering is somebody else who has the reply form open.
type Answering struct {
	Name string
	At   time.Time // the last sign of it
}

// Answering notes that the actor has the reply form of a question open, which others are told of. It is no act: it changes nothing and isn't kept. Faults: Forbidden, NotFound.
func (s *Store) Answering(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error { return answering(tx, a, q.ID) })
}

func answering(tx *db.Tx, a actor.Actor, id db.ID) error {
	_, err := tx.Run("INSERT INTO answering (question_id, user_id, at) VALUES (?, ?, ?) ON CONFLICT (question_id, user_id) DO UPDATE SET at = excluded.at", id, a.UserID, tx.Now)
	return err
}

func stopAnswering(tx *db.Tx, a actor.Actor, id db.ID) error {
	_, err := tx.Run("DELETE FROM answering WHERE question_id = ? AND user_id = ?", id, a.UserID)
	return err
}

// others are those besides the actor who have the reply form open, the latest first.
func (s *Store) others(ctx context.Context, a actor.Actor, id db.ID) ([]Answering, error) {
	var rows []Answering
	err := s.db.Read(ctx).Raw(`SELECT u.name, w.at FROM answering w JOIN users u ON u.id = w.user_id WHERE w.question_id = ? AND w.user_id <> ? AND w.at > ? ORDER BY w.at DESC LIMIT 5`,
		id, a.UserID, s.db.Now().Add(-AnsweringFor)).Scan(&rows).Error
	return rows, err
}
