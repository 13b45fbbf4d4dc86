package follow

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// Subscription is what a mail's link to unsubscribe stands for.
type Subscription struct {
	Kind Kind   // empty for staff's choice to hear of every question
	Name string // of what is followed; empty when the reader may not see it any more
	Path string
	On   bool // mails are still sent
}

// Subscription reads what a token of a mail ends. It changes nothing and works without signing in. Faults: NotFound.
func (s *Store) Subscription(ctx context.Context, token string) (Subscription, error) {
	c, err := s.open(token, endFollow, endQuestions)
	if err != nil {
		return Subscription{}, err
	}
	who, err := s.person(ctx, c.User)
	if err != nil {
		return Subscription{}, err
	}
	if c.Kind == endQuestions {
		choices, err := s.ChoicesOf(ctx, who.Actor)
		return Subscription{On: choices.NewQuestions}, err
	}
	var rows []struct {
		Row
		Ended bool
	}
	args := append(append(s.visible.Args(who.Actor), catalog.VisibleArgs(who.Actor)...), c.ID, c.User)
	err = s.db.Read(ctx).Raw(`SELECT f.id, f.kind, f.target_id, f.ended_at IS NOT NULL AS ended, COALESCE(q.title, t.name, x.name, '') AS name, COALESCE(q.slug, x.slug, '') AS slug FROM follows f
		LEFT JOIN questions q ON f.kind = 'question' AND q.id = f.target_id AND `+s.visible.Condition+`
		LEFT JOIN tags t ON f.kind = 'tag' AND t.id = f.target_id LEFT JOIN apis x ON f.kind = 'api' AND x.id = f.target_id AND `+catalog.Open+` WHERE f.id = ? AND f.user_id = ?`, args...).Scan(&rows).Error
	if err != nil {
		return Subscription{}, err
	}
	if len(rows) == 0 {
		return Subscription{}, nil // the account is gone, and what it followed with it
	}
	r := rows[0]
	return Subscription{Kind: r.Kind, Name: r.Name, Path: r.Path(), On: !r.Ended}, nil
}

// Unsubscribe ends what the token stands for, without signing in: the token is the proof. from says from where. Doing it again does nothing. Faults:
// NotFound for a token that is not ours.
func (s *Store) Unsubscribe(ctx context.Context, from actor.Actor, token string) error {
	c, err := s.open(token, endFollow, endQuestions)
	if err != nil {
		return err
	}
	a := actor.Actor{Kind: actor.User, UserID: c.User, ByMail: true, Address: from.Address, RequestID: from.RequestID}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if c.Kind == endFollow {
			_, err := s.end(tx, a, c.ID)
			return err
		}
		var rows []Choices
		if err := tx.Raw("SELECT new_questions, assignments FROM notice_choices WHERE user_id = ? AND new_questions", c.User).Scan(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		return choose(tx, a, Choices{Assignments: rows[0].Assignments})
	})
}

// Resubscribe takes Unsubscribe back. Faults: as Unsubscribe.
func (s *Store) Resubscribe(ctx context.Context, from actor.Actor, token string) error {
	c, err := s.open(token, endFollow, endQuestions)
	if err != nil {
		return err
	}
	a := actor.Actor{Kind: actor.User, UserID: c.User, ByMail: true, Address: from.Address, RequestID: from.RequestID}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if c.Kind == endQuestions {
			var rows []Choices
			if err := tx.Raw("SELECT new_questions, assignments FROM notice_choices WHERE user_id = ? AND NOT new_questions", c.User).Scan(&rows).Error; err != nil || len(rows) == 0 {
				return err
			}
			return choose(tx, a, Choices{NewQuestions: true, Assignments: rows[0].Assignments})
		}
		var rows []Row
		err := tx.Raw("UPDATE follows SET ended_at = NULL WHERE id = ? AND user_id = ? AND ended_at IS NOT NULL RETURNING id, kind, target_id", c.ID, c.User).Scan(&rows).Error
		if err == nil && len(rows) > 0 {
			audit.Record(tx, a, event(audit.FollowStarted, rows[0].Kind, rows[0].TargetID))
		}
		return err
	})
}

// Solving is what a mail's link “Did this solve it?” asks about.
type Solving struct {
	Asker      actor.Actor
	QuestionID db.ID
	PostID     db.ID
	Title      string
	Path       string
	Accepted   bool  // this answer is the accepted one
	Solved     db.ID // the accepted answer, this or another; zero when there is none
	Waits      bool  // on support
	Replied    bool  // the asker wrote something since: the link speaks for them once
	Version    int64 // of the question
}

// Solving reads a token of the mail that told the asker of an answer. The result's Asker acts for the person who had the mail: that they have it is the
// proof, of the person alone: a role of theirs counts only where they signed in. Faults: NotFound for a token that is not ours, too old or sent to another address than the account's, and when the asker can't sign in any more or may not read the question.
func (s *Store) Solving(ctx context.Context, from actor.Actor, token string) (Solving, error) {
	c, err := s.open(token, sayIfSolved)
	if err != nil {
		return Solving{}, err
	}
	who, err := s.person(ctx, c.User)
	if err != nil {
		return Solving{}, err
	}
	if who.UserID.IsZero() || c.Mailbox != mailboxOf(who.email) {
		return Solving{}, fault.Missing()
	}
	who.StaffRole, who.ByMail = "", true
	var rows []struct {
		ID       db.ID
		Title    string
		Slug     string
		Accepted bool
		Solved   *db.ID
		Waits    bool
		Replied  bool
		Version  int64
	}
	err = s.db.Read(ctx).Raw(`SELECT q.id, q.title, q.slug, COALESCE(q.accepted_post_id = p.id, FALSE) AS accepted, q.accepted_post_id AS solved, q.waits_on = 'us' AS waits, q.version,
		EXISTS (SELECT 1 FROM posts w WHERE w.question_id = q.id AND w.author_id = q.asker_id AND w.created_at > p.created_at) AS replied FROM posts p JOIN questions q ON q.id = p.question_id
		WHERE p.id = ? AND q.asker_id = ? AND `+ShownPost+` AND q.merged_into IS NULL AND `+s.visible.Condition,
		append([]any{c.ID, c.User}, s.visible.Args(who.Actor)...)...).Scan(&rows).Error
	if err != nil {
		return Solving{}, err
	}
	if len(rows) == 0 {
		return Solving{}, fault.Missing()
	}
	who.Address, who.RequestID = from.Address, from.RequestID
	r := rows[0]
	return Solving{Asker: who.Actor, Solved: db.Deref(r.Solved), Waits: r.Waits, Replied: r.Replied, Version: r.Version, QuestionID: r.ID, PostID: c.ID, Title: r.Title, Path: "/forum/q/" + r.ID.Show("qst") + "/" + r.Slug, Accepted: r.Accepted}, nil
}

// holder is who has a mail.
type holder struct {
	actor.Actor
	email string
}

const account = "SELECT u.name, u.email, " + staffrole.Effective + " AS staff_role FROM users u WHERE u.id = ? AND"

// person is the account as it would sign in now; zero when it can't.
func (s *Store) person(ctx context.Context, id db.ID) (holder, error) {
	var rows []struct {
		Name      string
		Email     string
		StaffRole string
	}
	err := s.db.Read(ctx).Raw(account+reachable, id, s.db.Now()).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return holder{}, err
	}
	return holder{actor.Actor{Kind: actor.User, UserID: id, StaffRole: rows[0].StaffRole, Name: rows[0].Name, At: s.db.Now()}, rows[0].Email}, nil
}
