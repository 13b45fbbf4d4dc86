package staff

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Named is what a thing is called now, and where it is looked at: itself, unless Kind is another one's, which it is a part of.
type Named struct {
	Name string
	Kind string
	At   db.ID
}

// nameQueries find what things are called now, by the kind that the audit log names. What has no page of its own names the one of which it is a part.
var nameQueries = map[string]struct{ of, query string }{
	"user":         {"user", "SELECT id, id AS at, name FROM users WHERE id IN ?"},
	"organization": {"organization", "SELECT id, id AS at, name FROM organizations WHERE id IN ?"},
	"app":          {"app", "SELECT id, id AS at, name FROM apps WHERE id IN ?"},
	"api":          {"api", "SELECT id, id AS at, name FROM apis WHERE id IN ?"},
	"key":          {"key", "SELECT id, id AS at, name FROM keys WHERE id IN ?"},
	"question":     {"question", "SELECT id, id AS at, title AS name FROM questions WHERE id IN ? AND deleted_at IS NULL"},
	"support_team": {"support_team", "SELECT id, id AS at, name FROM support_teams WHERE id IN ?"},
	"canned_reply": {"canned_reply", "SELECT id, id AS at, name FROM canned_replies WHERE id IN ?"},
	"access":       {"access", "SELECT x.id, x.id AS at, a.name FROM access x JOIN apps a ON a.id = x.app_id WHERE x.id IN ?"},
	"staff_role":   {"staff_role", "SELECT id, id AS at, name FROM staff_roles WHERE id IN ?"},
	// What a factor is called is its owner's alone: it goes by the name of its owner.
	"factor":          {"user", "SELECT f.id, u.id AS at, u.name FROM factors f JOIN users u ON u.id = f.user_id WHERE f.id IN ?"},
	"invitation":      {"organization", "SELECT id, organization_id AS at, email AS name FROM invitations WHERE id IN ?"},
	"domain":          {"organization", "SELECT id, organization_id AS at, name FROM domains WHERE id IN ?"},
	"directory_token": {"organization", "SELECT id, organization_id AS at, name FROM scim_tokens WHERE id IN ?"},
	"directory_group": {"organization", "SELECT id, organization_id AS at, display_name AS name FROM scim_groups WHERE id IN ?"},
	"share":           {"app", "SELECT s.id, a.id AS at, a.name FROM app_shares s JOIN apps a ON a.id = s.app_id WHERE s.id IN ?"},
}

// Names are the present names of things, given by kind. What is unknown or gone has none. It costs a query a kind.
func (s *Store) Names(ctx context.Context, ids map[string][]db.ID) (map[db.ID]Named, error) {
	out := map[db.ID]Named{}
	for kind, wanted := range ids {
		q, ok := nameQueries[kind]
		if !ok {
			continue
		}
		var rows []struct {
			ID, At db.ID
			Name   string
		}
		if err := s.db.Read(ctx).Raw(q.query, wanted).Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.ID] = Named{Name: r.Name, Kind: q.of, At: r.At}
		}
	}
	return out, nil
}
