package handover

import (
	"bytes"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Move is what moving an app to another organization means.
type Move struct {
	App     org.App
	From    Place
	To      Place
	Keys    int64         // that live
	Calls   int64         // of the app in the last 24 hours
	Access  []MovedAccess // in force or waiting
	Breaks  []Break       // keys that the target's own policy would not allow
	Unowned int64         // keys whose people are no members of the target
	Deputed []DeputedKey  // keys that act at the portal for their organization: the app can't move while they live
	Most    int           // keys that the target's own policy allows an app; 0: it says none
}

// TooMany is how many keys the app has beyond what the target's own policy allows: these must go first, since moving would be a way round it.
func (m Move) TooMany() int {
	if m.Most == 0 {
		return 0
	}
	return max(0, int(m.Keys)-m.Most)
}

// Place is one of the two organizations.
type Place struct {
	ID             db.ID
	Name           string
	Kind           string
	SuspendedAt    *time.Time
	SuspendedUntil *time.Time
}

// MovedAccess is an access of the app. Hidden: the target may not see the API, so the app can't come with it.
type MovedAccess struct {
	ID           db.ID
	APIName      string
	PublisherID  db.ID
	Portal       bool // it is the portal's own API
	PlanName     string
	TermsVersion int // of the terms that who moves the app agrees to for the target; 0: none
	State        string
	Hidden       bool
	Gateway      bool // it lets keys ask about the APIs of the organization that they are of
	Anew         bool // staff approved it for the source: it waits for them again, and keys are refused at the API until then
	Stopped      bool // it is such, and suspended, which nobody gets rid of by moving
}

// Movable reports whether nothing stands in the way.
func (m Move) Movable() bool {
	return len(m.Deputed) == 0 && m.TooMany() == 0 && !slices.ContainsFunc(m.Access, func(x MovedAccess) bool { return x.Hidden || x.Gateway || x.Stopped })
}

// Target is an organization that the actor could move an app to.
type Target struct {
	ID   db.ID
	Name string
	Kind string
}

// Targets lists the other organizations of the actor in which they manage apps, by name. Faults: NotFound, Forbidden for who is no owner of the app's own.
func (s *Store) Targets(ctx context.Context, a actor.Actor, appID db.ID) ([]Target, error) {
	app, _, err := org.AppFor(s.db.Read(ctx), a, appID, permission.AppsMove)
	if err != nil {
		return nil, err
	}
	var rows []Target
	err = s.db.Read(ctx).Raw(`SELECT o.id, o.name, o.kind FROM organizations o JOIN members m ON m.organization_id = o.id
		WHERE m.user_id = ? AND m.role IN ? AND o.deleted_at IS NULL AND o.id <> ? ORDER BY LOWER(o.name), o.id LIMIT 200`,
		a.Membership("m"), permission.OrgRoles(permission.AppsManage), app.OrganizationID).Scan(&rows).Error
	return rows, err
}

// PreviewMove tells what Move would mean. Faults: NotFound, Forbidden, Conflict when one of the organizations or the app is suspended or the target is full.
func (s *Store) PreviewMove(ctx context.Context, a actor.Actor, appID, to db.ID) (Move, error) {
	var m Move
	err := s.db.View(ctx, func(tx *db.Tx) (err error) {
		m, err = s.plan(tx, a, appID, to)
		return err
	})
	return m, err
}

// Move gives an app with its keys, access and usage to another organization; who moves it is an owner of its own and an admin of the target. Its keys
// work on and keep their grants. Access goes with it, with plan and quota, but what staff approved for the source waits for them again; terms that were agreed
// to for the source are agreed to anew, as they are now, by who moves it. The target's policies hold from then on, after the usual notice; its number of keys an
// app holds at once. What was counted of it comes with it, so that nobody of the source sees what it does from now on. Questions in the forum stay where they were
// asked. What the source shared of it ends. Told in the audit logs of both, and mailed to their admins, to those of the APIs' publishers and to staff who decide. Verification knows it on the next request. Faults: as
// PreviewMove; Conflict too when the target may not see an API that the app has access to, it is a gateway's app, or a key of it may act at the portal
// for its organization: who knows that key's secret in the source would act for the target (Z2).
func (s *Store) Move(ctx context.Context, a actor.Actor, appID, to db.ID) (Move, error) {
	var m Move
	err := s.db.Tx(ctx, func(tx *db.Tx) (err error) {
		if m, err = s.plan(tx, a, appID, to); err != nil {
			return err
		}
		if n := m.TooMany(); n > 0 {
			return fault.New(fault.Conflict, "The policy of %[1]s allows an app %[2]d keys, and this one has %[3]d. Revoke %[4]d that nothing uses, then move it.", m.To.Name, m.Most, int(m.Keys), n)
		}
		if !m.Movable() {
			return fault.New(fault.Conflict, "This app can’t be moved there as things stand: see what stands in the way.")
		}
		if _, err := tx.Run("UPDATE apps SET organization_id = ?, updated_at = ? WHERE id = ?", to, tx.Now, appID); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE usage_series SET organization_id = ? WHERE organization_id = ? AND app_id = ?", to, m.From.ID, appID); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM app_members WHERE app_id = ?", appID); err != nil { // a limited app stays so, for the owners and admins there
			return err
		}
		if err := share.EndOfAppTx(tx, a, appID); err != nil { // what the source shared is not the target's word
			return err
		}
		change.Record(tx, change.App, appID)
		if err := s.settle(tx, a, m); err != nil {
			return err
		}
		for _, o := range []Place{m.From, m.To} {
			audit.Record(tx, a, audit.Event{
				Act: audit.AppMoved, TargetKind: "app", TargetID: appID, OrganizationID: o.ID,
				Details: m.details(),
			})
		}
		return s.tellMoved(tx, m)
	})
	return m, err
}

