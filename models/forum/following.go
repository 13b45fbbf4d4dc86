package forum

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
)

// Following is whether a reader follows a question, and how many do.
type Following struct {
	Mine  bool
	Count int64
}

// Following tells who follows a question that the actor may read.
func (s *Store) Following(ctx context.Context, a actor.Actor, id db.ID) (Following, error) {
	var rows []Following
	var user db.ID
	if a.SignedIn() {
		user = a.UserID
	}
	err := s.db.Read(ctx).Raw(`SELECT COUNT(*) AS count, COALESCE(SUM(CASE WHEN user_id = ? THEN 1 ELSE 0 END), 0) > 0 AS mine
		FROM follows WHERE kind = 'question' AND target_id = ? AND ended_at IS NULL`, user, id.String()).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return Following{}, err
	}
	return rows[0], nil
}

// Follow makes the actor follow a question, or ends it. Doing it again does nothing. Faults: Unauthenticated, NotFound, Conflict for too many follows.
func (s *Store) Follow(ctx context.Context, a actor.Actor, id db.ID, on bool) (Question, error) {
	var followed Question
	err := s.onQuestion(ctx, a, id, func(tx *db.Tx, q Question) error {
		followed = q
		is, err := follow.Follows(tx, a.UserID, follow.Question, id)
		if err != nil || is == on {
			return err
		}
		act := audit.FollowStarted
		if on {
			if err := follow.Room(tx, a.UserID); err != nil {
				return err
			}
			err = follow.Start(tx, a.UserID, follow.Question, id, follow.Chose)
		} else {
			act, err = audit.FollowEnded, follow.End(tx, a.UserID, follow.Question, id)
		}
		audit.Record(tx, a, audit.Event{Act: act, TargetKind: "question", TargetID: id, OrganizationID: db.Deref(q.OrganizationID)})
		return err
	})
	return followed, err
}
