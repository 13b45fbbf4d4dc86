package follow

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// Slice is how many people are told in one transaction; the rest by jobs.
const Slice = 50

// JobKind names the jobs that tell the rest.
const JobKind = "forum.tell"

// told is a post with what a mail says of it.
type told struct {
	ID         db.ID
	QuestionID db.ID
	Kind       string
	AuthorID   db.ID
	AuthorName string
	ByStaff    bool
	Body       string
	CreatedAt  time.Time
	Title      string
	Slug       string
	AskerID    db.ID
	Solved     bool // by an accepted answer
}

// slice is the payload of a job: who comes next.
type slice struct {
	Post   db.ID `json:"post"`
	After  db.ID `json:"after"`
	Number int   `json:"number"`
}

// Tell queues the mails about a post that was just published, in the transaction that publishes it: of a question to those who follow one of its tags or its
// API and to staff who chose it, of an answer or comment to those who follow the question. Nobody is told of their own post, nor of what they may not read. It reads
// the post from the database, so call it when all of it is written; a post that is not shown is told to nobody, nor is the eleventh of one person under one question in an hour. The first 50 people are told at
// once, others by jobs.
func (s *Store) Tell(tx *db.Tx, postID db.ID) error { return s.tell(tx, slice{Post: postID}) }

// Job tells one further slice. A job that runs again after it was done tells nobody twice: its successor is there already.
func (s *Store) Job(ctx context.Context, payload json.RawMessage) error {
	var next slice
	if err := json.Unmarshal(payload, &next); err != nil {
		return err
	}
	if next.After == lastID {
		return nil
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if tx.Home.Dialect == db.Postgres {
			if _, err := tx.Run("SELECT id FROM posts WHERE id = ? FOR UPDATE", next.Post); err != nil {
				return err
			}
		}
		var n int64
		if err := tx.Raw("SELECT COUNT(*) FROM jobs WHERE once = ?", next.successor().name()).Scan(&n).Error; err != nil || n > 0 {
			return err
		}
		return s.tell(tx, next)
	})
}

func (j slice) successor() slice { j.Number++; return j }

func (j slice) name() string { return fmt.Sprintf("%s/%s/%d", JobKind, j.Post, j.Number) }

func (s *Store) tell(tx *db.Tx, j slice) error {
	var rows []told
	err := tx.Raw(`SELECT p.id, p.question_id, p.kind, p.author_id, p.by_staff, p.body, p.created_at, u.display_name AS author_name, q.title, q.slug, q.asker_id, q.accepted_post_id IS NOT NULL AS solved
		FROM posts p JOIN questions q ON q.id = p.question_id JOIN users u ON u.id = p.author_id
		WHERE p.id = ? AND `+ShownPost+`
		AND q.state = 'published' AND q.hidden_at IS NULL AND q.deleted_at IS NULL AND q.merged_into IS NULL`, j.Post).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	if many, err := chatty(tx, rows[0]); err != nil || many {
		return err
	}
	people, err := whom(tx, rows[0], j.After)
	if err != nil {
		return err
	}
	for _, r := range people {
		if err := s.tellOne(tx, rows[0], r); err != nil {
			return err
		}
		j.After = r.ID
	}
	if len(people) < Slice && j.Number == 0 {
		return nil
	}
	next := j.successor()
	if len(people) < Slice { // the end, marked so that a repeat of this job sees that it is done
		next.After = lastID
	}
	return job.Queue(tx, JobKind, next.name(), next, tx.Now)
}

// chatter is how many posts of one person under one question are told of in an hour: what they write beyond stands on the page, and nobody's mailbox is filled (L7).
const chatter = 10

// chatty reports whether the author of a post wrote more under its question, in the hour before it, than is told of. What staff say is always told.
func chatty(tx *db.Tx, p told) (bool, error) {
	if p.ByStaff {
		return false, nil
	}
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM posts WHERE question_id = ? AND author_id = ? AND id < ? AND created_at > ?", p.QuestionID, p.AuthorID, p.ID, p.CreatedAt.Add(-time.Hour)).Scan(&n).Error
	return n >= chatter, err
}

