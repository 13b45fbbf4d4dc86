package forum

import (
	"context"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Filter narrows a list of questions; zero fields don't.
type Filter struct {
	Unanswered bool // without a shown answer, and not closed
	Mine       bool // asked by the reader
	Solved     bool
	Kind       string
	Tag        string
	API        string // slug
	Pinned     bool
}

// name tells lists apart for their cursors.
func (f Filter) name() string {
	parts := []string{"questions", f.Kind, f.Tag, f.API}
	for _, on := range []bool{f.Unanswered, f.Mine, f.Solved, f.Pinned} {
		parts = append(parts, map[bool]string{true: "1", false: "0"}[on])
	}
	return strings.Join(parts, "/")
}

// where narrows to what the filter asks for and the actor may read. Its tag stands in the table that the list is read from.
func where(a actor.Actor, f Filter) (string, []any) {
	cond, args := []string{}, []any{}
	add := func(c string, values ...any) { cond, args = append(cond, c), append(args, values...) }
	if !f.Mine { // who asked finds theirs again, and what it was merged into
		add("q.merged_into IS NULL")
	}
	if f.Tag != "" {
		add("r.tag_id = (SELECT t.id FROM tags t WHERE t.name = ?)", f.Tag)
	}
	if f.Unanswered {
		add("q.answers = 0 AND q.state = 'published' AND q.closed_at IS NULL")
	}
	if f.Mine {
		add("q.asker_id = ?", a.UserID)
	}
	if f.Solved {
		add("q.accepted_post_id IS NOT NULL")
	}
	if f.Pinned {
		add("q.pinned_at IS NOT NULL")
	}
	if f.Kind != "" {
		add("q.kind = ?", f.Kind)
	}
	if f.API != "" {
		add("q.api_id = (SELECT y.id FROM apis y WHERE y.slug = ?)", f.API)
	}
	add(Visible, VisibleArgs(a)...)
	return strings.Join(cond, " AND "), args
}

// A list has the columns that lists show, named: a question has three times as many.
const (
	listedColumns = `SELECT q.id, q.kind, q.title, q.slug, q.asker_id, q.visibility, q.state, q.public_status, q.accepted_post_id, q.answers, q.votes, q.closed_at, q.locked_at, q.hidden_at, q.merged_into,
		q.last_activity_at, q.created_at, u.display_name AS asker_name, u.deleted_at IS NOT NULL AS asker_gone, COALESCE(xa.name, '') AS api_name, COALESCE(xa.slug, '') AS api_slug FROM `
	listedJoins = ` JOIN users u ON u.id = q.asker_id LEFT JOIN apis xa ON xa.id = q.api_id WHERE `
	listed      = listedColumns + "questions q" + listedJoins
	// The rows that tie a tag to its questions have the columns by which lists are ordered, so that a list of a tag is a walk along one index.
	listedByTag = listedColumns + "question_tags r JOIN questions q ON q.id = r.question_id" + listedJoins
)

var (
	questionSorts = map[string]db.Sort[Row]{
		"activity": {Expr: "q.last_activity_at", Value: func(r Row) any { return r.LastActivityAt }},
		"newest":   {Expr: "q.created_at", Value: func(r Row) any { return r.CreatedAt }},
		"votes":    {Expr: "q.votes", Value: func(r Row) any { return r.Votes }},
	}
	tagSorts = map[string]db.Sort[Row]{
		"activity": {Expr: "r.last_activity_at", Value: func(r Row) any { return r.LastActivityAt }},
		"newest":   {Expr: "r.created_at", Value: func(r Row) any { return r.CreatedAt }},
		"votes":    {Expr: "r.votes", Value: func(r Row) any { return r.Votes }},
	}
)

// List reads a page of the questions that the actor may read, last active first; sorts are activity, newest and votes. Rows have what lists show, not all of a
// question. Faults: Invalid for a foreign cursor.
func (s *Store) List(ctx context.Context, a actor.Actor, f Filter, page db.PageRequest) (db.Page[Row], error) {
	if name := strings.TrimPrefix(page.Sort, "-"); name != "" {
		page.Sort = "-" + name
	}
	cond, args := where(a, f)
	l := db.Listing[Row]{Name: f.name(), Select: listed + cond, Args: args, IDExpr: "q.id", ID: func(r Row) db.ID { return r.ID }, Sorts: questionSorts, Default: "-activity"}
	if f.Tag != "" {
		l.Select, l.IDExpr, l.Sorts = listedByTag+cond, "r.question_id", tagSorts
	}
	list, err := db.List(ctx, s.db, l, page)
	if err != nil {
		return list, err
	}
	return list, s.withTags(ctx, list.Rows)
}

func (s *Store) withTags(ctx context.Context, rows []Row) error {
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	tags, err := tagsOf(ctx, s.db, ids)
	for i := range rows {
		rows[i].Tags = tags[rows[i].ID]
		rows[i].inWords(ctx)
	}
	return err
}

// ByIDs reads those of the questions that the actor may read and that stand in lists, in the order given, with what lists show:
// what search found.
func (s *Store) ByIDs(ctx context.Context, a actor.Actor, ids []db.ID) ([]Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []Row
	err := s.db.Read(ctx).Raw(listed+"q.id IN ? AND q.merged_into IS NULL AND "+Visible, append([]any{ids}, VisibleArgs(a)...)...).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	byID := make(map[db.ID]Row, len(rows))
	for _, r := range rows {
		byID[r.ID] = r
	}
	ordered := make([]Row, 0, len(rows))
	for _, id := range ids {
		if r, ok := byID[id]; ok {
			ordered = append(ordered, r)
		}
	}
	return ordered, s.withTags(ctx, ordered)
}
