package staffrole_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

type world struct {
	*testing.T
	db    *db.DB
	roles *staffrole.Store
	users *account.Store
	admin actor.Actor
}

func each(t *testing.T, body func(w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, db: d, roles: staffrole.NewStore(d), users: account.NewStore(account.Options{
			DB: d, Outbox: outbox.New(root.Sealer(secret.LabelMail)), Link: func(path string) string { return "https://portal.example" + path }, PortalName: func(context.Context) string { return "Portal" },
		})}
		w.admin = w.person("root", permission.StaffAdmin)
		body(w)
	})
}

func (w *world) person(name, role string) actor.Actor {
	w.Helper()
	return webtest.ActorOf(webtest.Person(w, w.db, name+"@company.example", role))
}

// now is somebody as their next request knows them.
func (w *world) now(a actor.Actor) actor.Actor {
	w.Helper()
	u, err := w.users.ByID(w.Context(), a.UserID)
	w.ok(err)
	return webtest.ActorOf(u)
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) is(err error, kind fault.Kind) {
	w.Helper()
	if !fault.Is(err, kind) {
		w.Errorf("%v, want %v", err, kind)
	}
}

func (w *world) role(name string, has ...permission.Name) staffrole.Role {
	w.Helper()
	r, err := w.roles.Create(w.Context(), w.admin, staffrole.Input{Name: name, Permissions: has})
	w.ok(err)
	return r
}

// Z7: a change of a role holds on the next request of who has it, and a role that is nothing allows nothing.
func TestAChangedRoleHoldsOnTheNextRequest(t *testing.T) {
	each(t, func(w *world) {
		r := w.role("Key desk", permission.StaffKeysRead)
		kim := w.person("kim", r.ID.String())
		before := permission.Staff(kim.StaffRole, permission.StaffKeysRead) && !permission.Staff(kim.StaffRole, permission.StaffAuditRead)

		w.ok(w.roles.Change(w.Context(), w.admin, r.ID, staffrole.Input{Name: "Log desk", Permissions: []permission.Name{permission.StaffAuditRead}}))

		after := w.now(kim)
		if !before || permission.Staff(after.StaffRole, permission.StaffKeysRead) || !permission.Staff(after.StaffRole, permission.StaffAuditRead) {
			w.Errorf("before %q, after %q", kim.StaffRole, after.StaffRole)
		}
		if nobody := w.person("nobody", db.NewID().String()); len(permission.Of(nobody.StaffRole)) != 0 {
			w.Errorf("a role that is not there allows %v", permission.Of(nobody.StaffRole))
		}
	})
}

// Z5: nobody gives, changes or takes what goes beyond their own role: not by composing, not by changing a role, not by giving or taking one, not by inviting.
func TestNobodyGrantsWhatTheyLack(t *testing.T) {
	each(t, func(w *world) {
		clerk := w.role("Clerk", permission.StaffRolesManage, permission.StaffKeysRead)
		keys, audit := w.role("Keys", permission.StaffKeysRead), w.role("Audit", permission.StaffAuditRead)
		kim, lee := w.person("kim", clerk.ID.String()), w.person("lee", "")
		ctx, more := w.Context(), []permission.Name{permission.StaffKeysRead, permission.StaffAuditRead}

		for name, err := range map[string]error{
			"compose":         errOf(w.roles.Create(ctx, kim, staffrole.Input{Name: "More", Permissions: more})),
			"compose a need":  errOf(w.roles.Create(ctx, kim, staffrole.Input{Name: "More", Permissions: []permission.Name{permission.StaffLeaksManage}})),
			"widen":           w.roles.Change(ctx, kim, keys.ID, staffrole.Input{Name: "Keys", Permissions: more}),
			"widen their own": w.roles.Change(ctx, kim, clerk.ID, staffrole.Input{Name: "Clerk", Permissions: append(clerk.Has(), permission.StaffAuditRead)}),
			"narrow":          w.roles.Change(ctx, kim, audit.ID, staffrole.Input{Name: "Audit", Permissions: []permission.Name{permission.StaffKeysRead}}),
			"delete":          w.roles.Delete(ctx, kim, audit.ID),
			"give composed":   w.users.SetStaffRole(ctx, kim, lee.UserID, audit.ID.String()),
			"give built-in":   w.users.SetStaffRole(ctx, kim, lee.UserID, permission.Support),
			"give admin":      w.users.SetStaffRole(ctx, kim, kim.UserID, permission.StaffAdmin),
			"take from admin": w.users.SetStaffRole(ctx, kim, w.admin.UserID, ""),
			"invite":          inviteErr(w.users.InviteStaff(ctx, kim, "new@company.example", "New", permission.Auditor)),
		} {
			if !fault.Is(err, fault.Forbidden) {
				w.Errorf("%s: %v", name, err)
			}
		}

		w.ok(w.users.SetStaffRole(ctx, kim, lee.UserID, keys.ID.String()))
		if !permission.Staff(w.now(lee).StaffRole, permission.StaffKeysRead) {
			w.Error("what is within their own role could not be given")
		}
		w.is(errOf(w.roles.Create(ctx, lee, staffrole.Input{Name: "Mine", Permissions: []permission.Name{permission.StaffKeysRead}})), fault.Forbidden)
	})
}

