package forum

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
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

// solvedQuestions are those that stand on pages of the company and in llms.txt. Anybody can ask there and accept what they answer themselves, so the accepted answer
// is of staff, or of another account that is established. Its arguments, with those of Visible after it, are solvedArgs.
const solvedQuestions = `SELECT q.id, q.title, q.slug, q.votes, q.last_activity_at FROM questions q WHERE q.accepted_post_id IS NOT NULL AND q.state = 'published' AND q.hidden_at IS NULL
	AND q.merged_into IS NULL AND EXISTS (SELECT 1 FROM posts sp JOIN users u ON u.id = sp.author_id WHERE sp.id = q.accepted_post_id AND sp.author_id <> q.asker_id
		AND (sp.by_staff OR ` + trust.EstablishedUser + `)) AND `

func (s *Store) solvedArgs(a actor.Actor) []any {
	return append([]any{s.db.Now().Add(-trust.EstablishedAfter)}, VisibleArgs(a)...)
}

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
	err := s.db.Read(ctx).Raw(solvedQuestions+Visible+" AND "+where+" ORDER BY q.votes DESC, q.id LIMIT 20", append(s.solvedArgs(a), args...)...).Scan(&rows).Error // SQLite prepares anew what has a bound limit
	return rows[:min(len(rows), limit)], err
}

// SolvedPublic lists a page of the solved questions that anybody may read, newest first, for llms.txt.
func (s *Store) SolvedPublic(ctx context.Context, page db.PageRequest) (db.Page[Solved], error) {
	page.Sort = ""
	return db.List(ctx, s.db, db.Listing[Solved]{
		Name: "solved", Select: solvedQuestions + Visible, Args: s.solvedArgs(actor.Actor{}), IDExpr: "q.id", ID: func(q Solved) db.ID { return q.ID },
		Sorts: map[string]db.Sort[Solved]{"active": {Expr: "q.last_activity_at", Value: func(q Solved) any { return q.LastActivityAt }}}, Default: "-active",
	}, page)
}
