package support

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

// mostKeys is how many keys of an app are shown beside a question.
const mostKeys = 10

// beside fills in what stands beside the question: as much as the asker shared and the reader may see.
func (h *Handler) beside(c echo.Context, d support.Detail, page *views.QuestionPage) error {
	ctx := web.Ctx(c)
	page.Facts = h.questionFacts(c, d)
	page.Asker = h.askerFacts(c, d)
	for _, e := range d.Earlier {
		state := components.MomentAt(ctx, h.Now(), e.CreatedAt).Relative
		switch {
		case e.Accepted:
			state += " · " + web.T(c, "Solved")
		case e.ClosedAt != nil:
			state += " · " + web.T(c, "Closed")
		}
		page.Earlier = append(page.Earlier, views.Link{Label: e.Title, Href: support.Path(e.ID), Detail: state})
	}
	if more := d.EarlierN - int64(len(d.Earlier)); more > 0 {
		page.EarlierAll = web.T(c, "%d more questions of theirs", more)
	}
	for _, m := range d.Merged {
		page.MergedHere = append(page.MergedHere, views.Link{Label: m.Title, Href: support.Path(m.ID)})
	}
	if d.App == nil {
		return nil
	}
	return h.appBox(c, d, page)
}

// titleOf names the page on which a question was asked.
func (h *Handler) titleOf(c echo.Context, path string) string {
	if h.Guides == nil {
		return path
	}
	return h.Guides.TitleOf(path, text.Of(web.Ctx(c)).Language)
}

func (h *Handler) questionFacts(c echo.Context, d support.Detail) []components.Fact {
	ctx := web.Ctx(c)
	with := d.AssigneeName
	if d.TeamName != "" && with != "" {
		with += ", " + d.TeamName
	} else if d.TeamName != "" {
		with = d.TeamName
	}
	facts := []components.Fact{{Term: web.T(c, "With"), Body: views.Data(with)}}
	if d.APIName != "" {
		facts = append(facts, components.Fact{Term: web.T(c, "About"), Body: views.Data(d.APIName)})
	}
	if d.Source != "" {
		facts = append(facts, components.Fact{Term: web.T(c, "Asked on"), Body: views.Anchor(h.titleOf(c, d.Source), d.Source)})
	}
	if len(d.Tags) > 0 {
		facts = append(facts, components.Fact{Term: web.T(c, "Tags"), Body: views.Tags(d.Tags)})
	}
	if d.FirstReplyAt != nil {
		facts = append(facts, components.Fact{Term: web.T(c, "First reply"), Body: components.Time(components.MomentAt(ctx, h.Now(), *d.FirstReplyAt))})
	}
	return append(facts, components.Fact{Term: web.T(c, "Followed by"), Value: web.T(c, "%d people", d.Followers)})
}

func (h *Handler) askerFacts(c echo.Context, d support.Detail) []components.Fact {
	ctx, a := web.Ctx(c), d.Asker
	name := a.Public
	if a.Name != "" && a.Name != a.Public {
		name = a.Name + " (" + a.Public + ")"
	}
	facts := []components.Fact{{Term: web.T(c, "Name"), Body: views.Anchor(name, personPath(a.ID))}}
	if a.Email != "" {
		facts = append(facts, components.Fact{Term: web.T(c, "Address"), Body: views.Data(a.Email)})
	}
	if len(a.Orgs) > 0 {
		facts = append(facts, components.Fact{Term: web.T(c, "Organizations"), Body: views.Memberships(memberships(a.Orgs))})
	}
	facts = append(facts, components.Fact{Term: web.T(c, "Account since"), Value: text.Date(ctx, a.CreatedAt)})
	if a.DeletedAt != nil {
		facts = append(facts, components.Fact{Term: web.T(c, "Account"), Value: web.T(c, "Deleted")})
	}
	if a.PostingBlocked {
		facts = append(facts, components.Fact{Term: web.T(c, "Posting"), Value: web.T(c, "Blocked")})
	}
	return facts
}

// personPath is the page of somebody who writes in the forum, where they can be kept from it.
func personPath(id db.ID) string { return "/support/people/" + id.Show("user") }

func memberships(all []support.Membership) []views.Link {
	var out []views.Link
	for _, m := range all {
		out = append(out, views.Link{Label: m.Name, Href: "/admin/organizations/" + m.ID.Show(org.Prefix)})
	}
	return out
}

// appBox shows the app that the asker shared; keys and refusals for who may see those of everybody.
func (h *Handler) appBox(c echo.Context, d support.Detail, page *views.QuestionPage) error {
	a := d.App
	box := &views.AppBox{Name: a.Name, Href: "/admin/apps/" + a.ID.Show(org.AppPrefix), Org: a.OrgName, RefusedTitle: web.T(c, "Refused, 24 h")}
	if a.DeletedAt != nil {
		box.State = &views.Status{Tone: components.Bad, Words: web.T(c, "Deleted")}
	} else if a.SuspendedAt != nil {
		box.State = &views.Status{Tone: components.Bad, Words: web.T(c, "Suspended")}
	}
	for _, x := range a.Access {
		tone, words := web.AccessWords(c, x.State)
		box.Access = append(box.Access, views.Line{Name: x.APIName, Href: "/admin/requests/" + x.ID.Show(catalog.AccessPrefix), Detail: x.Plan, State: &views.Status{Tone: tone, Words: words}})
	}
	if len(a.Access) == 0 {
		box.NoAccess = web.T(c, "It has no access to an API, and has asked for none.")
	}
	page.App = box
	if err := h.appKeys(c, a.ID, box); err != nil {
		return err
	}
	return h.appRefusals(c, a.ID, box)
}

func (h *Handler) appKeys(c echo.Context, app db.ID, box *views.AppBox) error {
	if !may(c, permission.StaffKeysRead) {
		return nil
	}
	found, err := h.Keys.ListAll(web.Ctx(c), web.Actor(c), key.Filter{AppID: app}, db.PageRequest{Sort: "-used", Size: mostKeys})
	for _, r := range found.Rows {
		s := keyWords[r.State(h.Now()).Name]
		box.Keys = append(box.Keys, views.Line{Name: r.Hint(), Href: "/admin/keys/" + r.ID.Show(key.IDPrefix), Detail: r.Name, State: &views.Status{Tone: s.Tone, Words: web.T(c, s.Words)}})
	}
	if len(found.Rows) == 0 {
		box.NoKeys = web.T(c, "It has no keys.")
	}
	return err
}

func (h *Handler) appRefusals(c echo.Context, app db.ID, box *views.AppBox) error {
	if !may(c, permission.StaffUsageRead) {
		return nil
	}
	codes, err := h.Usage.ByCode(web.Ctx(c), usage.View{Actor: web.Actor(c), Everything: true, App: app, Code: usage.Refused, Span: usage.Day})
	for _, r := range codes {
		box.Refused = append(box.Refused, views.Line{Name: r.Name, Code: true, Detail: text.Number(web.Ctx(c), r.All())})
	}
	if len(codes) == 0 {
		box.NoRefusals = web.T(c, "No call with a key of this app was refused. Calls with a key that nobody has belong to no app, and are not counted here.")
	}
	return err
}
