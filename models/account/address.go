package account

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// RequestEmail begins a change of the actor's address, given the current password: a link goes to the new address. If that has an account, the mail tells its
// owner so, and nothing here differs (A6). Faults: Invalid about "new_email" or "email_password", RateLimited, Unavailable.
func (s *Store) RequestEmail(ctx context.Context, a actor.Actor, email, plain string) error {
	email, err := CanonicalEmail(email)
	if err != nil {
		return fault.BadField("new_email", fault.As(err).Problems[0].Key)
	}
	u, err := s.confirmPassword(ctx, a, "email_password", plain)
	if err != nil {
		return err
	}
	if email == u.Email {
		return fault.BadField("new_email", "This is your address already.")
	}
	return s.mailChange(ctx, a, u, email, func(tx *db.Tx) (string, time.Time, error) {
		if err := stillCurrent(tx, u, "email_password"); err != nil {
			return "", time.Time{}, err
		}
		if err := endLinks(tx, u.ID, linkChange); err != nil {
			return "", time.Time{}, err
		}
		token, err := newLink(tx, u.ID, linkChange, email, changeAge)
		return token, tx.Now.Add(changeAge), err
	})
}

// mailChange mails the link of a change of address, which the transaction makes by link: its token, and until when it works. The ones before are dead.
// Faults: Invalid about "new_email", RateLimited, and those of link.
func (s *Store) mailChange(ctx context.Context, a actor.Actor, u User, email string, link func(tx *db.Tx) (string, time.Time, error)) error {
	err := s.stays(s.db.Read(ctx), u)
	if f := fault.As(err); f != nil {
		return fault.BadField("new_email", f.Key, f.Args...)
	}
	if err != nil {
		return err
	}
	if u.StaffRole == "" { // the company's people may have addresses that its sign-up is not for
		if err := s.checkDomain(email, "new_email"); err != nil {
			return err
		}
	}
	defer s.level(ctx)()
	for _, bucket := range []string{"email:user:" + u.ID.String(), "email:address:" + email} {
		if err := s.allow(ctx, bucket, mailsPerAddress, flowWindow); err != nil {
			return err
		}
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.UserEmailRequested, TargetKind: "user", TargetID: u.ID, Personal: map[string]string{"email": email}})
		// Of an address that has an account the change waits as well, or the account page would tell (A6); that link is mailed to nobody.
		token, ends, err := link(tx)
		if err != nil {
			return err
		}
		taken, err := emailTaken(tx, email)
		if err != nil {
			return err
		}
		if taken {
			return s.outbox.Queue(tx, s.letterTaken(tx.Context(), u, email))
		}
		return s.outbox.Queue(tx, s.letterChange(tx.Context(), u, email, token, ends))
	})
}

// EmailLink is the new address of a link that the actor asked for. Faults: NotFound, also for the link of somebody else.
func (s *Store) EmailLink(ctx context.Context, a actor.Actor, token string) (string, error) {
	link, err := s.peekLink(ctx, linkChange, token)
	if err != nil {
		return "", err
	}
	if link.UserID != a.UserID {
		return "", linkGone()
	}
	return link.Email, nil
}

// ConfirmEmail ends the change of address that the actor began. The old address is mailed a link that undoes it for a week (A14). Where people at the new address sign in
// by a provider, all sessions end: that is how they go on. Faults: NotFound, Conflict when the address got an account, or the old one a rule, meanwhile.
func (s *Store) ConfirmEmail(ctx context.Context, a actor.Actor, token string) error {
	if _, err := s.EmailLink(ctx, a, token); err != nil {
		return err
	}
	u, err := s.ByID(ctx, a.UserID)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		link, err := useLink(tx, linkChange, token)
		if err != nil {
			return err
		}
		if err := s.stays(tx.DB, u); err != nil {
			return err
		}
		if err := moveAddress(tx, u.ID, link.Email); err != nil {
			return err
		}
		if _, bound, err := s.bindingOf(tx.DB, link.Email, true); err != nil {
			return err
		} else if bound {
			if err := endSessions(tx, u.ID, db.ID{}); err != nil {
				return err
			}
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserEmailChanged, TargetKind: "user", TargetID: u.ID, Personal: map[string]string{"email": link.Email, "old_email": u.Email}})
		undo, err := newLink(tx, u.ID, linkUndo, u.Email, undoAge)
		if err != nil {
			return err
		}
		return s.outbox.Queue(tx, s.letterChanged(tx.Context(), u, link.Email, undo, tx.Now))
	})
}

