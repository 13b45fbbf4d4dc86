package factor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A recovery code has 120 random bits, so that a plain digest is enough (A10; ASVS 6.5.2 asks for a password hash below 112).
const (
	codesMade     = 10
	recoveryBytes = 15
	recoveryLen   = 24 // letters and digits
	recoveryGroup = 6
)

// crockford has no letters that are mistaken for digits.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Recovery tells of the actor's recovery codes: how many are left, and since when there are these.
type Recovery struct {
	Unused int
	MadeAt *time.Time
}

// Recovery tells of the actor's recovery codes.
func (s *Store) Recovery(ctx context.Context, a actor.Actor) (Recovery, error) {
	var made []struct {
		CreatedAt time.Time
		UsedAt    *time.Time
	}
	var r Recovery
	err := s.o.DB.Read(ctx).Raw("SELECT created_at, used_at FROM recovery_codes WHERE user_id = ?", a.UserID).Scan(&made).Error
	for _, c := range made {
		r.MadeAt = &c.CreatedAt
		if c.UsedAt == nil {
			r.Unused++
		}
	}
	return r, err
}

// NewCodes makes ten recovery codes, which are shown once, and ends all from before; that is mailed. Whoever calls has asked for a fresh proof (A14). Faults: Conflict
// when the actor has no second factor.
func (s *Store) NewCodes(ctx context.Context, a actor.Actor) ([]string, error) {
	u, err := s.o.Accounts.ByID(ctx, a.UserID)
	if err != nil {
		return nil, err
	}
	var codes []string
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		var n int64
		if err := tx.Raw("SELECT COUNT(*) FROM factors WHERE user_id = ? AND confirmed_at IS NOT NULL", u.ID).Scan(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "Recovery codes stand in for a second factor. Add one first.")
		}
		if codes, err = makeCodes(tx, a); err != nil {
			return err
		}
		return s.o.Outbox.Queue(tx, s.letterCodes(tx.Context(), u, tx.Now))
	})
	return codes, err
}

// firstCodes makes recovery codes for who has none.
func firstCodes(tx *db.Tx, a actor.Actor) ([]string, error) {
	var n int64
	if err := tx.Raw("SELECT COUNT(*) FROM recovery_codes WHERE user_id = ?", a.UserID).Scan(&n).Error; err != nil || n > 0 {
		return nil, err
	}
	return makeCodes(tx, a)
}

func makeCodes(tx *db.Tx, a actor.Actor) ([]string, error) {
	if _, err := tx.Run("DELETE FROM recovery_codes WHERE user_id = ?", a.UserID); err != nil {
		return nil, err
	}
	codes := make([]string, codesMade)
	for i := range codes {
		raw := make([]byte, recoveryBytes)
		_, _ = rand.Read(raw) // never fails, says crypto/rand
		text := crockford.EncodeToString(raw)
		codes[i] = inGroups(text)
		if _, err := tx.Run("INSERT INTO recovery_codes (user_id, digest, created_at) VALUES (?, ?, ?)", a.UserID, codeDigest(a.UserID, text), tx.Now); err != nil {
			return nil, err
		}
	}
	audit.Record(tx, a, audit.Event{Act: audit.RecoveryMade, TargetKind: "user", TargetID: a.UserID})
	return codes, nil
}

func inGroups(code string) string {
	var parts []string
	for at := 0; at < len(code); at += recoveryGroup {
		parts = append(parts, code[at:at+recoveryGroup])
	}
	return strings.Join(parts, "-")
}

func codeDigest(userID db.ID, code string) []byte {
	sum := sha256.Sum256([]byte("recovery code\x00" + userID.String() + "\x00" + code))
	return sum[:]
}

// Own keeps those of the texts that are unused recovery codes of the actor, as they are written down: whoever has just been shown them can have them as a file.
func (s *Store) Own(ctx context.Context, a actor.Actor, texts []string) ([]string, error) {
	var own []string
	for _, text := range texts[:min(len(texts), codesMade)] {
		code := normal(text)
		if len(code) != recoveryLen {
			continue
		}
		var n int64
		if err := s.o.DB.Read(ctx).Raw("SELECT COUNT(*) FROM recovery_codes WHERE digest = ? AND used_at IS NULL", codeDigest(a.UserID, code)).Scan(&n).Error; err != nil {
			return nil, err
		}
		if n == 1 {
			own = append(own, inGroups(code))
		}
	}
	return own, nil
}
