package staff

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/staff"
)

// targetPages are the staff pages of what has one, and what reading them needs.
var targetPages = map[string]struct {
	path  string
	needs permission.Name
}{
	"user": {"/admin/users/", permission.StaffUsersRead}, "staff_role": {"/admin/roles/", permission.StaffUsersRead},
	"organization": {"/admin/organizations/", permission.StaffOrgsRead}, "app": {"/admin/apps/", permission.StaffOrgsRead},
	"question": {"/support/questions/", permission.StaffQuestionsRead}, "support_team": {"/support/teams/", permission.StaffSupportManage},
	"api": {"/admin/apis/", permission.StaffAPIsRead}, "key": {"/admin/keys/", permission.StaffKeysRead}, "access": {"/admin/requests/", permission.StaffRequestsRead},
}

// idFacts are the details that hold an id of ours, and of what kind. Others may be what people typed, which can look like one.
var idFacts = map[string]string{
	"app": "app", "into": "question", "question": "question", "responsible": "user", "rotated_from": "key", "share": "share", "successor": "key", "with": "organization",
}

// wentKinds are the kinds of which the details "from" and "to" of an act hold ids. Of other acts they are words.
var wentKinds = map[audit.Act][]string{
	audit.AppMoved: {"organization"}, audit.QuestionAssigned: {"user", "support_team"}, audit.UserRoleChanged: {"staff_role"},
}

// kindsOf are the kinds of which a detail may hold an id.
func kindsOf(e audit.Entry, fact string) []string {
	act := audit.Act(e.Act)
	if fact == "from" || fact == "to" {
		return wentKinds[act]
	}
	if e.Facts["name"] == "" && (act == audit.AppMemberAdded || act == audit.AppMemberRemoved) {
		return nil // before the name had a detail of its own, it stood as "app"
	}
	if kind, ok := idFacts[fact]; ok {
		return []string{kind}
	}
	return nil
}

// named is something that a detail names by its id.
func named(e audit.Entry, fact string) (kind string, id db.ID) {
	for _, kind := range kindsOf(e, fact) {
		if id, ok := idOf(kind, e.Facts[fact]); ok {
			return kind, id
		}
	}
	return "", db.ID{}
}

func idOf(kind, value string) (db.ID, bool) {
	if kind == "staff_role" {
		return staffrole.IDOf(value)
	}
	id, err := db.ParseID(web.IDPrefixes[kind], value)
	return id, err == nil
}

// auditRows show events, with the names that things have now: those to which something was done, and those of which details tell.
func (h *Handler) auditRows(c echo.Context, events []audit.Entry) ([]views.AuditRow, error) {
	ids := map[string][]db.ID{}
	for _, e := range events {
		if e.TargetID != nil {
			ids[e.TargetKind] = append(ids[e.TargetKind], *e.TargetID)
		}
		for fact := range e.Facts {
			if kind, id := named(e, fact); !id.IsZero() {
				ids[kind] = append(ids[kind], id)
			}
		}
	}
	names, err := h.Staff.Names(web.Ctx(c), ids)
	if err != nil {
		return nil, err
	}
	rows := make([]views.AuditRow, len(events))
	for i, e := range events {
		rows[i] = h.auditRow(c, e, names)
	}
	return rows, nil
}

func (h *Handler) auditRow(c echo.Context, e audit.Entry, names map[db.ID]staff.Named) views.AuditRow {
	row := views.AuditRow{
		Seq: strconv.FormatInt(e.Seq, 10), At: components.MomentAt(web.Ctx(c), h.Now(), e.At), Act: e.Act, Actor: e.Who["actor"], From: e.Who["address"],
		Target: web.ShownID(e.TargetKind, db.Deref(e.TargetID)), Refused: e.Result == audit.Refused, Request: e.RequestID,
	}
	if words, worded := web.ActWords(c, e.Act); worded {
		row.Words = words
	}
	if row.Actor == "" { // a deleted account, or none: without its name it is still told from others
		row.Actor = cmp.Or(web.ShownID(e.ActorKind, db.Deref(e.ActorID)), e.ActorKind)
	}
	if row.Target == "" {
		row.Target = e.TargetKind
	}
	row.Name, row.Href = nameOf(c, names, db.Deref(e.TargetID))
	for _, fact := range slices.Sorted(maps.Keys(e.Facts)) {
		d := views.AuditDetail{Term: fact, Value: e.Facts[fact]}
		if kind, id := named(e, fact); !id.IsZero() {
			d.Name, d.Href = nameOf(c, names, id)
			d.Value = web.ShownID(kind, id)
		}
		d.Value = cmp.Or(d.Value, "–") // of what began or ended, one side is nothing
		row.Details = append(row.Details, d)
	}
	for _, fact := range slices.Sorted(maps.Keys(e.Who)) {
		if fact != "actor" && fact != "address" {
			row.Details = append(row.Details, views.AuditDetail{Term: fact, Value: e.Who[fact]})
		}
	}
	return row
}

// nameOf is what something is called now, and its page when the reader may open that; empty for what is gone.
func nameOf(c echo.Context, names map[db.ID]staff.Named, id db.ID) (name, href string) {
	n := names[id]
	if page, ok := targetPages[n.Kind]; ok && permission.Staff(web.Actor(c).StaffRole, page.needs) {
		href = page.path + web.ShownID(n.Kind, n.At)
	}
	return n.Name, href
}
