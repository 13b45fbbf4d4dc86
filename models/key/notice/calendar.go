package notice

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Bounds of a calendar: its events, the next first, and how often one address is answered.
const (
	MaxEvents     = 1000
	ReadsPerHour  = 60
	readsWindow   = time.Hour
	tokenBytes    = 32
	tokenLength   = 43 // of its base64url
	calendarLimit = "calendar reads "
)

// Calendar is the secret address of one member at which programs read when the keys of an organization end. The address itself is shown once, when it
// is made: only a digest of it is kept. It needs no stretching: it is 256 random bits.
type Calendar struct {
	Generation int // how often it was made anew; 0 when there is none
	CreatedAt  time.Time
	LastReadAt *time.Time
}

// Calendar reads the actor's own for an organization. Faults: NotFound for others' organizations.
func (s *Store) Calendar(ctx context.Context, a actor.Actor, organization db.ID) (Calendar, error) {
	g := s.db.Read(ctx)
	var member int
	err := g.Raw("SELECT COUNT(*) FROM members m JOIN organizations o ON o.id = m.organization_id WHERE m.organization_id = ? AND m.user_id = ? AND o.deleted_at IS NULL", organization, a.Membership("m")).Scan(&member).Error
	if err != nil {
		return Calendar{}, err
	}
	if member == 0 || !a.SignedIn() {
		return Calendar{}, fault.Missing()
	}
	var rows []Calendar
	err = g.Raw("SELECT generation, created_at, last_read_at FROM key_calendars WHERE organization_id = ? AND user_id = ?", organization, a.UserID).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return Calendar{}, err
	}
	return rows[0], nil
}

// MakeCalendar makes a new address, and the old one stops. generation is that of the Calendar that the actor saw: a repeat of the same form makes no second
// one. Faults: NotFound, Conflict for such a repeat.
func (s *Store) MakeCalendar(ctx context.Context, a actor.Actor, organization db.ID, generation int) (token string, err error) {
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		if err = s.member(tx, a, organization); err != nil {
			return err
		}
		token = secret.Token(tokenBytes)
		digest := sha256.Sum256([]byte(token))
		var n int64
		if generation == 0 {
			n, err = tx.Run(`INSERT INTO key_calendars (organization_id, user_id, generation, digest, created_at) VALUES (?, ?, 1, ?, ?)
				ON CONFLICT (organization_id, user_id) DO NOTHING`, organization, a.UserID, digest[:], tx.Now)
		} else {
			n, err = tx.Run("UPDATE key_calendars SET digest = ?, generation = generation + 1, created_at = ?, last_read_at = NULL WHERE organization_id = ? AND user_id = ? AND generation = ?",
				digest[:], tx.Now, organization, a.UserID, generation)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "This form had already made an address. It is shown only once: if you did not copy it, make a new one.")
		}
		audit.Record(tx, a, audit.Event{Act: audit.CalendarMade, TargetKind: "organization", TargetID: organization, OrganizationID: organization})
		return nil
	})
	return token, err
}

// RemoveCalendar ends the actor's address. Removing none does nothing. Faults: NotFound.
func (s *Store) RemoveCalendar(ctx context.Context, a actor.Actor, organization db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := s.member(tx, a, organization); err != nil {
			return err
		}
		n, err := tx.Run("DELETE FROM key_calendars WHERE organization_id = ? AND user_id = ?", organization, a.UserID)
		if err == nil && n > 0 {
			audit.Record(tx, a, audit.Event{Act: audit.CalendarRemoved, TargetKind: "organization", TargetID: organization, OrganizationID: organization})
		}
		return err
	})
}

// member refuses who is no person of the organization.
func (s *Store) member(tx *db.Tx, a actor.Actor, organization db.ID) error {
	var found int
	err := tx.Raw("SELECT COUNT(*) FROM members m JOIN organizations o ON o.id = m.organization_id WHERE m.organization_id = ? AND m.user_id = ? AND o.deleted_at IS NULL", organization, a.Membership("m")).Scan(&found).Error
	if err == nil && (found == 0 || !a.SignedIn()) {
		return fault.Missing()
	}
	return err
}

// Feed is what an address shows, as its member reads.
type Feed struct {
	OrganizationID   db.ID
	UserID           db.ID // whose it is
	OrganizationName string
	Language         string
	TimeZone         string
	Events           []Ending `gorm:"-"`
}

var feedQuery = `SELECT c.organization_id, c.user_id, o.name AS organization_name, u.language, u.time_zone FROM key_calendars c
	JOIN members m ON m.organization_id = c.organization_id AND m.user_id = c.user_id
	JOIN organizations o ON o.id = c.organization_id AND o.deleted_at IS NULL
	JOIN users u ON u.id = c.user_id AND u.deleted_at IS NULL AND (u.suspended_at IS NULL OR u.suspended_until <= ?) WHERE c.digest = ? AND NOT ` + actor.Shut("m")

// ReadCalendar reads by an address. Whoever holds it reads, at most ReadsPerHour times an hour. Faults: NotFound, also when the member left or is
// suspended, the organization is gone, or it requires a second factor of them; RateLimited.
func (s *Store) ReadCalendar(ctx context.Context, token string) (Feed, error) {
	if len(token) != tokenLength {
		return Feed{}, fault.Missing()
	}
	digest := sha256.Sum256([]byte(token))
	var feed Feed
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		var rows []Feed
		if err := tx.Raw(feedQuery, tx.Now, digest[:], tx.Now).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) == 0 {
			return fault.Missing()
		}
		feed = rows[0]
		ok, err := account.TakeTx(tx, calendarLimit+string(digest[:]), ReadsPerHour, readsWindow)
		if err != nil {
			return err
		}
		if !ok {
			return fault.Later(readsWindow, "This calendar is read too often. Once an hour is enough.")
		}
		if _, err = tx.Run("UPDATE key_calendars SET last_read_at = ? WHERE digest = ?", tx.Now, digest[:]); err != nil {
			return err
		}
		feed.Events, err = events(tx.DB, feed.OrganizationID, feed.UserID, tx.Now)
		return err
	})
	return feed, err
}
