package account

import (
	"context"
	"errors"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// RequestReset mails a link for a new password to the address if it has an account; the answer and its time are the same if not (A6). Each link ends
// the older ones (A13). At a domain whose people sign in by a provider the answer is always that (Conflict, a BoundError in its chain), and only whom the rule spares
// gets a link. Faults: Invalid for what is no address, RateLimited.
func (s *Store) RequestReset(ctx context.Context, a actor.Actor, email string) error {
	email, err := CanonicalEmail(email)
	if err != nil {
		return err
	}
	defer s.level(ctx)()
	if err := s.allow(ctx, "reset:network:"+network(a), signUpPerNetwork, flowWindow); err != nil {
		return err
	}
	if err := s.allow(ctx, "reset:address:"+email, mailsPerAddress, flowWindow); err != nil {
		return err
	}
	b, bound, err := s.bindingOf(s.db.Read(ctx), email, false)
	if err != nil {
		return err
	}
	u, err := s.byEmail(ctx, email)
	if err == nil && bound {
		var ok bool
		if ok, err = spared(s.db.Read(ctx), u, b); err == nil && !ok {
			return refusedBy(b)
		}
	}
	if err != nil || u.ID.IsZero() || u.DeletedAt != nil {
		return err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.UserResetRequested, TargetKind: "user", TargetID: u.ID})
		return s.mailReset(tx, u)
	})
	if err == nil && bound {
		err = refusedBy(b)
	}
	return err
}

// mailReset mails a link for a new password, and what else there is to tell.
func (s *Store) mailReset(tx *db.Tx, u User, told ...outbox.Line) error {
	if err := endLinks(tx, u.ID, linkReset); err != nil {
		return err
	}
	token, err := newLink(tx, u.ID, linkReset, "", resetAge)
	if err != nil {
		return err
	}
	return s.outbox.Queue(tx, s.letterReset(tx.Context(), u, token, tx.Now, told...))
}

// ResetLink tells whether a link for a new password still works; it uses nothing up. Faults: NotFound.
func (s *Store) ResetLink(ctx context.Context, token string) error {
	_, err := s.peekLink(ctx, linkReset, token)
	return err
}

// Back is what came of it that somebody found the way back into their account.
type Back struct {
	UserID   db.ID
	Unlinked []string // issuers of the providers that signed in to it
	Passkeys int      // which still do
}

// Reset sets a new password by a mailed link. It does not sign in, ends all sessions, unlinks all providers, ends all other links that could take the account over, and
// mails what it did (A13). Second factors stay, passkeys among them: a mail alone takes none away. Faults: NotFound, Invalid about "password", Unavailable, Conflict, a
// BoundError in its chain, for whom their domain has sign in by a provider.
func (s *Store) Reset(ctx context.Context, a actor.Actor, token, plain string) (out Back, err error) {
	link, err := s.peekLink(ctx, linkReset, token)
	if err != nil {
		return Back{}, err
	}
	u, err := s.ByID(ctx, link.UserID)
	if err != nil {
		return Back{}, err
	}
	if b, bound, err := s.bindingOf(s.db.Read(ctx), u.Email, false); err != nil {
		return Back{}, err
	} else if bound {
		if ok, err := spared(s.db.Read(ctx), u, b); err != nil || !ok {
			return Back{}, errors.Join(err, refusedBy(b))
		}
	}
	if err := s.CheckPassword(ctx, "password", plain, u.Name, u.Email).Err(); err != nil {
		return Back{}, err
	}
	sealed, err := s.HashPassword(ctx, u.ID, plain)
	if err != nil {
		return Back{}, err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		out = Back{UserID: u.ID}
		if _, err := useLink(tx, linkReset, token); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserPasswordReset, TargetKind: "user", TargetID: u.ID})
		gone, err := unlinkAll(tx, a, u.ID)
		if err != nil {
			return err
		}
		passkeys, err := passkeysOf(tx, u.ID)
		if err != nil {
			return err
		}
		for _, e := range gone {
			out.Unlinked = append(out.Unlinked, e.Issuer)
		}
		out.Passkeys = len(passkeys)
		return s.setPassword(tx, u, sealed, db.ID{}, append(unlinkedLines(gone), passkeyLines(u, passkeys)...)...)
	})
	return out, err
}

// setPassword writes the password, ends the sessions but keep, ends links by which somebody could take the account over, and mails a notice. Guesses at
// the password before are forgotten, so that they can't keep its owner out (A7).
func (s *Store) setPassword(tx *db.Tx, u User, sealed string, keep db.ID, told ...outbox.Line) error {
	n, err := tx.Run("UPDATE users SET password_sealed = ?, password_changed_at = ?, updated_at = ? WHERE id = ? AND deleted_at IS NULL", sealed, tx.Now, tx.Now, u.ID)
	if err != nil {
		return err
	}
	if n == 0 {
		return linkGone()
	}
	if err := shutOut(tx, u.ID, keep); err != nil {
		return err
	}
	if err := endLinks(tx, u.ID, linkReset, linkChange); err != nil {
		return err
	}
	if err := forget(tx, doorBucket(u.Email), confirmBucket(u.ID)); err != nil {
		return err
	}
	return s.outbox.Queue(tx, s.letterPasswordChanged(tx.Context(), u, tx.Now, told...))
}

// ChangePassword replaces the actor's password, given the current one, and ends the other sessions; this one goes on under a new token.
// Faults: Invalid about "current_password" or "new_password", RateLimited, Unavailable.
func (s *Store) ChangePassword(ctx context.Context, a actor.Actor, current, plain string) (token string, err error) {
	u, err := s.confirmPassword(ctx, a, "current_password", current)
	if err != nil {
		return "", err
	}
	if err := s.CheckPassword(ctx, "new_password", plain, u.Name, u.Email).Err(); err != nil {
		return "", err
	}
	sealed, err := s.HashPassword(ctx, u.ID, plain)
	if err != nil {
		return "", err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := stillCurrent(tx, u, "current_password"); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserPasswordChanged, TargetKind: "user", TargetID: u.ID})
		if err := s.setPassword(tx, u, sealed, a.SessionID); err != nil {
			return err
		}
		token, err = renewToken(tx, a)
		return err
	})
	return token, err
}
