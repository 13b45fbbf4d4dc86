package moderation

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Written is a post of somebody, as those who moderate read it.
type Written struct {
	ID         db.ID
	QuestionID db.ID
	Kind       string // question, answer or comment
	Title      string // of the question
	Body       string
	State      string
	HiddenAt   *time.Time
	CreatedAt  time.Time
}

// MostWritten bounds what is listed of one person.
const MostWritten = 20

// Written lists the newest posts of an account, also what is hidden, waits or was rejected, but not what was deleted. Faults: Forbidden.
func (s *Store) Written(ctx context.Context, a actor.Actor, id db.ID) ([]Written, error) {
	if err := reads(a); err != nil {
		return nil, err
	}
	var rows []Written
	err := s.db.Read(ctx).Raw(`SELECT p.id, p.question_id, p.kind, q.title, p.body, p.state, p.hidden_at, p.created_at FROM posts p JOIN questions q ON q.id = p.question_id
		WHERE p.author_id = ? AND p.deleted_at IS NULL AND q.deleted_at IS NULL ORDER BY p.created_at DESC, p.id DESC LIMIT ?`, id, MostWritten).Scan(&rows).Error
	return rows, err
}
