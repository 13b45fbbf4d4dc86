package key

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// pastedPause is for how long those who own a key are not told again that somebody else pasted it.
const pastedPause = 24 * time.Hour

const pastedKind = "key_pasted"

// Pasted looks up a key whose full text stood in something that the actor wrote, and records that it did: its hint alone (K1). It gives the key when the
// actor may manage it and it is not revoked, so that the page can lead to where it is rotated; ok is false for every other key and for a text that is
// no key of this portal's, and the two can't be told apart. When somebody pastes a key that they may not manage, those who own it are told by mail, at most once a
// day for each organization: it is known to somebody who should not have it.
func (s *Store) Pasted(ctx context.Context, a actor.Actor, text apikey.Secret) (row Row, ok bool, err error) {
	manages := false
	var marks [][]byte
	if !apikey.Check(s.brand, text.Reveal()) {
		forms, err := s.Loader().LoadForms(ctx)
		if err != nil {
			return Row{}, false, err
		}
		marks, _ = s.ImportMarks(forms, text.Reveal())
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		row, manages = Row{}, false
		ids, err := s.idsOf(tx.DB, text, marks)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			if row, manages, err = managedRow(tx.DB, a, ids[0]); err != nil {
				return err
			}
			if err := s.tellPasted(tx, row, manages); err != nil {
				return err
			}
		}
		audit.Record(tx, a, audit.Event{Act: audit.KeyPasted, TargetKind: "key", TargetID: row.ID, OrganizationID: row.OrganizationID, Result: audit.Refused, Details: map[string]string{"hint": text.Hint()}})
		return nil
	})
	if err != nil || !manages || row.RevokedAt != nil {
		return Row{}, false, err
	}
	return row, true, nil
}

// idsOf finds the key by its digest under every pepper, and an imported one also by the marks that it would have.
func (s *Store) idsOf(g *gorm.DB, text apikey.Secret, marks [][]byte) ([]db.ID, error) {
	var ids []db.ID
	sums := make([][]byte, 0, len(s.digesters))
	for _, d := range s.digesters {
		sum := d.Sum(text.Reveal())
		sums = append(sums, sum[:])
	}
	err := g.Raw("SELECT k.id FROM keys k WHERE k.digest_algorithm = ? AND k.pepper_version IN ? AND k.digest IN ?", apikey.AlgorithmHMACSHA256, s.versions, sums).Scan(&ids).Error
	if err == nil && len(ids) == 0 && len(marks) > 0 {
		err = g.Raw("SELECT id FROM keys WHERE import_mark IN ?", marks).Scan(&ids).Error
	}
	return ids, err
}

// managedRow reads a key, and whether the actor may manage it.
func managedRow(g *gorm.DB, a actor.Actor, id db.ID) (Row, bool, error) {
	if a.Member() {
		row, err := memberRow(g, a, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return Row{}, false, err
		}
		if err == nil && row.MayManage(a.UserID) {
			return row, true, nil
		}
	}
	row, err := anyRow(g, id)
	return row, false, err
}

func (s *Store) tellPasted(tx *db.Tx, r Row, byOwner bool) error {
	if byOwner || r.RevokedAt != nil {
		return nil
	}
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM mails WHERE kind = ? AND created_at > ? AND user_id IN (SELECT user_id FROM members WHERE organization_id = ?)", pastedKind, tx.Now.Add(-pastedPause), r.OrganizationID).Scan(&n).Error
	if err != nil || n > 0 {
		return err
	}
	return s.MailAct(tx, []Row{r}, func(_ context.Context, rows []Row) outbox.Letter {
		l := outbox.Letter{Kind: pastedKind, Subject: outbox.L("Somebody else has the API key %s", rows[0].Hint())}
		l.Lines = append([]outbox.Line{outbox.L("Somebody who may not manage this key wrote all of it into a text on the portal. The text was refused and nobody else saw it here, but the key is known to them:")}, KeyLines(rows)...)
		l.After = []outbox.Line{outbox.L("Rotate or revoke the key.")}
		s.Button(&l, rows)
		return l
	})
}
