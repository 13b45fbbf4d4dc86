package leak

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// group is what a letter says of some of its keys.
type group struct {
	rows  []key.Row
	words func(ctx context.Context) outbox.Line // comes after the keys
}

// news is what is told in one go: a letter to each reader, about those keys that concern them.
type news struct {
	kind      string
	one, many string // subject
	groups    []group
}

// reported tells of the incidents that a report opened.
func (t *taking) reported() news {
	end := t.tx.Now.AddDate(0, 0, t.policy.NoticeDays)
	return news{
		kind: "key_leaked", one: text.N("The API key %s was reported as leaked"), many: text.N("API keys were reported as leaked"),
		groups: []group{
			{t.revoke, func(context.Context) outbox.Line {
				return outbox.L("Revoked, and refused from now on. A program that still needs access needs a new key.")
			}},
			{t.pause, func(ctx context.Context) outbox.Line {
				return outbox.L("Paused, and refused from now on. Revoked for good on %s, unless the key is rotated or an admin of the organization resumes it before.", text.DateTime(ctx, end))
			}},
			{t.tell, func(context.Context) outbox.Line {
				return outbox.L("Still working: nothing was done about it. Rotate it now.")
			}},
		},
	}
}

// noticeEnded tells of keys that were revoked at the end of their notice.
func noticeEnded(rows []key.Row) news {
	return news{
		kind: "key_leak_revoked", one: text.N("The leaked API key %s was revoked"), many: text.N("Leaked API keys were revoked"),
		groups: []group{{rows, func(context.Context) outbox.Line {
			return outbox.L("Revoked: the notice after the leak has ended. A program that still needs access needs a new key.")
		}}},
	}
}

const readersQuery = "SELECT k.id AS key_id, u.id AS user_id, u.email, u.language, u.time_zone" + key.AlarmedSQL + " AND o.deleted_at IS NULL AND k.id IN ? ORDER BY u.email, k.id"

// Of leaks, one address is told by at most maxMails mails within mailWindow: beyond that the pages tell.
const (
	maxMails   = 40
	mailWindow = time.Hour
)

func (s *Store) mail(tx *db.Tx, n news) error {
	var ids []db.ID
	for _, g := range n.groups {
		for _, r := range g.rows {
			ids = append(ids, r.ID)
		}
	}
	readers := map[string]key.Reader{}
	concerns := map[string]map[db.ID]bool{}
	var order []string
	for part := range slices.Chunk(ids, 200) {
		var rows []struct {
			KeyID db.ID
			key.Reader
		}
		if err := tx.Raw(readersQuery, append(org.ReachableArgs(tx.Now), part)...).Scan(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if concerns[r.Email] == nil {
				concerns[r.Email], readers[r.Email] = map[db.ID]bool{}, r.Reader
				order = append(order, r.Email)
			}
			concerns[r.Email][r.KeyID] = true
		}
	}
	slices.SortFunc(order, strings.Compare) // one order for the locks of TakeTx
	for _, email := range order {
		ok, err := account.TakeTx(tx, "leak mails "+email, maxMails, mailWindow)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := s.outbox.Queue(tx, s.letter(tx, n, readers[email], concerns[email])); err != nil {
			return err
		}
	}
	return nil
}

// letter holds hints and our words in its subject, and nothing of a key's text anywhere (K1).
func (s *Store) letter(tx *db.Tx, n news, to key.Reader, mine map[db.ID]bool) outbox.Letter {
	l := outbox.Letter{Kind: n.kind, To: to.Email, UserID: to.UserID, Language: to.Language, TimeZone: to.TimeZone, Subject: outbox.L(n.many)}
	ctx := to.Locale(tx.Context())
	var all []key.Row
	for _, g := range n.groups {
		var rows []key.Row
		for _, r := range g.rows {
			if mine[r.ID] {
				rows = append(rows, r)
			}
		}
		if len(rows) > 0 {
			l.Lines = append(append(l.Lines, key.KeyLines(rows)...), g.words(ctx))
			all = append(all, rows...)
		}
	}
	button, path := outbox.L("See the keys"), "/console/keys"
	if len(all) == 1 {
		l.Subject = outbox.L(n.one, all[0].Hint())
		button, path = outbox.L("See the incident"), PathOf(all[0].ID)
	}
	l.Button, l.URL = &button, s.link(path)
	l.After = []outbox.Line{outbox.L("The key’s page leads to where it was reported, from where it was used and what it could do.")}
	return l
}

// PathOf is where the people of a key read of its incident.
func PathOf(keyID db.ID) string { return "/console/keys/" + keyID.Show(key.IDPrefix) + "/incident" }
