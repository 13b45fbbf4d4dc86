package org

import (
	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// RoleOf is the role of a user in an organization that is not deleted; "" when they have none. q is a transaction's DB, or db.DB's Read.
func RoleOf(q *gorm.DB, userID, organizationID db.ID) (string, error) {
	var roles []string
	err := q.Raw("SELECT m.role FROM members m JOIN organizations o ON o.id = m.organization_id WHERE m.organization_id = ? AND m.user_id = ? AND o.deleted_at IS NULL",
		organizationID, userID).Scan(&roles).Error
	if err != nil || len(roles) == 0 {
		return "", err
	}
	return roles[0], nil
}

// roleIn is the actor's role in an organization that is not deleted; "" when they have none.
func roleIn(q *gorm.DB, a actor.Actor, organizationID db.ID) (string, error) {
	members, arg := a.Members()
	var roles []string
	err := q.Raw("SELECT m.role FROM "+members+" m JOIN organizations o ON o.id = m.organization_id WHERE m.organization_id = ? AND o.deleted_at IS NULL", arg, organizationID).Scan(&roles).Error
	if err != nil || len(roles) == 0 {
		return "", err
	}
	return roles[0], nil
}

// Require is the actor's role in the organization when it has the permission. The program itself and its operator count as owner.
// Faults: NotFound for who is no member, Forbidden for a member whose role lacks it.
func Require(q *gorm.DB, a actor.Actor, organizationID db.ID, p permission.Name) (string, error) {
	role, err := memberRole(q, a, organizationID)
	if err != nil {
		return "", err
	}
	if role == "" {
		return "", fault.Missing()
	}
	if !permission.Org(role, p) {
		return "", fault.Lacking(string(p), organizationID.Show(Prefix))
	}
	return role, nil
}

func memberRole(q *gorm.DB, a actor.Actor, organizationID db.ID) (string, error) {
	switch {
	case a.Trusted():
		return permission.Owner, nil
	case a.Member():
		return roleIn(q, a, organizationID)
	}
	return "", nil
}

// RequireStaff fails with Forbidden unless the actor is staff whose role has the permission, the program itself or its operator.
func RequireStaff(a actor.Actor, p permission.Name) error {
	if a.Trusted() || (a.SignedIn() && permission.Staff(a.StaffRole, p)) {
		return nil
	}
	return fault.Lacking(string(p), "")
}

// AppFor reads an app that is not deleted, with the actor's role in its organization, when that has the permission. Faults: as Require.
func AppFor(q *gorm.DB, a actor.Actor, appID db.ID, p permission.Name) (App, string, error) {
	var apps []App
	unseen, hidden := a.Hidden()
	err := q.Raw("SELECT a.* FROM apps a JOIN organizations o ON o.id = a.organization_id WHERE a.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL AND a.id NOT IN "+unseen, append([]any{appID}, hidden...)...).Scan(&apps).Error
	if err != nil {
		return App{}, "", err
	}
	if len(apps) == 0 {
		return App{}, "", fault.Missing()
	}
	role, err := Require(q, a, apps[0].OrganizationID, p)
	if err != nil {
		return App{}, "", err
	}
	return apps[0], role, nil
}

// lockedApp is AppFor under a lock that lasts until the commit: what it finds stays as it is. SQLite has one writer anyway.
func lockedApp(tx *db.Tx, a actor.Actor, appID db.ID, p permission.Name) (App, error) {
	if tx.Home.Dialect == db.Postgres {
		if err := tx.Exec("SELECT 1 FROM apps WHERE id = ? FOR UPDATE", appID).Error; err != nil {
			return App{}, err
		}
	}
	app, _, err := AppFor(tx.DB, a, appID, p)
	return app, err
}
