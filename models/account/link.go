package account

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Purposes of one-time links, and how long they work.
const (
	linkReset  = "reset_password"
	linkChange = "change_email"
	linkUndo   = "undo_email"

	resetAge  = 30 * time.Minute // A13
	changeAge = 24 * time.Hour
	undoAge   = 7 * 24 * time.Hour

	tokenBytes = 32
)

// oneTimeLink is a link of a mail; the database has the digest of its token alone.
type oneTimeLink struct {
	ID        db.ID
	UserID    db.ID
	Purpose   string
	Email     string
	CreatedAt time.Time
	ExpiresAt time.Time
}

func tokenDigest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// endLinks makes the user's links of these purposes useless.
func endLinks(tx *db.Tx, userID db.ID, purposes ...string) error {
	_, err := tx.Run("DELETE FROM one_time_links WHERE user_id = ? AND purpose IN ?", userID, purposes)
	return err
}

// newLink makes a link and returns its token, which is not kept.
func newLink(tx *db.Tx, userID db.ID, purpose, email string, age time.Duration) (string, error) {
	token := secret.Token(tokenBytes)
	_, err := tx.Run("INSERT INTO one_time_links (id, user_id, purpose, digest, email, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		db.NewID(), userID, purpose, tokenDigest(token), email, tx.Now.Add(age), tx.Now)
	return token, err
}

// renewLink gives a link that still works another token, and no more time. It changes the row in its place: who ends links at the same moment waits for this one and ends it,
// where of two rows the new one would escape (A13, A14). The token is empty when nothing of the kind works any more.
func renewLink(tx *db.Tx, userID db.ID, purpose, email string) (token string, ends time.Time, err error) {
	var rows []oneTimeLink
	token = secret.Token(tokenBytes)
	err = tx.Raw("UPDATE one_time_links SET digest = ? WHERE user_id = ? AND purpose = ? AND email = ? AND used_at IS NULL AND expires_at > ? RETURNING expires_at",
		tokenDigest(token), userID, purpose, email, tx.Now).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return "", time.Time{}, err
	}
	return token, rows[0].ExpiresAt, nil
}

// linkGone is the answer for a link that is used, old, replaced or made up.
func linkGone() error {
	return fault.New(fault.NotFound, "This link does not work any more. Links work once, for a short time, and only the newest of several.")
}

// useLink takes the link away; of parallel tries one gets it (A13). Faults: NotFound.
func useLink(tx *db.Tx, purpose, token string) (oneTimeLink, error) {
	var rows []oneTimeLink
	err := tx.Raw(`UPDATE one_time_links SET used_at = ? WHERE digest = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?
		RETURNING id, user_id, purpose, email, created_at`, tx.Now, tokenDigest(token), purpose, tx.Now).Scan(&rows).Error
	if err != nil {
		return oneTimeLink{}, err
	}
	if len(rows) == 0 {
		return oneTimeLink{}, linkGone()
	}
	return rows[0], nil
}

// peekLink reads a link without using it up. Faults: NotFound.
func (s *Store) peekLink(ctx context.Context, purpose, token string) (oneTimeLink, error) {
	var rows []oneTimeLink
	err := s.db.Read(ctx).Raw("SELECT id, user_id, purpose, email FROM one_time_links WHERE digest = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?",
		tokenDigest(token), purpose, s.db.Now()).Scan(&rows).Error
	if err != nil {
		return oneTimeLink{}, err
	}
	if len(rows) == 0 {
		return oneTimeLink{}, linkGone()
	}
	return rows[0], nil
}
