package bulk

import (
	"context"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// reader is somebody who is told of the keys of one organization that concern them.
type reader struct {
	key.Reader `gorm:"embedded"`
	Keys       int
}

const concerned = key.ReadersSQL + ` AND a.deleted_at IS NULL AND o.deleted_at IS NULL AND o.id = ? AND k.id IN (SELECT z.key_id FROM key_bulk_keys z WHERE z.bulk_id = ? AND z.result = 1)`

const readersQuery = "SELECT u.id AS user_id, u.email, u.language, u.time_zone, COUNT(*) AS keys" + concerned + " GROUP BY u.id, u.email, u.language, u.time_zone ORDER BY u.email"

const firstQuery = "SELECT k.id" + concerned + " AND u.id = ? ORDER BY k.id LIMIT 20"

// tell queues the mails of one organization: one for each reader, with how many keys it was and the first of them. more is false when all were told.
func (s *Store) tell(tx *db.Tx, b Bulk) (more bool, err error) {
	var next []db.ID
	err = tx.Raw("SELECT organization_id FROM key_bulk_shares WHERE bulk_id = ? AND told_at IS NULL ORDER BY organization_id LIMIT 1", b.ID).Scan(&next).Error
	if err != nil {
		return false, err
	}
	if len(next) == 0 {
		_, err := tx.Run("UPDATE key_bulks SET told_at = ? WHERE id = ?", tx.Now, b.ID)
		return false, err
	}
	if _, err := tx.Run("UPDATE key_bulk_shares SET told_at = ? WHERE bulk_id = ? AND organization_id = ?", tx.Now, b.ID, next[0]); err != nil {
		return false, err
	}
	if _, err := tx.Run("UPDATE key_bulks SET moved_at = ? WHERE id = ?", tx.Now, b.ID); err != nil {
		return false, err
	}
	var readers []reader
	if err := tx.Raw(readersQuery, key.ReadersArgs(tx.Now, next[0], b.ID)...).Scan(&readers).Error; err != nil {
		return false, err
	}
	for _, r := range readers {
		if err := s.write(tx, b, next[0], r); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (s *Store) write(tx *db.Tx, b Bulk, organization db.ID, r reader) error {
	var first []db.ID
	if err := tx.Raw(firstQuery, key.ReadersArgs(tx.Now, organization, b.ID, r.UserID)...).Scan(&first).Error; err != nil {
		return err
	}
	rows, err := key.RowsTx(tx, first)
	if err != nil || len(rows) == 0 {
		return err
	}
	l := b.letter(r.Locale(tx.Context()), rows, r.Keys)
	l.To, l.UserID, l.Language, l.TimeZone = r.Email, r.UserID, r.Language, r.TimeZone
	s.keys.Button(&l, rows)
	return s.outbox.Queue(tx, l)
}

// words of the letters, by verb: subject for one key and for many, what happened, and what follows.
var words = map[key.Verb]struct{ kind, one, many, lead, after string }{
	key.Revoking:   {"key_revoked", text.N("The API key %s was revoked"), text.N("API keys were revoked: %s"), text.N("Revoked by this portal’s staff, and refused from now on:"), text.N("Revoking is final. A program that still needs access needs a new key.")},
	key.Pausing:    {"key_paused", text.N("The API key %s is paused"), text.N("API keys are paused: %s"), text.N("Paused by this portal’s staff, and refused for now:"), text.N("The portal’s staff resume them. Until then, calls with them are refused.")},
	key.Resuming:   {"key_resumed", text.N("The API key %s works again"), text.N("API keys work again: %s"), text.N("No longer paused by this portal’s staff:"), text.N("Keys that you had paused yourselves before stay paused.")},
	key.Shortening: {"key_shortened", text.N("The API key %s ends sooner"), text.N("API keys end sooner: %s"), text.N("This portal’s staff gave these keys an earlier end:"), text.N("Rotate them before then: the new keys have the same scopes, and both work for as long as you choose.")},
}

func (b Bulk) letter(ctx context.Context, rows []key.Row, n int) outbox.Letter {
	w := words[b.Verb]
	l := outbox.Letter{Kind: w.kind, Subject: outbox.L(w.many, strconv.Itoa(n))}
	if n == 1 {
		l.Subject = outbox.L(w.one, rows[0].Hint())
	}
	l.Lines = append([]outbox.Line{outbox.L(w.lead)}, key.KeyLines(rows)...)
	if n > len(rows) {
		l.Lines = append(l.Lines, outbox.L("… and %s more: the list of keys shows them all.", strconv.Itoa(n-len(rows))))
	}
	if b.EndsAt != nil {
		l.Lines = append(l.Lines, outbox.L("They stop working on %s.", text.DateTime(ctx, *b.EndsAt)))
	}
	l.Lines = append(l.Lines, outbox.L("Reason: %s", b.Reason))
	l.After = []outbox.Line{outbox.L(w.after)}
	return l
}
