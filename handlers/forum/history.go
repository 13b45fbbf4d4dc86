package forum

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

// A page of the history holds so many revisions, and so many lines of each; the whole of one has a page of its own (L4).
const (
	historyPage = 10
	historyRows = 300
)

// History shows how a post was, each text as what changed since the one before: from ?after= on, or the whole of ?revision=.
func (h *Handler) History(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return err
	}
	below, most, rows := int64(math.MaxInt32), historyPage, historyRows
	if n, err := strconv.ParseInt(c.QueryParam("revision"), 10, 32); err == nil {
		below, most, rows = n+1, 1, math.MaxInt
	} else if n, err := strconv.ParseInt(c.QueryParam("after"), 10, 32); err == nil {
		below = n
	}
	q, p, all, err := h.Store.RevisionsBelow(web.Ctx(c), web.Actor(c), id, below, most+1) // one more to compare with
	if err != nil {
		return err
	}
	page := views.History{Frame: h.Frame(c, web.T(c, "History")), About: views.Link{Label: q.Title, Href: q.Path()}, Back: anchored(q.Question, p.Post)}
	page.Frame.NoIndex = true
	path := c.Request().URL.Path
	if len(all) > most && rows == historyRows {
		page.Pager.NextHref = path + "?after=" + strconv.FormatInt(all[most-1].Number, 10)
	}
	newest := int64(0) // of those that were shown, on the first page
	if i := slices.IndexFunc(all, func(r forum.Revision) bool { return r.State == forum.Published }); i >= 0 && below > p.Revisions+1 {
		newest = all[i].Number
	}
	for i, r := range all[:min(len(all), most)] {
		before := forum.Revision{}
		if i+1 < len(all) {
			before = all[i+1]
		}
		v := h.revision(c, p, before, r, r.Number == newest)
		if len(v.Lines) > rows {
			v.Lines, v.Whole = v.Lines[:rows], path+"?revision="+strconv.FormatInt(r.Number, 10)
		}
		page.Revisions = append(page.Revisions, v)
	}
	return h.Render(c, views.HistoryPage(page))
}

// revision is one text of a post's history. stands: everybody reads it now.
func (h *Handler) revision(c echo.Context, p forum.Said, before, r forum.Revision, stands bool) views.Revision {
	v := views.Revision{
		Heading: web.T(c, "Revision %d", int(r.Number)), Editor: r.EditorName, Gone: r.EditorGone, At: h.moment(c, r.CreatedAt), Lines: compared(before.Body, r.Body),
		Title: compared(before.Title, r.Title),
	}
	if r.Title == before.Title {
		v.Title = nil
	}
	if r.EditorID != p.AuthorID { // nobody else but its author may change it
		v.Role = web.T(c, "Staff")
	}
	switch {
	case r.State == forum.Pending && (p.State == forum.Pending || p.PendingRevision != nil && *p.PendingRevision == r.Number):
		v.Heading += " · " + web.T(c, "Waits for approval")
	case r.State == forum.Pending:
		v.Heading += " · " + web.T(c, "Replaced before it was decided")
	case r.State == forum.Rejected:
		v.Heading += " · " + web.T(c, "Not approved")
	}
	if r.HiddenAt != nil {
		v.Heading += " · " + web.T(c, "Hidden")
		v.Notes = []views.Note{{Tone: components.Bad, Text: web.T(c, "Support hid this. Only its author and staff see it."), Data: r.HiddenReason}}
	}
	if (reader{Actor: web.Actor(c)}).moderates() {
		path := "/support/posts/" + p.ID.Show(forum.PostPrefix) + "/revisions/" + strconv.FormatInt(r.Number, 10)
		switch {
		case r.HiddenAt != nil:
			v.Acts = []views.Act{{Action: path + "/show", Label: web.T(c, "Show revision again"), About: v.Heading}}
		case r.State == forum.Published && !stands:
			v.Links = []views.Link{{Label: web.T(c, "Hide revision"), Href: path + "/hide"}}
		}
	}
	return v
}

// mostCompared bounds the lines of a comparison: beyond, the new text is shown whole.
const mostCompared = 2000

// compared is what changed between two texts, by lines, with three lines around each change.
func compared(before, after string) []views.DiffLine {
	var lines []views.DiffLine
	whole := before == "" || strings.Count(before, "\n")+strings.Count(after, "\n") > mostCompared
	if whole {
		for line := range strings.Lines(after) {
			lines = append(lines, views.DiffLine{Text: strings.TrimSuffix(line, "\n")})
		}
		return lines
	}
	d, err := udiff.ToUnifiedDiff("", "", before+"\n", udiff.Lines(before+"\n", after+"\n"), 3)
	if err != nil {
		return nil
	}
	for i, hunk := range d.Hunks {
		if i > 0 {
			lines = append(lines, views.DiffLine{Text: "…"})
		}
		for _, l := range hunk.Lines {
			sign, kept := map[udiff.OpKind]string{udiff.Insert: "+", udiff.Delete: "-"}[l.Kind], ""
			if sign == "" {
				kept = "  " // in line with what changed
			}
			lines = append(lines, views.DiffLine{Sign: sign, Text: kept + strings.TrimSuffix(l.Content, "\n")})
		}
	}
	return lines
}
