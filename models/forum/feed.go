package forum

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Bodies reads the rendered own posts of questions, as List or Get gave them to this reader.
func (s *Store) Bodies(ctx context.Context, questions []db.ID) (map[db.ID]string, error) {
	if len(questions) == 0 {
		return nil, nil
	}
	var rows []Post
	err := s.db.Read(ctx).Raw("SELECT p.question_id, p.html FROM posts p WHERE p.kind = 'question' AND p.question_id IN ? AND p.deleted_at IS NULL", questions).Scan(&rows).Error
	out := make(map[db.ID]string, len(rows))
	for _, r := range rows {
		r.inWords(ctx)
		out[r.QuestionID] = r.HTML
	}
	return out, err
}

// Newest lists what was last written under a question that the actor may read, its own post among it, newest first. Only what everybody who reads the
// question reads: not what waits for approval or is hidden, also not to its author.
func (s *Store) Newest(ctx context.Context, a actor.Actor, id db.ID, limit int) (Row, []Said, error) {
	q, err := s.Get(ctx, a, id)
	if err != nil {
		return q, nil, err
	}
	var rows []Said
	err = s.db.Read(ctx).Raw("SELECT "+saidColumns+` WHERE p.question_id = ? AND `+shownToAll+`
		ORDER BY p.created_at DESC, p.id DESC LIMIT ?`, id, limit).Scan(&rows).Error
	for i := range rows {
		rows[i].inWords(ctx)
	}
	return q, rows, err
}

// FollowsList reports whether the actor follows what a list is narrowed to: a tag, or an API by its slug.
func (s *Store) FollowsList(ctx context.Context, a actor.Actor, f Filter) (bool, error) {
	if f.Tag != "" {
		return s.follow.IsTag(ctx, a, f.Tag)
	}
	return s.follow.IsAPI(ctx, a, f.API)
}
