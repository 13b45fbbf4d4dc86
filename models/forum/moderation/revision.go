package moderation

import (
	"context"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// HideRevision takes one earlier text out of a post's history, as when something private was pasted and edited out again: its author and staff read it on, with the reason. Hiding
// what is hidden changes the reason. Faults: Forbidden, NotFound, Invalid (reason), Conflict for the text that stands and for one that was never shown.
func (s *Store) HideRevision(ctx context.Context, a actor.Actor, postID db.ID, number int64, reason string) error {
	reason = strings.TrimSpace(reason)
	if err := checkReason(reason, true); err != nil {
		return err
	}
	return s.onRevision(ctx, a, postID, number, func(tx *db.Tx, q forum.Question, p forum.Post, r forum.Revision) error {
		stands, err := one[int64](tx.DB, "SELECT number FROM post_revisions WHERE post_id = ? AND state = 'published' ORDER BY number DESC LIMIT 1", p.ID)
		switch {
		case fault.Is(err, fault.NotFound), err == nil && r.State != forum.Published:
			return fault.New(fault.Conflict, "This text was never shown to others.")
		case err != nil:
			return err
		case stands == r.Number:
			return fault.New(fault.Conflict, "This is the text that everybody reads now. Edit the post first, or hide all of it.")
		}
		audit.Record(tx, a, postEvent(audit.RevisionHidden, q, p, revisionDetails(r, reason)))
		_, err = tx.Run("UPDATE post_revisions SET hidden_at = COALESCE(hidden_at, ?), hidden_reason = ? WHERE post_id = ? AND number = ?", tx.Now, reason, p.ID, r.Number)
		return err
	})
}

// ShowRevision takes HideRevision back. Showing what is not hidden does nothing. Faults: Forbidden, NotFound.
func (s *Store) ShowRevision(ctx context.Context, a actor.Actor, postID db.ID, number int64) error {
	return s.onRevision(ctx, a, postID, number, func(tx *db.Tx, q forum.Question, p forum.Post, r forum.Revision) error {
		if r.HiddenAt == nil {
			return nil
		}
		audit.Record(tx, a, postEvent(audit.RevisionShown, q, p, revisionDetails(r, "")))
		_, err := tx.Run("UPDATE post_revisions SET hidden_at = NULL, hidden_reason = '' WHERE post_id = ? AND number = ?", p.ID, r.Number)
		return err
	})
}

func (s *Store) onRevision(ctx context.Context, a actor.Actor, postID db.ID, number int64, fn func(*db.Tx, forum.Question, forum.Post, forum.Revision) error) error {
	return s.onPost(ctx, a, postID, func(tx *db.Tx, q forum.Question, p forum.Post) error {
		r, err := one[forum.Revision](tx.DB, "SELECT * FROM post_revisions WHERE post_id = ? AND number = ?", p.ID, number)
		if err != nil {
			return err
		}
		return fn(tx, q, p, r)
	})
}

func revisionDetails(r forum.Revision, reason string) map[string]string {
	details := map[string]string{"revision": strconv.FormatInt(r.Number, 10)}
	if reason != "" {
		details["reason"] = reason
	}
	return details
}
