package review

import (
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/staff/review"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

var actWords = map[string]string{review.Keep: text.N("Kept"), review.Remove: text.N("Removed"), review.Demote: text.N("Now %s")}

// Record shows what was decided in one review.
func (h *Handler) Record(c echo.Context) error {
	p, r, decided, err := h.read(c)
	if err != nil {
		return err
	}
	ctx := web.Ctx(c)
	d := views.Desk{
		Title: web.T(c, "Review of %s", text.Date(ctx, r.OpenedAt)), Meta: r.ID.Show(review.Prefix), Crumbs: p.within(c),
		Actions: []components.Act{{Label: web.T(c, "Download as CSV"), Href: p.recordPath(r) + "/csv"}},
	}
	d.Frame = h.Frame(c, d.Title)
	opened := components.MomentAt(ctx, h.Now(), r.OpenedAt)
	facts := []views.Fact{{Term: web.T(c, "Begun"), Moment: &opened}, {Term: web.T(c, "Begun by"), Value: r.OpenedBy, Data: true}}
	if r.FinishedAt == nil {
		d.Status = &views.Status{Tone: components.Info, Words: web.T(c, "Open")}
	} else {
		d.Status = &views.Status{Tone: components.OK, Words: web.T(c, "Finished")}
		finished := components.MomentAt(ctx, h.Now(), *r.FinishedAt)
		facts = append(facts, views.Fact{Term: web.T(c, "Finished"), Moment: &finished}, views.Fact{Term: web.T(c, "Finished by"), Value: r.FinishedBy, Data: true}, views.Fact{Term: web.T(c, "Left open"), Value: text.Number(ctx, r.LeftOpen)})
	}
	t := views.Table{Spec: components.TableSpec{Caption: web.T(c, "Decisions"), Stacks: true, Columns: []components.Column{
		{Label: web.T(c, "Person")}, {Label: web.T(c, "Role then")}, {Label: web.T(c, "Decision")}, {Label: web.T(c, "Decided by")}, {Label: web.T(c, "When")},
	}}, Empty: web.T(c, "Nothing was decided.")}
	for _, one := range decided {
		role, own := p.roleName(c, one.Role)
		at := components.MomentAt(ctx, h.Now(), one.DecidedAt)
		t.Rows = append(t.Rows, []views.Cell{
			{Text: one.Name, Data: true, Hint: why(c, one.Unused, one.Factorless), Wrap: true}, {Text: role, Data: own, Named: true}, {Text: p.outcome(c, one), Hint: one.Note, HData: true, Wrap: true}, {Text: one.DecidedBy, Data: true, Named: true}, {Moment: &at, Named: true},
		})
	}
	d.Parts = []views.Part{{Facts: facts}, {Title: t.Spec.Caption, ID: "decisions", Table: &t}}
	return h.Render(c, views.Page(d))
}

// outcome is a decision in words.
func (p place) outcome(c echo.Context, d review.Decision) string {
	if d.Act != review.Demote {
		return web.T(c, actWords[d.Act])
	}
	to, _ := p.roleName(c, d.ToRole)
	return web.T(c, actWords[d.Act], to)
}

func (h *Handler) read(c echo.Context) (place, review.Review, []review.Decision, error) {
	p, err := h.place(c)
	if err != nil {
		return place{}, review.Review{}, nil, err
	}
	id, err := web.PathID(c, "review", review.Prefix)
	if err != nil {
		return place{}, review.Review{}, nil, err
	}
	r, decided, err := h.Reviews.Record(web.Ctx(c), web.Actor(c), p.scope, id)
	return p, r, decided, err
}

// CSV is the record as a download.
func (h *Handler) CSV(c echo.Context) error {
	p, r, decided, err := h.read(c)
	if err != nil {
		return err
	}
	out := web.NewCSV(c, r.ID.Show(review.Prefix), "review", "finished_at", "finished_by", "left_open", "user_id", "user", "role", "unused_90_days", "no_second_factor", "last_used_at", "decision", "new_role", "note", "decided_by", "decided_at")
	for _, d := range decided {
		role, _ := p.roleName(c, d.Role)
		to := ""
		if d.ToRole != "" {
			to, _ = p.roleName(c, d.ToRole)
		}
		out.Row(r.ID.Show(review.Prefix), instant(r.FinishedAt), r.FinishedBy, strconv.FormatInt(r.LeftOpen, 10), d.UserID.Show(userPrefix), d.Name, role, strconv.FormatBool(d.Unused), strconv.FormatBool(d.Factorless),
			instant(d.UsedAt), d.Act, to, d.Note, d.DecidedBy, instant(&d.DecidedAt))
	}
	return out.Close()
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
