package handover

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	store "github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desks "github.com/gatehouse-dev/gatehouse/views/org"
)

const appsPath = "/console/apps"

func appPath(id db.ID) string { return appsPath + "/" + id.Show(org.AppPrefix) }

// MoveForm asks where an app goes, and once that is chosen says what it means.
func (h *Handler) MoveForm(c echo.Context) error {
	id, err := web.PathID(c, "id", org.AppPrefix)
	if err != nil {
		return err
	}
	to := web.QueryID(c, "to", org.Prefix)
	if to.IsZero() {
		d, err := h.targetDesk(c, id, nil)
		return h.shown(c, d, err)
	}
	d, err := h.moveDesk(c, id, to)
	if fault.Is(err, fault.Conflict) {
		return h.refused(c, err, func() (desks.Desk, error) { return h.targetDesk(c, id, nil) })
	}
	return h.shown(c, d, err)
}

// Move moves the app.
func (h *Handler) Move(c echo.Context) error {
	id, err := web.PathID(c, "id", org.AppPrefix)
	if err != nil {
		return err
	}
	var f struct {
		To string `form:"to"`
	}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	to, err := db.ParseID(org.Prefix, f.To)
	if err != nil {
		err = fault.BadField("to", "Choose an organization.")
	} else if _, err = h.Store.Move(web.Ctx(c), web.Actor(c), id, to); err == nil {
		return h.Done(c, appPath(id), "The app is moved, with its keys, its access and its usage.")
	}
	return h.refused(c, err, func() (desks.Desk, error) {
		if fault.Is(err, fault.Invalid) {
			return h.targetDesk(c, id, map[string]string{"to": web.T(c, "Choose an organization.")})
		}
		if d, again := h.moveDesk(c, id, to); again == nil {
			return d, nil
		}
		return h.targetDesk(c, id, nil)
	})
}

func (h *Handler) desk(c echo.Context, app org.AppRow) desks.Desk {
	title := web.T(c, "Move app")
	return desks.Desk{
		Frame: h.Frame(c, title), Title: title,
		Crumbs: []components.Crumb{{Label: web.T(c, "Apps"), Href: appsPath}, {Label: app.Name, Href: appPath(app.ID), Own: true}},
	}
}

// targetDesk is the choice of the organization. It asks by GET: nothing is moved yet.
func (h *Handler) targetDesk(c echo.Context, id db.ID, wrong map[string]string) (desks.Desk, error) {
	app, err := h.Orgs.App(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return desks.Desk{}, err
	}
	targets, err := h.Store.Targets(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return desks.Desk{}, err
	}
	d := h.desk(c, app)
	d.Lead = web.T(c, "An app moves with its keys, its access and its usage. It takes the role owner in its organization and admin in the new one.")
	if len(targets) == 0 {
		d.Parts = []desks.Part{{Empty: &components.EmptyState{
			Title: web.T(c, "There is nowhere to move it to"), Text: web.T(c, "You are an admin of no other organization. Make one, or ask an owner of the other to make you an admin there."),
			Action: &components.Act{Label: web.T(c, "Create organization"), Href: organizationsPath + "/new", Kind: components.Primary},
		}}}
		return d, nil
	}
	to := components.Field{Name: "to", Label: web.T(c, "Organization"), Error: wrong["to"], Value: c.QueryParam("to")}
	for _, t := range targets {
		to.Options = append(to.Options, components.Option{Value: t.ID.Show(org.Prefix), Label: t.Name, Data: true})
	}
	d.Parts = []desks.Part{{Form: &desks.Form{
		Spec: components.FormSpec{Action: appPath(id) + "/move", Method: "get"}, Inputs: []desks.Input{desks.Select(to)}, Submit: web.T(c, "See what changes"), Kind: components.Primary, Cancel: appPath(id),
	}}}
	return d, nil
}

