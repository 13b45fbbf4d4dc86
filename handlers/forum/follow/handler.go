// Package follow has the pages about what one follows, and those that the links in mails lead to: they work without signing in, and the token in the link
// is the proof.
package follow

import (
	"net/http"
	"net/netip"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/follow"
)

// Handler serves the area.
type Handler struct {
	*web.Kit
	Store *follow.Store
	Forum *forum.Store
	Pace  func(echo.Context) error // refuses who sends too many forms (L7)
}

// Routes lists the routes of the area. /unsubscribe takes a POST without a session and without an origin: that is what mail programs send (RFC 8058).
func (h *Handler) Routes(r *web.Registrar) {
	in, all := web.SignedIn(), web.Public()
	r.Get("/console/account/notices", in, h.Notices)
	r.Post("/console/account/notices", in, h.Choose)
	r.Post("/console/account/notices/:id/end", in, h.End)
	r.Post("/forum/tags/:name/follow", in, h.FollowTag)
	r.Post("/apis/:slug/follow", in, h.FollowAPI)

	r.Get("/unsubscribe", all, h.ConfirmUnsubscribe)
	r.Programs(http.MethodPost, "/unsubscribe", h.Unsubscribe)
	r.Get("/solved", all, h.AskSolved)
	r.PostSmall("/solved", all, h.Solved)
}

const noticesPath = "/console/account/notices"

var kindWords = map[follow.Kind]string{follow.Question: text.N("Question"), follow.Tag: text.N("Tag"), follow.API: text.N("API")}

var whyWords = map[follow.Reason]string{
	follow.Asked: text.N("You asked"), follow.Answered: text.N("You answered"), follow.Commented: text.N("You commented"), follow.Chose: text.N("You chose to"),
}

// Notices lists what the reader follows.
func (h *Handler) Notices(c echo.Context) error {
	ctx, a := web.Ctx(c), web.Actor(c)
	list, err := h.Store.List(ctx, a, web.PageOf(c))
	if err != nil {
		return err
	}
	page := views.Notices{
		Frame: h.Frame(c, web.T(c, "What you follow")), Pager: web.Pager(c, list.Previous, list.Next),
		Crumbs: []components.Crumb{{Label: web.T(c, "Account"), Href: "/console/account"}, {Label: web.T(c, "What you follow")}},
	}
	for _, r := range list.Rows {
		page.Rows = append(page.Rows, views.Row{
			Name: r.Name, Href: r.Path(), Kind: web.T(c, kindWords[r.Kind]), Why: web.T(c, whyWords[r.Reason]), Since: components.MomentAt(ctx, h.Now(), r.CreatedAt),
			End: noticesPath + "/" + r.ID.Show(follow.Prefix) + "/end", About: r.Name,
		})
	}
	if permission.Staff(a.StaffRole, permission.StaffQuestionsRead) {
		chosen, err := h.Store.ChoicesOf(ctx, a)
		if err != nil {
			return err
		}
		page.Staff = []components.Field{
			{Name: "new_questions", Label: web.T(c, "Tell me of each new question"), Checked: chosen.NewQuestions},
			{Name: "assignments", Label: web.T(c, "Tell me when a question is handed to me or my team"), Checked: chosen.Assignments},
		}
	}
	return h.Render(c, views.NoticesPage(page))
}

// Choose keeps what staff hear of by mail.
func (h *Handler) Choose(c echo.Context) error {
	var f struct {
		NewQuestions bool `form:"new_questions"`
		Assignments  bool `form:"assignments"`
	}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.Choose(web.Ctx(c), web.Actor(c), follow.Choices{NewQuestions: f.NewQuestions, Assignments: f.Assignments}); err != nil {
		return err
	}
	return h.Done(c, noticesPath, "Your choices are kept.")
}

// End ends one follow.
func (h *Handler) End(c echo.Context) error {
	id, err := web.PathID(c, "id", follow.Prefix)
	if err != nil {
		return err
	}
	if err := h.Store.EndOne(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, noticesPath, "You follow it no more.")
}

// onForm reads whether the button follows or ends: the field on, "0" to end. Faults: RateLimited.
func (h *Handler) onForm(c echo.Context) (bool, error) {
	if err := h.Pace(c); err != nil {
		return false, err
	}
	var f struct {
		On string `form:"on"`
	}
	err := web.Bind(c, &f)
	return f.On != "0", err
}

// FollowTag makes the reader follow a tag, or ends it.
func (h *Handler) FollowTag(c echo.Context) error {
	on, err := h.onForm(c)
	if err != nil {
		return err
	}
	if err := h.Store.SetTag(web.Ctx(c), web.Actor(c), c.Param("name"), on); err != nil {
		return err
	}
	return h.followed(c, "/forum?tag="+url.QueryEscape(c.Param("name")), on)
}

// FollowAPI makes the reader follow the questions about an API, or ends it.
func (h *Handler) FollowAPI(c echo.Context) error {
	on, err := h.onForm(c)
	if err != nil {
		return err
	}
	if err := h.Store.SetAPI(web.Ctx(c), web.Actor(c), c.Param("slug"), on); err != nil {
		return err
	}
	return h.followed(c, "/forum?api="+url.QueryEscape(c.Param("slug")), on)
}

func (h *Handler) followed(c echo.Context, path string, on bool) error {
	if on {
		return h.Done(c, path, "You get a mail about each new question.")
	}
	return h.Done(c, path, "You follow it no more.")
}

// from is who acts by a link in a mail: nobody is signed in, but the request has a name and an address.
func from(c echo.Context) actor.Actor {
	a := actor.Actor{Kind: actor.Anonymous, RequestID: web.RequestID(c)}
	a.Address, _ = netip.ParseAddr(c.RealIP()) // the zero address when it is none
	return a
}
