package outbox

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Mail is a letter as the admin's list shows it.
type Mail struct {
	ID            db.ID
	Kind          string
	Recipient     string
	Subject       string // the catalogue's sentence
	State         string // waiting, sent, failed
	Attempts      int
	NextAttemptAt time.Time
	SentAt        *time.Time
	LastError     string
	ExpiresAt     *time.Time
	CreatedAt     time.Time
	BodySealed    string
}

// Filter narrows a list of mails; what is empty narrows nothing.
type Filter struct {
	State     string
	Recipient string // a part of the address
}

// List reads a page of mails, newest first. Who may is the caller's to check.
func List(ctx context.Context, d *db.DB, f Filter, r db.PageRequest) (db.Page[Mail], error) {
	part := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(strings.TrimSpace(f.Recipient))) + "%"
	return db.List(ctx, d, db.Listing[Mail]{
		Name:   "mails/" + f.State + "/" + part,
		Select: `SELECT id, kind, recipient, subject, state, attempts, next_attempt_at, sent_at, last_error, expires_at, created_at FROM mails WHERE (state = ? OR ? = '') AND LOWER(recipient) LIKE ? ESCAPE '\'`,
		Args:   []any{f.State, f.State, part}, IDExpr: "id", ID: func(m Mail) db.ID { return m.ID },
		Sorts:   map[string]db.Sort[Mail]{"created": {Expr: "created_at", Value: func(m Mail) any { return m.CreatedAt }}},
		Default: "-created",
	}, r)
}

// Read opens one letter for an admin to hand out. Faults: NotFound, also when it was sent already and its body is gone.
func (o *Outbox) Read(ctx context.Context, d *db.DB, id db.ID) (Mail, Letter, error) {
	var rows []Mail
	if err := d.Read(ctx).Raw("SELECT * FROM mails WHERE id = ?", id).Scan(&rows).Error; err != nil {
		return Mail{}, Letter{}, err
	}
	if len(rows) == 0 || len(rows[0].BodySealed) == 0 {
		return Mail{}, Letter{}, fault.Missing()
	}
	l, err := o.open(id, rows[0].BodySealed)
	if err != nil {
		return Mail{}, Letter{}, err
	}
	l.To = rows[0].Recipient
	return rows[0], l, nil
}

// Waiting opens those of the mails that wait. A body that can't be opened is left out: Read tells why.
func (o *Outbox) Waiting(ctx context.Context, d *db.DB, ids []db.ID) (map[db.ID]Letter, error) {
	var rows []Mail
	if err := d.Read(ctx).Raw("SELECT id, body_sealed FROM mails WHERE id IN ? AND state = 'waiting' AND body_sealed IS NOT NULL", ids).Scan(&rows).Error; err != nil {
		return nil, err
	}
	letters := make(map[db.ID]Letter, len(rows))
	for _, m := range rows {
		if l, err := o.open(m.ID, m.BodySealed); err == nil {
			letters[m.ID] = l
		}
	}
	return letters, nil
}

// HandedOut marks a waiting letter as sent and deletes its body; of a Last one nothing stays. It reports whether there was one.
func HandedOut(tx *db.Tx, id db.ID) (bool, error) {
	n, err := tx.Run("UPDATE mails SET state = 'sent', sent_at = ?, body_sealed = NULL, leased_until = NULL WHERE id = ? AND state = 'waiting'", tx.Now, id)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = tx.Run("DELETE FROM mails WHERE id = ? AND kind = ?", id, Last)
	return true, err
}

// Sweep deletes letters that expired, and the record of those sent or failed longer ago than keep.
func Sweep(ctx context.Context, d *db.DB, keep time.Duration) error {
	err := d.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM mails WHERE expires_at < ? OR (state <> 'waiting' AND created_at < ?)", tx.Now, tx.Now.Add(-keep))
		return err
	})
	if err != nil {
		return err
	}
	return d.Scrub(ctx)
}