// moveDesk says what the move means, what stands in its way first.
func (h *Handler) moveDesk(c echo.Context, id, to db.ID) (desks.Desk, error) {
	app, err := h.Orgs.App(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return desks.Desk{}, err
	}
	m, err := h.Store.PreviewMove(web.Ctx(c), web.Actor(c), id, to)
	if err != nil {
		return desks.Desk{}, err
	}
	d := h.desk(c, app)
	if !m.Movable() {
		d.Parts = append(d.Parts, inTheWay(c, m))
	}
	if len(m.Deputed) > 0 {
		d.Parts = append(d.Parts, deputedPart(c, m))
	}
	if p, any := anewPart(c, m); any {
		d.Parts = append(d.Parts, p)
	}
	if len(m.Access) > 0 {
		d.Parts = append(d.Parts, accessPart(c, m))
	}
	if len(m.Breaks) > 0 {
		d.Parts = append(d.Parts, breaksPart(c, m))
	}
	d.Parts = append(d.Parts, desks.Part{Facts: []desks.Fact{
		{Term: web.T(c, "App"), Value: m.App.Name, Data: true},
		{Term: web.T(c, "From"), Value: m.From.Name, Data: true},
		{Term: web.T(c, "To"), Value: m.To.Name, Data: true},
		{Term: web.T(c, "Keys"), Value: text.Number(web.Ctx(c), m.Keys)},
		{Term: web.T(c, "Calls, 24 h"), Value: text.Number(web.Ctx(c), m.Calls)},
	}})
	for _, sentence := range changes(c, m) {
		d.Parts = append(d.Parts, desks.Part{Text: sentence})
	}
	if m.Movable() {
		d.Parts = append(d.Parts, desks.Part{Danger: true, Title: web.T(c, "Move app"), Form: &desks.Form{
			Spec:   components.FormSpec{Action: appPath(id) + "/move", Hidden: []components.Hidden{{Name: "to", Value: to.Show(org.Prefix)}}},
			Submit: web.T(c, "Move app"), Kind: components.Danger, Cancel: appPath(id),
		}})
	}
	return d, nil
}

func changes(c echo.Context, m store.Move) []string {
	out := []string{
		keysWords(c, m),
		web.T(c, "Its usage, also of before, is seen in the new organization and no longer in the old one. Quotas go on counting."),
		web.T(c, "Members of the old organization who are none of the new one lose sight of it at once."),
		web.T(c, "The policy of the new organization holds for its keys from then on. Questions in the forum stay where they were asked."),
	}
	if m.Unowned > 0 {
		out = append(out, web.T(c, "%d of its keys then need an owner: whoever answers for them is no member there.", int(m.Unowned)))
	}
	return out
}

func keysWords(c echo.Context, m store.Move) string {
	if slices.ContainsFunc(m.Access, func(x store.MovedAccess) bool { return x.Anew }) {
		return web.T(c, "Its keys keep their scopes and limits. They work on, except at the APIs named above until staff approve.")
	}
	return web.T(c, "Its keys work on, with the same scopes and limits. Its access to APIs goes with it.")
}

// deputedPart names the keys that act at the portal for their organization.
func deputedPart(c echo.Context, m store.Move) desks.Part {
	title := web.T(c, "Keys that act for the organization")
	p := desks.Part{
		Title: title, ID: "deputed", Text: web.T(c, "Who knows the secret of one of these keys here would act at the portal for the new organization. Revoke them or take these scopes away, and make such keys anew there."),
		Table: &desks.Table{Spec: components.TableSpec{Caption: title, Columns: []components.Column{{Label: web.T(c, "Key")}, {Label: web.T(c, "Hint")}, {Label: web.T(c, "Scopes")}}}},
	}
	for _, k := range m.Deputed {
		p.Table.Rows = append(p.Table.Rows, []desks.Cell{
			{Text: k.Name, Data: true, Href: "/console/keys/" + k.ID.Show("key")}, {Text: k.Hint(), Data: true, Code: true}, {Text: strings.Join(k.Scopes, ", "), Data: true, Wrap: true},
		})
	}
	return p
}

// anewPart names the access that waits for staff again.
func anewPart(c echo.Context, m store.Move) (desks.Part, bool) {
	title := web.T(c, "Access that waits for approval again")
	p := desks.Part{
		Title: title, ID: "anew", Text: web.T(c, "Staff approved this for the old organization. With the move it waits for them again, and the app’s keys are refused at these APIs until they approve."),
		Table: &desks.Table{Spec: components.TableSpec{Caption: title, Columns: []components.Column{{Label: web.T(c, "Access")}}}},
	}
	for _, x := range m.Access {
		if x.Anew {
			p.Table.Rows = append(p.Table.Rows, []desks.Cell{{Text: x.APIName, Data: true, Href: "/console/access/" + x.ID.Show("acc")}})
		}
	}
	return p, len(p.Table.Rows) > 0
}

