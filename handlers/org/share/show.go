package share

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// refusalsShown and mostRows are how many lines the page shows.
const (
	refusalsShown = 20
	mostRows      = 10
)

// Share is the page of a share for both sides: what it is, what can be done about it, and to the receiver's people what it opens.
func (h *Handler) Share(c echo.Context) error {
	id, err := shareID(c)
	if err != nil {
		return err
	}
	s, err := h.Shares.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	title := s.AppName
	if s.Lends() {
		title = web.T(c, "Share with another organization")
	}
	d := views.Desk{
		Frame: h.Frame(c, title), Title: title, DataTitle: !s.Lends(), Meta: s.ID.Show(share.Prefix), Status: standing(c, s), Crumbs: crumbs(c, s),
		Parts: []views.Part{h.factsPart(c, s)},
	}
	if !s.Offered() && (s.MayLend() || s.MayAnswer()) {
		d.Actions = []components.Act{{Label: web.T(c, "End share"), Href: sharePath(id) + "/end", Kind: components.Danger}}
	} else if s.Offered() && s.MayLend() {
		d.Actions = []components.Act{{Label: web.T(c, "Take offer back"), Href: sharePath(id) + "/end", Kind: components.Danger}}
	}
	if s.Offered() && s.MayAnswer() {
		d.Parts = append(d.Parts,
			views.Part{Note: h.takenFactor(c, s.FactorFrom), Text: web.T(c, "Accepted, it opens the app to the members of your organization, by their roles. Their acts stand in the activity of both organizations."), Form: &views.Form{
				Spec: components.FormSpec{Action: sharePath(id) + "/accept"}, Submit: web.T(c, "Accept offer"), Kind: components.Primary,
			}},
			views.Part{Form: &views.Form{Spec: components.FormSpec{Action: sharePath(id) + "/decline"}, Submit: web.T(c, "Decline offer")}})
	}
	if s.Receives() && !s.Offered() && !s.Halted {
		opened, err := h.opened(c, s)
		if err != nil {
			return err
		}
		d.Parts = append(d.Parts, opened...)
	}
	return h.Render(c, views.Page(d))
}

func crumbs(c echo.Context, s share.Share) []components.Crumb {
	all := []components.Crumb{{Label: web.T(c, "Apps"), Href: appsPath}}
	if s.Lends() {
		all = append(all, components.Crumb{Label: s.AppName, Href: appPath(s.AppID), Own: true})
	}
	return all
}

func (h *Handler) factsPart(c echo.Context, s share.Share) views.Part {
	facts := []views.Fact{{Term: web.T(c, "Shared by"), Value: s.LenderName, Data: true}}
	if s.Lends() {
		facts = append(facts, views.Fact{Term: web.T(c, "Shared with"), Value: receiver(s), Data: true})
	}
	facts = append(facts, views.Fact{Term: web.T(c, "Rights"), Value: rights(c, s)}, views.Fact{Term: web.T(c, "Reason"), Value: s.Reason, Data: true})
	if s.Offered() {
		facts = append(facts, views.Fact{Term: web.T(c, "Offer waits until"), Moment: h.Moment(c, s.LapsesAt())})
	} else {
		facts = append(facts, views.Fact{Term: web.T(c, "Accepted"), Moment: h.Moment(c, *s.AcceptedAt)})
	}
	return views.Part{Facts: append(facts, views.Fact{Term: web.T(c, "Ends"), Moment: h.Moment(c, s.EndsAt)})}
}

