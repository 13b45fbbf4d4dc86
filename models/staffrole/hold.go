package staffrole

import (
	"slices"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Effective is SQL for the staff role of user u with its permissions, as Expand gives it.
const Effective = "COALESCE((SELECT u.staff_role || ' ' || sr.permissions FROM staff_roles sr WHERE u.staff_role <> '' AND CAST(sr.id AS TEXT) = u.staff_role), u.staff_role)"

// Expand adds its permissions to a staff role as the table of users keeps it. A built-in one stays as it is; an id of nothing has none.
func Expand(q *gorm.DB, role string) (string, error) {
	id, ok := composed(role)
	if !ok {
		return role, nil
	}
	var kept []string
	if err := q.Raw("SELECT permissions FROM staff_roles WHERE id = ?", id).Scan(&kept).Error; err != nil || len(kept) == 0 {
		return role, err
	}
	return permission.Composed(role, permission.Split(kept[0])), nil
}

// With are the staff roles that have a permission, as the table of users keeps them; never empty, so that IN has something.
func With(q *gorm.DB, p permission.Name) ([]string, error) {
	row, _ := permission.Known(p)
	roles := append([]string{permission.StaffAdmin}, row.Staff...)
	var all []struct {
		ID          db.ID
		Permissions string
	}
	if err := q.Raw("SELECT id, permissions FROM staff_roles WHERE permissions LIKE ?", "%"+string(p)+"%").Scan(&all).Error; err != nil {
		return nil, err
	}
	for _, r := range all {
		if slices.Contains(strings.Fields(r.Permissions), string(p)) {
			roles = append(roles, r.ID.String())
		}
	}
	return roles, nil
}

// Name is a composed role's name; "" when role is none.
func Name(q *gorm.DB, role string) (string, error) {
	id, ok := composed(permission.Base(role))
	if !ok {
		return "", nil
	}
	var names []string
	if err := q.Raw("SELECT name FROM staff_roles WHERE id = ?", id).Scan(&names).Error; err != nil || len(names) == 0 {
		return "", err
	}
	return names[0], nil
}

// Given checks in the transaction that gives somebody the role, in place of the one that they have, that it exists, and that neither goes beyond the actor's
// own (Z5). A composed role stays until the commit. Both are as the table of users keeps them; "" is none. Faults: Invalid about "role", Forbidden.
func Given(tx *db.Tx, a actor.Actor, role, instead string) error {
	if id, ok := composed(role); ok {
		if err := lock(tx, id); err != nil {
			return err
		}
		var ids []db.ID
		if err := tx.Raw("SELECT id FROM staff_roles WHERE id = ?", id).Scan(&ids).Error; err != nil {
			return err
		}
		if len(ids) == 0 {
			return fault.BadField("role", "Choose a role of the list.")
		}
	} else if role != "" && !permission.IsBuiltIn(role) {
		return fault.BadField("role", "Choose a role of the list.")
	}
	for _, r := range []string{role, instead} {
		full, err := Expand(tx.DB, r)
		if err != nil {
			return err
		}
		if err := within(a, permission.Of(full)); err != nil {
			return err
		}
	}
	return nil
}

// Reached refuses what would be done to the holder of a role that goes beyond the actor's own: whoever may manage users doesn't shut out who
// stands above them. Faults: Forbidden.
func Reached(tx *db.Tx, a actor.Actor, role string) error {
	full, err := Expand(tx.DB, role)
	if err != nil || a.Trusted() || len(permission.Beyond(a.StaffRole, permission.Of(full))) == 0 {
		return err
	}
	return fault.New(fault.Forbidden, "This person’s role goes beyond your own. Somebody who may do all that it allows can do this.")
}

// CanBe reports whether a text can name a staff role; whether the role is there, Given says.
func CanBe(role string) bool {
	_, ok := composed(role)
	return ok || permission.IsBuiltIn(role)
}

// lock keeps a role as it is until the commit. SQLite has one writer anyway.
func lock(tx *db.Tx, id db.ID) error {
	if tx.Home.Dialect != db.Postgres {
		return nil
	}
	return tx.Exec("SELECT 1 FROM staff_roles WHERE id = ? FOR UPDATE", id).Error
}

// within refuses what goes beyond the actor's own role.
func within(a actor.Actor, wanted []permission.Name) error {
	if a.Trusted() || len(permission.Beyond(a.StaffRole, wanted)) == 0 {
		return nil
	}
	return fault.New(fault.Forbidden, "This goes beyond your own role, and nobody gives, changes or takes what they lack.")
}

// IDOf is the id of a staff role that admins composed; false for a built-in one and for none.
func IDOf(role string) (db.ID, bool) { return composed(permission.Base(role)) }

// composed reads the id of a composed role, in the one way in which it is written: holders are found by that text.
func composed(role string) (db.ID, bool) {
	if role == "" || permission.IsBuiltIn(role) {
		return db.ID{}, false
	}
	id, err := uuid.Parse(role)
	return db.ID(id), err == nil && id.String() == role
}
