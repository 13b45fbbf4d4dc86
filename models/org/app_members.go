package org

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Insider is a member of an app's organization below admin: whether a limited app lets them in is a choice. Owners and admins always reach it.
type Insider struct {
	Member
	Inside bool
}

const insiders = `SELECT m.user_id, u.name, u.email, m.role, m.created_at, CASE WHEN l.user_id IS NULL THEN 0 ELSE 1 END AS inside
	FROM apps a JOIN members m ON m.organization_id = a.organization_id AND m.role NOT IN ('admin', 'owner') JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
	LEFT JOIN app_members l ON l.app_id = a.id AND l.user_id = m.user_id WHERE a.id = ? ORDER BY u.name, m.user_id LIMIT ?`

// Insiders lists who could be let into an app, or is. Faults: NotFound, Forbidden below admin.
func (s *Store) Insiders(ctx context.Context, a actor.Actor, appID db.ID) ([]Insider, error) {
	q := s.db.Read(ctx)
	if _, _, err := AppFor(q, a, appID, permission.AppsManage); err != nil {
		return nil, err
	}
	var rows []Insider
	err := q.Raw(insiders, appID, MaxMembers).Scan(&rows).Error
	return rows, err
}

// LimitApp says who reaches an app with its keys, access, usage and refusals: all members of its organization, or, limited, only owners, admins and the
// members of inside. It holds from the next request on; the keys work on (Z7). Faults: NotFound, Forbidden below admin, Invalid about "members".
func (s *Store) LimitApp(ctx context.Context, a actor.Actor, appID db.ID, limited bool, inside []db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		seen, _, err := AppFor(tx.DB, a, appID, permission.AppsManage)
		if err != nil {
			return err
		}
		if err := LockMembers(tx, seen.OrganizationID); err != nil { // before the app, as moving one does; nobody leaves between the check and the row
			return err
		}
		app, err := lockedApp(tx, a, appID, permission.AppsManage)
		if err != nil {
			return err
		}
		if app.OrganizationID != seen.OrganizationID { // it was moved meanwhile
			return fault.Missing()
		}
		var all []Insider
		if err := tx.Raw(insiders, appID, MaxMembers).Scan(&all).Error; err != nil {
			return err
		}
		for _, id := range inside {
			if !slices.ContainsFunc(all, func(i Insider) bool { return i.UserID == id }) {
				return fault.BadField("members", "Choose members of this organization.")
			}
		}
		if limited != app.Limited {
			if _, err := tx.Run("UPDATE apps SET limited = ?, updated_at = ? WHERE id = ?", limited, tx.Now, appID); err != nil {
				return err
			}
			act := audit.AppOpened
			if limited {
				act = audit.AppLimited
			}
			audit.Record(tx, a, audit.Event{Act: act, TargetKind: "app", TargetID: appID, OrganizationID: app.OrganizationID, Details: map[string]string{"name": app.Name}})
		}
		if !limited {
			inside = nil
		}
		for _, i := range all {
			if err := setInside(tx, a, app, i, slices.Contains(inside, i.UserID)); err != nil {
				return err
			}
		}
		return nil
	})
}

// setInside lets a member into an app, or out.
func setInside(tx *db.Tx, a actor.Actor, app App, i Insider, inside bool) error {
	if i.Inside == inside {
		return nil
	}
	act, query, args := audit.AppMemberAdded, "INSERT INTO app_members (app_id, user_id, created_at) VALUES (?, ?, ?)", []any{app.ID, i.UserID, tx.Now}
	if !inside {
		act, query, args = audit.AppMemberRemoved, "DELETE FROM app_members WHERE app_id = ? AND user_id = ?", args[:2]
	}
	if _, err := tx.Run(query, args...); err != nil {
		return err
	}
	audit.Record(tx, a, audit.Event{
		Act: act, TargetKind: "user", TargetID: i.UserID, OrganizationID: app.OrganizationID, Details: map[string]string{"app": app.ID.Show(AppPrefix), "name": app.Name},
	})
	return nil
}
