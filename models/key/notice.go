package key

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// ahead are the days before expiry at which people are told, the most urgent first.
var ahead = []int{1, 7, 14, 30}

// noticeKind names a notice in key_notices: which was sent for a key is never sent again.
func noticeKind(days int) string {
	return [...]string{"1d", "7d", "14d", "30d"}[slices.Index(ahead, days)]
}

const noticeAfter = "expired"

// Notices mails who must know that keys expire in 30, 14, 7 and 1 days, and that they have expired (K4). It is a job: run it at least
// each hour. Each notice goes out once; when several are due at once, as for a key made with a short life, only the most urgent does. A key
// that was revoked, or that was rotated and runs out as planned, is left alone.
func (s *Store) Notices(ctx context.Context) error {
	for {
		n, err := s.noticeBatch(ctx)
		if err != nil || n < noticesAtOnce {
			return err
		}
	}
}

const noticesAtOnce = 200

type due struct {
	Row
	Kind string
}

func (s *Store) noticeBatch(ctx context.Context) (int, error) {
	n := 0
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		n = 0
		rows, err := dueNotices(tx)
		if err != nil {
			return err
		}
		n = len(rows)
		for _, r := range rows {
			if err := s.notice(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// dueNotices finds the keys whose most urgent notice is not sent. A key whose life began inside a window is told of the next one only, and
// one that expired more than a week ago, as after a long stop of the portal, no more.
func dueNotices(tx *db.Tx) ([]due, error) {
	var rows []Row
	day := 24 * time.Hour
	err := tx.Raw("SELECT "+rowColumns+rowTables+` WHERE k.revoked_at IS NULL AND k.overlap_ends_at IS NULL AND a.deleted_at IS NULL AND o.deleted_at IS NULL
		AND k.expires_at <= ? AND k.expires_at > ? AND NOT EXISTS (SELECT 1 FROM key_notices z WHERE z.key_id = k.id AND z.kind =
			CASE WHEN k.expires_at <= ? THEN 'expired' WHEN k.expires_at <= ? THEN '1d' WHEN k.expires_at <= ? THEN '7d' WHEN k.expires_at <= ? THEN '14d' ELSE '30d' END)
		ORDER BY k.expires_at, k.id LIMIT ?`, tx.Now.Add(30*day), tx.Now.Add(-7*day), tx.Now, tx.Now.Add(day), tx.Now.Add(7*day), tx.Now.Add(14*day), noticesAtOnce).Scan(&rows).Error
	out := make([]due, len(rows))
	for i, r := range rows {
		out[i] = due{r, noticeAfter}
		left := r.ExpiresAt.Sub(tx.Now)
		for _, days := range ahead {
			if left > 0 && left <= time.Duration(days)*day {
				out[i].Kind = noticeKind(days)
				break
			}
		}
	}
	return out, err
}

// notice writes down that the notice went out, and queues it. A key that was made inside the window is not told of it: its maker just
// chose that day.
func (s *Store) notice(tx *db.Tx, r due) error {
	n, err := tx.Run("INSERT INTO key_notices (key_id, kind, sent_at) VALUES (?, ?, ?) ON CONFLICT (key_id, kind) DO NOTHING", r.ID, r.Kind, tx.Now)
	if err != nil || n == 0 || r.madeInside() {
		return err
	}
	return s.MailEach(tx, []Row{r.Row}, func(ctx context.Context, rows []Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_expires"}
		if r.Kind == noticeAfter {
			l.Kind, l.Subject = "key_expired", outbox.L("The API key %s has expired", r.Hint())
			l.Lines = append([]outbox.Line{outbox.L("This key has expired and is refused:")}, KeyLines(rows)...)
			l.After = []outbox.Line{outbox.L("A program that still needs access needs a new key.")}
		} else {
			day := text.DateTime(ctx, *r.ExpiresAt)
			l.Subject = outbox.L("The API key %[1]s expires on %[2]s", r.Hint(), text.Date(ctx, *r.ExpiresAt))
			l.Lines = append([]outbox.Line{outbox.L("This key stops working on %s:", day)}, KeyLines(rows)...)
			l.After = []outbox.Line{outbox.L("Rotate it before then: the new key has the same scopes, and both work for as long as you choose.")}
		}
		s.Button(&l, rows)
		return l
	})
}

// madeInside reports whether the key was made within the window that this notice announces.
func (d due) madeInside() bool {
	i := slices.Index([]string{"1d", "7d", "14d", "30d"}, d.Kind)
	return i >= 0 && d.ExpiresAt.Sub(d.CreatedAt) <= time.Duration(ahead[i])*24*time.Hour
}

// Sweep deletes form tokens that are too old to be sent again, and previews of mass revocations that nobody carried out. It is a job.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run("DELETE FROM form_tokens WHERE expires_at < ?", tx.Now); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM key_revocation_keys WHERE revocation_id IN (SELECT id FROM key_revocations WHERE finished_at IS NULL AND expires_at < ?)", tx.Now); err != nil {
			return err
		}
		_, err := tx.Run("DELETE FROM key_revocations WHERE finished_at IS NULL AND expires_at < ?", tx.Now)
		return err
	})
}
