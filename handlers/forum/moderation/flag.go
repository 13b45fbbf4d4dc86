package moderation

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/moderation"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/moderation"
)

// quoted is how many characters of a post these pages quote.
const quoted = 400

var reasonWords = map[string]string{
	moderation.Spam: text.N("Spam"), moderation.Abuse: text.N("Hurts or insults somebody"), moderation.Secret: text.N("Tells a secret, such as a password or somebody’s data"),
	moderation.WrongPlace: text.N("Does not belong here"), moderation.Other: text.N("Something else"),
}

var flagStates = map[string]string{"open": text.N("Undecided"), "upheld": text.N("Upheld"), "dismissed": text.N("Dismissed")}

type flagForm struct {
	Reason string `form:"reason"`
	Words  string `form:"words"`
}

// NewFlag is the form by which a reader reports a post.
func (h *Handler) NewFlag(c echo.Context) error { return h.flagPage(c, flagForm{}, nil) }

func (h *Handler) flagPage(c echo.Context, f flagForm, failed error) error {
	q, p, err := h.post(c)
	if err != nil {
		return err
	}
	problems, wrong, _ := web.Problems(c, failed)
	reason := components.Field{Name: "reason", Label: web.T(c, "What is wrong with it"), Error: wrong["reason"]}
	for _, r := range moderation.Reasons {
		reason.Options = append(reason.Options, components.Option{Value: r, Label: web.T(c, reasonWords[r]), Selected: f.Reason == r})
	}
	page := views.Form{
		Frame: h.Frame(c, web.T(c, "Flag post")), Title: web.T(c, "Flag post"), Lead: web.T(c, "Support looks at it. The author does not learn who flagged it."),
		Quote: markdown.PlainText(p.Body, quoted), Problems: problems, Action: c.Request().URL.Path, Submit: web.T(c, "Flag post"), Cancel: q.Path(),
		Inputs: []views.Input{{Field: reason, As: "radios"}, {Field: components.Field{
			Name: "words", Label: web.T(c, "In your words"), Value: f.Words, Error: wrong["words"], Rows: 3, MaxLength: moderation.MaxReason, Optional: true,
		}, As: "area"}},
	}
	return h.RenderStatus(c, status(failed), views.FormPage(page))
}

