package rotation

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	key "github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/rotation"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// Show is the page of the rotation that the key of the path, the old or the new one, belongs to.
func (h *Handler) Show(c echo.Context) error { return h.showPage(c, http.StatusOK, "", nil) }

func (h *Handler) showPage(c echo.Context, status int, days string, failed error) error {
	id, err := web.PathID(c, "key", keys.IDPrefix)
	if err != nil {
		return err
	}
	ctx := web.Ctx(c)
	r, err := h.Rotations.Progress(ctx, web.Actor(c), id, text.Of(ctx).Zone)
	if err != nil {
		return err
	}
	p := views.RotationPage{
		Frame: h.Frame(c, web.T(c, "Rotation")), Name: r.Old.Name, Status: h.standing(c, r), Notes: h.notes(c, r), Tiles: h.tiles(c, r), Pair: h.rows(c, r), Chart: h.chart(c, r),
		Crumbs: []components.Crumb{{Label: web.T(c, "Keys"), Href: "/console/keys"}, {Label: r.Old.Name, Href: key.KeyPath(r.Old), Own: true}, {Label: web.T(c, "Rotation")}},
	}
	for _, n := range r.Networks {
		p.Networks = append(p.Networks, views.NetworkRow{Network: n.Network, First: h.MomentOf(c, &n.FirstUsedAt), Last: h.MomentOf(c, &n.LastUsedAt)})
	}
	if r.MayManage && r.Runs(h.Now()) {
		var wrong map[string]string
		p.Problems, wrong = key.ProblemsOf(c, failed)
		p.Actions = []components.Act{{Label: web.T(c, "Undo rotation"), Href: key.KeyPath(r.Old) + "/undo"}, {Label: web.T(c, "Retire old key"), Href: key.KeyPath(r.Old) + "/retire", Kind: components.Danger}}
		p.Silent, p.Extend = h.silent(c, r), h.extension(c, r, days, wrong["days"])
	}
	return h.RenderStatus(c, status, views.Rotation(p))
}

func (h *Handler) standing(c echo.Context, r rotation.Progress) views.Status {
	if r.Runs(h.Now()) {
		return views.Status{Tone: components.Warn, Words: web.T(c, "Both keys work")}
	}
	return views.Status{Tone: components.Off, Words: web.T(c, "Finished")}
}

// notes say how it stands, and what speaks against what was meant.
func (h *Handler) notes(c echo.Context, r rotation.Progress) []views.Note {
	ctx, now := web.Ctx(c), h.Now()
	end := text.DateTime(ctx, *r.Old.EndsAt())
	var out []views.Note
	switch {
	case r.Old.RevokedAt != nil:
		out = append(out, views.Note{Tone: components.Off, Title: web.T(c, "The old key was revoked.")})
	case !r.Runs(now):
		n := views.Note{Tone: components.OK, Title: web.T(c, "The old key stopped on %s. The rotation is finished.", end)}
		if r.TooLate > 0 {
			n.Tone, n.Text = components.Warn, web.T(c, "Since then %s calls with it were refused: something still presents it.", text.Number(ctx, r.TooLate))
		}
		out = append(out, n)
	default:
		out = append(out, views.Note{Tone: components.Info, Title: web.T(c, "Both keys work until %s. Then the old one stops by itself.", end)})
	}
	if r.New.RevokedAt != nil && r.Runs(now) {
		out = append(out, views.Note{Tone: components.Bad, Title: web.T(c, "The new key was revoked."), Text: web.T(c, "Undo the rotation if the old key is to go on: else it stops with the overlap.")})
	}
	if r.Runs(now) && r.NewCalls == 0 {
		out = append(out, views.Note{Tone: components.Warn, Title: web.T(c, "Nothing has used the new key yet.")})
	}
	return out
}

