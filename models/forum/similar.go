package forum

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// similarShown is how many questions like one's own are shown.
const similarShown = 5

// Similar finds the questions most like a text that somebody is about to ask, as far as they may read them: at most five. What they may not read changes nothing.
func (s *Store) Similar(ctx context.Context, a actor.Actor, title, body string) ([]Row, error) {
	if len(body) > 2000 {
		body = body[:2000]
	}
	hits, err := s.FindAs(ctx, a, index.Query{Text: title + "\n" + body, Kinds: []string{index.Question}, Limit: 10 * similarShown, Any: true})
	if err != nil {
		return nil, err
	}
	var ids []db.ID
	for _, h := range hits {
		var id db.ID
		if id.Scan(h.Ref) == nil {
			ids = append(ids, id)
		}
	}
	rows, err := s.ByIDs(ctx, a, ids)
	return rows[:min(len(rows), similarShown)], err
}