// opened are the parts that the share opens to the reader, by right and role: the stores say which.
func (h *Handler) opened(c echo.Context, s share.Share) ([]views.Part, error) {
	if s.AsksFactor && !web.Actor(c).Factor {
		return []views.Part{{Text: web.T(c, "The organization that shares the app requires a second factor. Until you have one, the share opens nothing to you."), Actions: []components.Act{
			{Label: web.T(c, "Add a second factor"), Href: "/console/account/security", Kind: components.Primary},
		}}}, nil
	}
	var parts []views.Part
	if s.UsageRead {
		p, err := h.usagePart(c, s.ID)
		if err != nil {
			return nil, err
		}
		refused, err := h.refusalsPart(c, s.ID)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p, refused)
	}
	keys, err := h.Keys.Shared(web.Ctx(c), web.Actor(c), s.ID)
	switch {
	case fault.Is(err, fault.NotFound) && s.KeysRead:
		parts = append(parts, views.Part{Title: web.T(c, "Keys"), ID: "keys", Text: web.T(c, "The share lets developers, admins and owners of your organization see the keys.")})
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return nil, err
	default:
		parts = append(parts, h.keysPart(c, s.ID, keys))
	}
	return parts, nil
}

func (h *Handler) usagePart(c echo.Context, id db.ID) (views.Part, error) {
	ctx := web.Ctx(c)
	v := usage.View{Actor: web.Actor(c), Share: id, Span: usage.Month}
	points, total, err := h.Usage.Series(ctx, v)
	if err != nil {
		return views.Part{}, err
	}
	all, err := h.Usage.Breakdowns(ctx, v, mostRows)
	if err != nil {
		return views.Part{}, err
	}
	chart := web.CallChart(c, web.T(c, "Calls by day (UTC)"), usage.Month, points, total)
	p := views.Part{Title: web.T(c, "Usage"), ID: "usage", Chart: &chart}
	if len(all.APIs) > 0 {
		p.Table = &views.Table{Spec: components.TableSpec{Caption: web.T(c, "Calls by API, 30 days"), Columns: []components.Column{{Label: web.T(c, "API")}, {Label: web.T(c, "Calls"), Num: true}, {Label: web.T(c, "Refused"), Num: true}}}}
		for _, r := range all.APIs {
			p.Table.Rows = append(p.Table.Rows, []views.Cell{apiCell(c, r.Name), {Text: text.Number(ctx, r.All()), Num: true}, {Text: text.Number(ctx, r.Bad), Num: true}})
		}
	}
	return p, nil
}

func apiCell(c echo.Context, name string) views.Cell {
	if name == "" {
		return views.Cell{Text: web.T(c, "Unknown")}
	}
	return views.Cell{Text: name, Data: true}
}

func (h *Handler) refusalsPart(c echo.Context, id db.ID) (views.Part, error) {
	page, err := h.Refusals.List(web.Ctx(c), refusal.View{Actor: web.Actor(c), Share: id}, db.PageRequest{Size: refusalsShown})
	if err != nil {
		return views.Part{}, err
	}
	p := views.Part{Title: web.T(c, "Refused calls"), ID: "refusals", Text: web.T(c, "The newest of the last 7 days. The guide to errors says what each code means.")}
	p.Table = &views.Table{Named: true, Empty: web.T(c, "No call was refused."), Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Newest refused calls"), Columns: []components.Column{
		{Label: web.T(c, "Request")}, {Label: web.T(c, "Time")}, {Label: web.T(c, "Code")}, {Label: web.T(c, "API")}, {Label: web.T(c, "Environment")},
	}}}
	for _, r := range page.Rows {
		p.Table.Rows = append(p.Table.Rows, []views.Cell{{Text: r.RequestID, Code: true}, {Moment: h.Moment(c, r.At)}, {Text: r.Code, Code: true}, apiCell(c, r.APIName), {Text: web.T(c, environmentWords[r.Environment])}})
	}
	return p, nil
}

var environmentWords = map[string]string{"live": text.N("Live"), "test": text.N("Test")}

var stateWords = map[key.StateName]struct {
	tone  components.Tone
	words string
}{
	key.Suspended: {components.Bad, text.N("Suspended")}, key.Paused: {components.Warn, text.N("Paused")}, key.Stopped: {components.Bad, text.N("Stopped")},
	key.Rotated: {components.Warn, text.N("Rotated")}, key.ExpiringNow: {components.Warn, text.N("Expires soon")}, key.Active: {components.OK, text.N("Active")},
}

