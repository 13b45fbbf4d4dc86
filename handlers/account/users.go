package account

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

var stateWords = map[string]string{
	account.StateActive: text.N("Active"), account.StateWaiting: text.N("Waits for approval"), account.StateSuspended: text.N("Suspended"), account.StateDeleted: text.N("Deleted"),
}

var stateTones = map[string]components.Tone{
	account.StateActive: components.OK, account.StateWaiting: components.Warn, account.StateSuspended: components.Bad, account.StateDeleted: components.Off,
}

var roleWords = map[string]string{
	permission.StaffAdmin: text.N("Admin"), permission.Support: text.N("Support"), permission.Auditor: text.N("Auditor"),
	permission.Viewer: text.N("Viewer"), permission.Developer: text.N("Developer"), permission.Owner: text.N("Owner"),
}

var kindWords = map[string]string{"personal": text.N("Personal"), "ordinary": text.N("Organization"), "company": text.N("Company")}

// Users lists and searches all users.
func (h *Handler) Users(c echo.Context) error {
	f := account.UserFilter{Search: c.QueryParam("q"), State: c.QueryParam("state"), Role: c.QueryParam("role")}
	found, err := h.Store.Users(web.Ctx(c), web.Actor(c), f, web.PageOf(c))
	if err != nil {
		return err
	}
	p := views.Users{Frame: h.Frame(c, web.T(c, "Users")), Search: f.Search, State: f.State, Role: f.Role, Filtered: f != account.UserFilter{}, Pager: web.Pager(c, found.Previous, found.Next)}
	composed, err := staffrole.All(h.DB.Read(web.Ctx(c)))
	if err != nil {
		return err
	}
	p.States, p.Roles = stateOptions(c), roleFilter(c, composed)
	p.Columns = userColumns(c, found.Sort)
	for _, u := range found.Rows {
		p.Rows = append(p.Rows, h.userRow(c, u, composed))
	}
	return h.Render(c, views.UsersPage(p))
}

func userColumns(c echo.Context, sort string) []components.Column {
	sortable := func(label, name string) components.Column {
		href, sorted := web.SortHref(c, name, sort)
		return components.Column{Label: label, SortHref: href, Sorted: sorted}
	}
	return []components.Column{
		sortable(web.T(c, "Name"), "name"),
		sortable(web.T(c, "Email"), "email"),
		{Label: web.T(c, "State")},
		{Label: web.T(c, "Staff role")},
		sortable(web.T(c, "Last signed in"), "signed_in"),
		sortable(web.T(c, "Created"), "created"),
	}
}

func (h *Handler) userRow(c echo.Context, u account.User, composed []staffrole.Role) views.UserRow {
	state := u.State(h.Now())
	row := views.UserRow{Href: userPath(u.ID), Name: u.Name, Email: u.Email, Tone: stateTones[state], State: web.T(c, stateWords[state]), SignedIn: h.at(c, u.LastSignedInAt), Created: h.at(c, &u.CreatedAt)}
	if u.StaffRole != "" {
		row.Role = staffRoleName(c, u.StaffRole, composed)
	}
	return row
}

func (h *Handler) at(c echo.Context, t *time.Time) components.Moment {
	if t == nil {
		return components.MomentAt(web.Ctx(c), h.Now(), time.Time{})
	}
	return components.MomentAt(web.Ctx(c), h.Now(), *t)
}

func roleName(c echo.Context, role string) string {
	if words, ok := roleWords[role]; ok {
		return web.T(c, words)
	}
	return role
}

func stateOptions(c echo.Context) []components.Option {
	out := []components.Option{{Value: "", Label: web.T(c, "All states")}}
	for _, s := range []string{account.StateActive, account.StateWaiting, account.StateSuspended, account.StateDeleted} {
		out = append(out, components.Option{Value: s, Label: web.T(c, stateWords[s])})
	}
	return out
}

func roleFilter(c echo.Context, composed []staffrole.Role) []components.Option {
	out := []components.Option{{Value: "", Label: web.T(c, "All people")}, {Value: "none", Label: web.T(c, "No staff role")}}
	for _, r := range permission.BuiltIn {
		out = append(out, components.Option{Value: r, Label: roleName(c, r)})
	}
	for _, r := range composed {
		out = append(out, components.Option{Value: r.ID.String(), Label: r.Name, Data: true})
	}
	return out
}

// staffRoleName is a staff role as pages show it: of a composed one the name that it has now.
func staffRoleName(c echo.Context, role string, composed []staffrole.Role) string {
	for _, r := range composed {
		if r.ID.String() == permission.Base(role) {
			return r.Name
		}
	}
	return roleName(c, role)
}

