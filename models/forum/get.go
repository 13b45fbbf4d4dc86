package forum

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// questionColumns are those of Row, over q and its joins.
const questionColumns = `q.*, u.display_name AS asker_name, u.deleted_at IS NOT NULL AS asker_gone, COALESCE(xa.name, '') AS api_name, COALESCE(xa.slug, '') AS api_slug
	FROM questions q JOIN users u ON u.id = q.asker_id LEFT JOIN apis xa ON xa.id = q.api_id`

// Get reads a question that the actor may read, also a merged one: its MergedInto says where it went. Faults: NotFound.
func (s *Store) Get(ctx context.Context, a actor.Actor, id db.ID) (Row, error) {
	row, err := one[Row](s.db.Read(ctx), "SELECT "+questionColumns+" WHERE q.id = ? AND "+Visible, append([]any{id}, VisibleArgs(a)...)...)
	if err != nil {
		return row, err
	}
	tags, err := tagsOf(ctx, s.db, []db.ID{id})
	row.Tags = tags[id]
	row.inWords(ctx)
	return row, err
}

// PathOf is the address of a question that the actor may read. Faults: NotFound.
func (s *Store) PathOf(ctx context.Context, a actor.Actor, id db.ID) (string, error) {
	q, err := one[Question](s.db.Read(ctx), "SELECT q.id, q.slug FROM questions q WHERE q.id = ? AND "+Visible, append([]any{id}, VisibleArgs(a)...)...)
	return q.Path(), err
}

// Thread is the posts of a question's page: its own post with comments, and a page of answers with theirs.
type Thread struct {
	Post           Said
	Answers        []Said
	Next, Previous string
}

const saidColumns = `p.*, u.display_name AS author_name, u.deleted_at IS NOT NULL AS author_gone FROM posts p JOIN users u ON u.id = p.author_id`

// answerRank puts the accepted answer first, then those with most votes; the id puts the older first.
const answerRank = "CASE WHEN p.id = q.accepted_post_id THEN -1000000000 ELSE -p.votes END"

type rankedAnswer struct {
	Said
	Rank int64
}

// Posts reads a page of what was written under a question that the actor may read, as Get gave it: without asking again who may. Own posts
// that wait for approval are among them, and for staff those that are hidden.
func (s *Store) Posts(ctx context.Context, a actor.Actor, q Question, page db.PageRequest) (Thread, error) {
	page.Sort, page.Size = "", PagePosts
	answers, err := db.List(ctx, s.db, db.Listing[rankedAnswer]{
		Name: "answers/" + q.ID.String(),
		Select: `SELECT p.*, ` + answerRank + ` AS rank, u.display_name AS author_name, u.deleted_at IS NOT NULL AS author_gone
			FROM posts p JOIN questions q ON q.id = p.question_id JOIN users u ON u.id = p.author_id WHERE p.question_id = ? AND p.kind = 'answer' AND ` + shownPost,
		Args: append([]any{q.ID}, shownArgs(a)...), IDExpr: "p.id", ID: func(r rankedAnswer) db.ID { return r.ID },
		Sorts: map[string]db.Sort[rankedAnswer]{"rank": {Expr: answerRank, Value: func(r rankedAnswer) any { return r.Rank }}}, Default: "rank",
	}, page)
	if err != nil {
		return Thread{}, err
	}
	t := Thread{Next: answers.Next, Previous: answers.Previous}
	for _, r := range answers.Rows {
		r.Accepted = q.AcceptedPostID != nil && *q.AcceptedPostID == r.ID
		t.Answers = append(t.Answers, r.Said)
	}
	if err := s.comments(ctx, a, q, &t); err != nil {
		return t, err
	}
	t.inWords(ctx)
	return t, s.markOwn(ctx, a, &t)
}

type numberedComment struct {
	Said
	Nth, Total int64
}

// fewComments is up to how many comments of a thread are read without being numbered first: numbering costs more than reading a few too many.
const fewComments = 200

// ownAndComments reads the question's own post and the comments of its thread. The limit, fewComments and one for the own post, stands in the text: SQLite prepares anew
// what has a bound limit.
const ownAndComments = "SELECT " + saidColumns + " WHERE p.question_id = ? AND (p.kind = 'question' OR (p.kind = 'comment' AND " + shownPost + ")) ORDER BY p.created_at, p.id LIMIT 201"

