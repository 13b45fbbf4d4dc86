package review

import (
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/staff/review"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// List shows about whom somebody should decide, and the reviews that there were.
func (h *Handler) List(c echo.Context) error {
	p, err := h.place(c)
	if err != nil {
		return err
	}
	lines, err := h.Reviews.Waiting(web.Ctx(c), web.Actor(c), p.scope)
	if err != nil {
		return err
	}
	d, err := h.listDesk(c, p, lines, decideForm{Act: review.Keep}, nil)
	if err != nil {
		return err
	}
	return h.Render(c, views.Page(d))
}

// again shows the list with what was chosen, and says beside it what is wrong with that.
func (h *Handler) again(c echo.Context, p place, lines []review.Line, f decideForm, wrong components.Problem) error {
	d, err := h.listDesk(c, p, lines, f, map[string]string{wrong.Field: wrong.Message})
	if err != nil {
		return err
	}
	if wrong.Field == "person" { // whose boxes have no place of their own for it
		wrong.Field = ""
	}
	d.Problems = []components.Problem{wrong}
	return h.RenderProblems(c, views.Page(d))
}

func (h *Handler) listDesk(c echo.Context, p place, lines []review.Line, f decideForm, fields map[string]string) (views.Desk, error) {
	all, err := h.Reviews.Reviews(web.Ctx(c), web.Actor(c), p.scope)
	if err != nil {
		return views.Desk{}, err
	}
	d := views.Desk{
		Frame: h.Frame(c, web.T(c, "Review of roles")), Title: web.T(c, "Review of roles"), Crumbs: p.crumbs,
		Lead: web.T(c, "Owners and admins who did not use the portal for 90 days, and everybody without a second factor. Nothing changes before somebody decides."),
	}
	if p.scope.OfStaff() {
		d.Lead = web.T(c, "Staff who did not use the portal for 90 days, or have no second factor. Nothing changes before somebody decides.")
	}
	d.Parts = []views.Part{h.waitingPart(c, p, lines, f, fields), finishPart(c, p, all)}
	if past := h.pastPart(c, p, all); past != nil {
		d.Parts = append(d.Parts, *past)
	}
	return d, nil
}

// waitingPart is the list, from which people are chosen.
func (h *Handler) waitingPart(c echo.Context, p place, lines []review.Line, f decideForm, fields map[string]string) views.Part {
	title := web.T(c, "Who waits")
	if len(lines) == 0 {
		return views.Part{Title: title, ID: "waiting", Empty: &components.EmptyState{Title: web.T(c, "Nobody waits"), Text: web.T(c, "Everybody here uses their role and has a second factor, or somebody decided less than 90 days ago that they keep it.")}}
	}
	page, pager := h.page(c, p, lines)
	t := views.Table{Spec: components.TableSpec{Caption: web.T(c, "People"), Stacks: true, Columns: []components.Column{
		{Label: web.T(c, "Person")}, {Label: web.T(c, "Role")}, {Label: web.T(c, "Why")}, {Label: web.T(c, "Last used")}, {Label: web.T(c, "Member since")},
	}}}
	if p.scope.OfStaff() {
		t.Spec.Columns[4].Label = web.T(c, "Account since")
	}
	open := false
	for _, l := range page {
		row, chosen := h.row(c, p, l)
		if chosen {
			row[0].Pick.Checked = slices.Contains(f.People, l.UserID.Show(userPrefix)+":"+l.Role)
		}
		open = open || chosen
		t.Rows = append(t.Rows, row)
	}
	part := views.Part{
		Title: title, ID: "waiting", Pager: pager,
		Text: web.T(c, "Last used is the last sign-in to the portal, or a later request of a session that is still there; a session lasts a day at most. What somebody does by keys is not looked at."),
	}
	if p.scope.OfStaff() {
		part.Text = web.T(c, "Last used is the last sign-in to the portal, or a later request of a session that is still there; a session lasts a day at most.")
	}
	if !open { // nobody about whom the reader decides
		part.Table = &t
		return part
	}
	act := components.Field{Name: "act", Label: web.T(c, "What happens to the chosen"), Required: true, Error: fields["act"]}
	for _, choice := range p.choices(c) {
		act.Options = append(act.Options, components.Option{Value: choice.value, Label: choice.label, Hint: choice.hint, Selected: choice.value == f.Act})
	}
	part.Form = &views.Form{
		Spec: components.FormSpec{Action: p.list() + "/decide", Method: "get"}, Inputs: []views.Input{views.Choices(t), views.Radios(act)},
		Submit: web.T(c, "Check decision"), Kind: components.Primary,
	}
	return part
}

// row is one line, and whether the reader can choose it.
func (h *Handler) row(c echo.Context, p place, l review.Line) (row []views.Cell, chosen bool) {
	person := views.Cell{Text: l.Name, Data: true, Hint: l.Email, HData: true, Wrap: true}
	switch {
	case l.UserID == web.Actor(c).UserID:
		person.Hint, person.HData = web.T(c, "This is you. Somebody else decides about you."), false
	case l.Above(web.Actor(c)):
		person.Hint, person.HData = web.T(c, "Their role goes beyond your own."), false
	default:
		person.Pick, chosen = &views.Pick{Name: "person", Value: l.UserID.Show(userPrefix)}, true
	}
	role, own := p.roleName(c, l.Role)
	used := components.MomentAt(web.Ctx(c), h.Now(), l.Since)
	if at := l.UsedAt(); at != nil {
		used = components.MomentAt(web.Ctx(c), h.Now(), *at)
	}
	since := components.MomentAt(web.Ctx(c), h.Now(), l.Since)
	last := views.Cell{Moment: &used, Hint: usedHint(c, l), Named: true}
	if l.UsedAt() == nil {
		last = views.Cell{Text: web.T(c, "Never"), Named: true}
	}
	return []views.Cell{person, {Text: role, Data: own}, {Text: why(c, l.Unused, l.Factorless), Hint: factorHint(c, l), Wrap: true}, last, {Moment: &since, Named: true}}, chosen
}

// why is for what somebody is on the list.
func why(c echo.Context, unused, factorless bool) string {
	var out []string
	if unused {
		out = append(out, web.T(c, "Not used for 90 days"))
	}
	if factorless {
		out = append(out, web.T(c, "No second factor"))
	}
	return strings.Join(out, " · ")
}

// factorHint says of who signs in by a provider, too, that it may ask for a factor of its own.
func factorHint(c echo.Context, l review.Line) string {
	if l.Linked && !l.Factor {
		return web.T(c, "Signs in by a provider, too; what it asks for is not known here.")
	}
	return ""
}

// usedHint says which signal it was.
func usedHint(c echo.Context, l review.Line) string {
	if l.SeenAt != nil && l.UsedAt() == l.SeenAt {
		return web.T(c, "Last request")
	}
	return web.T(c, "Last sign-in")
}

// page is the part of the list that the address asks for.
func (h *Handler) page(c echo.Context, p place, lines []review.Line) ([]review.Line, components.Pager) {
	n, err := strconv.Atoi(c.QueryParam("page"))
	pages := slices.Collect(slices.Chunk(lines, review.AtOnce))
	if err != nil || n < 1 || n > len(pages) {
		n = 1
	}
	var pager components.Pager
	href := func(n int) string { return p.list() + "?page=" + strconv.Itoa(n) }
	if n > 1 {
		pager.PrevHref = href(n - 1)
	}
	if n < len(pages) {
		pager.NextHref = href(n + 1)
	}
	if len(pages) > 1 {
		pager.Summary = web.T(c, "%[1]s of %[2]s", text.Number(web.Ctx(c), n), text.Number(web.Ctx(c), len(pages)))
	}
	return pages[n-1], pager
}

// finishPart is the review that is open, and how it ends.
func finishPart(c echo.Context, p place, all []review.Review) views.Part {
	part := views.Part{
		Title: web.T(c, "This review"), ID: "finish", Text: web.T(c, "Nothing is decided in it yet. Finish it all the same to have it on record that you looked."),
		Form: &views.Form{Spec: components.FormSpec{Action: p.list() + "/finish"}, Submit: web.T(c, "Finish review"), Kind: components.Plain},
	}
	if len(all) > 0 && all[0].FinishedAt == nil && all[0].Decided > 0 {
		part.Text = web.T(c, "%d decisions are made in it. Once it is finished it stays as a record; who still waits stays on the list.", int(all[0].Decided))
		part.Actions = []components.Act{{Label: web.T(c, "Show the decisions"), Href: p.recordPath(all[0])}}
	}
	return part
}

func (p place) recordPath(r review.Review) string {
	return p.root + "/reviews/" + r.ID.Show(review.Prefix)
}

// pastPart lists what was finished; nil when nothing was.
func (h *Handler) pastPart(c echo.Context, p place, all []review.Review) *views.Part {
	t := views.Table{Spec: components.TableSpec{Caption: web.T(c, "Finished reviews"), Stacks: true, Columns: []components.Column{
		{Label: web.T(c, "Finished")}, {Label: web.T(c, "By")}, {Label: web.T(c, "Decisions"), Num: true}, {Label: web.T(c, "Left open"), Num: true},
	}}}
	for _, r := range all {
		if r.FinishedAt == nil {
			continue
		}
		t.Rows = append(t.Rows, []views.Cell{
			{Text: text.DateTime(web.Ctx(c), *r.FinishedAt), Href: p.recordPath(r)},
			{Text: r.FinishedBy, Data: true, Named: true},
			{Text: text.Number(web.Ctx(c), r.Decided), Num: true},
			{Text: text.Number(web.Ctx(c), r.LeftOpen), Num: true},
		})
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return &views.Part{Title: t.Spec.Caption, ID: "past", Table: &t}
}
