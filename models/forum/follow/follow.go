// Package follow keeps who follows which question, tag or API, and tells them by mail what was written there. It stands below forum: it reads its rows, and
// learns from it by a condition who may read a question.
package follow

import (
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Prefix of the ids that people see.
const Prefix = "flw"

// Kind is what can be followed.
type Kind string

// The kinds.
const (
	Question Kind = "question"
	Tag      Kind = "tag"
	API      Kind = "api"
)

// Reason is why somebody follows.
type Reason string

// The reasons. Only Chose begins again what the person ended.
const (
	Asked     Reason = "asked"
	Answered  Reason = "answered"
	Commented Reason = "commented"
	Chose     Reason = "chose"
)

// Start makes the user follow a target. For any reason but Chose it does nothing when they follow it already, or ended following it themselves.
// Whether the user may see the target is the caller's to check.
func Start(tx *db.Tx, userID db.ID, kind Kind, targetID db.ID, reason Reason) error {
	restart := reason == Chose
	_, err := tx.Run(`INSERT INTO follows (id, user_id, kind, target_id, reason, created_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (user_id, kind, target_id) DO UPDATE SET ended_at = CASE WHEN ? THEN NULL ELSE follows.ended_at END`,
		db.NewID(), userID, string(kind), targetID, string(reason), tx.Now, restart)
	return err
}

// End ends following a target; the person's later posts there do not begin it again. Ending what is not followed does nothing.
func End(tx *db.Tx, userID db.ID, kind Kind, targetID db.ID) error {
	_, err := tx.Run("UPDATE follows SET ended_at = ? WHERE user_id = ? AND kind = ? AND target_id = ? AND ended_at IS NULL", tx.Now, userID, string(kind), targetID)
	return err
}

// Follows reports whether the user follows the target.
func Follows(tx *db.Tx, userID db.ID, kind Kind, targetID db.ID) (bool, error) {
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM follows WHERE user_id = ? AND kind = ? AND target_id = ? AND ended_at IS NULL", userID, string(kind), targetID).Scan(&n).Error
	return n > 0, err
}

// ShownPost is the condition under which everybody who reads its question reads post p, also in feeds, the search index and mails: it is published and
// neither hidden nor deleted, and so is the answer under which it stands.
const ShownPost = `(p.state = 'published' AND p.hidden_at IS NULL AND p.deleted_at IS NULL AND (p.parent_id IS NULL OR EXISTS (SELECT 1 FROM posts pa
	WHERE pa.id = p.parent_id AND pa.state = 'published' AND pa.hidden_at IS NULL AND pa.deleted_at IS NULL)))`

// Visible says in SQL who reads a question: Condition is over the alias q of questions, and Args are its arguments for one reader.
type Visible struct {
	Condition string
	Args      func(actor.Actor) []any
}
