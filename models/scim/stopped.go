package scim

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// stopped is true of tokens t with which a directory stopped since who made them left, is no owner any more, or is kept out: they were used, were not revoked and are not over, nothing else
// is in their way, and the directory used no other since. Its arguments are those of stoppedArgs.
var stopped = "t.revoked_at IS NULL AND t.expires_at > ? AND t.last_used_at IS NOT NULL AND NOT " + held + " AND " + settled + ` AND NOT EXISTS (SELECT 1 FROM scim_tokens n
	WHERE n.organization_id = t.organization_id AND n.id <> t.id AND n.revoked_at IS NULL AND n.expires_at > ? AND (n.last_used_at > t.last_used_at OR n.last_used_at = t.last_used_at AND n.id > t.id))`

func stoppedArgs(now time.Time) []any { return []any{now, now, now, now, now} }

// TellStopped writes to those who manage an organization when its directory stopped with who made its token: once, until they may manage it again. It is a job: nobody who leaves, steps
// down or is suspended asks for a directory. One organization's failure holds up no other's letters.
func (s *Store) TellStopped(ctx context.Context) error {
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE scim_tokens AS t SET stop_told_at = NULL WHERE t.stop_told_at IS NOT NULL AND "+held, tx.Now, tx.Now)
		return err
	})
	failed := []error{err}
	for after := (db.ID{}); ; {
		var rows []Token
		if err := s.db.Read(ctx).Raw("SELECT t.* FROM scim_tokens t WHERE t.stop_told_at IS NULL AND "+stopped+" AND t.id > ? ORDER BY t.id LIMIT ?",
			append(stoppedArgs(s.db.Now()), after, atOnce)...).Scan(&rows).Error; err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, t := range rows {
			failed = append(failed, s.db.Tx(ctx, func(tx *db.Tx) error { return s.tellStopped(tx, t) }))
		}
		if len(rows) < atOnce {
			return errors.Join(failed...)
		}
		after = rows[len(rows)-1].ID
	}
}

// tellStopped writes it, unless another replica did, or the token was revoked or replaced since it was read.
func (s *Store) tellStopped(tx *db.Tx, t Token) error {
	n, err := tx.Run("UPDATE scim_tokens AS t SET stop_told_at = ? WHERE t.id = ? AND t.stop_told_at IS NULL AND "+stopped, append([]any{tx.Now, t.ID}, stoppedArgs(tx.Now)...)...)
	if err != nil || n == 0 {
		return err
	}
	o, err := org.ByID(tx.DB, t.OrganizationID)
	if err != nil {
		return err
	}
	return s.tell(tx, t.OrganizationID, outbox.Letter{
		Kind: "directory_stopped", Subject: outbox.L("Your directory has stopped"),
		Lines: []outbox.Line{
			outbox.L("The token “%[1]s” (%[2]s), by which your directory manages the members of %[3]s, opens nothing any more: who made it is no owner any more, or can’t sign in.", t.Name, t.Hint, o.Name),
			outbox.L("The directory is refused: nobody is added, and who leaves your company stays a member until somebody removes them here."),
		},
		After: []outbox.Line{outbox.L("An owner creates a token, and enters it in your directory. It then sends what it could not.")},
	})
}
