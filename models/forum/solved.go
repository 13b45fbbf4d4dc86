package forum

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Solved is a question with an accepted answer, for a list of links.
type Solved struct {
	ID             db.ID
	Title          string
	Slug           string
	Votes          int64
	LastActivityAt time.Time
}

// Path is the address of the question's page.
func (q Solved) Path() string { return Path(q.ID, q.Slug) }

const solvedQuestions = `SELECT q.id, q.title, q.slug, q.votes, q.last_activity_at FROM questions q WHERE q.accepted_post_id IS NOT NULL AND q.state = 'published' AND q.hidden_at IS NULL
	AND q.merged_into IS NULL AND `

// SolvedAbout lists the solved questions that were asked on a page of the portal, or about the API whose page it is, as far as the actor may read
// them, most votes first. At most limit, and at most twenty.
func (s *Store) SolvedAbout(ctx context.Context, a actor.Actor, path string, limit int) ([]Solved, error) {
	path = CleanSource(path)
	if path == "" {
		return nil, nil
	}
	where, args := "q.source = ? AND q.source <> ''", []any{path}
	if slug, ok := strings.CutPrefix(path, "/apis/"); ok {
		where, args = "q.api_id = (SELECT y.id FROM apis y WHERE y.slug = ?)", []any{slug}
	}
	var rows []Solved
	err := s.db.Read(ctx).Raw(solvedQuestions+Visible+" AND "+where+" ORDER BY q.votes DESC, q.id LIMIT 20", append(VisibleArgs(a), args...)...).Scan(&rows).Error // SQLite prepares anew what has a bound limit
	return rows[:min(len(rows), limit)], err
}

// SolvedPublic lists a page of the solved questions that anybody may read, newest first, for llms.txt.
func (s *Store) SolvedPublic(ctx context.Context, page db.PageRequest) (db.Page[Solved], error) {
	page.Sort = ""
	return db.List(ctx, s.db, db.Listing[Solved]{
		Name: "solved", Select: solvedQuestions + Visible, Args: VisibleArgs(actor.Actor{}), IDExpr: "q.id", ID: func(q Solved) db.ID { return q.ID },
		Sorts: map[string]db.Sort[Solved]{"active": {Expr: "q.last_activity_at", Value: func(q Solved) any { return q.LastActivityAt }}}, Default: "-active",
	}, page)
}
