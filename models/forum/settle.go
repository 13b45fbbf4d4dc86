package forum

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/hours"
)

// Settle makes true again what a question says of its posts: how many answers are shown, whom it waits on and since when, until when it
// should be answered, when staff first replied, its version and last activity, the counts of its tags, and its document in the search index.
// Whoever changed a question or its posts calls it last, in the same transaction. It waits on us when its last public word is
// the asker's. One exception: as long as nobody but the asker answered, a comment of another reader ("the same here") takes nothing off the queue,
// or a first question would never be answered because somebody shares it. Faults: NotFound.
func Settle(tx *db.Tx, id db.ID) error {
	q, err := lockQuestion(tx, id)
	if err != nil {
		return err
	}
	var words []Post
	err = tx.Raw(`SELECT id, parent_id, kind, author_id, by_staff, state, hidden_at, deleted_at, revisions, created_at
		FROM posts WHERE question_id = ? ORDER BY created_at, id`, id).Scan(&words).Error
	if err != nil {
		return err
	}
	policy, err := hours.PolicyTx(tx)
	if err != nil {
		return err
	}
	next := reckon(q, words)
	if err := next.due(q, policy); err != nil {
		return err
	}
	_, err = tx.Run(`UPDATE questions SET answers = ?, waits_on = ?, waiting_since = ?, due_at = ?, first_due_at = ?, first_reply_at = ?, first_reply_by = ?,
		accepted_post_id = ?, accepted_at = ?, version = ?, last_activity_at = ?, updated_at = ? WHERE id = ?`, next.Answers, next.WaitsOn, next.WaitingSince, next.DueAt, next.FirstDueAt,
		next.FirstReplyAt, next.FirstReplyBy, next.AcceptedPostID, next.AcceptedAt, next.Version, next.LastActivityAt, tx.Now, id)
	if err != nil {
		return err
	}
	open, err := readable(tx, id, actor.Actor{})
	if err != nil {
		return err
	}
	if err := count(tx, q, open && q.MergedInto == nil); err != nil {
		return err
	}
	return putDocument(tx, q, open)
}

// reckon derives from a question and its posts, in the order of their writing, what Settle stores. Pure.
func reckon(q Question, words []Post) Question {
	q.Answers, q.Version, q.FirstReplyAt, q.FirstReplyBy, q.WaitingSince = 0, 0, nil, nil, nil
	q.LastActivityAt = q.CreatedAt
	accepted, answered := false, false
	away := make(map[db.ID]bool) // answers that are not shown: nor is what stands under them
	for _, w := range words {
		if w.State == Published {
			q.Version += 1 + w.Revisions
		}
		if away[w.ID] = !w.Shown(); away[w.ID] || (w.ParentID != nil && away[*w.ParentID]) {
			continue
		}
		at := w.CreatedAt
		q.LastActivityAt = at
		if w.Kind == PostAnswer {
			q.Answers++
			accepted = accepted || (q.AcceptedPostID != nil && w.ID == *q.AcceptedPostID)
		}
		switch {
		case w.AuthorID == q.AskerID: // also an answer of their own: what they found out meanwhile
			if q.WaitingSince == nil {
				q.WaitingSince = &at
			}
		case w.ByStaff:
			if q.FirstReplyAt == nil {
				author := w.AuthorID
				q.FirstReplyAt, q.FirstReplyBy = &at, &author
			}
			q.WaitingSince = nil
		case w.Kind == PostAnswer, answered:
			q.WaitingSince = nil
		}
		answered = answered || (w.Kind == PostAnswer && w.AuthorID != q.AskerID)
	}
	if !accepted { // deleted or hidden since
		q.AcceptedPostID, q.AcceptedAt = nil, nil
	}
	q.WaitsOn = waitsOn(q)
	if q.WaitsOn != OnUs {
		q.WaitingSince = nil
	}
	return q
}

func waitsOn(q Question) string {
	before := func(p *time.Time) bool { return p != nil && (q.WaitingSince == nil || !q.WaitingSince.After(*p)) }
	switch {
	case !q.Shown() || q.MergedInto != nil || q.ClosedAt != nil, before(q.AcceptedAt):
		return OnNobody
	case q.WaitingSince == nil, before(q.AskedBackAt):
		return OnAsker
	}
	return OnUs
}

// due sets until when the asker should hear from staff. When the first word was due stays as it was first said.
func (q *Question) due(before Question, p hours.Policy) error {
	q.DueAt = nil
	if before.FirstDueAt == nil {
		at, err := p.FirstDue(q.CreatedAt)
		if err != nil {
			return err
		}
		q.FirstDueAt = &at
	}
	if q.WaitingSince == nil {
		return nil
	}
	if q.FirstReplyAt == nil {
		q.DueAt = q.FirstDueAt
		return nil
	}
	at, err := p.NextDue(*q.WaitingSince)
	q.DueAt = &at
	return err
}

// lockQuestion reads a question and keeps others from changing it until the transaction ends. Faults: NotFound.
func lockQuestion(tx *db.Tx, id db.ID) (Question, error) {
	query := "SELECT * FROM questions WHERE id = ?"
	if tx.Home.Dialect == db.Postgres {
		query += " FOR UPDATE"
	}
	return one[Question](tx.DB, query, id)
}

// readable reports whether a reader may read the question.
func readable(tx *db.Tx, id db.ID, a actor.Actor) (bool, error) {
	n, err := number(tx.DB, "SELECT COUNT(*) FROM questions q WHERE q.id = ? AND "+Visible, append([]any{id}, VisibleArgs(a)...)...)
	return n > 0, err
}
