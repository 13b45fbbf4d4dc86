package forum

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// similarShown is how many questions like one's own are shown.
const similarShown = 5

// Similar finds the questions most like a text that somebody is about to ask, as far as they may read them: at most five.
func (s *Store) Similar(ctx context.Context, a actor.Actor, title, body string) ([]Row, error) {
	if len(body) > 2000 {
		body = body[:2000]
	}
	query := index.Query{Text: title + "\n" + body, Kinds: []string{index.Question}, Limit: 10 * similarShown, Any: true, Public: !a.SignedIn() && !a.Trusted()}
	rows, found, err := s.alike(ctx, a, query)
	if err != nil || query.Public || len(rows) >= similarShown || found < query.Limit {
		return rows[:min(len(rows), similarShown)], err
	}
	query.Public = true // what they may not read must not crowd out what they may
	more, _, err := s.alike(ctx, a, query)
	for _, r := range more {
		if !slices.ContainsFunc(rows, func(o Row) bool { return o.ID == r.ID }) {
			rows = append(rows, r)
		}
	}
	return rows[:min(len(rows), similarShown)], err
}

// alike lists what the actor may read of what a query finds, and how much it finds.
func (s *Store) alike(ctx context.Context, a actor.Actor, q index.Query) (rows []Row, found int, err error) {
	hits, err := index.Find(ctx, s.db, q)
	if err != nil {
		return nil, 0, err
	}
	var ids []db.ID
	for _, h := range hits {
		var id db.ID
		if id.Scan(h.Ref) == nil {
			ids = append(ids, id)
		}
	}
	rows, err = s.ByIDs(ctx, a, ids)
	return rows, len(hits), err
}
