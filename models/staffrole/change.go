package staffrole

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Lengths of what is typed, in characters.
const (
	MaxName        = 60
	MaxDescription = 300
)

// Input is a role as an admin describes it. What its permissions need (permission.Whole) comes with them.
type Input struct {
	Name        string
	Description string
	Permissions []permission.Name
}

func (in *Input) check() error {
	var p fault.Problems
	in.Name = line(&p, "name", in.Name, MaxName)
	p.Check(in.Name != "", "name", "Enter a name.")
	p.Check(!permission.IsBuiltIn(strings.ToLower(in.Name)), "name", "This is the name of a built-in role. Choose another one.")
	in.Description = line(&p, "description", in.Description, MaxDescription)
	known := permission.Join(in.Permissions)
	p.Check(known != "", "permissions", "Choose at least one permission.")
	p.Check(len(permission.Split(known)) == len(in.Permissions), "permissions", "Choose permissions of the list.")
	in.Permissions = permission.Whole(in.Permissions)
	return p.Err()
}

// line notes what is not one line of at most so many visible characters, or holds an API key.
func line(p *fault.Problems, field, s string, most int) string {
	s = strings.TrimSpace(s)
	p.Check(utf8.RuneCountInString(s) <= most, field, "Use at most %d characters.", most)
	p.Check(!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }), field, "Use one line of visible characters.")
	audit.NoKey(p, field, s)
	return s
}

// Create makes a role. Faults: Forbidden, also for permissions that the actor lacks, Invalid about "name", "description" or "permissions", Conflict at Most.
func (s *Store) Create(ctx context.Context, a actor.Actor, in Input) (Role, error) {
	if err := may(a, permission.StaffRolesManage); err != nil {
		return Role{}, err
	}
	if err := in.check(); err != nil {
		return Role{}, err
	}
	if err := within(a, in.Permissions); err != nil {
		return Role{}, err
	}
	var r Role
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		var n int64
		if err := tx.Raw("SELECT COUNT(*) FROM staff_roles").Scan(&n).Error; err != nil {
			return err
		}
		if n >= Most {
			return fault.New(fault.Conflict, "There are %d staff roles, which is the most that there can be.", Most)
		}
		r = Role{ID: db.NewID(), Name: in.Name, Description: in.Description, Permissions: permission.Join(in.Permissions), CreatedAt: tx.Now, UpdatedAt: tx.Now}
		_, err := tx.Run("INSERT INTO staff_roles (id, name, description, permissions, created_by, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			r.ID, r.Name, r.Description, r.Permissions, a.UserID.Ref(), tx.Now, tx.Now)
		if err != nil {
			return err
		}
		audit.Record(tx, a, event(audit.StaffRoleCreated, r.ID, map[string]string{"name": r.Name, "permissions": r.Permissions}))
		return nil
	})
	return r, named(err)
}

// Change changes a role for all who have it, from their next request on. Faults: Forbidden, also when the role goes beyond the actor's own before or after,
// NotFound, Invalid as Create.
func (s *Store) Change(ctx context.Context, a actor.Actor, id db.ID, in Input) error {
	if err := may(a, permission.StaffRolesManage); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	return named(s.locked(ctx, id, func(tx *db.Tx, r Role) error {
		if err := within(a, append(r.Has(), in.Permissions...)); err != nil {
			return err
		}
		after := permission.Join(in.Permissions)
		if r.Name == in.Name && r.Description == in.Description && r.Permissions == after {
			return nil
		}
		audit.Record(tx, a, event(audit.StaffRoleChanged, id, map[string]string{
			"name": in.Name, "added": permission.Join(permission.Beyond(r.Full(), in.Permissions)),
			"removed": permission.Join(permission.Beyond(permission.Composed(id.String(), in.Permissions), r.Has())),
		}))
		_, err := tx.Run("UPDATE staff_roles SET name = ?, description = ?, permissions = ?, updated_at = ? WHERE id = ?", in.Name, in.Description, after, tx.Now, id)
		return err
	}))
}

// Delete removes a role that nobody has. Faults: Forbidden, also when it goes beyond the actor's own, NotFound, Conflict while somebody has it.
func (s *Store) Delete(ctx context.Context, a actor.Actor, id db.ID) error {
	if err := may(a, permission.StaffRolesManage); err != nil {
		return err
	}
	return s.locked(ctx, id, func(tx *db.Tx, r Role) error {
		if err := within(a, r.Has()); err != nil {
			return err
		}
		if r.People > 0 {
			return fault.New(fault.Conflict, "%d people have this role. Give them another one first.", int(r.People))
		}
		audit.Record(tx, a, event(audit.StaffRoleDeleted, id, map[string]string{"name": r.Name, "permissions": r.Permissions}))
		_, err := tx.Run("DELETE FROM staff_roles WHERE id = ?", id)
		return err
	})
}

// locked runs body on a role that nobody else changes, gives or deletes meanwhile.
func (s *Store) locked(ctx context.Context, id db.ID, body func(*db.Tx, Role) error) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := lock(tx, id); err != nil {
			return err
		}
		r, err := one(tx.DB, id) // counted under the lock: who was given the role while this waited is among its people
		if err != nil {
			return err
		}
		return body(tx, r)
	})
}

func event(act audit.Act, id db.ID, details map[string]string) audit.Event {
	return audit.Event{Act: act, TargetKind: "staff_role", TargetID: id, Details: details}
}

// named tells that a name is taken.
func named(err error) error {
	if db.Duplicate(err) {
		return fault.BadField("name", "There is a role of this name.")
	}
	return err
}
