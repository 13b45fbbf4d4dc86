package support

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/hours"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// staleBatch is how many questions one transaction warns or closes.
const staleBatch = 50

const day = 24 * time.Hour

// left is the condition under which question q was set waiting for its asker, who has not come back: its arguments are a time before which, twice.
const left = open + ` AND q.waits_on = 'asker' AND q.asked_back_at <= ? AND q.last_activity_at <= ?`

// Stale warns the askers of questions that have waited for them as long as the policy says, and closes those that were warned long enough ago. It may run on several
// replicas at once, and again: each question is warned once a wait, and closed once.
func (s *Store) Stale(ctx context.Context) error {
	policy, err := hours.PolicyOf(ctx, s.db)
	if err != nil {
		return err
	}
	now := s.db.Now()
	warned, closed := now.Add(-time.Duration(policy.WarnAfter)*day), now.Add(-time.Duration(policy.CloseAfter)*day)
	err = s.batches(ctx, left+" AND q.warned_at IS NULL ORDER BY q.asked_back_at LIMIT ?", []any{warned, warned, staleBatch},
		func(tx *db.Tx, q forum.Question) error { return s.warn(tx, q, policy) })
	if err != nil {
		return err
	}
	err = s.batches(ctx, left+" AND q.warned_at <= ? ORDER BY q.asked_back_at LIMIT ?", []any{now, now, closed, staleBatch},
		func(tx *db.Tx, q forum.Question) error {
			if err := closeFor(tx, actor.ForSystem(), q, NoWord); err != nil {
				return err
			}
			return s.tellClosed(tx, actor.ForSystem(), q, NoWord)
		})
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM answering WHERE at < ?", tx.Now.Add(-day))
		return err
	})
}

// batches runs fn on each question that fits, until none is left. What fn does must make the question not fit any more.
func (s *Store) batches(ctx context.Context, condition string, args []any, fn func(tx *db.Tx, q forum.Question) error) error {
	for {
		n := 0
		err := s.db.Tx(ctx, func(tx *db.Tx) error {
			query := "SELECT q.* FROM questions q" + condition
			if tx.Home.Dialect == db.Postgres {
				query += " FOR UPDATE SKIP LOCKED"
			}
			var rows []forum.Question
			if err := tx.Raw(query, args...).Scan(&rows).Error; err != nil {
				return err
			}
			n = len(rows)
			for _, q := range rows {
				if err := fn(tx, q); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n < staleBatch {
			return err
		}
	}
}

var warnLine = text.N("Support answered your question “%[1]s” and waits for a word of yours. It closes on %[2]s, and opens again whenever you reply.")

// warn tells the asker, when they can read the question, that it will close.
func (s *Store) warn(tx *db.Tx, q forum.Question, p hours.Policy) error {
	if _, err := tx.Run("UPDATE questions SET warned_at = ? WHERE id = ?", tx.Now, q.ID); err != nil {
		return err
	}
	audit.Record(tx, actor.ForSystem(), event(audit.QuestionWaiting, q, map[string]string{"warned": "yes"}))
	to, err := theAsker(tx, actor.ForSystem(), q, q.ID)
	if err != nil {
		return err
	}
	button := outbox.L("Open the question")
	closes := tx.Now.Add(time.Duration(p.CloseAfter) * day).UTC().Format(time.DateOnly)
	return s.send(tx, outbox.Letter{
		Kind: "question_closes", Subject: outbox.L("Your question closes soon"), Lines: []outbox.Line{outbox.L(warnLine, q.Title, closes)}, Button: &button, URL: s.link(q.Path()),
	}, to)
}
