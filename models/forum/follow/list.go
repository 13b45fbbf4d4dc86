package follow

import (
	"context"
	"net/url"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// most bounds how much one account follows.
const most = 2000

// Row is one thing that somebody follows. Name is empty for what they may not see any more.
type Row struct {
	ID        db.ID
	Kind      Kind
	Reason    Reason
	TargetID  db.ID
	Name      string
	Slug      string
	CreatedAt time.Time
}

// Path is where the followed thing stands; empty for what may not be seen any more.
func (r Row) Path() string {
	if r.Name == "" {
		return ""
	}
	switch r.Kind {
	case Question:
		return "/forum/q/" + r.TargetID.Show("qst") + "/" + r.Slug
	case Tag:
		return "/forum?tag=" + url.QueryEscape(r.Name)
	}
	return "/apis/" + r.Slug
}

// List reads a page of what the actor follows, newest first.
func (s *Store) List(ctx context.Context, a actor.Actor, page db.PageRequest) (db.Page[Row], error) {
	args := append(append(s.visible.Args(a), catalog.VisibleArgs(a)...), a.UserID)
	page.Sort = ""
	return db.List(ctx, s.db, db.Listing[Row]{
		Name: "follows/" + a.UserID.String(),
		Select: `SELECT f.id, f.kind, f.reason, f.target_id, f.created_at, COALESCE(q.title, t.name, x.name, '') AS name, COALESCE(q.slug, x.slug, '') AS slug FROM follows f
			LEFT JOIN questions q ON f.kind = 'question' AND q.id = f.target_id AND ` + s.visible.Condition + `
			LEFT JOIN tags t ON f.kind = 'tag' AND t.id = f.target_id
			LEFT JOIN apis x ON f.kind = 'api' AND x.id = f.target_id AND ` + catalog.Open + `
			WHERE f.user_id = ? AND f.ended_at IS NULL`,
		Args: args, IDExpr: "f.id", ID: func(r Row) db.ID { return r.ID }, Default: "-created",
		Sorts: map[string]db.Sort[Row]{"created": {Expr: "f.created_at", Value: func(r Row) any { return r.CreatedAt }}},
	}, page)
}

// Is reports whether the actor follows a target; nobody who is not signed in does.
func (s *Store) Is(ctx context.Context, a actor.Actor, kind Kind, targetID db.ID) (bool, error) {
	if !a.SignedIn() {
		return false, nil
	}
	var n int64
	err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM follows WHERE user_id = ? AND kind = ? AND target_id = ? AND ended_at IS NULL", a.UserID, string(kind), targetID).Scan(&n).Error
	return n > 0, err
}

// IsTag is Is for a tag by its name.
func (s *Store) IsTag(ctx context.Context, a actor.Actor, name string) (bool, error) {
	var ids []db.ID
	if err := s.db.Read(ctx).Raw("SELECT id FROM tags WHERE name = ?", name).Scan(&ids).Error; err != nil || len(ids) == 0 {
		return false, err
	}
	return s.Is(ctx, a, Tag, ids[0])
}

// IsAPI is Is for an API by its slug.
func (s *Store) IsAPI(ctx context.Context, a actor.Actor, slug string) (bool, error) {
	var ids []db.ID
	if err := s.db.Read(ctx).Raw("SELECT id FROM apis WHERE slug = ?", slug).Scan(&ids).Error; err != nil || len(ids) == 0 {
		return false, err
	}
	return s.Is(ctx, a, API, ids[0])
}

// SetQuestion makes the actor follow a question that they may read, or ends it. Faults: Unauthenticated, NotFound, Conflict for too many follows.
func (s *Store) SetQuestion(ctx context.Context, a actor.Actor, id db.ID, on bool) error {
	return s.set(ctx, a, Question, on, "SELECT q.id FROM questions q WHERE q.id = ? AND "+s.visible.Condition, append([]any{id}, s.visible.Args(a)...))
}

// SetTag makes the actor follow a tag, or ends it. Tags of no question that anybody may read are as absent as those that nobody wrote. Faults: as SetQuestion.
func (s *Store) SetTag(ctx context.Context, a actor.Actor, name string, on bool) error {
	return s.set(ctx, a, Tag, on, `SELECT t.id FROM tags t WHERE t.name = ? AND (t.questions > 0
		OR EXISTS (SELECT 1 FROM follows f WHERE f.kind = 'tag' AND f.target_id = t.id AND f.user_id = ?))`, []any{name, a.UserID})
}

// SetAPI makes the actor follow the questions about an API that they may see, or ends it. Faults: as SetQuestion.
func (s *Store) SetAPI(ctx context.Context, a actor.Actor, slug string, on bool) error {
	return s.set(ctx, a, API, on, "SELECT x.id FROM apis x WHERE x.slug = ? AND "+catalog.Open, append([]any{slug}, catalog.VisibleArgs(a)...))
}

func (s *Store) set(ctx context.Context, a actor.Actor, kind Kind, on bool, query string, args []any) error {
	if !a.SignedIn() {
		return fault.New(fault.Unauthenticated, "Sign in to go on.")
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var ids []db.ID
		if err := tx.Raw(query, args...).Scan(&ids).Error; err != nil {
			return err
		}
		if len(ids) == 0 {
			return fault.Missing()
		}
		follows, err := Follows(tx, a.UserID, kind, ids[0])
		if err != nil || follows == on {
			return err
		}
		if !on {
			audit.Record(tx, a, event(audit.FollowEnded, kind, ids[0]))
			return End(tx, a.UserID, kind, ids[0])
		}
		if err := Room(tx, a.UserID); err != nil {
			return err
		}
		audit.Record(tx, a, event(audit.FollowStarted, kind, ids[0]))
		return Start(tx, a.UserID, kind, ids[0], Chose)
	})
}

