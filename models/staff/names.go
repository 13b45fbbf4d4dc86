package staff

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// nameQueries find what things are called now, by the kind that the audit log names.
var nameQueries = map[string]string{
	"user":         "SELECT id, name FROM users WHERE id IN ?",
	"organization": "SELECT id, name FROM organizations WHERE id IN ?",
	"app":          "SELECT id, name FROM apps WHERE id IN ?",
	"api":          "SELECT id, name FROM apis WHERE id IN ?",
	"key":          "SELECT id, name FROM keys WHERE id IN ?",
	"question":     "SELECT id, title AS name FROM questions WHERE id IN ? AND deleted_at IS NULL",
	"support_team": "SELECT id, name FROM support_teams WHERE id IN ?",
	"canned_reply": "SELECT id, name FROM canned_replies WHERE id IN ?",
	"access":       "SELECT x.id, a.name FROM access x JOIN apps a ON a.id = x.app_id WHERE x.id IN ?",
}

// Names are the present names of things, given by kind. What is unknown or gone has none. It costs a query a kind.
func (s *Store) Names(ctx context.Context, ids map[string][]db.ID) (map[db.ID]string, error) {
	out := map[db.ID]string{}
	for kind, wanted := range ids {
		query, ok := nameQueries[kind]
		if !ok {
			continue
		}
		var rows []struct {
			ID   db.ID
			Name string
		}
		if err := s.db.Read(ctx).Raw(query, wanted).Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.ID] = r.Name
		}
	}
	return out, nil
}
