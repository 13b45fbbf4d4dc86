package forum

import (
	"errors"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Publish shows a post that waited for approval, with its question when it is the question's own, or an edit that waited, in place of what stood. Who follows is told once: when a text of the post is shown
// for the first time, however often it was changed before. Who may is the caller's to check. Publishing what is published does nothing. Faults: NotFound.
func (s *Store) Publish(tx *db.Tx, a actor.Actor, postID db.ID) error {
	p, err := one[Post](tx.DB, "SELECT * FROM posts WHERE id = ?", postID)
	if err != nil || (p.State == Published && p.PendingRevision == nil) {
		return err
	}
	q, err := lockQuestion(tx, p.QuestionID)
	if err != nil {
		return err
	}
	if p.PendingRevision != nil {
		return publishEdit(tx, q, p)
	}
	_, shown, err := lastShown(tx, p.ID)
	if err != nil {
		return err
	}
	if err := setState(tx, &p, Published, ""); err != nil {
		return err
	}
	if _, err := tx.Run("UPDATE post_revisions SET state = 'published' WHERE post_id = ? AND number = ?", p.ID, p.Revisions+1); err != nil {
		return err
	}
	if shown { // it was told of when it was new
		return Settle(tx, q.ID)
	}
	if p.Kind != PostQuestion {
		if err := reopen(tx, a, q, p); err != nil {
			return err
		}
	}
	return s.publish(tx, p)
}

// publishEdit makes the edit that waited the text of its post.
func publishEdit(tx *db.Tx, q Question, p Post) error {
	r, err := one[Revision](tx.DB, "SELECT * FROM post_revisions WHERE post_id = ? AND number = ?", p.ID, *p.PendingRevision)
	if err != nil {
		return err
	}
	if p.HTML, err = Render("body", r.Body); err != nil {
		return err
	}
	p.Body = r.Body
	if err := writeText(tx, q, p, Edit{Title: r.Title, Body: r.Body, Tags: r.tags()}); err != nil {
		return err
	}
	if _, err := tx.Run("UPDATE post_revisions SET state = 'published', html = '' WHERE post_id = ? AND number = ?", p.ID, r.Number); err != nil {
		return err
	}
	return Settle(tx, q.ID)
}

// Reject keeps a post that waits for approval from being shown, for a reason that its author reads beside it. Of an edit that waits, what stood before stands on, back is true,
// and the rejected text stays in the history for its author and staff. The caller checks who may, and settles the question. Faults: NotFound.
func Reject(tx *db.Tx, a actor.Actor, postID db.ID, reason string) (back bool, err error) {
	p, err := one[Post](tx.DB, "SELECT * FROM posts WHERE id = ?", postID)
	if err != nil {
		return false, err
	}
	q, err := lockQuestion(tx, p.QuestionID)
	if err != nil {
		return false, err
	}
	if p.PendingRevision != nil {
		if _, err := tx.Run("UPDATE post_revisions SET state = 'rejected', html = '' WHERE post_id = ? AND number = ?", p.ID, *p.PendingRevision); err != nil {
			return false, err
		}
		_, err := tx.Run("UPDATE posts SET pending_revision = NULL, updated_at = ? WHERE id = ?", tx.Now, p.ID)
		return true, err
	}
	if _, err := tx.Run("UPDATE post_revisions SET state = 'rejected' WHERE post_id = ? AND state = 'pending'", p.ID); err != nil {
		return false, err
	}
	last, shown, err := lastShown(tx, p.ID)
	if err != nil {
		return false, err
	}
	if !shown {
		return false, setState(tx, &p, Rejected, reason)
	}
	return true, restore(tx, a, q, p, last)
}

// restore makes an earlier text of a post its newest one: of posts whose edit waited when an edit still took what stood before off the page.
func restore(tx *db.Tx, a actor.Actor, q Question, p Post, last Revision) error {
	html, err := Render("body", last.Body)
	if err != nil {
		return err
	}
	if !a.SignedIn() { // the program itself
		a.UserID = p.AuthorID
	}
	p.State, p.Body, p.HTML = Published, last.Body, html
	in := Edit{Title: last.Title, Body: last.Body}
	if p.Kind == PostQuestion { // the history of that time holds no tags: they stay
		if err := tx.Raw("SELECT t.name FROM question_tags r JOIN tags t ON t.id = r.tag_id WHERE r.question_id = ?", q.ID).Scan(&in.Tags).Error; err != nil {
			return err
		}
	}
	if err := addRevision(tx, a, p, in); err != nil {
		return err
	}
	return writeText(tx, q, p, in)
}

// lastShown is the last text of a post that was published; ok is false when none was, or when the post was never changed.
func lastShown(tx *db.Tx, postID db.ID) (last Revision, ok bool, err error) {
	last, err = one[Revision](tx.DB, "SELECT * FROM post_revisions WHERE post_id = ? AND state = 'published' AND hidden_at IS NULL ORDER BY number DESC LIMIT 1", postID)
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.NotFound {
		return last, false, nil
	}
	return last, err == nil, err
}

// setState writes the state of a post, and of its question when it is the question's own. Without a reason the one that is there stays: that of hiding it.
func setState(tx *db.Tx, p *Post, state, reason string) error {
	p.State = state
	if _, err := tx.Run("UPDATE posts SET state = ?, hidden_reason = CASE WHEN ? = '' THEN hidden_reason ELSE ? END, updated_at = ? WHERE id = ?", state, reason, reason, tx.Now, p.ID); err != nil {
		return err
	}
	if p.Kind != PostQuestion {
		return nil
	}
	_, err := tx.Run("UPDATE questions SET state = ?, hidden_reason = CASE WHEN ? = '' THEN hidden_reason ELSE ? END, updated_at = ? WHERE id = ?", state, reason, reason, tx.Now, p.QuestionID)
	return err
}
