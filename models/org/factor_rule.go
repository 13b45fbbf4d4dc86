package org

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// FactorDays are in how many days a second factor can begin to be required; 0 is at once.
var FactorDays = []int{0, 1, 7, 14, 30, 60, 90}

const (
	factorReason   = 300 // characters
	factorSets     = 5   // in factorWindow: each writes to all members without a factor
	factorWindow   = 24 * time.Hour
	factorReminder = 24 * time.Hour // before it begins
)

// FactorRule is that an organization requires a second factor of its members: who has none reaches nothing of it from FactorFrom on (see actor.Actor.Members).
type FactorRule struct {
	OrganizationID db.ID
	Name           string // of the organization
	FactorFrom     time.Time
	FactorReason   string
	ByName         string // the owner who decided it; empty when their account is gone
}

// Begun reports whether it holds at now.
func (r FactorRule) Begun(now time.Time) bool { return !now.Before(r.FactorFrom) }

// FactorRules lists the organizations of the actor that require a second factor, also those that are shut to them, which begins first first; at most 200.
func (s *Store) FactorRules(ctx context.Context, a actor.Actor) ([]FactorRule, error) {
	if !a.SignedIn() {
		return nil, nil
	}
	var rows []FactorRule
	err := s.db.Read(ctx).Raw(`SELECT o.id AS organization_id, o.name, o.factor_from, o.factor_reason, COALESCE(u.name, '') AS by_name FROM members m JOIN organizations o ON o.id = m.organization_id
		LEFT JOIN users u ON u.id = o.factor_set_by AND u.deleted_at IS NULL WHERE m.user_id = ? AND o.deleted_at IS NULL AND o.factor_from IS NOT NULL ORDER BY o.factor_from, o.id LIMIT 200`, a.UserID).Scan(&rows).Error
	return rows, err
}

// HasFactor reports whether the actor has a second factor of their own.
func (s *Store) HasFactor(ctx context.Context, a actor.Actor) (bool, error) {
	n, err := count(s.db.Read(ctx), ownFactors, a.UserID)
	return n > 0, err
}

const ownFactors = "SELECT COUNT(*) FROM factors WHERE user_id = ? AND confirmed_at IS NOT NULL"

// RequireFactor makes a second factor required of the members of an organization, in so many days, and writes to those who have none. Keys go on. Whoever calls has
// asked for a fresh proof (A14). Faults: NotFound, Forbidden below owner, Invalid about "days" and "reason", Conflict for a personal organization and for who has no
// second factor themselves, RateLimited.
func (s *Store) RequireFactor(ctx context.Context, a actor.Actor, id db.ID, days int, reason string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		o, err := s.factorRuled(tx, a, id)
		if err != nil {
			return err
		}
		var p fault.Problems
		p.Check(slices.Contains(FactorDays, days), "days", "Choose a day of the list.")
		reason = CheckText(&p, "reason", reason, factorReason)
		if err := p.Err(); err != nil {
			return err
		}
		own, err := count(tx.DB, ownFactors, a.UserID)
		if err == nil && own == 0 && !a.Trusted() {
			err = fault.New(fault.Conflict, "Add a second factor to your own account first: without it you would shut yourself out.")
		}
		if err != nil {
			return err
		}
		if ok, err := account.TakeTx(tx, "organization:factor:"+id.String(), factorSets, factorWindow); err != nil || !ok {
			if err == nil {
				err = fault.Later(factorWindow, "This was changed often today, and each time members get a mail. Wait a day.")
			}
			return err
		}
		return s.requireFactor(tx, a, o, tx.Now.Add(time.Duration(days)*24*time.Hour), reason)
	})
}

// factorRuled is an organization whose rule the actor may set, under a lock.
func (s *Store) factorRuled(tx *db.Tx, a actor.Actor, id db.ID) (Organization, error) {
	if err := LockMembers(tx, id); err != nil {
		return Organization{}, err
	}
	if _, err := Require(tx.DB, a, id, permission.OwnersManage); err != nil {
		return Organization{}, err
	}
	o, err := read(tx.DB, id)
	if err == nil && o.Kind == Personal {
		err = fault.New(fault.Conflict, "This is a personal organization, which has one member. Add a second factor to your account instead.")
	}
	return o, err
}

