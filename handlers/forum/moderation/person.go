package moderation

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/moderation"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/moderation"
)

var rungWords = map[trust.Rung]string{
	trust.Unverified: text.N("Mail address not verified"), trust.New: text.N("New"), trust.Builder: text.N("Has an app"),
	trust.Called: text.N("Has made calls"), trust.Established: text.N("Established"),
}

// Person is who writes, as those who moderate see them.
func (h *Handler) Person(c echo.Context) error {
	p, err := h.poster(c)
	if err != nil {
		return err
	}
	ctx, blocked := web.Ctx(c), p.Blocked(h.Now())
	page := views.Person{
		Frame: h.Frame(c, p.DisplayName), Crumbs: deskCrumbs(c, components.Crumb{Label: p.DisplayName, Own: true}), Name: p.DisplayName,
		Facts: []components.Fact{
			{Term: web.T(c, "Trust"), Value: web.T(c, rungWords[p.Rung(h.Now())])},
			{Term: web.T(c, "Account made"), Value: text.Date(ctx, p.CreatedAt)},
			{Term: web.T(c, "Questions"), Value: text.Number(ctx, p.Questions)},
			{Term: web.T(c, "Answers and comments"), Value: text.Number(ctx, p.Posts)},
			{Term: web.T(c, "Hidden or rejected"), Value: text.Number(ctx, p.Hidden)},
			{Term: web.T(c, "Upheld flags"), Value: text.Number(ctx, p.Flags)},
		},
	}
	if p.StaffRole != "" {
		page.Marks = append(page.Marks, views.Status{Words: web.T(c, "Staff")})
	}
	if blocked {
		page.Reason = p.PostingBlockedReason
		until := web.T(c, "Until staff lift it")
		if p.PostingBlockedUntil != nil {
			until = text.DateTime(ctx, *p.PostingBlockedUntil)
		}
		page.Marks = append(page.Marks, views.Status{Tone: components.Bad, Words: web.T(c, "Kept from posting")})
		page.Facts = append(page.Facts, components.Fact{Term: web.T(c, "Kept from posting until"), Value: until})
	}
	page.Acts = personActs(c, p, blocked)
	all, err := h.Store.Written(ctx, web.Actor(c), p.ID)
	if err != nil {
		return err
	}
	for _, w := range all {
		page.Posts = append(page.Posts, h.writtenRow(c, w))
	}
	return h.Render(c, views.PersonPage(page))
}

// excerptOf is how many characters of a post a list shows.
const excerptOf = 160

func (h *Handler) writtenRow(c echo.Context, w moderation.Written) views.WrittenRow {
	row := views.WrittenRow{
		Title: w.Title, Href: deskPath(w.QuestionID) + "#post_" + w.ID.Show(forum.PostPrefix), Kind: kindWords(c, w.Kind), Body: markdown.PlainText(w.Body, excerptOf),
		At: components.MomentAt(web.Ctx(c), h.Now(), w.CreatedAt),
	}
	add := func(is bool, tone components.Tone, words string) {
		if is {
			row.Marks = append(row.Marks, views.Status{Tone: tone, Words: web.T(c, words)})
		}
	}
	add(w.HiddenAt != nil, components.Bad, text.N("Hidden"))
	add(w.State == forum.Pending, components.Warn, text.N("Waits for approval"))
	add(w.State == forum.Rejected, components.Bad, text.N("Not approved"))
	add(len(row.Marks) == 0, components.OK, text.N("Published"))
	return row
}

func personActs(c echo.Context, p moderation.Poster, blocked bool) []views.Act {
	var acts []views.Act
	if mayModerate(c) && blocked {
		acts = append(acts, views.Act{Action: personPath(p.ID) + "/unblock", Label: web.T(c, "Let post again")})
	}
	if mayModerate(c) && !blocked && p.StaffRole == "" {
		acts = append(acts, views.Act{Href: personPath(p.ID) + "/block", Label: web.T(c, "Keep from posting")})
	}
	if permission.Staff(web.Actor(c).StaffRole, permission.StaffUsersRead) {
		acts = append(acts, views.Act{Href: "/admin/users/" + p.ID.Show(userPrefix), Label: web.T(c, "Open the account"), Kind: components.Quiet})
	}
	return acts
}

func (h *Handler) poster(c echo.Context) (moderation.Poster, error) {
	id, err := web.PathID(c, "id", userPrefix)
	if err != nil {
		return moderation.Poster{}, err
	}
	return h.Store.Poster(web.Ctx(c), web.Actor(c), id)
}

// ConfirmBlock asks until when and why.
func (h *Handler) ConfirmBlock(c echo.Context) error { return h.blockPage(c, reasonForm{}, nil) }

func (h *Handler) blockPage(c echo.Context, f reasonForm, failed error) error {
	p, err := h.poster(c)
	if err != nil {
		return err
	}
	problems, wrong, _ := web.Problems(c, failed)
	title := web.T(c, "Keep from posting")
	until := components.Field{Name: "until", Type: "date", Label: web.T(c, "Until the end of"), Value: f.Until, Error: wrong["until"], Optional: true, Hint: web.T(c, "In UTC. Empty means until somebody ends it.")}
	return h.RenderStatus(c, status(failed), views.FormPage(views.Form{
		Frame: h.Frame(c, title), Crumbs: deskCrumbs(c, components.Crumb{Label: p.DisplayName, Href: personPath(p.ID), Own: true}, components.Crumb{Label: title}), Title: title,
		Lead: web.T(c, "They read the forum as before, but can’t ask, answer, comment or report. Keys and apps work on. They are told by mail."), Problems: problems,
		Action: c.Request().URL.Path, Inputs: []views.Input{{Field: reasonField(c, f.Reason, wrong["reason"]), As: "area"}, {Field: until}}, Submit: title, Danger: true, Cancel: personPath(p.ID),
	}))
}

// Block keeps an account from posting.
func (h *Handler) Block(c echo.Context) error {
	var f reasonForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	id, err := web.PathID(c, "id", userPrefix)
	if err != nil {
		return err
	}
	err = h.block(c, id, f)
	if _, _, ok := web.Problems(c, err); ok {
		err = h.Unkeyed(c, err, &f.Reason, &f.Until)
		return h.blockPage(c, f, err)
	}
	if err != nil {
		return err
	}
	return h.Done(c, personPath(id), "The account is kept from posting, and told so by mail.")
}

func (h *Handler) block(c echo.Context, id db.ID, f reasonForm) error {
	until, err := org.EndOfDay("until", f.Until, time.UTC)
	if err != nil {
		return err
	}
	var at time.Time
	if until != nil {
		at = *until
	}
	return h.Store.Block(web.Ctx(c), web.Actor(c), id, at, f.Reason)
}

// Unblock ends that.
func (h *Handler) Unblock(c echo.Context) error {
	id, err := web.PathID(c, "id", userPrefix)
	if err != nil {
		return err
	}
	if err := h.Store.Unblock(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, personPath(id), "The account can post again.")
}
