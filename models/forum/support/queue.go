package support

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// View is which questions a list shows.
type View string

// The views. Waiting is what waits on us: its last public word is the asker's.
const (
	Waiting    View = "waiting"
	Mine       View = "mine"
	MyTeams    View = "teams"
	Unassigned View = "unassigned" // of those that wait on us
	Escalated  View = "escalated"
	OnAsker    View = "asker"
	Open       View = "open"   // not closed, nor solved with nobody waiting
	Solved     View = "solved" // an answer is accepted, and its asker has not come back
	Closed     View = "closed"
)

// Views are all views, in the order of the page.
var Views = []View{Waiting, Mine, MyTeams, Unassigned, Escalated, OnAsker, Open, Solved, Closed}

// Filter narrows the queue.
type Filter struct {
	View View   // Waiting unless it is one of Views
	Tag  string // exact
	API  string // slug
}

// Item is one question of the queue.
type Item struct {
	forum.Question
	AskerName    string
	APIName      string
	APISlug      string
	AssigneeName string
	TeamName     string
	OrgName      string
	Flags        int64    // open ones, of any post
	Tags         []string `gorm:"-"`
}

// WaitsOnUs reports whether somebody of the company should answer.
func (i Item) WaitsOnUs() bool { return waits(i.Question) }

func waits(q forum.Question) bool {
	return q.WaitsOn == forum.OnUs && q.WaitingSince != nil && q.ClosedAt == nil && q.MergedInto == nil && q.Shown()
}

const (
	itemColumns = `SELECT q.*, COALESCE(u.display_name, '') AS asker_name, COALESCE(p.name, '') AS api_name, COALESCE(p.slug, '') AS api_slug, COALESCE(s.name, '') AS assignee_name,
		COALESCE(t.name, '') AS team_name, COALESCE(o.name, '') AS org_name,
		(SELECT COUNT(*) FROM flags f WHERE f.question_id = q.id AND f.state = 'open') AS flags
		FROM questions q LEFT JOIN users u ON u.id = q.asker_id LEFT JOIN apis p ON p.id = q.api_id LEFT JOIN users s ON s.id = q.assignee_id
		LEFT JOIN support_teams t ON t.id = q.team_id LEFT JOIN organizations o ON o.id = q.organization_id`
	living  = " WHERE q.deleted_at IS NULL AND q.merged_into IS NULL AND q.state = 'published'"
	open    = living + " AND q.closed_at IS NULL"
	busy    = open + " AND (q.waits_on = 'us' OR q.asked_back_at IS NOT NULL OR q.escalated_at IS NOT NULL)" // somebody must still do something about it
	waiting = open + " AND q.hidden_at IS NULL AND q.waits_on = 'us' AND q.waiting_since IS NOT NULL"
	ofTeam  = " AND q.team_id IN (SELECT m.team_id FROM support_team_members m WHERE m.user_id = ?)"
)

// where is the condition of a view and its arguments, and whether the list goes by how long a question waits.
func (v View) where(a actor.Actor) (condition string, args []any, byWait bool) {
	switch v {
	case Mine:
		return busy + " AND q.assignee_id = ?", []any{a.UserID}, false
	case MyTeams:
		return busy + ofTeam, []any{a.UserID}, false
	case Unassigned:
		return waiting + " AND q.assignee_id IS NULL AND q.team_id IS NULL", nil, true
	case Escalated:
		return open + " AND q.escalated_at IS NOT NULL", nil, false
	case OnAsker:
		return open + " AND q.waits_on = 'asker' AND q.asked_back_at IS NOT NULL", nil, false
	case Open:
		return open + " AND (q.accepted_post_id IS NULL OR q.waits_on = 'us')", nil, false
	case Solved:
		return open + " AND q.accepted_post_id IS NOT NULL AND q.waits_on <> 'us'", nil, false
	case Closed:
		return living + " AND q.closed_at IS NOT NULL", nil, false
	}
	return waiting, nil, true
}

// Queue lists a page of questions with two queries. What waits on us comes oldest first, the rest by its last activity, newest first. Faults: Forbidden.
func (s *Store) Queue(ctx context.Context, a actor.Actor, f Filter, r db.PageRequest) (db.Page[Item], error) {
	if err := reads(a); err != nil {
		return db.Page[Item]{}, err
	}
	condition, args, byWait := f.View.where(a)
	if f.Tag != "" {
		condition += " AND EXISTS (SELECT 1 FROM question_tags qt JOIN tags g ON g.id = qt.tag_id WHERE qt.question_id = q.id AND g.name = ?)"
		args = append(args, f.Tag)
	}
	if f.API != "" {
		condition += " AND p.slug = ?"
		args = append(args, f.API)
	}
	list := db.Listing[Item]{
		Name: "support/" + string(f.View) + "/" + f.Tag + "/" + f.API, Select: itemColumns + condition, Args: args,
		IDExpr: "q.id", ID: func(i Item) db.ID { return i.ID }, Default: "-active",
		Sorts: map[string]db.Sort[Item]{"active": {Expr: "q.last_activity_at", Value: func(i Item) any { return i.LastActivityAt }}},
	}
	if byWait {
		list.Default = "waiting"
		list.Sorts = map[string]db.Sort[Item]{"waiting": {Expr: "q.waiting_since", Value: func(i Item) any { return since(i) }}}
	}
	r.Sort = ""
	page, err := db.List(ctx, s.db, list, r)
	if err != nil {
		return page, err
	}
	return page, s.addTags(ctx, page.Rows)
}

