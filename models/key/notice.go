package key

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// reader is somebody who is told of a key: its maker, while still a member of the organization, or the organization's technical address, while
// it is the verified address of a member. Nobody else is written to: an address that anybody could enter would be a way to send mail to strangers.
type reader struct {
	UserID   db.ID
	Email    string
	Language string
	TimeZone string
}

// locale is how the reader reads.
func (r reader) locale(ctx context.Context) context.Context {
	l := text.Locale{Language: text.Language(r.Language), Zone: time.UTC}
	if zone, err := time.LoadLocation(r.TimeZone); err == nil {
		l.Zone = zone
	}
	return text.With(ctx, l)
}

// readersOf finds who is told of each key. An address that both are is told once.
func readersOf(tx *db.Tx, rows []Row) (map[db.ID][]reader, error) {
	var found []struct {
		KeyID    db.ID
		UserID   db.ID
		Email    string
		Language string
		TimeZone string
	}
	out := map[db.ID][]reader{}
	for len(rows) > 0 {
		n := min(len(rows), 500)
		ids := make([]db.ID, n)
		for i, r := range rows[:n] {
			ids[i] = r.ID
		}
		err := tx.Raw(`SELECT k.id AS key_id, u.id AS user_id, u.email, u.language, u.time_zone
			FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id
			JOIN members m ON m.organization_id = o.id JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL
			WHERE k.id IN ? AND (u.id = k.created_by OR u.email = o.technical_email) ORDER BY k.id, u.email`, ids).Scan(&found).Error
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			out[f.KeyID] = append(out[f.KeyID], reader{f.UserID, f.Email, f.Language, f.TimeZone})
		}
		rows, found = rows[n:], nil
	}
	return out, nil
}

// Of acts on keys, one address is told by at most MaxMails mails within MailWindow; beyond that the audit log tells, and the pages do.
const (
	MaxMails   = 20
	MailWindow = time.Hour
)

// mailAct is mailEach within MaxMails. Notices of expiry are not counted: each goes out once, and people rely on it.
func (s *Store) mailAct(tx *db.Tx, rows []Row, letter func(ctx context.Context, rows []Row) outbox.Letter) error {
	return s.mailTo(tx, rows, letter, func(email string) (bool, error) {
		return account.TakeTx(tx, "key mails "+email, MaxMails, MailWindow)
	})
}

// mailEach queues one letter for each reader, about all of the rows that concern them; a mass revocation is one mail, not hundreds.
func (s *Store) mailEach(tx *db.Tx, rows []Row, letter func(ctx context.Context, rows []Row) outbox.Letter) error {
	return s.mailTo(tx, rows, letter, func(string) (bool, error) { return true, nil })
}

func (s *Store) mailTo(tx *db.Tx, rows []Row, letter func(ctx context.Context, rows []Row) outbox.Letter, may func(email string) (bool, error)) error {
	readers, err := readersOf(tx, rows)
	if err != nil {
		return err
	}
	var order []reader
	about := map[string][]Row{}
	for _, r := range rows {
		for _, to := range readers[r.ID] {
			if len(about[to.Email]) == 0 {
				order = append(order, to)
			}
			about[to.Email] = append(about[to.Email], r)
		}
	}
	slices.SortFunc(order, func(a, b reader) int { return strings.Compare(a.Email, b.Email) }) // one order for the locks of TakeTx
	for _, to := range order {
		if ok, err := may(to.Email); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		l := letter(to.locale(tx.Context()), about[to.Email])
		l.To, l.UserID, l.Language, l.TimeZone = to.Email, to.UserID, to.Language, to.TimeZone
		if err := s.outbox.Queue(tx, l); err != nil {
			return err
		}
	}
	return nil
}

// listed is how many keys a letter names; the page shows all.
const listed = 20

// keyLines says which keys a letter is about. The hint is all that it holds of a key's text (K1).
func keyLines(rows []Row) []outbox.Line {
	var out []outbox.Line
	for _, r := range rows[:min(len(rows), listed)] {
		out = append(out, outbox.L("“%[1]s” (%[2]s), app %[3]s of %[4]s", r.Name, r.Hint(), r.AppName, r.OrganizationName))
	}
	if len(rows) > listed {
		out = append(out, outbox.L("… and others: the list of keys shows them all."))
	}
	return out
}

func (s *Store) button(l *outbox.Letter, rows []Row) {
	button, path := outbox.L("See the keys"), "/console/keys"
	if len(rows) == 1 {
		button, path = outbox.L("See the key"), "/console/keys/"+rows[0].ID.Show(IDPrefix)
	}
	l.Button, l.URL = &button, s.link(path)
}

// tellRevoked mails that keys were revoked. Subjects of letters hold hints, never names: those are the words of whoever made the key.
func (s *Store) tellRevoked(tx *db.Tx, rows []Row, reason string) error {
	return s.mailAct(tx, rows, func(_ context.Context, rows []Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_revoked", Subject: outbox.L("API keys were revoked")}
		if len(rows) == 1 {
			l.Subject = outbox.L("The API key %s was revoked", rows[0].Hint())
		}
		l.Lines = append([]outbox.Line{outbox.L("Revoked, and refused from now on:")}, keyLines(rows)...)
		if reason != "" {
			l.Lines = append(l.Lines, outbox.L("Reason: %s", reason))
		}
		l.After = []outbox.Line{outbox.L("Revoking is final. A program that still needs access needs a new key.")}
		s.button(&l, rows)
		return l
	})
}

// tellSuspended mails that staff suspended a key.
func (s *Store) tellSuspended(tx *db.Tx, r Row) error {
	return s.mailAct(tx, []Row{r}, func(ctx context.Context, rows []Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_suspended", Subject: outbox.L("The API key %s is suspended", r.Hint())}
		l.Lines = append([]outbox.Line{outbox.L("Suspended, and refused for now:")}, keyLines(rows)...)
		l.Lines = append(l.Lines, outbox.L("Reason: %s", r.SuspendedReason))
		if r.SuspendedUntil != nil {
			l.Lines = append(l.Lines, outbox.L("It works again by itself from %s on.", text.DateTime(ctx, *r.SuspendedUntil)))
		} else {
			l.Lines = append(l.Lines, outbox.L("It stays suspended until the portal’s staff lift it."))
		}
		s.button(&l, rows)
		return l
	})
}

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
	return s.mailEach(tx, []Row{r.Row}, func(ctx context.Context, rows []Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_expires"}
		if r.Kind == noticeAfter {
			l.Kind, l.Subject = "key_expired", outbox.L("The API key %s has expired", r.Hint())
			l.Lines = append([]outbox.Line{outbox.L("This key has expired and is refused:")}, keyLines(rows)...)
			l.After = []outbox.Line{outbox.L("A program that still needs access needs a new key.")}
		} else {
			day := text.DateTime(ctx, *r.ExpiresAt)
			l.Subject = outbox.L("The API key %[1]s expires on %[2]s", r.Hint(), text.Date(ctx, *r.ExpiresAt))
			l.Lines = append([]outbox.Line{outbox.L("This key stops working on %s:", day)}, keyLines(rows)...)
			l.After = []outbox.Line{outbox.L("Rotate it before then: the new key has the same scopes, and both work for as long as you choose.")}
		}
		s.button(&l, rows)
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