// Z5: no composed role takes the place of the last admin.
func TestAComposedRoleDoesNotTakeTheLastAdminsPlace(t *testing.T) {
	each(t, func(w *world) {
		all := w.role("Nearly admin", permission.OfStaff()...)
		second := w.person("second", all.ID.String())

		w.is(w.users.SetStaffRole(w.Context(), w.admin, w.admin.UserID, all.ID.String()), fault.Conflict)
		w.is(w.users.SetStaffRole(w.Context(), second, w.admin.UserID, all.ID.String()), fault.Conflict)
	})
}

func TestARoleThatSomebodyHasIsNotDeleted(t *testing.T) {
	each(t, func(w *world) {
		r := w.role("Keys", permission.StaffKeysRead)
		kim := w.person("kim", r.ID.String())
		w.is(w.roles.Delete(w.Context(), w.admin, r.ID), fault.Conflict)

		w.ok(w.users.SetStaffRole(w.Context(), w.admin, kim.UserID, ""))
		w.ok(w.roles.Delete(w.Context(), w.admin, r.ID))

		w.is(w.users.SetStaffRole(w.Context(), w.admin, kim.UserID, r.ID.String()), fault.Invalid)
		w.is(w.roles.Delete(w.Context(), w.admin, r.ID), fault.NotFound)
		if all, err := w.roles.List(w.Context(), w.admin); err != nil || len(all) != 0 {
			w.Errorf("%v %v", all, err)
		}
	})
}

func TestWhatIsWrongWithARoleIsSaid(t *testing.T) {
	each(t, func(w *world) {
		w.role("Keys", permission.StaffKeysRead)
		for field, in := range map[string]staffrole.Input{
			"name":        {Name: "KEYS", Permissions: []permission.Name{permission.StaffKeysRead}},
			"name ":       {Name: "Admin", Permissions: []permission.Name{permission.StaffKeysRead}},
			"name  ":      {Name: "two\nlines", Permissions: []permission.Name{permission.StaffKeysRead}},
			"description": {Name: "Long", Description: strings.Repeat("x", 301), Permissions: []permission.Name{permission.StaffKeysRead}},
			"permissions": {Name: "None"},
			// what organizations give is nothing for staff, nor is what is not in the table
			"permissions ":  {Name: "Org", Permissions: []permission.Name{permission.StaffKeysRead, permission.OrgDelete}},
			"permissions  ": {Name: "Unknown", Permissions: []permission.Name{permission.StaffKeysRead, "staff:everything:manage"}},
		} {
			_, err := w.roles.Create(w.Context(), w.admin, in)
			if f := fault.As(err); f == nil || len(f.Problems) != 1 || f.Problems[0].Field != strings.TrimSpace(field) {
				w.Errorf("%s: %v", field, err)
			}
		}
	})
}

func errOf(_ staffrole.Role, err error) error { return err }

func inviteErr(_ account.User, _ string, err error) error { return err }

// Z5: whoever manages users acts on nobody who stands above them.
func TestStaffActOnNobodyAboveThem(t *testing.T) {
	each(t, func(w *world) {
		helpers, ctx := w.role("Helpers", permission.StaffUsersManage), w.Context()
		kim, second, lee := w.person("kim", helpers.ID.String()), w.person("second", permission.StaffAdmin), w.person("lee", "")

		for name, err := range map[string]error{
			"suspend":      w.users.Suspend(ctx, kim, second.UserID, "because", nil),
			"end sessions": w.users.EndSessionsOf(ctx, kim, second.UserID), "end a session": w.users.EndSessionOf(ctx, kim, second.UserID, second.SessionID),
		} {
			if !fault.Is(err, fault.Forbidden) {
				w.Errorf("%s: %v", name, err)
			}
		}
		w.suspend(second)
		w.is(w.users.Unsuspend(ctx, kim, second.UserID), fault.Forbidden)

		w.ok(w.users.EndSessionsOf(ctx, kim, lee.UserID))
		w.ok(w.users.EndSessionsOf(ctx, w.admin, kim.UserID))
	})
}

// suspend writes down that somebody is suspended, as an admin would have it.
func (w *world) suspend(whom actor.Actor) {
	w.Helper()
	w.ok(w.db.Tx(w.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE users SET suspended_at = ?, suspended_reason = 'because' WHERE id = ?", tx.Now, whom.UserID)
		return err
	}))
}

// Z5: a role is written in one way, so that nobody holds one without being listed among those who do.
func TestARoleWrittenInAnotherWayIsNone(t *testing.T) {
	each(t, func(w *world) {
		r, p := w.role("Ops", permission.StaffRolesManage), w.person("mallory", "")
		id := r.ID.String()
		for _, role := range []string{"X" + id + "Y", "{" + id + "}", "urn:uuid:" + id, strings.ToUpper(id), strings.ReplaceAll(id, "-", "")} {
			if err := w.users.SetStaffRole(w.Context(), w.admin, p.UserID, role); err == nil || w.now(p).StaffRole != "" {
				w.Errorf("%s: %v, is %q", role, err, w.now(p).StaffRole)
			}
		}
	})
}
