package outbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
)

// Transport delivers one letter. permanent tells that trying again is useless.
type Transport func(ctx context.Context, messageID string, l Letter) (permanent bool, err error)

const sendLease = 2 * time.Minute

// maxAttempts spans about a day of a mail server's absence with job.Backoff.
const maxAttempts = 30

// Sender delivers waiting letters over a transport. Several replicas share the work by leases; a letter may be delivered twice when a
// process dies between delivery and commit, then with the same message id.
type Sender struct {
	db        *db.DB
	outbox    *Outbox
	replica   string
	transport Transport
}

// NewSender makes a sender.
func NewSender(d *db.DB, o *Outbox, replica string, t Transport) *Sender {
	return &Sender{d, o, replica, t}
}

// Run sends until ctx ends, looking each second.
func (s *Sender) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := s.Step(ctx); err != nil && ctx.Err() == nil {
			slog.Error("outbox", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Step sends every letter that is due, the most urgent first. Tests call it instead of Run.
func (s *Sender) Step(ctx context.Context) error {
	for {
		m, ok, err := s.lease(ctx)
		if err != nil || !ok {
			return err
		}
		permanent := true
		l, failure := s.outbox.open(m.ID, m.BodySealed)
		if failure == nil {
			l.To = m.Recipient
			permanent, failure = s.transport(ctx, m.ID.Show("mail"), l)
		}
		if err := s.settle(context.WithoutCancel(ctx), m, permanent, failure); err != nil {
			return err
		}
	}
}

type leased struct {
	ID         db.ID
	Kind       string
	Recipient  string
	BodySealed string
	Attempts   int
}

func (s *Sender) lease(ctx context.Context) (leased, bool, error) {
	now := s.db.Now()
	due := `SELECT id FROM mails WHERE state = 'waiting' AND next_attempt_at <= ? AND (leased_until IS NULL OR leased_until <= ?) AND (expires_at IS NULL OR expires_at > ?)
		ORDER BY urgency DESC, next_attempt_at LIMIT 1`
	if s.db.Dialect == db.SQLite {
		var ids []db.ID
		if err := s.db.Read(ctx).Raw(due, now, now, now).Scan(&ids).Error; err != nil || len(ids) == 0 {
			return leased{}, false, err
		}
	} else {
		due += " FOR UPDATE SKIP LOCKED"
	}
	var rows []leased
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		rows = nil
		return tx.Raw("UPDATE mails SET leased_by = ?, leased_until = ?, attempts = attempts + 1 WHERE id = ("+due+") RETURNING id, kind, recipient, body_sealed, attempts",
			s.replica, now.Add(sendLease), now, now, now).Scan(&rows).Error
	})
	if err != nil || len(rows) == 0 {
		return leased{}, false, err
	}
	return rows[0], true, nil
}

// settle notes what became of a letter.
func (s *Sender) settle(ctx context.Context, m leased, permanent bool, failure error) error {
	permanent = permanent || m.Attempts >= maxAttempts
	if m.Kind == Last && (failure == nil || permanent) {
		return s.forget(ctx, m, failure)
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var err error
		switch {
		case failure == nil:
			_, err = tx.Run("UPDATE mails SET state = 'sent', sent_at = ?, body_sealed = NULL, leased_until = NULL, last_error = '' WHERE id = ?", tx.Now, m.ID)
		case permanent:
			slog.Error("mail not delivered", "mail", m.ID.Show("mail"), "error", failure)
			_, err = tx.Run("UPDATE mails SET state = 'failed', leased_until = NULL, last_error = ? WHERE id = ?", failure.Error(), m.ID)
		default:
			_, err = tx.Run("UPDATE mails SET next_attempt_at = ?, leased_until = NULL, last_error = ? WHERE id = ?", tx.Now.Add(job.Backoff(m.Attempts)), failure.Error(), m.ID)
		}
		return err
	})
}

// forget deletes a Last letter. The log has no word of the mail server's, which may hold the address.
func (s *Sender) forget(ctx context.Context, m leased, failure error) error {
	if failure != nil {
		slog.Error("mail not delivered", "mail", m.ID.Show("mail"))
	}
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM mails WHERE id = ?", m.ID)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.db.Scrub(ctx); err != nil { // the row is gone all the same, and the next sweep tries again
		slog.Warn("the write-ahead log was not emptied", "error", err)
	}
	return nil
}