// plan checks who asks and reads what the move means. It locks both organizations and the app until the commit.
func (s *Store) plan(tx *db.Tx, a actor.Actor, appID, to db.ID) (Move, error) {
	var m Move
	app, _, err := org.AppFor(tx.DB, a, appID, permission.AppsMove)
	if err != nil {
		return m, err
	}
	if _, err := org.Require(tx.DB, a, to, permission.AppsManage); err != nil {
		return m, err
	}
	if app.OrganizationID == to {
		return m, fault.New(fault.Conflict, "The app belongs to this organization already.")
	}
	if err := lockMove(tx, app.OrganizationID, to, appID); err != nil {
		return m, err
	}
	if app, _, err = org.AppFor(tx.DB, a, appID, permission.AppsMove); err != nil { // as it is under the lock
		return m, err
	}
	m.App = app
	if m.From, err = placeOf(tx.DB, app.OrganizationID); err != nil {
		return m, err
	}
	if m.To, err = placeOf(tx.DB, to); err != nil {
		return m, err
	}
	if err := m.stands(tx); err != nil {
		return m, err
	}
	return m, m.read(tx)
}

func lockMove(tx *db.Tx, from, to, app db.ID) error {
	if tx.Home.Dialect != db.Postgres {
		return nil
	}
	orgs := []db.ID{from, to}
	slices.SortFunc(orgs, func(a, b db.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range orgs {
		if err := tx.Exec("SELECT 1 FROM organizations WHERE id = ? FOR UPDATE", id).Error; err != nil {
			return err
		}
	}
	if err := tx.Exec("SELECT 1 FROM keys WHERE app_id = ? ORDER BY id FOR UPDATE", app).Error; err != nil { // their grants are judged
		return err
	}
	return tx.Exec("SELECT 1 FROM apps WHERE id = ? FOR UPDATE", app).Error
}

func placeOf(g *gorm.DB, id db.ID) (Place, error) {
	var rows []Place
	err := g.Raw("SELECT id, name, kind, suspended_at, suspended_until FROM organizations WHERE id = ? AND deleted_at IS NULL", id).Scan(&rows).Error
	if err == nil && len(rows) == 0 {
		err = fault.Missing()
	}
	if err != nil {
		return Place{}, err
	}
	return rows[0], nil
}

// stands refuses a move by which a suspension would be evaded, and one beyond the bounds of the target.
func (m *Move) stands(tx *db.Tx) error {
	stopped := func(at, until *time.Time) bool { return at != nil && (until == nil || tx.Now.Before(*until)) }
	if stopped(m.From.SuspendedAt, m.From.SuspendedUntil) || stopped(m.To.SuspendedAt, m.To.SuspendedUntil) || m.App.Suspended(tx.Now) {
		return fault.New(fault.Conflict, "The app or one of the two organizations is suspended. The app can be moved when that has ended.")
	}
	var apps int64
	if err := tx.Raw("SELECT COUNT(*) FROM apps WHERE organization_id = ? AND deleted_at IS NULL", m.To.ID).Scan(&apps).Error; err != nil {
		return err
	}
	if apps >= org.MaxApps {
		return fault.New(fault.Conflict, "This organization has %d apps, which is the most that one can have.", int(apps))
	}
	return nil
}
