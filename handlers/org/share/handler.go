// Package share serves the pages of apps that one organization shares with another: the offer, the answer, what it opens, and its end.
package share

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// Handler serves the area.
type Handler struct {
	*web.Kit
	Orgs     *org.Store
	Shares   *share.Store
	Usage    *usage.Store
	Refusals *refusal.Store
	Keys     *key.Store
}

// Routes lists the routes of the area.
func (h *Handler) Routes(r *web.Registrar) {
	in := web.SignedIn()
	r.Get("/console/apps/:id/share", in, h.OfferForm)
	r.Post("/console/apps/:id/share", in, h.Offer)
	r.Get("/console/shares/:share", in, h.Share)
	r.Post("/console/shares/:share/accept", in, h.Accept)
	r.Post("/console/shares/:share/decline", in, h.Decline)
	r.Get("/console/shares/:share/end", in, h.ConfirmEnd)
	r.Post("/console/shares/:share/end", in, h.End)
	r.Get("/console/shares/:share/keys/:key/rotate", in, h.RotateForm)
	r.Post("/console/shares/:share/keys/:key/rotate", in, h.Rotate)
}

const (
	appsPath   = "/console/apps"
	sharesPath = "/console/shares"
)

func appPath(id db.ID) string { return appsPath + "/" + id.Show(org.AppPrefix) }

func sharePath(id db.ID) string { return sharesPath + "/" + id.Show(share.Prefix) }

var rightHints = map[actor.Right]string{
	actor.ReadUsage:  text.N("All members there: how many calls, of which APIs, and which were refused and why."),
	actor.ReadKeys:   text.N("Developers there and up: name, hint, state and end of each key that lives."),
	actor.RotateTest: text.N("Developers there and up replace a test key and are shown the new one, which can do no more than the old one. They see the keys too."),
	actor.RotateAll:  text.N("As before, also live keys. Keys that manage the portal are left out."),
}

// rights are the words of what a share gives; a right that another one contains is left out.
func rights(c echo.Context, s share.Share) string {
	return words(c, s.Rights())
}

func words(c echo.Context, all []actor.Right) string {
	var out []string
	for _, r := range all {
		if r == actor.RotateTest && slices.Contains(all, actor.RotateAll) {
			continue
		}
		out = append(out, web.RightName(c, r))
	}
	return strings.Join(out, " · ")
}

// standing puts how a share stands into words.
func standing(c echo.Context, s share.Share) *views.Status {
	switch {
	case s.Offered():
		return &views.Status{Tone: components.Warn, Words: web.T(c, "Offered, waits for an answer until %s", text.Date(web.Ctx(c), s.LapsesAt()))}
	case s.Halted:
		return &views.Status{Tone: components.Bad, Words: web.T(c, "Stopped: organization suspended")}
	}
	return &views.Status{Tone: components.OK, Words: web.T(c, "Shared until %s", text.DateTime(web.Ctx(c), s.EndsAt))}
}

// listed is standing in a list, which says the end beside it.
func listed(c echo.Context, s share.Share) *views.Status {
	if !s.Offered() && !s.Halted {
		return &views.Status{Tone: components.OK, Words: web.T(c, "Shared")}
	}
	return standing(c, s)
}

// receiver is what the reader knows the other organization by: its name once it took the offer, else the id that was entered.
func receiver(s share.Share) string {
	if s.ReceiverName == "" {
		return s.ReceiverID.Show(org.Prefix)
	}
	return s.ReceiverName
}

// OfApp lists with whom an app is shared, and leads admins to share it; nil where there is nothing to tell.
func (h *Handler) OfApp(c echo.Context, app org.AppRow) (*views.Part, error) {
	all, err := h.Shares.OfApp(web.Ctx(c), web.Actor(c), app.ID)
	if err != nil {
		return nil, err
	}
	may := permission.Org(app.Role, permission.AppsManage)
	if len(all) == 0 && !may {
		return nil, nil
	}
	p := views.Part{Title: web.T(c, "Shared with other organizations"), ID: "shares"}
	if may {
		p.Actions = []components.Act{{Label: web.T(c, "Share app"), Href: appPath(app.ID) + "/share"}}
	}
	if len(all) == 0 {
		p.Text = web.T(c, "Let another organization, such as an agency, see this app’s usage or rotate its keys, for a time.")
		return &p, nil
	}
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Shares of this app"), Columns: []components.Column{
		{Label: web.T(c, "Organization")}, {Label: web.T(c, "What it may do")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Ends")},
	}}}
	for _, s := range all {
		t.Rows = append(t.Rows, []views.Cell{{Text: receiver(s), Data: true, Href: sharePath(s.ID)}, {Text: rights(c, s), Wrap: true}, {Status: listed(c, s)}, {Moment: h.Moment(c, s.EndsAt), Named: true}})
	}
	p.Table = &t
	return &p, nil
}

// Received lists what others share with the reader's organizations, and offer to them; nil when there is nothing.
func (h *Handler) Received(c echo.Context) (*views.Part, error) {
	all, err := h.Shares.Received(web.Ctx(c), web.Actor(c))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Apps of other organizations"), Columns: []components.Column{
		{Label: web.T(c, "App")}, {Label: web.T(c, "Shared by")}, {Label: web.T(c, "What you may do")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Ends")},
	}}}
	for _, s := range all {
		t.Rows = append(t.Rows, []views.Cell{
			{Text: s.AppName, Data: true, Href: sharePath(s.ID)}, {Text: s.LenderName, Data: true, Named: true}, {Text: rights(c, s), Wrap: true}, {Status: listed(c, s)}, {Moment: h.Moment(c, s.EndsAt), Named: true},
		})
	}
	return &views.Part{Title: web.T(c, "Shared with you"), ID: "shared", Table: &t}, nil
}

// Mine tells what shares let the reader do now, by their role; nil when others share nothing with them.
func (h *Handler) Mine(c echo.Context) (*views.Part, error) {
	all, err := h.Shares.Received(web.Ctx(c), web.Actor(c))
	if err != nil {
		return nil, err
	}
	opened, err := h.Shares.Opened(web.Ctx(c), web.Actor(c))
	if err != nil {
		return nil, err
	}
	t := views.Table{Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Apps of other organizations"), Columns: []components.Column{
		{Label: web.T(c, "App")}, {Label: web.T(c, "Shared by")}, {Label: web.T(c, "What you may do")}, {Label: web.T(c, "Why")}, {Label: web.T(c, "Ends")},
	}}}
	for _, s := range all {
		if s.Offered() {
			continue
		}
		may := web.T(c, "Nothing now.")
		if r := words(c, opened[s.ID]); r != "" {
			may = r
		} else if s.AsksFactor && !web.Actor(c).Factor {
			may = web.T(c, "Nothing before you have a second factor.")
		}
		t.Rows = append(t.Rows, []views.Cell{{Text: s.AppName, Data: true, Href: sharePath(s.ID)}, {Text: s.LenderName, Data: true, Named: true}, {Text: may, Wrap: true}, {Text: s.ReceiverName, Data: true, Hint: web.RoleName(c, s.ReceiverRole)}, {Moment: h.Moment(c, s.EndsAt), Named: true}})
	}
	if len(t.Rows) == 0 {
		return nil, nil
	}
	return &views.Part{Title: web.T(c, "Shared with you"), ID: "shared", Table: &t}, nil
}

func shareID(c echo.Context) (db.ID, error) { return web.PathID(c, "share", share.Prefix) }
