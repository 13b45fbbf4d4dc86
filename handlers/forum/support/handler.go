// Package support has the pages of the support desk, under /support.
package support

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Handler answers the support desk.
type Handler struct {
	*web.Kit
	Desk    *support.Store
	Catalog *catalog.Store
	Keys    *key.Store
	Usage   *usage.Store
	Guides  *guide.Store // nil: canned replies know no guides
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	read, act, manage := web.Staff(permission.StaffQuestionsRead), web.Staff(permission.StaffQuestionsAnswer), web.Staff(permission.StaffSupportManage)
	r.Get("/support", read, h.Queue)
	r.Post("/support/next", act, h.TakeNext)

	r.Get("/support/questions/:id", read, h.Question)
	r.PostText("/support/questions/:id/answer", act, h.Answer)
	r.Post("/support/questions/:id/answering", act, h.Answering)
	r.PostText("/support/questions/:id/note", act, h.Note)
	r.Post("/support/questions/:id/take", act, h.Take)
	r.PostText("/support/questions/:id/hand", act, h.HandOver)
	r.Post("/support/questions/:id/wait", act, h.Wait)
	r.PostText("/support/questions/:id/escalate", act, h.Escalate)
	r.Post("/support/questions/:id/calm", act, h.Calm)
	r.Post("/support/questions/:id/close", act, h.Close)
	r.Post("/support/questions/:id/reopen", act, h.Reopen)
	r.Post("/support/questions/:id/merge", act, h.Merge)
	r.Post("/support/questions/:id/move", act, h.Move)
	r.Post("/support/questions/:id/status", act, h.SetStatus)

	r.Get("/support/replies", read, h.Replies)
	r.Get("/support/replies/new", act, h.NewReply)
	r.PostText("/support/replies/new", act, h.CreateReply)
	r.Get("/support/replies/:reply", act, h.Reply)
	r.PostText("/support/replies/:reply", act, h.ChangeReply)
	r.Post("/support/replies/:reply/delete", act, h.DeleteReply)

	r.Get("/support/teams", read, h.Teams)
	r.Get("/support/teams/new", manage, h.NewTeam)
	r.Post("/support/teams/new", manage, h.CreateTeam)
	r.Get("/support/teams/:team", manage, h.Team)
	r.Post("/support/teams/:team", manage, h.ChangeTeam)
	r.Post("/support/teams/:team/delete", manage, h.DeleteTeam)

	r.Get("/support/policy", read, h.Policy)
	r.Post("/support/policy", manage, h.SetPolicy)

	r.Get("/support/reports", read, h.Report)
	r.Post("/support/reports/export", read, h.Export)
}

func may(c echo.Context, p permission.Name) bool { return permission.Staff(web.Actor(c).StaffRole, p) }

// frame is the desk's frame, its side bar with what waits.
func (h *Handler) frame(c echo.Context, title string) (layout.Frame, support.Counts, error) {
	counts, err := h.Desk.Counts(web.Ctx(c), web.Actor(c))
	f := h.Frame(c, title)
	at := map[string]int64{"/support": counts.Waiting, "/support/flags": counts.Flags, "/support/pending": counts.Pending}
	for _, group := range f.Side {
		for i, l := range group.Links {
			group.Links[i].Count = counted(c, at[l.Href])
		}
	}
	return f, counts, err
}

// counted is a count as tabs and side bar show it: nothing for none.
func counted(c echo.Context, n int64) string {
	switch {
	case n == 0:
		return ""
	case n >= support.MostCounted:
		return text.Number(web.Ctx(c), support.MostCounted) + "+"
	}
	return text.Number(web.Ctx(c), n)
}

func kindWords(c echo.Context, kind string) string {
	switch kind {
	case forum.KindIdea:
		return web.T(c, "Idea")
	case forum.KindBug:
		return web.T(c, "Bug")
	}
	return ""
}
