package factor

import (
	"context"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Bounds of what one person has.
const (
	mostFactors = 10
	longestName = 60
)

// named is the name of a factor as it is kept. Faults: Invalid about "name".
func named(name string) (string, error) {
	name = strings.TrimSpace(audit.Clean(name))
	var p fault.Problems
	p.Check(name != "", "name", "Enter a name.")
	p.Check(utf8.RuneCountInString(name) <= longestName, "name", "Use at most %d characters.", longestName)
	audit.NoKey(&p, "name", name)
	return name, p.Err()
}

func one(q *gorm.DB) (Factor, error) {
	var rows []Factor
	if err := q.Scan(&rows).Error; err != nil {
		return Factor{}, err
	}
	if len(rows) == 0 {
		return Factor{}, fault.Missing()
	}
	return rows[0], nil
}

// Rename calls one of the actor's own factors something else. Faults: NotFound, Invalid about "name".
func (s *Store) Rename(ctx context.Context, a actor.Actor, id db.ID, name string) error {
	name, err := named(name)
	if err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("UPDATE factors SET name = ? WHERE id = ? AND user_id = ? AND confirmed_at IS NOT NULL", name, id, a.UserID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		audit.Record(tx, a, audit.Event{Act: audit.FactorRenamed, TargetKind: "factor", TargetID: id, Personal: map[string]string{"name": name}})
		return nil
	})
}

// Remove takes one of the actor's own factors away and mails that. With the last one the recovery codes go. Whoever calls has asked for a fresh proof (A14).
// Faults: NotFound, Conflict when it is the only way into the account, or the only one that an organization's owners have while its provider is away.
func (s *Store) Remove(ctx context.Context, a actor.Actor, id db.ID) error {
	u, err := s.o.Accounts.ByID(ctx, a.UserID)
	if err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		var f Factor
		err := account.KeepWays(tx, a.UserID, func() (err error) {
			f, err = one(tx.Raw("DELETE FROM factors WHERE id = ? AND user_id = ? AND confirmed_at IS NOT NULL RETURNING *", id, a.UserID))
			return err
		})
		if err != nil {
			return err
		}
		if err := s.waysLeft(tx, u); err != nil {
			return err
		}
		if err := endUseless(tx, a.UserID); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.FactorRemoved, TargetKind: "factor", TargetID: id, Details: map[string]string{"kind": f.Kind}, Personal: map[string]string{"name": f.Name}})
		return s.o.Outbox.Queue(tx, s.letterRemoved(tx.Context(), u, tx.Now))
	})
}

// waysLeft refuses to leave somebody without any way into their account, as unlinking a provider does. Faults: Conflict.
func (s *Store) waysLeft(tx *db.Tx, u account.User) error {
	if u.PasswordSealed != "" {
		return nil
	}
	issuers := append([]string{""}, s.o.Issuers...) // never an issuer, and never an empty list
	var n int64
	err := tx.Raw("SELECT (SELECT COUNT(*) FROM identities WHERE user_id = ? AND issuer IN ?) + (SELECT COUNT(*) FROM factors WHERE user_id = ? AND kind = 'passkey' AND confirmed_at IS NOT NULL)",
		u.ID, issuers, u.ID).Scan(&n).Error
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "This is the only way into your account. Choose a password first, by “I forgot my password”, or add another passkey.")
	}
	return err
}

// endUseless deletes recovery codes that there is nothing to recover from, and the count of failures; and that a factor was shown, of the sessions of who has none any more:
// what asks for a factor asks anew.
func endUseless(tx *db.Tx, userID db.ID) error {
	for _, query := range []string{
		"DELETE FROM recovery_codes WHERE user_id = ? AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.user_id = recovery_codes.user_id AND f.confirmed_at IS NOT NULL)",
		"DELETE FROM factor_failures WHERE user_id = ? AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.user_id = factor_failures.user_id AND f.confirmed_at IS NOT NULL)",
		"UPDATE sessions SET factor_at = NULL WHERE user_id = ? AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.user_id = sessions.user_id AND f.confirmed_at IS NOT NULL)",
	} {
		if _, err := tx.Run(query, userID); err != nil {
			return err
		}
	}
	return nil
}

// Reset takes all factors and recovery codes of the person with that address away, ends their sessions and mails that: for operators, when somebody has lost
// everything. Their browsers are strangers from then on. Faults: Forbidden, NotFound, Conflict when there is nothing to take away.
func (s *Store) Reset(ctx context.Context, a actor.Actor, email string) error {
	if !a.Trusted() {
		return fault.Denied()
	}
	u, err := s.o.Accounts.ByAddress(ctx, email)
	if err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("DELETE FROM factors WHERE user_id = ?", u.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "This person has no second factor.")
		}
		if err := endUseless(tx, u.ID); err != nil {
			return err
		}
		if err := account.ShutOut(tx, u.ID); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.FactorsReset, TargetKind: "user", TargetID: u.ID})
		return s.o.Outbox.Queue(tx, s.letterReset(tx.Context(), u, tx.Now))
	})
}