// staffRoles are what can be chosen for a person: what goes beyond the reader's own role can't, nor can anything when that of the person does.
func staffRoles(c echo.Context, has string, composed []staffrole.Role) []components.Option {
	own, now := web.Actor(c).StaffRole, permission.Base(has)
	out := []components.Option{{Value: "", Label: web.T(c, "No staff role"), Selected: now == ""}}
	for _, r := range permission.BuiltIn {
		out = append(out, components.Option{Value: r, Label: roleName(c, r), Selected: now == r, Disabled: len(permission.Beyond(own, permission.Of(r))) > 0})
	}
	for _, r := range composed {
		id := r.ID.String()
		out = append(out, components.Option{Value: id, Label: r.Name, Hint: r.Description, Data: true, Selected: now == id, Disabled: len(permission.Beyond(own, r.Has())) > 0})
	}
	return out
}

// User shows one user to staff.
func (h *Handler) User(c echo.Context) error {
	id, err := web.PathID(c, "user", prefixUser)
	if err != nil {
		return err
	}
	return h.showUser(c, id, nil, nil)
}

func (h *Handler) showUser(c echo.Context, id db.ID, problem error, keep func(*views.User)) error {
	d, err := h.Store.User(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	composed, err := staffrole.All(h.DB.Read(web.Ctx(c)))
	if err != nil {
		return err
	}
	p := h.userPage(c, d, composed)
	status := http.StatusOK
	if problem != nil {
		p.Problems, p.Errors, _ = web.Problems(c, problem)
		status = http.StatusUnprocessableEntity
	}
	if keep != nil {
		keep(&p)
	}
	return h.RenderStatus(c, status, views.UserPage(p))
}

func (h *Handler) userPage(c echo.Context, d account.Dossier, composed []staffrole.Role) views.User {
	state, who := d.State(h.Now()), web.Actor(c)
	p := views.User{
		Frame: h.Frame(c, d.Name), ID: d.ID.Show(prefixUser), Path: userPath(d.ID), Name: d.Name, Tone: stateTones[state], State: web.T(c, stateWords[state]),
		Facts: h.userFacts(c, d, composed), Sessions: h.sessions(c, d.Sessions), ShutOut: h.shutOut(c, d),
	}
	manage := permission.Staff(who.StaffRole, permission.StaffUsersManage) && d.DeletedAt == nil
	p.CanApprove = manage && state == account.StateWaiting
	p.CanUnsuspend = manage && state == account.StateSuspended
	p.CanSuspend = manage && state != account.StateSuspended && d.ID != who.UserID
	p.CanEndSessions = manage
	p.CanChangeRole = permission.Staff(who.StaffRole, permission.StaffRolesManage) && d.DeletedAt == nil && (state == account.StateActive || d.StaffRole != "") &&
		len(permission.Beyond(who.StaffRole, permission.Of(d.StaffRole))) == 0
	if state == account.StateSuspended {
		p.Reason = d.SuspendedReason
		if d.SuspendedUntil != nil {
			p.Until = text.DateTime(web.Ctx(c), *d.SuspendedUntil)
		}
	}
	p.Roles = staffRoles(c, d.StaffRole, composed)
	for _, m := range d.Memberships {
		p.Organizations = append(p.Organizations, views.Organization{Href: "/admin/organizations/" + m.OrganizationID.Show("org"), Name: m.Name, Kind: web.T(c, kindWords[m.Kind]), Role: roleName(c, m.Role)})
	}
	return p
}

// userFacts begin with what a reader on a phone came for.
func (h *Handler) userFacts(c echo.Context, d account.Dossier, composed []staffrole.Role) []components.Fact {
	role := web.T(c, "None")
	if d.StaffRole != "" {
		role = staffRoleName(c, d.StaffRole, composed)
	}
	facts := []components.Fact{
		{Term: web.T(c, "Email"), Body: views.Typed(d.Email)},
		{Term: web.T(c, "Staff role"), Value: role},
		{Term: web.T(c, "Last signed in"), Body: components.Time(h.at(c, d.LastSignedInAt))},
	}
	return append(append(facts, h.factorFacts(c, d)...), []components.Fact{
		{Term: web.T(c, "Password changed"), Body: components.Time(h.at(c, d.PasswordChangedAt))},
		{Term: web.T(c, "Display name"), Body: views.Typed(d.DisplayName)},
		{Term: web.T(c, "Language and time zone"), Body: views.Typed(languageName(d.Language) + ", " + d.TimeZone)},
		{Term: web.T(c, "Created"), Body: components.Time(h.at(c, &d.CreatedAt))},
	}...)
}

// languageName is what a language calls itself; a tag that does not ship any more stays as it is.
func languageName(tag string) string {
	for _, l := range text.Languages() {
		if string(l.Language) == tag {
			return l.Name
		}
	}
	return tag
}