func (h *Handler) keysPart(c echo.Context, id db.ID, keys []key.Lent) views.Part {
	t := views.Table{Named: true, Empty: web.T(c, "This app has no key that lives."), Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Keys of this app"), Columns: []components.Column{
		{Label: web.T(c, "Key")}, {Label: web.T(c, "Environment")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Ends")}, {Label: web.T(c, "Last used")}, {Label: web.T(c, "Rotate"), Hidden: true},
	}}}
	for _, k := range keys {
		state := stateWords[k.State.Name]
		if k.State.Cause == key.Leaked {
			state.tone, state.words = components.Bad, text.N("Paused, leaked")
		}
		row := []views.Cell{
			{Text: k.Name, Data: true, Hint: k.Hint, HData: true},
			{Text: web.T(c, environmentWords[k.Environment])},
			{Status: &views.Status{Tone: state.tone, Words: web.T(c, state.words)}},
			{Text: web.T(c, "Never"), Named: true},
			{Text: web.T(c, "Never"), Named: true},
			{},
		}
		if k.EndsAt != nil {
			row[3] = views.Cell{Moment: h.Moment(c, *k.EndsAt), Named: true}
		}
		if k.LastUsedAt != nil {
			row[4] = views.Cell{Moment: h.Moment(c, *k.LastUsedAt), Named: true}
		}
		if k.MayRotate {
			row[5] = views.Cell{Acts: []components.Act{{Label: web.T(c, "Rotate"), Href: sharePath(id) + "/keys/" + k.ID.Show(key.IDPrefix) + "/rotate"}}, Labels: []string{web.T(c, "Rotate %s", k.Name)}}
		}
		t.Rows = append(t.Rows, row)
	}
	return views.Part{Title: web.T(c, "Keys"), ID: "keys", Table: &t}
}

// Accept takes an offer.
func (h *Handler) Accept(c echo.Context) error {
	id, err := shareID(c)
	if err != nil {
		return err
	}
	s, err := h.Shares.Accept(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	return h.Done(c, sharePath(id), "The app %s is shared with your organization.", s.AppName)
}

// Decline ends an offer.
func (h *Handler) Decline(c echo.Context) error {
	id, err := shareID(c)
	if err != nil {
		return err
	}
	if err := h.Shares.Decline(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, appsPath, "The offer is declined.")
}

// ConfirmEnd says what ends.
func (h *Handler) ConfirmEnd(c echo.Context) error {
	id, err := shareID(c)
	if err != nil {
		return err
	}
	s, err := h.Shares.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	if !s.MayLend() && !s.MayAnswer() {
		return s.Refusal()
	}
	title, words := web.T(c, "End share"), h.Mailed(c, "The other organization is told by mail. Keys that were rotated by the share work on: whoever rotated one has seen its text. Rotate those that must stay yours alone.")
	if !s.Lends() {
		words = h.Mailed(c, "The other organization is told by mail. Your members no longer see the app or its keys. Keys that they rotated work on, and stay the other organization’s.")
	}
	if s.Offered() {
		title, words = web.T(c, "Take offer back"), web.T(c, "Nobody can accept it any more.")
	}
	return h.Render(c, views.Page(views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: append(crumbs(c, s), components.Crumb{Label: web.T(c, "Shared app"), Href: sharePath(id)}),
		Parts: []views.Part{{Danger: true, Title: web.T(c, "What ends"), Text: words, Facts: []views.Fact{{Term: web.T(c, "App"), Value: s.AppName, Data: true}, {Term: web.T(c, "Rights"), Value: rights(c, s)}}, Form: &views.Form{
			Spec: components.FormSpec{Action: sharePath(id) + "/end"}, Submit: title, Kind: components.Danger, Cancel: sharePath(id),
		}}},
	}))
}

// End ends a share, or takes an offer back.
func (h *Handler) End(c echo.Context) error {
	id, err := shareID(c)
	if err != nil {
		return err
	}
	s, err := h.Shares.End(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	to := appsPath
	if s.Lends() {
		to = appPath(s.AppID)
	}
	if s.Offered() {
		return h.Done(c, to, "The offer is taken back.")
	}
	return h.Done(c, to, "The share of the app %s has ended.", s.AppName)
}
