package invitation

import (
	"context"
	"crypto/sha256"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Invitation asks whoever has an address into an organization.
type Invitation struct {
	ID               db.ID
	OrganizationID   db.ID
	OrganizationName string
	Email            string
	Role             string
	InviterName      string
	Sent             int  // mails
	Stands           bool // whoever sent it may still give the role
	SentAt           time.Time
	ExpiresAt        time.Time
	CreatedAt        time.Time
}

// Works reports whether it can be accepted at now.
func (i Invitation) Works(now time.Time) bool { return i.Stands && now.Before(i.ExpiresAt) }

// stands is true of invitations i whose sender s, a member m, may still give the role: who lost theirs invites nobody (Z7). One argument: now.
const stands = `(s.deleted_at IS NULL AND NOT (s.suspended_at IS NOT NULL AND (s.suspended_until IS NULL OR s.suspended_until > ?)) AND (m.role = 'owner' OR (m.role = 'admin' AND i.role <> 'owner')))`

const invitations = `SELECT i.id, i.organization_id, o.name AS organization_name, i.email, i.role, s.name AS inviter_name, i.sent, COALESCE(` + stands + `, FALSE) AS stands, i.sent_at, i.expires_at, i.created_at
	FROM invitations i JOIN organizations o ON o.id = i.organization_id AND o.deleted_at IS NULL
	JOIN users s ON s.id = i.invited_by LEFT JOIN members m ON m.organization_id = i.organization_id AND m.user_id = i.invited_by `

func find(q *gorm.DB, now time.Time, where string, args ...any) ([]Invitation, error) {
	var rows []Invitation
	err := q.Raw(invitations+where, append([]any{now}, args...)...).Scan(&rows).Error
	return rows, err
}

func one(q *gorm.DB, now time.Time, where string, args ...any) (Invitation, error) {
	rows, err := find(q, now, where, args...)
	if err != nil {
		return Invitation{}, err
	}
	if len(rows) == 0 {
		return Invitation{}, fault.Missing()
	}
	return rows[0], nil
}

// Open lists the invitations of an organization that nobody took yet, also those that expired lately, the newest first. Faults: NotFound, Forbidden.
func (s *Store) Open(ctx context.Context, a actor.Actor, organizationID db.ID) ([]Invitation, error) {
	q := s.db.Read(ctx)
	if _, err := org.Require(q, a, organizationID, permission.MembersManage); err != nil {
		return nil, err
	}
	return find(q, s.db.Now(), "WHERE i.organization_id = ? ORDER BY i.sent_at DESC, i.id DESC LIMIT ?", organizationID, MaxOpen)
}

// Get reads one invitation of an organization. Faults: NotFound, Forbidden.
func (s *Store) Get(ctx context.Context, a actor.Actor, organizationID, id db.ID) (Invitation, error) {
	q := s.db.Read(ctx)
	if _, err := org.Require(q, a, organizationID, permission.MembersManage); err != nil {
		return Invitation{}, err
	}
	return one(q, s.db.Now(), "WHERE i.organization_id = ? AND i.id = ?", organizationID, id)
}

// mine is true of invitations i to the verified address of a user; one argument.
const mine = "i.email = (SELECT email FROM users WHERE id = ? AND deleted_at IS NULL AND email_verified_at IS NOT NULL)"

// Mine lists the invitations that the actor can accept now, the newest first; at most 50.
func (s *Store) Mine(ctx context.Context, a actor.Actor) ([]Invitation, error) {
	if !a.SignedIn() {
		return nil, nil
	}
	now := s.db.Now()
	return find(s.db.Read(ctx), now, "WHERE "+mine+" AND i.expires_at > ? AND "+stands+" ORDER BY i.sent_at DESC, i.id DESC LIMIT 50", a.UserID, now, now)
}

// ForMe reads one invitation that the actor can accept now. Faults: NotFound.
func (s *Store) ForMe(ctx context.Context, a actor.Actor, id db.ID) (Invitation, error) {
	return forMe(s.db.Read(ctx), s.db.Now(), a, id)
}

func forMe(q *gorm.DB, now time.Time, a actor.Actor, id db.ID) (Invitation, error) {
	if !a.SignedIn() {
		return Invitation{}, fault.Missing()
	}
	return one(q, now, "WHERE i.id = ? AND "+mine+" AND i.expires_at > ? AND "+stands, id, a.UserID, now, now)
}

// Peek reads the invitation of a mail's link, and whether it is the actor's to accept. It takes nothing, so that scanners of mail use it up in vain.
// Faults: NotFound for a link that is used, expired, revoked, replaced by a newer one or made up.
func (s *Store) Peek(ctx context.Context, a actor.Actor, token string) (Invitation, bool, error) {
	now := s.db.Now()
	i, err := one(s.db.Read(ctx), now, "WHERE i.digest = ? AND i.expires_at > ? AND "+stands, digestOf(token), now, now)
	if fault.Is(err, fault.NotFound) {
		return i, false, fault.New(fault.NotFound, "This invitation does not work any more: it was used, revoked or sent again, or is older than %d days. Ask whoever invited you to send it again.", int(Age/(24*time.Hour)))
	}
	if err != nil {
		return i, false, err
	}
	own, err := forMe(s.db.Read(ctx), now, a, i.ID)
	if fault.Is(err, fault.NotFound) {
		return i, false, nil
	}
	return i, own.ID == i.ID, err
}

func digestOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