// comments reads the question's own post and the first comments of each post on the page, and counts the others.
func (s *Store) comments(ctx context.Context, a actor.Actor, q Question, t *Thread) error {
	var rows []numberedComment
	args := append([]any{q.ID}, shownArgs(a)...)
	err := s.db.Read(ctx).Raw(ownAndComments, args...).Scan(&rows).Error
	own := slices.IndexFunc(rows, func(r numberedComment) bool { return r.Kind == PostQuestion })
	switch {
	case err != nil:
		return err
	case own >= 0:
		t.Post = rows[own].Said
	default: // behind many comments that came with another question
		if t.Post, err = one[Said](s.db.Read(ctx), "SELECT "+saidColumns+" WHERE p.question_id = ? AND p.kind = 'question'", q.ID); err != nil {
			return err
		}
	}
	if len(rows) > fewComments {
		rows, err = s.firstComments(ctx, args, t)
	} else if own >= 0 {
		rows = slices.Delete(rows, own, own+1)
	}
	if err != nil {
		return err
	}
	under := map[db.ID]*Said{{}: &t.Post}
	for i := range t.Answers {
		under[t.Answers[i].ID] = &t.Answers[i]
	}
	for _, r := range rows {
		parent := under[db.Deref(r.ParentID)]
		if parent == nil { // on another page
			continue
		}
		if len(parent.Comments) < MaxComments {
			parent.Comments = append(parent.Comments, r.Said)
			parent.More = max(r.Total-int64(len(parent.Comments)), 0)
		} else {
			parent.More++
		}
	}
	return nil
}

// firstComments reads the first comments under the posts of a page, each with how many there are. What is numbered and counted is ids alone: whole
// rows would be sorted with their texts.
func (s *Store) firstComments(ctx context.Context, args []any, t *Thread) ([]numberedComment, error) {
	parents := []db.ID{{}}
	for _, p := range t.Answers {
		parents = append(parents, p.ID)
	}
	var rows []numberedComment
	err := s.db.Read(ctx).Raw(`SELECT p.*, u.display_name AS author_name, u.deleted_at IS NOT NULL AS author_gone, c.nth, c.total FROM (
			SELECT p.id, ROW_NUMBER() OVER (PARTITION BY p.parent_id ORDER BY p.created_at, p.id) AS nth, COUNT(*) OVER (PARTITION BY p.parent_id) AS total
			FROM posts p WHERE p.question_id = ? AND p.kind = 'comment' AND `+shownPost+` AND (p.parent_id IS NULL OR p.parent_id IN ?)) c
		JOIN posts p ON p.id = c.id JOIN users u ON u.id = p.author_id WHERE c.nth <= ? ORDER BY c.nth`, append(args[:len(args):len(args)], parents, MaxComments)...).Scan(&rows).Error
	return rows, err
}

// markOwn marks what the reader wrote and voted for.
func (s *Store) markOwn(ctx context.Context, a actor.Actor, t *Thread) error {
	if !a.SignedIn() {
		return nil
	}
	var ids []db.ID
	each := func(fn func(*Said)) {
		fn(&t.Post)
		for i := range t.Answers {
			fn(&t.Answers[i])
		}
	}
	each(func(p *Said) { ids = append(ids, p.ID) })
	voted, err := votedBy(s.db.Read(ctx), a.UserID, ids)
	each(func(p *Said) {
		p.Mine, p.Voted = p.AuthorID == a.UserID, voted[p.ID]
		for i := range p.Comments {
			p.Comments[i].Mine = p.Comments[i].AuthorID == a.UserID
		}
	})
	return err
}

func votedBy(q *gorm.DB, user db.ID, posts []db.ID) (map[db.ID]bool, error) {
	var rows []db.ID
	err := q.Raw("SELECT post_id FROM votes WHERE user_id = ? AND post_id IN ?", user, posts).Scan(&rows).Error
	out := make(map[db.ID]bool, len(rows))
	for _, id := range rows {
		out[id] = true
	}
	return out, err
}

// Comments lists the comments of a post (of the question itself when it is its own post), oldest first, for a reader of the question.
func (s *Store) Comments(ctx context.Context, a actor.Actor, q Question, parent Post, page db.PageRequest) (db.Page[Said], error) {
	under := db.ID{}
	if parent.Kind != PostQuestion {
		under = parent.ID
	}
	page.Sort, page.Size = "", PagePosts
	list, err := db.List(ctx, s.db, db.Listing[Said]{
		Name: "comments/" + parent.ID.String(), Select: "SELECT " + saidColumns + " WHERE p.question_id = ? AND p.kind = 'comment' AND COALESCE(p.parent_id, ?) = ? AND " + shownPost,
		Args: append([]any{q.ID, db.ID{}, under}, shownArgs(a)...), IDExpr: "p.id", ID: func(p Said) db.ID { return p.ID },
		Sorts: map[string]db.Sort[Said]{"created": {Expr: "p.created_at", Value: func(p Said) any { return p.CreatedAt }}}, Default: "created",
	}, page)
	for i := range list.Rows {
		list.Rows[i].inWords(ctx)
		list.Rows[i].Mine = a.SignedIn() && list.Rows[i].AuthorID == a.UserID
	}
	return list, err
}

// PostFor reads one post with its question, for who may read both. Faults: NotFound.
func (s *Store) PostFor(ctx context.Context, a actor.Actor, id db.ID) (Row, Said, error) {
	p, err := one[Said](s.db.Read(ctx), "SELECT "+saidColumns+" WHERE p.id = ? AND "+shownPost, append([]any{id}, shownArgs(a)...)...)
	if err != nil {
		return Row{}, p, err
	}
	p.inWords(ctx)
	p.Mine = a.SignedIn() && p.AuthorID == a.UserID
	q, err := s.Get(ctx, a, p.QuestionID)
	return q, p, err
}
