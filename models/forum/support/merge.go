package support

import (
	"context"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// ParseQuestion finds the id of a question in what people paste: its id, or the address of its page, at the forum or at the desk.
func ParseQuestion(text string) (db.ID, bool) {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "?")
	text, _, _ = strings.Cut(text, "#")
	for part := range strings.SplitSeq(text, "/") {
		if id, err := db.ParseID(forum.Prefix, strings.TrimSuffix(part, ".md")); err == nil {
			return id, true
		}
	}
	return db.ID{}, false
}

// Alike are the questions most like one, for who looks for the one that it repeats: at most five. Faults: Forbidden.
func (s *Store) Alike(ctx context.Context, a actor.Actor, q forum.Question) ([]forum.Row, error) {
	if err := reads(a); err != nil {
		return nil, err
	}
	rows, err := s.forum.Similar(ctx, a, q.Title, "")
	return slices.DeleteFunc(rows, func(r forum.Row) bool { return r.ID == q.ID || r.State != forum.Published }), err
}

// MergeTarget is what a merge would lead to.
type MergeTarget struct {
	forum.Question
	Followers int64 // of the one that is merged, who will follow the target
}

// PreviewMerge tells what merging a question into another would do. Faults: as Merge.
func (s *Store) PreviewMerge(ctx context.Context, a actor.Actor, id, into db.ID) (MergeTarget, error) {
	var found MergeTarget
	err := s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		target, err := mergeTarget(tx, q, into)
		if err != nil {
			return err
		}
		found.Question = target
		found.Followers, err = number(tx.DB, "SELECT COUNT(*) FROM follows WHERE kind = 'question' AND target_id = ? AND ended_at IS NULL", id)
		return err
	})
	return found, err
}

// Merge makes a question a duplicate of another: its page leads there, who follows it follows the other, and it waits on nobody. Its posts stay its own, and the
// desk shows them. Its asker must be able to read the other. Faults: those of act, Invalid (into).
func (s *Store) Merge(ctx context.Context, a actor.Actor, id, into db.ID) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		target, err := mergeTarget(tx, q, into)
		if err != nil {
			return err
		}
		if err := moveFollowers(tx, q.ID, target.ID); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE questions SET merged_into = ? WHERE merged_into = ?", target.ID, q.ID); err != nil {
			return err
		}
		audit.Record(tx, a, event(audit.QuestionMerged, q, map[string]string{"into": target.ID.Show(forum.Prefix)}))
		err = settleAs(tx, q.ID, "UPDATE questions SET merged_into = ?, closed_at = COALESCE(closed_at, ?), closed_reason = ?, escalated_at = NULL, updated_at = ? WHERE id = ?",
			target.ID, tx.Now, Duplicate, tx.Now, q.ID)
		if err != nil {
			return err
		}
		if err := forum.Settle(tx, target.ID); err != nil {
			return err
		}
		return s.tellMerged(tx, a, q, target)
	})
}

// mergeTarget reads the question into which q can be merged; one that was merged itself stands for what it leads to.
func mergeTarget(tx *db.Tx, q forum.Question, into db.ID) (forum.Question, error) {
	target, err := lock(tx, into)
	if err == nil && target.MergedInto != nil {
		target, err = lock(tx, *target.MergedInto)
	}
	if fault.Is(err, fault.NotFound) || (err == nil && target.State != forum.Published) {
		return target, fault.BadField("into", "There is no such question. Paste its address or its id.")
	}
	if err != nil {
		return target, err
	}
	if target.ID == q.ID {
		return target, fault.BadField("into", "A question can’t be merged into itself.")
	}
	may, err := askerReads(tx, q.AskerID, target.ID)
	if err == nil && !may {
		err = fault.BadField("into", "Its asker can’t read that question, so this one would be lost to them.")
	}
	return target, err
}

// askerReads reports whether an asker, as a person without any staff role, can read a question.
func askerReads(tx *db.Tx, asker, id db.ID) (bool, error) {
	n, err := number(tx.DB, "SELECT COUNT(*) FROM questions q WHERE q.id = ? AND "+forum.Visible, append([]any{id}, forum.VisibleArgs(actor.Actor{Kind: actor.User, UserID: asker, At: tx.Now})...)...)
	return n > 0, err
}

// moveFollowers lets who follows one question follow another. Who ended following the other stays away from it.
func moveFollowers(tx *db.Tx, from, to db.ID) error {
	var rows []struct {
		UserID db.ID
		Reason string
	}
	if err := tx.Raw("SELECT user_id, reason FROM follows WHERE kind = 'question' AND target_id = ? AND ended_at IS NULL", from).Scan(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		_, err := tx.Run(`INSERT INTO follows (id, user_id, kind, target_id, reason, created_at) VALUES (?, ?, 'question', ?, ?, ?) ON CONFLICT (user_id, kind, target_id) DO NOTHING`,
			db.NewID(), r.UserID, to, r.Reason, tx.Now)
		if err != nil {
			return err
		}
	}
	_, err := tx.Run("UPDATE follows SET ended_at = ? WHERE kind = 'question' AND target_id = ? AND ended_at IS NULL", tx.Now, from)
	return err
}
