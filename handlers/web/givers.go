package web

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

var roleWords = map[string]string{
	permission.Viewer: text.N("Viewer"), permission.Developer: text.N("Developer"), permission.Admin: text.N("Admin"), permission.Owner: text.N("Owner"),
	permission.Support: text.N("Support"), permission.Auditor: text.N("Auditor"),
}

// RoleName is a role of an organization, or a built-in one of staff, as pages show it.
func RoleName(c echo.Context, role string) string { return T(c, roleWords[role]) }

var rightWords = map[actor.Right]string{
	actor.ReadUsage: text.N("See usage and refused calls"), actor.ReadKeys: text.N("See keys, never their text"),
	actor.RotateTest: text.N("Rotate test keys"), actor.RotateAll: text.N("Rotate all keys"),
}

// RightName is a right of a share as pages show it.
func RightName(c echo.Context, r actor.Right) string { return T(c, rightWords[r]) }

// Givers tells who has a permission, and who can give it: roles by name, and people by name to those who may see them.
type Givers struct {
	Roles  []string // that have it
	By     []string // roles that can give one of those
	People []Giver  // who have one of the latter and can sign in, at most mostGivers
}

// Giver is somebody who can give a permission. Href is empty where the reader can't look at them.
type Giver struct{ Name, Href string }

const mostGivers = 5

// GiversOf are those of a permission in an organization, of which the reader is a member, or among staff when organization is zero. What can't be read is left out.
func (k *Kit) GiversOf(c echo.Context, p permission.Name, organization db.ID) Givers {
	if roles := permission.OrgRoles(p); len(roles) > 0 {
		return k.giversInside(c, roles, organization)
	}
	return k.giversOfStaff(c, p)
}

// noEnrolment leaves out staff who reach nothing before they have a second factor. Its argument is whether that is required of staff.
const noEnrolment = ` AND (NOT ? OR u.staff_role = '' OR ` + actor.ShowsFactor + `)`

// insiders are the other members of an organization with one of some roles, for who is a member too. Who is kept out for want of a second factor gives nothing (A12).
const insiders = `SELECT u.name FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND m.role IN ? AND u.id <> ? AND u.deleted_at IS NULL
		AND (u.suspended_at IS NULL OR u.suspended_until <= ?)` + noEnrolment + ` AND NOT ` + actor.MemberShut + ` AND EXISTS (SELECT 1 FROM members o WHERE o.organization_id = m.organization_id AND o.user_id = ?)
		ORDER BY LOWER(u.name), u.id LIMIT ?`

func (k *Kit) giversInside(c echo.Context, roles []string, organization db.ID) Givers {
	var g Givers
	var by []string
	for _, r := range roles {
		g.Roles = append(g.Roles, T(c, roleWords[r]))
	}
	for _, r := range permission.OrgRoles(permission.MembersManage) {
		if slices.Contains(roles, r) { // nobody gives a role above their own
			by = append(by, r)
			g.By = append(g.By, T(c, roleWords[r]))
		}
	}
	if organization.IsZero() {
		return g
	}
	var names []string
	err := k.DB.Read(Ctx(c)).Raw(insiders, organization, by, Actor(c).UserID, k.Now(), k.StaffFactor, k.Now(), Actor(c).UserID, mostGivers).Scan(&names).Error
	if err != nil {
		return g
	}
	for _, name := range names {
		g.People = append(g.People, Giver{Name: name})
	}
	return g
}

const colleagues = `SELECT u.id, u.name FROM users u WHERE u.staff_role IN ? AND u.id <> ? AND u.deleted_at IS NULL AND (u.suspended_at IS NULL OR u.suspended_until <= ?)` + noEnrolment + `
		ORDER BY LOWER(u.name), u.id LIMIT ?`

func (k *Kit) giversOfStaff(c echo.Context, p permission.Name) Givers {
	var g Givers
	who := Actor(c)
	ours := []string{}
	gives := func(role, name string) {
		if permission.Staff(role, p) {
			g.Roles = append(g.Roles, name)
			if permission.Staff(role, permission.StaffRolesManage) { // nobody gives what they lack
				g.By, ours = append(g.By, name), append(ours, permission.Base(role))
			}
		}
	}
	for _, role := range permission.BuiltIn {
		gives(role, RoleName(c, role))
	}
	if who.StaffRole != "" { // what the company calls its roles is for its people
		composed, err := staffrole.All(k.DB.Read(Ctx(c)))
		if err != nil {
			return g
		}
		for _, r := range composed {
			gives(r.Full(), r.Name)
		}
	}
	if !permission.Staff(who.StaffRole, permission.StaffUsersRead) || len(ours) == 0 {
		return g
	}
	var people []staffrole.Holder
	err := k.DB.Read(Ctx(c)).Raw(colleagues, ours, who.UserID, k.Now(), k.StaffFactor, mostGivers).Scan(&people).Error
	if err != nil {
		return g
	}
	for _, h := range people {
		g.People = append(g.People, Giver{h.Name, "/admin/users/" + h.ID.Show("user")})
	}
	return g
}

// missing is what a page that refuses for want of a permission says of it; nil for other refusals.
func (k *Kit) missing(c echo.Context, f *fault.Error) *layout.Missing {
	row, known := permission.Known(permission.Name(f.Lacks))
	if f.Kind != fault.Forbidden || !known || !Actor(c).SignedIn() {
		return nil
	}
	within, _ := db.ParseID("org", f.Within)
	g := k.GiversOf(c, row.Name, within)
	m := &layout.Missing{Sentence: T(c, row.Sentence), Name: string(row.Name), Roles: strings.Join(g.Roles, ", "), By: strings.Join(g.By, ", ")}
	if len(permission.OrgRoles(row.Name)) == 0 && m.By != "" { // organizations have roles of the same names
		m.By = T(c, "%s, staff of this portal", m.By)
	}
	for _, p := range g.People {
		m.People = append(m.People, layout.Link{Label: p.Name, Href: p.Href})
	}
	return m
}

// lacked are the members of a problem document about a missing permission: the roles that have it, and those that can give it.
func lacked(f *fault.Error) (name string, roles, by []string) {
	row, known := permission.Known(permission.Name(f.Lacks))
	if f.Kind != fault.Forbidden || !known {
		return "", nil, nil
	}
	if len(row.Org) > 0 {
		by = slices.DeleteFunc(permission.OrgRoles(permission.MembersManage), func(r string) bool { return !slices.Contains(row.Org, r) })
		return string(row.Name), row.Org, by
	}
	return string(row.Name), row.Staff, []string{permission.StaffAdmin}
}