func (s *Store) requireFactor(tx *db.Tx, a actor.Actor, o Organization, from time.Time, reason string) error {
	var told *time.Time
	if from.Sub(tx.Now) <= factorReminder {
		told = &tx.Now // the letter of now is the reminder
	}
	_, err := tx.Run("UPDATE organizations SET factor_from = ?, factor_set_by = ?, factor_reason = ?, factor_told_at = ?, updated_at = ? WHERE id = ?", from, a.UserID.Ref(), reason, told, tx.Now, o.ID)
	if err != nil {
		return err
	}
	audit.Record(tx, a, audit.Event{
		Act: audit.FactorRequired, TargetKind: "organization", TargetID: o.ID, OrganizationID: o.ID, Details: map[string]string{"begins": from.UTC().Format(time.DateOnly), "reason": reason},
	})
	return s.tellFactor(tx, FactorRule{OrganizationID: o.ID, Name: o.Name, FactorFrom: from, FactorReason: reason, ByName: a.Name})
}

// ReleaseFactor ends that a second factor is required. Whoever calls has asked for a fresh proof (A14). Faults: NotFound, Forbidden below owner, Conflict when none is.
func (s *Store) ReleaseFactor(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := s.factorRuled(tx, a, id); err != nil {
			return err
		}
		n, err := tx.Run("UPDATE organizations SET factor_from = NULL, factor_set_by = NULL, factor_reason = '', factor_told_at = NULL, updated_at = ? WHERE id = ? AND factor_from IS NOT NULL", tx.Now, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "This organization requires no second factor.")
		}
		audit.Record(tx, a, audit.Event{Act: audit.FactorReleased, TargetKind: "organization", TargetID: id, OrganizationID: id})
		return nil
	})
}

// RemindOfFactors writes, a day before a second factor begins to be required, to those members who still have none. It is a job.
func (s *Store) RemindOfFactors(ctx context.Context) error {
	var ids []db.ID
	err := s.db.Read(ctx).Raw("SELECT id FROM organizations WHERE factor_from IS NOT NULL AND factor_told_at IS NULL AND factor_from <= ? AND deleted_at IS NULL ORDER BY factor_from LIMIT 100",
		s.db.Now().Add(factorReminder)).Scan(&ids).Error
	for _, id := range ids {
		if err == nil {
			err = s.db.Tx(ctx, func(tx *db.Tx) error { return s.remindOfFactor(tx, id) })
		}
	}
	return err
}

func (s *Store) remindOfFactor(tx *db.Tx, id db.ID) error {
	var rows []FactorRule
	err := tx.Raw(`UPDATE organizations SET factor_told_at = ? WHERE id = ? AND factor_told_at IS NULL AND factor_from <= ? AND deleted_at IS NULL
		RETURNING id AS organization_id, name, factor_from, factor_reason, COALESCE((SELECT u.name FROM users u WHERE u.id = factor_set_by AND u.deleted_at IS NULL), '') AS by_name`,
		tx.Now, id, tx.Now.Add(factorReminder)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err // somebody was here before
	}
	return s.tellFactor(tx, rows[0])
}

const factorless = "SELECT u.id, u.email, u.language, u.time_zone FROM members m JOIN users u ON u.id = m.user_id AND " + SignsIn +
	" WHERE m.organization_id = ? AND NOT " + actor.ShowsFactor + " ORDER BY m.created_at, u.id LIMIT ?"

// tellFactor writes to the members without a second factor, whom the rule would keep out, who can sign in, and so add one.
func (s *Store) tellFactor(tx *db.Tx, r FactorRule) error {
	var to []Recipient
	err := tx.Raw(factorless, tx.Now, r.OrganizationID, MaxMembers).Scan(&to).Error
	for _, one := range to {
		if err == nil {
			err = s.outbox.Queue(tx, s.letterFactor(one, r, tx.Now))
		}
	}
	return err
}

func (s *Store) letterFactor(to Recipient, r FactorRule, now time.Time) outbox.Letter {
	l := outbox.Letter{Kind: "factor_required", To: to.Email, UserID: to.ID, Language: to.Language, TimeZone: to.TimeZone, Subject: outbox.L("An organization of yours requires a second factor")}
	told := outbox.L("The organization %s requires a second factor of its members. You have none: until you add one, you reach nothing of it.", r.Name)
	if !r.Begun(now) {
		told = outbox.L("From %[2]s on, the organization %[1]s requires a second factor of its members. You have none: from then on you reach nothing of it, until you add one.", r.Name, to.Moment(r.FactorFrom))
	}
	l.Lines = []outbox.Line{told}
	if r.ByName != "" {
		l.Lines = append(l.Lines, outbox.L("Who decided that: %s", r.ByName))
	}
	if r.FactorReason != "" {
		l.Lines = append(l.Lines, outbox.L("Reason: %s", r.FactorReason))
	}
	l.Lines = append(l.Lines, outbox.L("The organization’s keys go on working."))
	button := outbox.L("Add a second factor")
	l.Button, l.URL = &button, s.link("/console/account/security")
	return l
}
