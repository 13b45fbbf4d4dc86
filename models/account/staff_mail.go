package account

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Mails reads a page of the outbox for staff. Faults: Forbidden.
func (s *Store) Mails(ctx context.Context, a actor.Actor, f outbox.Filter, r db.PageRequest) (db.Page[outbox.Mail], error) {
	if err := allowed(a, permission.StaffMailManage); err != nil {
		return db.Page[outbox.Mail]{}, err
	}
	return outbox.List(ctx, s.db, f, r)
}

// takesOver are the letters whose link or code would let its reader into the account of its recipient.
var takesOver = []string{"reset_password", "change_address", "address_changed", "provider_proof", codeLetter}

// ClosedMails are those of the mails that OpenMail refuses the actor, since they would let them into the account of another member of staff.
// Faults: Forbidden.
func (s *Store) ClosedMails(ctx context.Context, a actor.Actor, ids []db.ID) (map[db.ID]bool, error) {
	if err := allowed(a, permission.StaffMailManage); err != nil {
		return nil, err
	}
	var rows []db.ID
	err := s.db.Read(ctx).Raw("SELECT m.id FROM mails m JOIN users u ON u.id = m.user_id OR u.email = m.recipient WHERE m.id IN ? AND m.kind IN ? AND u.staff_role <> '' AND u.id <> ?",
		ids, takesOver, a.UserID).Scan(&rows).Error
	closed := make(map[db.ID]bool, len(rows))
	for _, id := range rows {
		closed[id] = true
	}
	return closed, err
}

// OpenMail opens one waiting letter for an admin to hand out; the audit log tells who read it. No admin becomes another member of staff by it. Faults:
// Forbidden, also for a letter that would let the actor into the account of another member of staff, NotFound.
func (s *Store) OpenMail(ctx context.Context, a actor.Actor, id db.ID) (outbox.Mail, outbox.Letter, error) {
	if err := allowed(a, permission.StaffMailManage); err != nil {
		return outbox.Mail{}, outbox.Letter{}, err
	}
	closed, err := s.ClosedMails(ctx, a, []db.ID{id})
	if err != nil {
		return outbox.Mail{}, outbox.Letter{}, err
	}
	if closed[id] {
		return outbox.Mail{}, outbox.Letter{}, fault.New(fault.Forbidden, "This letter would let you into the account of another member of staff. It can’t be opened here: a mail server delivers it.")
	}
	m, l, err := s.outbox.Read(ctx, s.db, id)
	if err != nil {
		return outbox.Mail{}, outbox.Letter{}, err
	}
	to := map[string]string{"email": m.Recipient}
	if m.Kind == outbox.Last { // whose address was erased, and is to come back nowhere (U8)
		to = nil
	}
	return m, l, s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.MailRead, TargetKind: "mail", TargetID: id, Details: map[string]string{"kind": m.Kind}, Personal: to})
		return nil
	})
}

// HandOutMail marks a waiting letter as handed out: its body is deleted. Faults: Forbidden, NotFound.
func (s *Store) HandOutMail(ctx context.Context, a actor.Actor, id db.ID) error {
	if err := allowed(a, permission.StaffMailManage); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		found, err := outbox.HandedOut(tx, id)
		if err == nil && !found {
			return fault.Missing()
		}
		audit.Record(tx, a, audit.Event{Act: audit.MailHandedOut, TargetKind: "mail", TargetID: id})
		return err
	})
}

// SendTestMail queues a letter to the actor's own address. Faults: Forbidden, RateLimited.
func (s *Store) SendTestMail(ctx context.Context, a actor.Actor) error {
	if err := allowed(a, permission.StaffMailManage); err != nil {
		return err
	}
	if err := s.allow(ctx, "mail:test:"+a.UserID.String(), 10*mailsPerAddress, flowWindow); err != nil {
		return err
	}
	u, err := s.ByID(ctx, a.UserID)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.MailTested, TargetKind: "user", TargetID: u.ID})
		return s.outbox.Queue(tx, s.letterTest(ctx, u, tx.Now))
	})
}

// LastMailError is what the mail server said last when it didn't take a mail; empty when nothing that is still listed failed. Faults: Forbidden.
func (s *Store) LastMailError(ctx context.Context, a actor.Actor) (string, error) {
	if err := allowed(a, permission.StaffMailManage); err != nil {
		return "", err
	}
	var rows []string
	err := s.db.Read(ctx).Raw("SELECT last_error FROM mails WHERE last_error <> '' ORDER BY created_at DESC LIMIT 1").Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return audit.Clean(rows[0]), nil
}