// since is what the list of what waits goes by.
func since(i Item) time.Time {
	if i.WaitingSince == nil {
		return i.CreatedAt
	}
	return *i.WaitingSince
}

func (s *Store) addTags(ctx context.Context, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	at := map[db.ID]int{}
	ids := make([]db.ID, len(items))
	for i, item := range items {
		at[item.ID], ids[i] = i, item.ID
	}
	var rows []struct {
		QuestionID db.ID
		Name       string
	}
	err := s.db.Read(ctx).Raw("SELECT qt.question_id, g.name FROM question_tags qt JOIN tags g ON g.id = qt.tag_id WHERE qt.question_id IN ? ORDER BY g.name", ids).Scan(&rows).Error
	for _, r := range rows {
		i := at[r.QuestionID]
		items[i].Tags = append(items[i].Tags, r.Name)
	}
	return err
}

// Counts are how many questions each view holds for somebody, and what waits beside them. None is counted beyond MostCounted.
type Counts struct {
	Waiting, Overdue, Mine, Teams, Unassigned, Escalated, OnAsker int64
	Flags, Pending                                                int64
}

// MostCounted bounds what is counted for a page.
const MostCounted = 1000

// Counts counts. Faults: Forbidden.
func (s *Store) Counts(ctx context.Context, a actor.Actor) (Counts, error) {
	if err := reads(a); err != nil {
		return Counts{}, err
	}
	const most = " LIMIT 1000) x) AS "
	var c Counts
	err := s.db.Read(ctx).Raw(`SELECT
		(SELECT COUNT(*) FROM (SELECT 1 FROM questions q`+waiting+most+`waiting,
		(SELECT COUNT(*) FROM (SELECT 1 FROM questions q`+waiting+` AND q.due_at < ?`+most+`overdue,
		(SELECT COUNT(*) FROM (SELECT 1 FROM questions q`+busy+` AND q.assignee_id = ?`+most+`mine,
		(SELECT COUNT(*) FROM (SELECT 1 FROM questions q`+busy+ofTeam+most+`teams,
		(SELECT COUNT(*) FROM (SELECT 1 FROM questions q`+waiting+` AND q.assignee_id IS NULL AND q.team_id IS NULL`+most+`unassigned,
		(SELECT COUNT(*) FROM (SELECT 1 FROM questions q`+open+` AND q.escalated_at IS NOT NULL`+most+`escalated,
		(SELECT COUNT(*) FROM (SELECT 1 FROM questions q`+open+` AND q.waits_on = 'asker' AND q.asked_back_at IS NOT NULL`+most+`on_asker,
		(SELECT COUNT(*) FROM (SELECT 1 FROM flags WHERE state = 'open'`+most+`flags,
		(SELECT COUNT(*) FROM (SELECT 1 FROM posts p WHERE (p.state = 'pending' OR p.pending_revision IS NOT NULL) AND p.deleted_at IS NULL`+most+`pending`,
		s.db.Now(), a.UserID, a.UserID).Scan(&c).Error
	return c, err
}

// Next is the question that waits longest on us and that nobody else has taken; zero when none is left. The one called but is left out. Faults: Forbidden.
func (s *Store) Next(ctx context.Context, a actor.Actor, but db.ID) (db.ID, error) {
	if err := reads(a); err != nil {
		return db.ID{}, err
	}
	var ids []db.ID
	err := s.db.Read(ctx).Raw("SELECT q.id FROM questions q"+free+" LIMIT 1", s.freeArgs(a, but)...).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return db.ID{}, err
	}
	return ids[0], nil
}

// free is what somebody can take next: theirs, their teams', or nobody's, unless another has it open.
const free = waiting + ` AND q.id <> ? AND (q.assignee_id = ? OR (q.assignee_id IS NULL AND (q.team_id IS NULL
	OR EXISTS (SELECT 1 FROM support_team_members m WHERE m.team_id = q.team_id AND m.user_id = ?))))
	AND NOT EXISTS (SELECT 1 FROM answering w WHERE w.question_id = q.id AND w.user_id <> ? AND w.at > ?)
	ORDER BY q.waiting_since, q.id`

func (s *Store) freeArgs(a actor.Actor, but db.ID) []any {
	return []any{but, a.UserID, a.UserID, a.UserID, s.db.Now().Add(-AnsweringFor)}
}

// TakeNext assigns to the actor the question that Next tells; zero when none is left. Two people who take at once get two questions. Faults: Forbidden.
func (s *Store) TakeNext(ctx context.Context, a actor.Actor) (db.ID, error) {
	if err := answers(a); err != nil {
		return db.ID{}, err
	}
	var id db.ID
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		query := "SELECT q.id FROM questions q" + free + " LIMIT 1"
		if tx.Home.Dialect == db.Postgres {
			query += " FOR UPDATE SKIP LOCKED"
		}
		var ids []db.ID
		if err := tx.Raw(query, s.freeArgs(a, db.ID{})...).Scan(&ids).Error; err != nil || len(ids) == 0 {
			return err
		}
		id = ids[0]
		q, err := lock(tx, id)
		if err != nil {
			return err
		}
		return s.assign(tx, a, q)
	})
	return id, err
}
