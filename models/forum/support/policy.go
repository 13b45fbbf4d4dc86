package support

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/hours"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// Bounds of the policy.
const (
	MaxReplyMinutes = 30 * 24 * 60
	MaxWaitDays     = 365
	MaxHolidays     = 200
)

// Policy reads the policy in force. Faults: Forbidden.
func (s *Store) Policy(ctx context.Context, a actor.Actor) (hours.Policy, error) {
	if err := reads(a); err != nil {
		return hours.Policy{}, err
	}
	return hours.PolicyOf(ctx, s.db)
}

// SetPolicy changes the policy, and with it until when each question that waits should be answered. Faults: Forbidden, Invalid (days, from, to, zone,
// holidays, first_reply, next_reply, warn_after, close_after).
func (s *Store) SetPolicy(ctx context.Context, a actor.Actor, p hours.Policy) error {
	if err := manages(a); err != nil {
		return err
	}
	slices.Sort(p.Holidays)
	p.Holidays = slices.Compact(p.Holidays)
	clock, err := checkPolicy(p)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		before, err := hours.PolicyTx(tx)
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.SupportPolicySet, TargetKind: "setting", Details: map[string]string{"before": facts(before), "after": facts(p)}})
		if err := setting.Put(tx, hours.SettingName, p); err != nil {
			return err
		}
		return dueAgain(tx, p, clock)
	})
}

func checkPolicy(p hours.Policy) (hours.Clock, error) {
	var bad fault.Problems
	bad.Check(len(p.Days) > 0, "days", "Choose at least one day.")
	_, zoneErr := hours.NewClock([]time.Weekday{time.Monday}, "00:00", "24:00", p.Zone, nil)
	bad.Check(zoneErr == nil, "zone", "This is not a time zone. Use one such as Europe/Berlin.")
	_, wallErr := hours.NewClock([]time.Weekday{time.Monday}, p.From, p.To, "UTC", nil)
	bad.Check(wallErr == nil, "to", "Enter two times of day as 09:00, the second after the first; 24:00 is midnight.")
	bad.Check(len(p.Holidays) <= MaxHolidays, "holidays", "At most %d days fit.", MaxHolidays)
	for _, h := range p.Holidays {
		_, err := time.Parse(time.DateOnly, h)
		bad.Check(err == nil, "holidays", "%q is not a date. Write each as 2026-12-25, on a line of its own.", audit.Clean(h))
	}
	bad.Check(p.FirstReply >= 1 && p.FirstReply <= MaxReplyMinutes, "first_reply", "Enter 1 to %d minutes.", MaxReplyMinutes)
	bad.Check(p.NextReply >= 1 && p.NextReply <= MaxReplyMinutes, "next_reply", "Enter 1 to %d minutes.", MaxReplyMinutes)
	bad.Check(p.WarnAfter >= 1 && p.WarnAfter <= MaxWaitDays, "warn_after", "Enter 1 to %d days.", MaxWaitDays)
	bad.Check(p.CloseAfter >= 1 && p.CloseAfter <= MaxWaitDays, "close_after", "Enter 1 to %d days.", MaxWaitDays)
	if err := bad.Err(); err != nil {
		return hours.Clock{}, err
	}
	clock, err := p.Clock()
	if err != nil {
		return clock, fault.Wrap(err, fault.Invalid, "Some of what you entered needs a change.")
	}
	return clock, nil
}

// dueAgain computes anew until when what waits should be answered.
func dueAgain(tx *db.Tx, p hours.Policy, clock hours.Clock) error {
	var rows []struct {
		ID           db.ID
		CreatedAt    time.Time
		WaitingSince time.Time
		FirstReplyAt *time.Time
	}
	if err := tx.Raw("SELECT id, created_at, waiting_since, first_reply_at FROM questions WHERE waiting_since IS NOT NULL").Scan(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		query, due := "UPDATE questions SET due_at = ? WHERE id = ?", clock.Due(r.WaitingSince, p.NextReply)
		args := []any{micros(due), r.ID}
		if r.FirstReplyAt == nil {
			due = micros(clock.Due(r.CreatedAt, p.FirstReply))
			query, args = "UPDATE questions SET due_at = ?, first_due_at = ? WHERE id = ?", []any{due, due, r.ID}
		}
		if _, err := tx.Run(query, args...); err != nil {
			return err
		}
	}
	return nil
}

func facts(p hours.Policy) string {
	days := make([]string, len(p.Days))
	for i, d := range p.Days {
		days[i] = d.String()[:3]
	}
	return fmt.Sprintf("%s %s–%s %s, %d holidays, first reply %d min, next %d min, warning after %d days, closing %d days later",
		strings.Join(days, " "), p.From, p.To, p.Zone, len(p.Holidays), p.FirstReply, p.NextReply, p.WarnAfter, p.CloseAfter)
}