// moveAddress gives the user another address, which is verified, also where organizations write to it, and ends what waits for either.
func moveAddress(tx *db.Tx, userID db.ID, email string) error {
	if _, err := tx.Run("UPDATE organizations SET technical_email = ? WHERE technical_email = (SELECT email FROM users WHERE id = ? AND deleted_at IS NULL)", email, userID); err != nil {
		return err
	}
	n, err := tx.Run("UPDATE users SET email = ?, email_verified_at = ?, updated_at = ? WHERE id = ? AND deleted_at IS NULL", email, tx.Now, tx.Now, userID)
	if db.Duplicate(err) {
		return addressTaken(err)
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return linkGone()
	}
	if err := endSignups(tx, email, db.ID{}); err != nil {
		return err
	}
	return endLinks(tx, userID, linkReset, linkChange)
}

// UndoLink is the address that a link restores; it uses nothing up. Faults: NotFound.
func (s *Store) UndoLink(ctx context.Context, token string) (string, error) {
	link, err := s.peekLink(ctx, linkUndo, token)
	return link.Email, err
}

// UndoEmail restores the address to which the link was mailed. Whoever changed it knew the password, so the password is void too: all sessions and links
// end, and a link for a new one goes to the restored address. By what else they could come back is taken away as well: all providers, and the factors that were added
// since then or in the session before, which may be a day long; those from before stay. Undo links from before stay: whoever changed the address twice can't void the link of its
// owner by undoing the second change, so the oldest link wins whenever it is used. Where it leads out of the rule of a domain, it leads out of the organization whose rule
// that is. Faults: NotFound, Conflict when the address has another account by now.
func (s *Store) UndoEmail(ctx context.Context, a actor.Actor, token string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		link, err := useLink(tx, linkUndo, token)
		if err != nil {
			return err
		}
		out, err := s.unbind(tx, link)
		if err != nil {
			return err
		}
		if err := moveAddress(tx, link.UserID, link.Email); err != nil {
			return err
		}
		if err := endUndo(tx, link); err != nil {
			return err
		}
		if err := shutOut(tx, link.UserID, db.ID{}); err != nil {
			return err
		}
		told, err := takeBack(tx, a, link)
		if err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE users SET password_sealed = NULL, password_changed_at = ? WHERE id = ?", tx.Now, link.UserID); err != nil {
			return err
		}
		var rows []User
		if err := tx.Raw("SELECT * FROM users WHERE id = ?", link.UserID).Scan(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserEmailUndone, TargetKind: "user", TargetID: link.UserID, Personal: map[string]string{"email": link.Email}})
		return s.mailReset(tx, rows[0], append(out, told...)...)
	})
}

// takeBack takes away what whoever changed an address may have left to come back by, and tells it.
func takeBack(tx *db.Tx, a actor.Actor, used oneTimeLink) ([]outbox.Line, error) {
	gone, err := unlinkAll(tx, a, used.UserID)
	if err != nil {
		return nil, err
	}
	told := unlinkedLines(gone)
	n, err := removeSince(tx, a, used.UserID, used.CreatedAt.Add(-SessionAbsolute))
	if n > 0 {
		told = append(told, outbox.L("Each second factor that was added to your account since, or in the day before, was removed: %s in all. Is one of them your own, add it again.", strconv.Itoa(n)))
	}
	return told, err
}

// endUndo ends the used link and the undo links that are younger.
func endUndo(tx *db.Tx, used oneTimeLink) error {
	_, err := tx.Run(`DELETE FROM one_time_links WHERE user_id = ? AND purpose = ? AND (created_at, id) >= (SELECT l.created_at, l.id FROM one_time_links l WHERE l.id = ?)`,
		used.UserID, linkUndo, used.ID)
	return err
}