// accessPart says of each access what becomes of it, and to which terms who moves the app agrees.
func accessPart(c echo.Context, m store.Move) desks.Part {
	title := web.T(c, "What becomes of its access")
	p := desks.Part{
		Title: title, ID: "access",
		Table: &desks.Table{Spec: components.TableSpec{Caption: title, Columns: []components.Column{{Label: web.T(c, "Access")}, {Label: web.T(c, "Plan")}, {Label: web.T(c, "With the move")}}}},
	}
	var terms []string
	for _, x := range m.Access {
		what := web.T(c, "Goes with it, with the same plan and quota")
		switch {
		case x.Gateway || x.Stopped || x.Hidden:
			what = web.T(c, "Stands in the way")
		case x.Anew:
			what = web.T(c, "Waits for approval again")
		case x.State == catalog.Requested:
			what = web.T(c, "The request waits on, for the new organization")
		}
		p.Table.Rows = append(p.Table.Rows, []desks.Cell{{Text: x.APIName, Data: true, Href: "/console/access/" + x.ID.Show("acc")}, {Text: x.PlanName, Data: true}, {Text: what, Wrap: true}})
		if x.TermsVersion > 0 {
			terms = append(terms, x.APIName)
		}
	}
	if len(terms) > 0 {
		p.Text = web.T(c, "By moving the app you agree for %[1]s to the terms of %[2]s as they are now. What was agreed to for %[3]s does not count there.", m.To.Name, strings.Join(terms, ", "), m.From.Name)
	}
	return p
}

func inTheWay(c echo.Context, m store.Move) desks.Part {
	p := desks.Part{
		Title: web.T(c, "What stands in the way"), ID: "way",
		Note:  &desks.Note{Tone: components.Bad, Title: web.T(c, "This app can’t be moved there as things stand.")},
		Table: &desks.Table{Spec: components.TableSpec{Caption: web.T(c, "What stands in the way"), Columns: []components.Column{{Label: web.T(c, "Access")}, {Label: web.T(c, "Why")}}}},
	}
	for _, x := range m.Access {
		var why string
		switch {
		case x.Gateway:
			why = web.T(c, "It lets a gateway ask about the APIs of the organization that it is of. Make the gateway’s key anew in the other organization.")
		case x.Stopped:
			why = web.T(c, "It is suspended. The app can be moved when that has ended.")
		case x.Hidden:
			why = web.T(c, "The new organization is not invited to this API. Ask the portal’s staff, or end the access first.")
		default:
			continue
		}
		p.Table.Rows = append(p.Table.Rows, []desks.Cell{{Text: x.APIName, Data: true, Href: "/console/access/" + x.ID.Show("acc")}, {Text: why, Wrap: true}})
	}
	if len(p.Table.Rows) == 0 {
		p.Table = nil
	}
	if n := m.TooMany(); n > 0 {
		p.Text = web.T(c, "The policy of %[1]s allows an app %[2]d keys, and this one has %[3]d. Revoke %[4]d that nothing uses, then move it.", m.To.Name, m.Most, int(m.Keys), n)
	}
	return p
}

func breaksPart(c echo.Context, m store.Move) desks.Part {
	title := web.T(c, "Keys that the new organization’s policy sees otherwise")
	p := desks.Part{
		Title: title, ID: "policy", Text: web.T(c, "No key stops by moving. Their people are told before a rule takes effect."),
		Table: &desks.Table{Spec: components.TableSpec{Caption: title, Columns: []components.Column{{Label: web.T(c, "Key")}, {Label: web.T(c, "Hint")}, {Label: web.T(c, "Rule")}}}},
	}
	for _, b := range m.Breaks {
		p.Table.Rows = append(p.Table.Rows, []desks.Cell{
			{Text: b.Key.Name, Data: true, Href: "/console/keys/" + b.Key.ID.Show("key")}, {Text: b.Key.Hint(), Data: true, Code: true}, {Text: ruleWords(c, b), Wrap: true},
		})
	}
	return p
}

func ruleWords(c echo.Context, b store.Break) string {
	switch b.Rule {
	case store.TooLong:
		return web.T(c, "A key may live at most %d days there.", b.Days)
	case store.NoNetworks:
		return web.T(c, "A key must name its networks there.")
	case store.MayIdle:
		return web.T(c, "A key is paused there after %d days without use.", b.Days)
	}
	return web.T(c, "A key must be rotated there after %d days.", b.Days)
}
