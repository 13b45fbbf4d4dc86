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

// busy is from how many questions on a tag's list is read in the order of all questions, leaving out those without the tag: fewer are picked
// by the tag and then sorted. Either way is slow where the other is right.
const busy = 500

func (s *Store) where(ctx context.Context, a actor.Actor, f Filter) (string, []any, error) {
	cond, args := []string{"q.merged_into IS NULL"}, []any{}
	add := func(c string, values ...any) { cond, args = append(cond, c), append(args, values...) }
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
	if f.Tag != "" {
		var tags []Tag
		if err := s.db.Read(ctx).Raw("SELECT id, name, questions FROM tags WHERE name = ?", f.Tag).Scan(&tags).Error; err != nil {
			return "", nil, err
		}
		tags = append(tags, Tag{}) // one that nobody used has no questions
		if tags[0].Questions > busy {
			add("EXISTS (SELECT 1 FROM question_tags r WHERE r.question_id = q.id AND r.tag_id = ?)", tags[0].ID)
		} else {
			add("q.id IN (SELECT r.question_id FROM question_tags r WHERE r.tag_id = ?)", tags[0].ID)
		}
	}
	add(Visible, VisibleArgs(a)...)
	return strings.Join(cond, " AND "), args, nil
}

var questionSorts = map[string]db.Sort[Row]{
	"activity": {Expr: "q.last_activity_at", Value: func(r Row) any { return r.LastActivityAt }},
	"newest":   {Expr: "q.created_at", Value: func(r Row) any { return r.CreatedAt }},
	"votes":    {Expr: "q.votes", Value: func(r Row) any { return r.Votes }},
}

// List reads a page of the questions that the actor may read, last active first; sorts are activity, newest and votes. Faults: Invalid for a
// foreign cursor.
func (s *Store) List(ctx context.Context, a actor.Actor, f Filter, page db.PageRequest) (db.Page[Row], error) {
	where, args, err := s.where(ctx, a, f)
	if err != nil {
		return db.Page[Row]{}, err
	}
	if name := strings.TrimPrefix(page.Sort, "-"); name != "" {
		page.Sort = "-" + name
	}
	list, err := db.List(ctx, s.db, db.Listing[Row]{
		Name: f.name(), Select: "SELECT " + questionColumns + " WHERE " + where, Args: args,
		IDExpr: "q.id", ID: func(r Row) db.ID { return r.ID }, Sorts: questionSorts, Default: "-activity",
	}, page)
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
	}
	return err
}

// ByIDs reads those of the questions that the actor may read and that stand in lists, in the order given: what search found.
func (s *Store) ByIDs(ctx context.Context, a actor.Actor, ids []db.ID) ([]Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []Row
	err := s.db.Read(ctx).Raw("SELECT "+questionColumns+" WHERE q.id IN ? AND q.merged_into IS NULL AND "+Visible, append([]any{ids}, VisibleArgs(a)...)...).Scan(&rows).Error
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