// lastID is behind every id, so that nobody comes after it.
var lastID = db.ID{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// recipient is somebody to tell. FollowID is what they follow, nil for staff who chose to hear of every question.
type recipient struct {
	ID        db.ID
	Email     string
	Language  string
	TimeZone  string
	StaffRole string
	FollowID  *db.ID
	Kind      string
}

func (r recipient) actor(now time.Time) actor.Actor {
	return actor.Actor{Kind: actor.User, UserID: r.ID, StaffRole: r.StaffRole, At: now}
}

const reachable = ` u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL AND (u.suspended_at IS NULL OR u.suspended_until <= ?)`

const followed = `SELECT u.id, u.email, u.language, u.time_zone, ` + staffrole.Effective + ` AS staff_role, f.id AS follow_id, f.kind FROM users u JOIN follows f ON f.user_id = u.id
	WHERE f.kind = 'question' AND f.target_id = ? AND f.ended_at IS NULL AND u.id <> ? AND u.id > ? AND` + reachable + ` ORDER BY u.id LIMIT ?`

const ofQuestion = `((f.kind = 'tag' AND f.target_id IN (SELECT r.tag_id FROM question_tags r WHERE r.question_id = ?)) OR (f.kind = 'api' AND f.target_id = (SELECT q.api_id FROM questions q WHERE q.id = ?)))`

const interested = `SELECT u.id, u.email, u.language, u.time_zone, ` + staffrole.Effective + ` AS staff_role,
	(SELECT f.id FROM follows f WHERE f.user_id = u.id AND f.ended_at IS NULL AND ` + ofQuestion + ` ORDER BY f.kind, f.id LIMIT 1) AS follow_id,
	COALESCE((SELECT f.kind FROM follows f WHERE f.user_id = u.id AND f.ended_at IS NULL AND ` + ofQuestion + ` ORDER BY f.kind, f.id LIMIT 1), '') AS kind
	FROM users u WHERE u.id IN (SELECT f.user_id FROM follows f WHERE f.ended_at IS NULL AND ` + ofQuestion + `
		UNION SELECT c.user_id FROM notice_choices c JOIN users w ON w.id = c.user_id WHERE c.new_questions AND w.staff_role IN ?)
	AND u.id <> ? AND u.id > ? AND` + reachable + ` ORDER BY u.id LIMIT ?`

// whom lists the next people to tell, by id.
func whom(tx *db.Tx, p told, after db.ID) ([]recipient, error) {
	var out []recipient
	if p.Kind != "question" {
		err := tx.Raw(followed, p.QuestionID, p.AuthorID, after, tx.Now, Slice).Scan(&out).Error
		return out, err
	}
	roles, err := staffrole.With(tx.DB, permission.StaffQuestionsRead)
	if err != nil {
		return nil, err
	}
	q := p.QuestionID
	err = tx.Raw(interested, q, q, q, q, q, q, roles, p.AuthorID, after, tx.Now, Slice).Scan(&out).Error
	return out, err
}

// reads reports whether the recipient may read the question.
func (s *Store) reads(tx *db.Tx, a actor.Actor, questionID db.ID) (bool, error) {
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM questions q WHERE q.id = ? AND "+s.visible.Condition, append([]any{questionID}, s.visible.Args(a)...)...).Scan(&n).Error
	return n > 0, err
}

func (s *Store) tellOne(tx *db.Tx, p told, r recipient) error {
	may, err := s.reads(tx, r.actor(tx.Now), p.QuestionID)
	if err != nil || !may {
		return err
	}
	return s.outbox.Queue(tx, s.letter(p, r, tx.Now))
}

func (s *Store) solvedToken(p told, r recipient, now time.Time) string {
	return s.seal(claim{Kind: sayIfSolved, ID: p.ID, User: p.AskerID, Expires: now.Add(solvedLife), Mailbox: mailboxOf(r.Email)})
}
