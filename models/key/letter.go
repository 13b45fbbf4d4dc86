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

// Of acts on keys, one address is told by at most MaxMails mails within MailWindow; beyond that the audit log tells, and the pages do.
const (
	MaxMails   = 20
	MailWindow = time.Hour
)

// MailAct is MailEach within MaxMails. Notices of expiry are not counted: each goes out once, and people rely on it.
func (s *Store) MailAct(tx *db.Tx, rows []Row, letter func(ctx context.Context, rows []Row) outbox.Letter) error {
	return s.mailTo(tx, rows, letter, func(email string) (bool, error) {
		return account.TakeTx(tx, "key mails "+email, MaxMails, MailWindow)
	})
}

// MailEach queues one letter for each reader, about all of the rows that concern them; a mass revocation is one mail, not hundreds.
func (s *Store) MailEach(tx *db.Tx, rows []Row, letter func(ctx context.Context, rows []Row) outbox.Letter) error {
	return s.mailTo(tx, rows, letter, func(string) (bool, error) { return true, nil })
}

const onceWindow = 7 * 24 * time.Hour

// MailOnce is MailEach for what is told in parts, each in a transaction of its own: of all with the same name one address gets one letter, within a week.
func (s *Store) MailOnce(tx *db.Tx, name string, rows []Row, letter func(ctx context.Context, rows []Row) outbox.Letter) error {
	return s.mailTo(tx, rows, letter, func(email string) (bool, error) {
		return account.TakeTx(tx, name+" "+email, 1, onceWindow)
	})
}

func (s *Store) mailTo(tx *db.Tx, rows []Row, letter func(ctx context.Context, rows []Row) outbox.Letter, may func(email string) (bool, error)) error {
	readers, err := ReadersTx(tx, rows)
	if err != nil {
		return err
	}
	var order []Reader
	about := map[string][]Row{}
	for _, r := range rows {
		for _, to := range readers[r.ID] {
			if len(about[to.Email]) == 0 {
				order = append(order, to)
			}
			about[to.Email] = append(about[to.Email], r)
		}
	}
	slices.SortFunc(order, func(a, b Reader) int { return strings.Compare(a.Email, b.Email) }) // one order for the locks of TakeTx
	for _, to := range order {
		if ok, err := may(to.Email); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		l := letter(to.Locale(tx.Context()), about[to.Email])
		l.To, l.UserID, l.Language, l.TimeZone = to.Email, to.UserID, to.Language, to.TimeZone
		if err := s.outbox.Queue(tx, l); err != nil {
			return err
		}
	}
	return nil
}

// Listed is how many keys a letter names; the page shows all.
const Listed = 20

// KeyLines says which keys a letter is about. The hint is all that it holds of a key's text (K1).
func KeyLines(rows []Row) []outbox.Line {
	var out []outbox.Line
	for _, r := range rows[:min(len(rows), Listed)] {
		out = append(out, outbox.L("“%[1]s” (%[2]s), app %[3]s of %[4]s", r.Name, r.Hint(), r.AppName, r.OrganizationName))
	}
	if len(rows) > Listed {
		out = append(out, outbox.L("… and others: the list of keys shows them all."))
	}
	return out
}

// Button ends a letter with a link to the keys that it is about.
func (s *Store) Button(l *outbox.Letter, rows []Row) {
	button, path := outbox.L("See the keys"), "/console/keys"
	if len(rows) == 1 {
		button, path = outbox.L("See the key"), "/console/keys/"+rows[0].ID.Show(IDPrefix)
	}
	l.Button, l.URL = &button, s.link(path)
}

// tellRevoked mails that keys were revoked. Subjects of letters hold hints, never names: those are the words of whoever made the key.
func (s *Store) tellRevoked(tx *db.Tx, rows []Row, reason string) error {
	return s.MailAct(tx, rows, func(_ context.Context, rows []Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_revoked", Subject: outbox.L("API keys were revoked")}
		if len(rows) == 1 {
			l.Subject = outbox.L("The API key %s was revoked", rows[0].Hint())
		}
		l.Lines = append([]outbox.Line{outbox.L("Revoked, and refused from now on:")}, KeyLines(rows)...)
		if reason != "" {
			l.Lines = append(l.Lines, outbox.L("Reason: %s", reason))
		}
		l.After = []outbox.Line{outbox.L("Revoking is final. A program that still needs access needs a new key.")}
		s.Button(&l, rows)
		return l
	})
}

// tellSuspended mails that staff suspended a key.
func (s *Store) tellSuspended(tx *db.Tx, r Row) error {
	return s.MailAct(tx, []Row{r}, func(ctx context.Context, rows []Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_suspended", Subject: outbox.L("The API key %s is suspended", r.Hint())}
		l.Lines = append([]outbox.Line{outbox.L("Suspended, and refused for now:")}, KeyLines(rows)...)
		l.Lines = append(l.Lines, outbox.L("Reason: %s", r.SuspendedReason))
		if r.SuspendedUntil != nil {
			l.Lines = append(l.Lines, outbox.L("It works again by itself from %s on.", text.DateTime(ctx, *r.SuspendedUntil)))
		} else {
			l.Lines = append(l.Lines, outbox.L("It stays suspended until the portal’s staff lift it."))
		}
		s.Button(&l, rows)
		return l
	})
}
