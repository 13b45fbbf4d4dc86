package moderation

import (
	"context"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// Hide takes a post out of the forum, with its whole question when it is the question's own; its author goes on seeing it, with the reason. Hiding what is
// hidden changes the reason. Faults: Forbidden, NotFound, Invalid (reason).
func (s *Store) Hide(ctx context.Context, a actor.Actor, postID db.ID, reason string) error {
	reason = strings.TrimSpace(reason)
	if err := checkReason(reason, true); err != nil {
		return err
	}
	return s.onPost(ctx, a, postID, func(tx *db.Tx, q forum.Question, p forum.Post) error { return hide(tx, a, q, p, reason) })
}

func hide(tx *db.Tx, a actor.Actor, q forum.Question, p forum.Post, reason string) error {
	details := map[string]string{"reason": reason}
	if p.Kind == forum.PostQuestion {
		audit.Record(tx, a, questionEvent(audit.QuestionHidden, q, details))
		_, err := tx.Run("UPDATE questions SET hidden_at = COALESCE(hidden_at, ?), hidden_reason = ?, updated_at = ? WHERE id = ?", tx.Now, reason, tx.Now, q.ID)
		return err
	}
	audit.Record(tx, a, postEvent(audit.PostHidden, q, p, details))
	_, err := tx.Run("UPDATE posts SET hidden_at = COALESCE(hidden_at, ?), hidden_reason = ?, updated_at = ? WHERE id = ?", tx.Now, reason, tx.Now, p.ID)
	return err
}

// Show takes Hide back. Showing what is not hidden does nothing. Faults: Forbidden, NotFound.
func (s *Store) Show(ctx context.Context, a actor.Actor, postID db.ID) error {
	return s.onPost(ctx, a, postID, func(tx *db.Tx, q forum.Question, p forum.Post) error {
		if p.Kind == forum.PostQuestion {
			if q.HiddenAt == nil {
				return nil
			}
			audit.Record(tx, a, questionEvent(audit.QuestionShown, q, nil))
			_, err := tx.Run("UPDATE questions SET hidden_at = NULL, hidden_reason = '', updated_at = ? WHERE id = ?", tx.Now, q.ID)
			return err
		}
		if p.HiddenAt == nil {
			return nil
		}
		audit.Record(tx, a, postEvent(audit.PostShown, q, p, nil))
		_, err := tx.Run("UPDATE posts SET hidden_at = NULL, hidden_reason = '', updated_at = ? WHERE id = ?", tx.Now, p.ID)
		return err
	})
}

// HideQuestion is Hide for a question by its id.
func (s *Store) HideQuestion(ctx context.Context, a actor.Actor, id db.ID, reason string) error {
	own, err := s.ownPost(ctx, a, id)
	if err != nil {
		return err
	}
	return s.Hide(ctx, a, own, reason)
}

// ShowQuestion is Show for a question by its id.
func (s *Store) ShowQuestion(ctx context.Context, a actor.Actor, id db.ID) error {
	own, err := s.ownPost(ctx, a, id)
	if err != nil {
		return err
	}
	return s.Show(ctx, a, own)
}

func (s *Store) ownPost(ctx context.Context, a actor.Actor, id db.ID) (db.ID, error) {
	if err := moderates(a); err != nil {
		return db.ID{}, err
	}
	return one[db.ID](s.db.Read(ctx), "SELECT id FROM posts WHERE question_id = ? AND kind = 'question' AND deleted_at IS NULL", id)
}

// SetLocked keeps all but staff from writing under a question, or lets them again. Faults: Forbidden, NotFound.
func (s *Store) SetLocked(ctx context.Context, a actor.Actor, id db.ID, on bool) error {
	return s.onQuestion(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		if (q.LockedAt != nil) == on {
			return nil
		}
		if !on {
			audit.Record(tx, a, questionEvent(audit.QuestionUnlocked, q, nil))
			_, err := tx.Run("UPDATE questions SET locked_at = NULL, updated_at = ? WHERE id = ?", tx.Now, q.ID)
			return err
		}
		audit.Record(tx, a, questionEvent(audit.QuestionLocked, q, nil))
		_, err := tx.Run("UPDATE questions SET locked_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, q.ID)
		return err
	})
}

// maxPinned bounds what stands above every list.
const maxPinned = 5

// pinLock is the PostgreSQL advisory lock under which questions are pinned.
const pinLock = 0x67_70_69_6e // "gpin"

// SetPinned puts a question above the forum's list, or takes it from there. Faults: Forbidden, NotFound, Conflict when five are pinned already.
func (s *Store) SetPinned(ctx context.Context, a actor.Actor, id db.ID, on bool) error {
	return s.onQuestion(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		if (q.PinnedAt != nil) == on {
			return nil
		}
		if !on {
			audit.Record(tx, a, questionEvent(audit.QuestionUnpinned, q, nil))
			_, err := tx.Run("UPDATE questions SET pinned_at = NULL, updated_at = ? WHERE id = ?", tx.Now, q.ID)
			return err
		}
		if tx.Home.Dialect == db.Postgres { // two questions may be pinned at once: each must see the other
			if err := tx.Exec("SELECT pg_advisory_xact_lock(?)", pinLock).Error; err != nil {
				return err
			}
		}
		n, err := one[int64](tx.DB, "SELECT COUNT(*) FROM questions WHERE pinned_at IS NOT NULL AND deleted_at IS NULL")
		if err != nil {
			return err
		}
		if n >= maxPinned {
			return fault.New(fault.Conflict, "%d questions are pinned already. Unpin one first.", maxPinned)
		}
		audit.Record(tx, a, questionEvent(audit.QuestionPinned, q, nil))
		_, err = tx.Run("UPDATE questions SET pinned_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, q.ID)
		return err
	})
}

// Retag gives a question these tags and no others. Faults: Forbidden, NotFound, Invalid (tags).
func (s *Store) Retag(ctx context.Context, a actor.Actor, id db.ID, tags []string) error {
	var p fault.Problems
	tags = forum.CheckTags(&p, "tags", tags)
	for _, t := range tags {
		audit.NoKey(&p, "tags", t)
	}
	if err := p.Err(); err != nil {
		return err
	}
	return s.onQuestion(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		var before []string
		if err := tx.Raw("SELECT t.name FROM question_tags r JOIN tags t ON t.id = r.tag_id WHERE r.question_id = ? ORDER BY t.name", q.ID).Scan(&before).Error; err != nil {
			return err
		}
		audit.Record(tx, a, questionEvent(audit.QuestionRetagged, q, map[string]string{"before": strings.Join(before, " "), "after": strings.Join(tags, " ")}))
		return forum.SetTags(tx, q.ID, tags)
	})
}
