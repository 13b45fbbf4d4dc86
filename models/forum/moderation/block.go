package moderation

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Poster is an account as those who moderate see it.
type Poster struct {
	ID          db.ID
	Name        string
	DisplayName string
	StaffRole   string
	trust.Standing
	Questions int64
	Posts     int64 // answers and comments
	Hidden    int64 // or rejected, of all of them
	Flags     int64 // upheld, against them
}

// Poster reads an account. Faults: Forbidden, NotFound.
func (s *Store) Poster(ctx context.Context, a actor.Actor, id db.ID) (Poster, error) {
	if err := reads(a); err != nil {
		return Poster{}, err
	}
	p, err := one[Poster](s.db.Read(ctx), `SELECT u.id, u.name, u.display_name, u.staff_role,
		(SELECT COUNT(*) FROM questions q WHERE q.asker_id = u.id AND q.deleted_at IS NULL) AS questions,
		(SELECT COUNT(*) FROM posts p WHERE p.author_id = u.id AND p.kind <> 'question' AND p.deleted_at IS NULL) AS posts,
		(SELECT COUNT(*) FROM posts p WHERE p.author_id = u.id AND (p.hidden_at IS NOT NULL OR p.state = 'rejected')) AS hidden,
		(SELECT COUNT(*) FROM posts p JOIN flags f ON f.post_id = p.id WHERE p.author_id = u.id AND f.state = 'upheld') AS flags
		FROM users u WHERE u.id = ? AND u.deleted_at IS NULL`, id)
	if err != nil {
		return p, err
	}
	p.Standing, err = trust.StandingOf(ctx, s.db, id)
	return p, err
}

// Block keeps an account from posting until a time (zero: until staff lift it), and tells the person why. The rest of the account works on. Faults: Forbidden,
// NotFound, Conflict for staff, Invalid (reason, until).
func (s *Store) Block(ctx context.Context, a actor.Actor, id db.ID, until time.Time, reason string) error {
	reason = strings.TrimSpace(reason)
	if err := moderates(a); err != nil {
		return err
	}
	if err := checkReason(reason, true); err != nil {
		return err
	}
	if !until.IsZero() && !until.After(s.db.Now()) {
		return fault.BadField("until", "Choose a day that is not over.")
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		role, err := one[string](tx.DB, "SELECT staff_role FROM users WHERE id = ? AND deleted_at IS NULL", id)
		if err != nil {
			return err
		}
		if role != "" {
			return fault.New(fault.Conflict, "This is one of the company’s people. They can’t be kept from posting as long as they have a staff role.")
		}
		var end *time.Time
		details := map[string]string{"reason": reason, "until": "lifted"}
		if !until.IsZero() {
			end, details["until"] = &until, until.UTC().Format(time.RFC3339)
		}
		if _, err := tx.Run("UPDATE users SET posting_blocked_at = ?, posting_blocked_until = ?, posting_blocked_reason = ?, updated_at = ? WHERE id = ?", tx.Now, end, reason, tx.Now, id); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.PostingBlocked, TargetKind: "user", TargetID: id, Details: details})
		return s.write(tx, id, func(r org.Recipient) outbox.Letter { return blockedLetter(r, until, reason) })
	})
}

func blockedLetter(r org.Recipient, until time.Time, reason string) outbox.Letter {
	line := outbox.L(blockedForGood)
	if !until.IsZero() {
		zone, err := time.LoadLocation(r.TimeZone)
		if err != nil {
			zone = time.UTC
		}
		line = outbox.L(blockedLine, text.DateTime(text.With(context.Background(), text.Locale{Language: text.Language(r.Language), Zone: zone}), until))
	}
	return outbox.Letter{Kind: "posting_blocked", Subject: outbox.L(blockedSubject), Lines: []outbox.Line{line, outbox.L("Reason: %s", reason)}}
}

// Unblock lets an account post again, and tells the person. Unblocking who is not blocked does nothing. Faults: Forbidden, NotFound.
func (s *Store) Unblock(ctx context.Context, a actor.Actor, id db.ID) error {
	if err := moderates(a); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := one[db.ID](tx.DB, "SELECT id FROM users WHERE id = ? AND deleted_at IS NULL", id); err != nil {
			return err
		}
		n, err := tx.Run("UPDATE users SET posting_blocked_at = NULL, posting_blocked_until = NULL, posting_blocked_reason = '', updated_at = ? WHERE id = ? AND posting_blocked_at IS NOT NULL", tx.Now, id)
		if err != nil || n == 0 {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.PostingUnblocked, TargetKind: "user", TargetID: id})
		return s.write(tx, id, func(org.Recipient) outbox.Letter {
			return outbox.Letter{Kind: "posting_unblocked", Subject: outbox.L(unblockedSubject), Lines: []outbox.Line{outbox.L(unblockedLine)}}
		})
	})
}