func (h *Handler) tiles(c echo.Context, r rotation.Progress) []components.Tile {
	ctx := web.Ctx(c)
	return []components.Tile{
		{Label: web.T(c, "Calls, new key"), Value: text.Number(ctx, r.NewCalls)},
		{Label: web.T(c, "Calls, old key"), Value: text.Number(ctx, r.OldCalls)},
		{Label: web.T(c, "Old key last used"), Value: h.MomentOf(c, r.Old.LastUsedAt).Relative},
	}
}

func (h *Handler) rows(c echo.Context, r rotation.Progress) []views.PairRow {
	out := h.PairRows(c, keys.Detail{Row: r.Old, Successor: &r.New})
	for i, which := range []struct {
		row   keys.Row
		label string
	}{{r.Old, web.T(c, "Old key")}, {r.New, web.T(c, "New key")}} {
		out[i].This, out[i].Href, out[i].Label = false, key.KeyPath(which.row), which.label
	}
	return out
}

// chart stacks the old key's calls on the new one's: refused or not, each shows who has which.
func (h *Handler) chart(c echo.Context, r rotation.Progress) components.Series {
	ctx := web.Ctx(c)
	s := components.Series{
		ID: "handing-over", Title: web.T(c, "Calls by day"), GoodLabel: web.T(c, "New key"), BadLabel: web.T(c, "Old key"), Empty: web.T(c, "No call with either key since the rotation."),
		Description: web.T(c, "%[1]s calls with the new key, %[2]s with the old one.", text.Number(ctx, r.NewCalls), text.Number(ctx, r.OldCalls)),
	}
	if r.Step == time.Hour {
		s.Title = web.T(c, "Calls by hour")
	}
	for _, p := range r.Points {
		point := components.Point{Good: p.New, Bad: p.Old, Tick: text.DayMonth(ctx, p.At), Label: text.Date(ctx, p.At)}
		if r.Step == time.Hour {
			point.Tick, point.Label = text.Clock(ctx, p.At), text.DateTime(ctx, p.At)
		}
		s.Points = append(s.Points, point)
	}
	return s
}

// silent proposes to retire an old key that nothing presents any more.
func (h *Handler) silent(c echo.Context, r rotation.Progress) *views.SilentForm {
	since := r.SilentSince()
	quiet := h.Now().Sub(since)
	if quiet < rotation.Quiet {
		return nil
	}
	return &views.SilentForm{
		Action: key.KeyPath(r.Old) + "/retire", Since: components.Hidden{Name: "silent_since", Value: strconv.FormatInt(since.UnixMicro(), 10)},
		Words:  web.T(c, "Nothing has presented the old key since %s. A program that calls rarely may not have shown itself yet.", text.DateTime(web.Ctx(c), since)),
		Button: web.T(c, "The old key has been silent for %d hours: retire it now", hours(quiet)),
	}
}

func (h *Handler) extension(c echo.Context, r rotation.Progress, days, wrong string) *views.ExtendForm {
	ctx, most := web.Ctx(c), r.MostDays()
	switch {
	case r.Old.OverlapExtendedAt != nil:
		return &views.ExtendForm{Words: web.T(c, "It was extended on %s, which can be done once.", text.DateTime(ctx, *r.Old.OverlapExtendedAt))}
	case most == 0:
		return &views.ExtendForm{Words: web.T(c, "It can’t be made longer: both keys work for at most %d days, and never past the old key’s own expiry.", keys.MaxOverlap)}
	}
	f := &views.ExtendForm{
		Action: key.KeyPath(r.Old) + "/extend", Days: components.Field{Name: "days", Label: web.T(c, "Extend by"), Value: days, Error: wrong},
		Words: web.T(c, "Once, and to at most %d days from the rotation on.", keys.MaxOverlap),
	}
	for n := 1; n <= most; n++ {
		end := r.Old.OverlapEndsAt.AddDate(0, 0, n)
		if end.After(r.Latest()) {
			end = r.Latest()
		}
		f.Days.Options = append(f.Days.Options, components.Option{Value: strconv.Itoa(n), Label: web.T(c, "%[1]d days (until %[2]s)", n, text.Date(ctx, end))})
	}
	return f
}
