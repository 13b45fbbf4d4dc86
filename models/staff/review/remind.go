package review

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// How reminders go out.
const (
	settled      = 30 * 24 * time.Hour // how old an organization is before its owners are reminded: at first nobody in it has a second factor
	scopesAtOnce = 200
	remembered   = 400 * 24 * time.Hour
)

// Quarter names the quarter of a year in which t is, in UTC: 2026Q4.
func Quarter(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%dQ%d", t.Year(), (int(t.Month())+2)/3)
}

// Remind mails those who decide, once each quarter, while somebody waits about whom they can. It is a job.
func (s *Store) Remind(ctx context.Context) error {
	quarter := Quarter(s.db.Now())
	if err := s.remind(ctx, Scope{}, quarter); err != nil {
		return err
	}
	var after db.ID
	for {
		var ids []db.ID
		if err := s.db.Read(ctx).Raw(`SELECT o.id FROM organizations o WHERE o.id > ? AND o.kind <> 'personal' AND o.deleted_at IS NULL AND o.created_at <= ?
			AND NOT EXISTS (SELECT 1 FROM review_reminders r WHERE r.scope = CAST(o.id AS TEXT) AND r.quarter = ?) ORDER BY o.id LIMIT ?`,
			after, s.db.Now().Add(-settled), quarter, scopesAtOnce).Scan(&ids).Error; err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.remind(ctx, Scope{id}, quarter); err != nil {
				return err
			}
			after = id
		}
		if len(ids) < scopesAtOnce {
			return s.forgetReminders(ctx)
		}
	}
}

func (s *Store) forgetReminders(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM review_reminders WHERE created_at <= ?", tx.Now.Add(-remembered))
		return err
	})
}

// remind writes to those who decide in one scope, unless nobody waits for them, or they were written to in this quarter.
func (s *Store) remind(ctx context.Context, scope Scope, quarter string) error {
	if letters, err := s.reminders(s.db.Read(ctx), scope, s.db.Now()); err != nil || len(letters) == 0 {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("INSERT INTO review_reminders (scope, quarter, created_at) VALUES (?, ?, ?) ON CONFLICT (scope, quarter) DO NOTHING", scope.String(), quarter, tx.Now)
		if err != nil || n == 0 { // another replica was first
			return err
		}
		letters, err := s.reminders(tx.DB, scope, tx.Now)
		for _, l := range letters {
			if err == nil {
				err = s.outbox.Queue(tx, l)
			}
		}
		return err
	})
}

// decider is somebody who decides in a scope.
type decider struct {
	ID       db.ID
	Email    string
	Language string
	TimeZone string
	Role     string // of staff: with its permissions
}

// waiting counts the lines about which the decider can decide.
func (d decider) waiting(lines []Line) int {
	n, a := 0, actor.Actor{Kind: actor.User, UserID: d.ID, StaffRole: d.Role}
	for _, l := range lines {
		if l.UserID != d.ID && !l.Above(a) {
			n++
		}
	}
	return n
}

const (
	owners = "SELECT u.id, u.email, u.language, u.time_zone FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND m.role = ? AND " + org.LetIn + " ORDER BY m.created_at, u.id LIMIT 50"
	givers = "SELECT u.id, u.email, u.language, u.time_zone, " + staffrole.Effective + " AS role FROM users u WHERE u.staff_role IN ? AND u.staff_role <> '' AND " + org.SignsIn + " ORDER BY u.id LIMIT 50"
)

// reminders are the letters that are due in a scope: one for each who can decide about somebody other than themselves.
func (s *Store) reminders(q *gorm.DB, scope Scope, now time.Time) ([]outbox.Letter, error) {
	lines, err := due(q, scope, now)
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	to, l, err := s.deciders(q, scope, now)
	if err != nil {
		return nil, err
	}
	var out []outbox.Letter
	for _, d := range to {
		if n := d.waiting(lines); n > 0 {
			letter := l
			letter.To, letter.UserID, letter.Language, letter.TimeZone = d.Email, d.ID, d.Language, d.TimeZone
			letter.Lines = append([]outbox.Line{outbox.L("%d people wait for it: they have a role that was not used for 90 days, or no second factor.", strconv.Itoa(n))}, l.Lines...)
			out = append(out, letter)
		}
	}
	return out, nil
}

// deciders are those who decide in a scope and can sign in, with what every letter to them says.
func (s *Store) deciders(q *gorm.DB, scope Scope, now time.Time) (to []decider, l outbox.Letter, err error) {
	button := outbox.L("See who waits")
	l = outbox.Letter{
		Kind: "review_due", Subject: outbox.L("Roles wait for a review"), Button: &button,
		After: []outbox.Line{outbox.L("You decide for each whether they keep the role. This mail comes once each quarter, while somebody waits.")},
	}
	if scope.OfStaff() {
		l.Lines, l.URL = []outbox.Line{outbox.L("It is about the staff roles of this portal.")}, s.link("/admin/review")
		var roles []string
		if roles, err = staffrole.With(q, permission.StaffRolesManage); err == nil {
			err = q.Raw(givers, roles, now).Scan(&to).Error
		}
		return to, l, err
	}
	o, err := org.ByID(q, scope.Organization)
	if err != nil {
		return nil, l, err
	}
	l.Lines, l.URL = []outbox.Line{outbox.L("It is about the members of the organization %s.", o.Name)}, s.link("/console/organizations/"+o.ID.Show(org.Prefix)+"/review")
	// Who is kept out for want of a second factor decides nothing (A12).
	return to, l, q.Raw(owners, scope.Organization, permission.Owner, now, now).Scan(&to).Error
}