func status(failed error) int {
	if failed != nil {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// post reads the post of the path for who may read it.
func (h *Handler) post(c echo.Context) (forum.Row, forum.Said, error) {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return forum.Row{}, forum.Said{}, err
	}
	return h.Forum.PostFor(web.Ctx(c), web.Actor(c), id)
}

// Flag reports a post.
func (h *Handler) Flag(c echo.Context) error {
	var f flagForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	q, p, err := h.post(c)
	if err != nil {
		return err
	}
	_, err = h.Store.Flag(web.Ctx(c), web.Actor(c), p.ID, f.Reason, f.Words)
	if _, _, ok := web.Problems(c, err); ok {
		err = h.Unkeyed(c, err, &f.Words)
		return h.flagPage(c, f, err)
	}
	if err != nil {
		return err
	}
	return h.Done(c, q.Path(), "Support looks at the post that you reported.")
}

// Flags is the queue of reported posts.
func (h *Handler) Flags(c echo.Context) error {
	list, err := h.Store.Flags(web.Ctx(c), web.Actor(c), web.PageOf(c))
	if err != nil {
		return err
	}
	page := views.Flags{Frame: h.Frame(c, web.T(c, "Flags")), Pager: web.Pager(c, list.Previous, list.Next)}
	for _, f := range list.Rows {
		page.Rows = append(page.Rows, views.FlagRow{
			Title: f.Title, Href: flagPath(f.ID), Kind: kindWords(c, f.Kind), Author: f.AuthorName, Quote: markdown.PlainText(f.Body, 160), Reason: web.T(c, reasonWords[f.Reason]),
			Count: text.Number(web.Ctx(c), f.Flags), Marks: flagMarks(c, f), At: components.MomentAt(web.Ctx(c), h.Now(), f.CreatedAt),
		})
	}
	return h.Render(c, views.FlagsPage(page))
}

func flagPath(id db.ID) string { return "/support/flags/" + id.Show(moderation.FlagPrefix) }

func flagMarks(c echo.Context, f moderation.Flagged) []views.Status {
	var out []views.Status
	if f.Hidden {
		out = append(out, views.Status{Tone: components.Bad, Words: web.T(c, "Hidden")})
	}
	if f.AuthorRole != "" {
		out = append(out, views.Status{Tone: components.Info, Words: web.T(c, "Staff")})
	}
	return out
}

// OneFlag is the page of one reported post.
func (h *Handler) OneFlag(c echo.Context) error { return h.flagDecision(c, "", nil) }

func (h *Handler) flagDecision(c echo.Context, reason string, failed error) error {
	id, err := web.PathID(c, "id", moderation.FlagPrefix)
	if err != nil {
		return err
	}
	f, raised, err := h.Store.FlagOf(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	problems, wrong, _ := web.Problems(c, failed)
	page := views.Flag{
		Frame: h.Frame(c, f.Title), Crumbs: deskCrumbs(c, components.Crumb{Label: web.T(c, "Flags"), Href: "/support/flags"}, components.Crumb{Label: f.Title, Own: true}), Title: f.Title, PostHref: f.Path(),
		AuthorHref: personPath(f.AuthorID), Author: f.AuthorName, Quote: markdown.PlainText(f.Body, 2000), Marks: flagMarks(c, f), Problems: problems,
	}
	for _, r := range raised {
		page.Raised = append(page.Raised, views.Raised{By: r.FlaggerName, Reason: web.T(c, reasonWords[r.Reason]), Words: r.Words, State: web.T(c, flagStates[r.State]), At: components.MomentAt(web.Ctx(c), h.Now(), r.CreatedAt)})
	}
	switch {
	case f.State != "open":
		page.Done = web.T(c, "This was decided: %s.", web.T(c, flagStates[f.State]))
	case mayModerate(c):
		page.Uphold, page.Dismiss = flagPath(id)+"/uphold", flagPath(id)+"/dismiss"
		page.Reason = reasonField(c, reason, wrong["reason"])
	}
	return h.RenderStatus(c, status(failed), views.FlagPage(page))
}

func reasonField(c echo.Context, value, wrong string) components.Field {
	return components.Field{Name: "reason", Label: web.T(c, "Reason"), Value: value, Error: wrong, Rows: 3, MaxLength: moderation.MaxReason, Required: true, Hint: web.T(c, "The author reads it.")}
}

type reasonForm struct {
	Reason string `form:"reason"`
	Until  string `form:"until"`
	Tags   string `form:"tags"`
	// Revisions is of the text that a decision is about.
	Revisions int64 `form:"revisions"`
}

// Uphold hides a reported post.
func (h *Handler) Uphold(c echo.Context) error { return h.decide(c, true) }

// Dismiss keeps it.
func (h *Handler) Dismiss(c echo.Context) error { return h.decide(c, false) }

func (h *Handler) decide(c echo.Context, uphold bool) error {
	var f reasonForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	id, err := web.PathID(c, "id", moderation.FlagPrefix)
	if err != nil {
		return err
	}
	err = h.Store.Decide(web.Ctx(c), web.Actor(c), id, uphold, f.Reason)
	if _, _, ok := web.Problems(c, err); ok {
		err = h.Unkeyed(c, err, &f.Reason)
		return h.flagDecision(c, f.Reason, err)
	}
	if err != nil {
		return err
	}
	words := text.N("The post stays.")
	if uphold {
		words = text.N("The post is hidden.")
	}
	return h.Done(c, "/support/flags", words)
}
