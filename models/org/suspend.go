package org

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Suspension is a stop by staff. Reason is told to the organization; a nil Until means until a person ends it.
type Suspension struct {
	Reason string
	Until  *time.Time
}

// Check tells what is wrong with it, and trims the reason, of whose API keys only the hints stay.
func (s *Suspension) Check(now time.Time) error {
	var p fault.Problems
	s.Reason = CheckText(&p, "reason", apikey.Redact(s.Reason), 500)
	p.Check(s.Reason != "", "reason", "Say why. The organization reads it.")
	p.Check(s.Until == nil || s.Until.After(now), "until", "Choose a day that is not over, or leave it empty.")
	return p.Err()
}

func (s Suspension) details() map[string]string {
	d := map[string]string{"reason": s.Reason}
	if s.Until != nil {
		d["until"] = s.Until.UTC().Format(time.RFC3339)
	}
	return d
}

// SuspendOrganization stops all keys of an organization at once, also while the disk is full (REL-8). Suspending again changes reason and end. Faults: Forbidden,
// NotFound, Invalid, Conflict for the company's own.
func (s *Store) SuspendOrganization(ctx context.Context, a actor.Actor, id db.ID, in Suspension) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		if err := RequireStaff(a, permission.StaffOrgsManage); err != nil {
			return err
		}
		o, err := read(tx.DB, id)
		if err != nil {
			return err
		}
		if o.Kind == Company {
			return fault.New(fault.Conflict, "This is the company’s own organization. Suspending it would stop its gateways.")
		}
		if err := in.Check(tx.Now); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE organizations SET suspended_at = ?, suspended_until = ?, suspended_reason = ?, updated_at = ? WHERE id = ?", tx.Now, in.Until, in.Reason, tx.Now, id); err != nil {
			return err
		}
		change.Record(tx, change.Organization, id)
		audit.Record(tx, a, audit.Event{Act: audit.OrganizationSuspended, TargetKind: "organization", TargetID: id, OrganizationID: id, Details: in.details()})
		return s.tellSuspended(tx, o, nil, in.Reason)
	})
}

// UnsuspendOrganization ends a suspension. Faults: Forbidden, NotFound, Conflict when it is not suspended.
func (s *Store) UnsuspendOrganization(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := RequireStaff(a, permission.StaffOrgsManage); err != nil {
			return err
		}
		if _, err := read(tx.DB, id); err != nil {
			return err
		}
		n, err := tx.Run("UPDATE organizations SET suspended_at = NULL, suspended_until = NULL, suspended_reason = '', updated_at = ? WHERE id = ? AND suspended_at IS NOT NULL", tx.Now, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "This is not suspended.")
		}
		change.Record(tx, change.Organization, id)
		audit.Record(tx, a, audit.Event{Act: audit.OrganizationUnsuspended, TargetKind: "organization", TargetID: id, OrganizationID: id})
		return nil
	})
}

// SuspendApp stops all keys of an app at once, also while the disk is full (REL-8). Faults: Forbidden, NotFound, Invalid.
func (s *Store) SuspendApp(ctx context.Context, a actor.Actor, id db.ID, in Suspension) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		app, o, err := s.appForStaff(tx, a, id)
		if err != nil {
			return err
		}
		if err := in.Check(tx.Now); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE apps SET suspended_at = ?, suspended_until = ?, suspended_reason = ?, updated_at = ? WHERE id = ?", tx.Now, in.Until, in.Reason, tx.Now, id); err != nil {
			return err
		}
		change.Record(tx, change.App, id)
		audit.Record(tx, a, audit.Event{Act: audit.AppSuspended, TargetKind: "app", TargetID: id, OrganizationID: o.ID, Details: in.details()})
		return s.tellSuspended(tx, o, &app, in.Reason)
	})
}

// UnsuspendApp ends a suspension. Faults: Forbidden, NotFound, Conflict when it is not suspended.
func (s *Store) UnsuspendApp(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, o, err := s.appForStaff(tx, a, id)
		if err != nil {
			return err
		}
		n, err := tx.Run("UPDATE apps SET suspended_at = NULL, suspended_until = NULL, suspended_reason = '', updated_at = ? WHERE id = ? AND suspended_at IS NOT NULL", tx.Now, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "This is not suspended.")
		}
		change.Record(tx, change.App, id)
		audit.Record(tx, a, audit.Event{Act: audit.AppUnsuspended, TargetKind: "app", TargetID: id, OrganizationID: o.ID})
		return nil
	})
}

func (s *Store) appForStaff(tx *db.Tx, a actor.Actor, id db.ID) (App, Organization, error) {
	if err := RequireStaff(a, permission.StaffOrgsManage); err != nil {
		return App{}, Organization{}, err
	}
	var apps []App
	if err := tx.Raw("SELECT * FROM apps WHERE id = ? AND deleted_at IS NULL", id).Scan(&apps).Error; err != nil {
		return App{}, Organization{}, err
	}
	if len(apps) == 0 {
		return App{}, Organization{}, fault.Missing()
	}
	o, err := read(tx.DB, apps[0].OrganizationID)
	return apps[0], o, err
}