// Room refuses who follows as much as one account can. Ask it before Start where somebody chooses to follow. Faults: Conflict.
func Room(tx *db.Tx, userID db.ID) error {
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM follows WHERE user_id = ? AND ended_at IS NULL", userID).Scan(&n).Error
	if err == nil && n >= most {
		return fault.New(fault.Conflict, "You follow %d things already. End some first.", most)
	}
	return err
}

func event(act audit.Act, kind Kind, target db.ID) audit.Event {
	return audit.Event{Act: act, TargetKind: string(kind), TargetID: target}
}

// EndOne ends one of the actor's follows. Faults: NotFound for another's and for one that is ended.
func (s *Store) EndOne(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		row, err := s.end(tx, a, id)
		if err == nil && row.ID.IsZero() {
			return fault.Missing()
		}
		return err
	})
}

// end ends a follow of the actor's; the zero Row when there is none in force.
func (s *Store) end(tx *db.Tx, a actor.Actor, id db.ID) (Row, error) {
	var rows []Row
	err := tx.Raw("UPDATE follows SET ended_at = ? WHERE id = ? AND user_id = ? AND ended_at IS NULL RETURNING id, kind, reason, target_id, created_at", tx.Now, id, a.UserID).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return Row{}, err
	}
	audit.Record(tx, a, event(audit.FollowEnded, rows[0].Kind, rows[0].TargetID))
	return rows[0], nil
}

// Choices are what staff hear of by mail.
type Choices struct {
	NewQuestions bool
	Assignments  bool
}

// ChoicesOf reads the actor's choices. Without a choice they hear of what is handed to them.
func (s *Store) ChoicesOf(ctx context.Context, a actor.Actor) (Choices, error) {
	rows := []Choices{}
	err := s.db.Read(ctx).Raw("SELECT new_questions, assignments FROM notice_choices WHERE user_id = ?", a.UserID).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return Choices{Assignments: true}, err
	}
	return rows[0], nil
}

// Choose sets them. Faults: Forbidden for who may not read every question.
func (s *Store) Choose(ctx context.Context, a actor.Actor, c Choices) error {
	if !a.SignedIn() || !permission.Staff(a.StaffRole, permission.StaffQuestionsRead) {
		return fault.Lacking(string(permission.StaffQuestionsRead), "")
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return choose(tx, a, c) })
}

func choose(tx *db.Tx, a actor.Actor, c Choices) error {
	_, err := tx.Run(`INSERT INTO notice_choices (user_id, new_questions, assignments, updated_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET new_questions = excluded.new_questions, assignments = excluded.assignments, updated_at = excluded.updated_at`,
		a.UserID, c.NewQuestions, c.Assignments, tx.Now)
	audit.Record(tx, a, audit.Event{Act: audit.NoticesChosen, TargetKind: "user", TargetID: a.UserID, Details: map[string]string{"new_questions": word(c.NewQuestions), "assignments": word(c.Assignments)}})
	return err
}

func word(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
