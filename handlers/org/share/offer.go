package share

import (
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

type offerForm struct {
	Receiver string   `form:"receiver"`
	Rights   []string `form:"rights"`
	Reason   string   `form:"reason"`
	EndsOn   string   `form:"ends_on"`
}

// app reads the app of the path, if the reader may share it. Faults: NotFound, Forbidden.
func (h *Handler) app(c echo.Context) (org.AppRow, error) {
	id, err := web.PathID(c, "id", org.AppPrefix)
	if err != nil {
		return org.AppRow{}, err
	}
	app, err := h.Orgs.App(web.Ctx(c), web.Actor(c), id)
	if err == nil && !permission.Org(app.Role, permission.AppsManage) {
		err = fault.Lacking(string(permission.AppsManage), app.OrganizationID.Show(org.Prefix))
	}
	return app, err
}

// OfferForm is where somebody shares an app; the query fills it in.
func (h *Handler) OfferForm(c echo.Context) error {
	q := c.QueryParams()
	d, err := h.offerDesk(c, offerForm{Receiver: q.Get("receiver"), Rights: q["rights"], Reason: q.Get("reason"), EndsOn: q.Get("ends_on")}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) offerDesk(c echo.Context, f offerForm, fields map[string]string) (views.Desk, error) {
	app, err := h.app(c)
	if err != nil {
		return views.Desk{}, err
	}
	lender, err := h.Orgs.Get(web.Ctx(c), web.Actor(c), app.OrganizationID)
	if err != nil {
		return views.Desk{}, err
	}
	zone := text.Of(web.Ctx(c)).Zone
	today := h.Now().In(zone)
	may := components.Field{Name: "rights", Label: web.T(c, "What it may do"), Error: fields["rights"], Required: true}
	for _, r := range actor.Rights {
		may.Options = append(may.Options, components.Option{Value: string(r), Label: web.RightName(c, r), Hint: web.T(c, rightHints[r]), Selected: slices.Contains(f.Rights, string(r))})
	}
	title := web.T(c, "Share app")
	return views.Desk{
		Frame: h.Frame(c, title), Title: title, Lead: web.T(c, "Another organization gets what you choose here on this app, and nothing else, until the end that you set. Either side can end it before."),
		Crumbs: []components.Crumb{{Label: web.T(c, "Apps"), Href: appsPath}, {Label: app.Name, Href: appPath(app.ID), Own: true}},
		Parts: []views.Part{{Form: &views.Form{
			Spec: components.FormSpec{Action: appPath(app.ID) + "/share"}, Submit: web.T(c, "Offer to share"), Kind: components.Primary, Cancel: appPath(app.ID),
			Text: h.lentFactor(c, lender.FactorFrom),
			Inputs: []views.Input{
				views.Line(components.Field{
					Name: "receiver", Label: web.T(c, "Id of the other organization"), Value: f.Receiver, Error: fields["receiver"], Required: true, Autocomplete: "off", Code: true, MaxLength: 60,
					Hint: web.T(c, "Its members find it under the name on their organization’s page: it begins with org_. You see the name once the offer is accepted, so make sure of the id."),
				}),
				views.Some(may),
				views.Area(components.Field{Name: "reason", Label: web.T(c, "Reason"), Value: f.Reason, Error: fields["reason"], Hint: web.T(c, "What it is for. Both organizations read it."), Required: true, Rows: 2, MaxLength: share.MaxReason}),
				views.Line(components.Field{
					Name: "ends_on", Type: "date", Label: web.T(c, "Last day"), Value: f.EndsOn, Error: fields["ends_on"], Required: true, Min: today.Format(share.DayLayout), Max: today.AddDate(0, 0, share.MaxDays).Format(share.DayLayout),
					Hint: web.T(c, "It ends when that day is over in %[1]s, %[2]s days from now at most. A week before, both sides are told.", zone.String(), text.Number(web.Ctx(c), share.MaxDays)),
				}),
			},
		}}},
	}, nil
}

// Offer asks the other organization, after the password was asked for again when that is long ago: it lets others at the organization's keys.
func (h *Handler) Offer(c echo.Context) error {
	var f offerForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	app, err := h.app(c)
	if err != nil {
		return err
	}
	back := url.Values{"receiver": {f.Receiver}, "rights": f.Rights, "reason": {f.Reason}, "ends_on": {f.EndsOn}}
	if asked, err := h.AskFirst(c, appPath(app.ID)+"/share", back); err != nil || asked {
		return err
	}
	in := share.Input{Receiver: f.Receiver, Reason: f.Reason, EndsOn: f.EndsOn, Zone: text.Of(web.Ctx(c)).Zone}
	for _, r := range f.Rights {
		in.Rights = append(in.Rights, actor.Right(r))
	}
	s, err := h.Shares.Offer(web.Ctx(c), web.Actor(c), app.ID, in)
	if err = h.Unkeyed(c, err, &f.Reason, &f.Receiver); err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.offerDesk(c, f, fields) })
	}
	return h.DoneMailed(c, sharePath(s.ID), "The offer is made. If there is an organization with this id, its owners and admins find it on their console and by mail.",
		text.N("The offer is made. If there is an organization with this id, its owners and admins find it on their console."))
}
