package rotation

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// What was told of an old key, as rows of key_notices: each once.
const (
	kindSoon  = "overlap_1d"
	kindEnded = "overlap_ended"
)

// ahead is how long before the end of an overlap people are told that the old key still works.
const ahead = day

// late is for how long after the end it is still told, as after a long stop of the portal.
const late = 7 * day

// Bounds of one letter and of one transaction.
const (
	keysAtOnce     = 200
	networksListed = 10
)

func told(tx *db.Tx, id db.ID, kind string) error {
	_, err := tx.Run("INSERT INTO key_notices (key_id, kind, sent_at) VALUES (?, ?, ?) ON CONFLICT (key_id, kind) DO NOTHING", id, kind, tx.Now)
	return err
}

// untold lets both mails go out again: the overlap has another end.
func untold(tx *db.Tx, id db.ID) error {
	_, err := tx.Run("DELETE FROM key_notices WHERE key_id = ? AND kind IN ?", id, []string{kindSoon, kindEnded})
	return err
}

// Mails tells of overlaps that end within a day, by which networks their old keys are still used, and of those that ended by themselves. Each is told
// once, whatever the number of replicas. It is a job: run it every few minutes. An overlap of a day or less is not announced: whoever chose it just
// did. Addresses are kept as networks only, so these are what the mail can name.
func (s *Store) Mails(ctx context.Context) error {
	for _, batch := range []func(*db.Tx) (int, error){s.mailSoon, s.mailEnded} {
		for n := keysAtOnce; n == keysAtOnce; {
			err := s.db.Tx(ctx, func(tx *db.Tx) (err error) {
				n, err = batch(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// endsAt is when an old key stops: its overlap may outlast its own expiry.
const endsAt = "CASE WHEN k.expires_at < k.overlap_ends_at THEN k.expires_at ELSE k.overlap_ends_at END"

const dueQuery = "SELECT k.id FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id WHERE k.overlap_ends_at > ? AND " +
	endsAt + " > ? AND " + endsAt + ` <= ? AND k.revoked_at IS NULL AND (k.paused_at IS NULL OR ? = 'overlap_ended') AND a.deleted_at IS NULL AND o.deleted_at IS NULL
	AND NOT EXISTS (SELECT 1 FROM key_notices z WHERE z.key_id = k.id AND z.kind = ?) ORDER BY k.overlap_ends_at, k.id LIMIT ?`

// due finds old keys that stop in a span and of which kind was not told, writes down that it was, and reads them. A paused one does not work still.
func due(tx *db.Tx, from, to time.Time, kind string) ([]key.Row, error) {
	var ids []db.ID
	if err := tx.Raw(dueQuery, from, from, to, kind, kind, keysAtOnce).Scan(&ids).Error; err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := told(tx, id, kind); err != nil {
			return nil, err
		}
	}
	return key.RowsTx(tx, ids)
}

func (s *Store) mailSoon(tx *db.Tx) (int, error) {
	rows, err := due(tx, tx.Now, tx.Now.Add(ahead), kindSoon)
	if err != nil {
		return 0, err
	}
	chosen, err := chosenAt(tx, rows)
	if err != nil {
		return 0, err
	}
	worth := slices.DeleteFunc(slices.Clone(rows), func(r key.Row) bool {
		return r.EndsAt().Sub(chosen[r.ID]) <= ahead
	})
	nets, err := networks(tx, worth, chosen)
	if err != nil {
		return 0, err
	}
	return len(rows), s.keys.MailEach(tx, worth, func(ctx context.Context, rows []key.Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_overlap_ends", Subject: outbox.L("Old API keys stop working within a day")}
		if len(rows) == 1 {
			l.Subject = outbox.L("The old API key %[1]s stops working on %[2]s", rows[0].Hint(), text.Date(ctx, *rows[0].EndsAt()))
		}
		l.Lines = append([]outbox.Line{outbox.L("These keys were rotated. The old ones still work, and stop by themselves:")}, s.lines(ctx, rows, nets)...)
		l.After = []outbox.Line{
			outbox.L("Give what still uses an old key the new one before then. On the rotation’s page you can make the overlap longer once, or retire the old key now."),
			outbox.L("Of addresses only the network is kept, so the networks are all that we can name."),
		}
		s.button(&l, rows)
		return l
	})
}

func (s *Store) mailEnded(tx *db.Tx) (int, error) {
	rows, err := due(tx, tx.Now.Add(-late), tx.Now, kindEnded)
	if err != nil {
		return 0, err
	}
	chosen, err := chosenAt(tx, rows)
	if err != nil {
		return 0, err
	}
	worth := slices.DeleteFunc(slices.Clone(rows), func(r key.Row) bool { return !r.OverlapEndsAt.After(chosen[r.ID]) }) // ended at once, as chosen
	lastDay := make(map[db.ID]time.Time, len(worth))
	for _, r := range worth {
		lastDay[r.ID] = r.EndsAt().Add(-day)
	}
	nets, err := networks(tx, worth, lastDay)
	if err != nil {
		return 0, err
	}
	return len(rows), s.keys.MailEach(tx, worth, func(ctx context.Context, rows []key.Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_overlap_ended", Subject: outbox.L("Old API keys have stopped working")}
		if len(rows) == 1 {
			l.Subject = outbox.L("The old API key %s has stopped working", rows[0].Hint())
		}
		l.Lines = append([]outbox.Line{outbox.L("The overlap of these rotations is over. The old keys are refused; the new ones go on:")}, s.lines(ctx, rows, nets)...)
		l.After = []outbox.Line{outbox.L("Of addresses only the network is kept, so the networks are all that we can name.")}
		s.button(&l, rows)
		return l
	})
}

// chosenAt is when the end of each overlap was chosen: at the rotation, or when it was extended.
func chosenAt(tx *db.Tx, rows []key.Row) (map[db.ID]time.Time, error) {
	out := make(map[db.ID]time.Time, len(rows))
	if len(rows) == 0 {
		return out, nil
	}
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	var found []struct {
		RotatedFrom db.ID
		CreatedAt   time.Time
	}
	err := tx.Raw("SELECT rotated_from, created_at FROM keys WHERE rotated_from IN ? AND rotation_undone_at IS NULL", ids).Scan(&found).Error
	for _, f := range found {
		out[f.RotatedFrom] = f.CreatedAt
	}
	for _, r := range rows {
		if r.OverlapExtendedAt != nil {
			out[r.ID] = *r.OverlapExtendedAt
		}
	}
	return out, err
}

// networks reads by which networks each key was used since a moment, the last first.
func networks(tx *db.Tx, rows []key.Row, since map[db.ID]time.Time) (map[db.ID][]key.NetworkUse, error) {
	out := map[db.ID][]key.NetworkUse{}
	if len(rows) == 0 {
		return out, nil
	}
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	var found []key.NetworkUse
	err := tx.Raw("SELECT key_id, network, first_used_at, last_used_at FROM key_network_uses WHERE key_id IN ? ORDER BY key_id, last_used_at DESC, network", ids).Scan(&found).Error
	for _, n := range found {
		if n.LastUsedAt.After(since[n.KeyID]) {
			out[n.KeyID] = append(out[n.KeyID], n)
		}
	}
	return out, err
}

// lines says of each key until when it works or worked, and who used it.
func (s *Store) lines(ctx context.Context, rows []key.Row, nets map[db.ID][]key.NetworkUse) []outbox.Line {
	var out []outbox.Line
	for i, about := range key.KeyLines(rows) {
		out = append(out, about)
		if i >= len(rows) || i >= key.Listed {
			continue
		}
		used := nets[rows[i].ID]
		if len(used) == 0 {
			out = append(out, outbox.L("Until %s. No call with it was let through lately.", text.DateTime(ctx, *rows[i].EndsAt())))
			continue
		}
		out = append(out, outbox.L("Until %s. Used from these networks:", text.DateTime(ctx, *rows[i].EndsAt())))
		for _, n := range used[:min(len(used), networksListed)] {
			out = append(out, outbox.L("%[1]s, last on %[2]s", n.Network, text.DateTime(ctx, n.LastUsedAt)))
		}
	}
	return out
}

// button leads to the rotation, or to the list when there are several.
func (s *Store) button(l *outbox.Letter, rows []key.Row) {
	s.keys.Button(l, rows)
	if len(rows) == 1 {
		see := outbox.L("See the rotation")
		l.Button, l.URL = &see, l.URL+"/rotation"
	}
}

// tellRetired mails that somebody ended an overlap early.
func (s *Store) tellRetired(tx *db.Tx, p Pair) error {
	return s.keys.MailAct(tx, []key.Row{p.Old}, func(_ context.Context, rows []key.Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_retired", Subject: outbox.L("The old API key %s was retired", p.Old.Hint())}
		l.Lines = append([]outbox.Line{outbox.L("Its overlap was ended early. It is refused from now on; the new key goes on:")}, key.KeyLines(rows)...)
		s.button(&l, rows)
		return l
	})
}

// tellUndone mails that somebody took a rotation back.
func (s *Store) tellUndone(tx *db.Tx, p Pair) error {
	return s.keys.MailAct(tx, []key.Row{p.Old}, func(ctx context.Context, rows []key.Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_rotation_undone", Subject: outbox.L("The rotation of the API key %s was undone", p.Old.Hint())}
		l.Lines = append([]outbox.Line{outbox.L("This key goes on as before it was rotated:")}, key.KeyLines(rows)...)
		if p.Old.ExpiresAt != nil {
			l.Lines = append(l.Lines, outbox.L("It expires on %s, as it did before.", text.DateTime(ctx, *p.Old.ExpiresAt)))
		}
		l.After = []outbox.Line{outbox.L("The new key %s was revoked and is refused from now on.", p.New.Hint())}
		s.keys.Button(&l, rows)
		return l
	})
}
