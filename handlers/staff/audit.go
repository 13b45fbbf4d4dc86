package staff

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/staff"
)

// Audit lists events, newest first, and says whether the chain is whole.
func (h *Handler) Audit(c echo.Context) error {
	filter, query, more, err := h.auditFilter(c)
	if err != nil {
		return err
	}
	found, err := audit.List(web.Ctx(c), h.DB, filter, web.PageOf(c))
	if err != nil {
		return err
	}
	page := views.AuditPage{Frame: h.Frame(c, web.T(c, "Audit log")), Filter: auditBar(c, query), CSVHref: withQuery("/admin/audit.csv", query), LinesHref: withQuery("/admin/audit.jsonl", query)}
	verdict, err := h.chainVerdict(c)
	if err != nil {
		return err
	}
	if more {
		page.Waiting = append(page.Waiting, web.T(c, "More than %d things go by these words. You see the events of the first ones: write more of the name, or an id.", audit.MostAbout))
	}
	page.Sound = verdict.Sound
	page.Verdict = web.T(c, "The chain is whole: %d events.", verdict.Events)
	if verdict.Checkpoints > 0 {
		page.Verdict += " " + web.T(c, "Signed checkpoints agree with it up to event %d.", verdict.Signed)
	}
	if verdict.Archived > 0 {
		page.Verdict += " " + web.T(c, "The first %d are archived in files; what is below begins after them.", verdict.Archived)
	}
	for _, ask := range []func(echo.Context) (string, error){h.checkpointsWait, h.streamWaits, h.erasuresWait} {
		says, err := ask(c)
		if err != nil {
			return err
		}
		if says != "" {
			page.Waiting = append(page.Waiting, says)
		}
	}
	if !verdict.Sound {
		page.Verdict = web.T(c, "The chain is not whole: event %d does not fit. Somebody changed the log past Gatehouse.", verdict.FirstBad)
	}
	if page.Rows, err = h.auditRows(c, found.Rows); err != nil {
		return err
	}
	page.Pager = web.Pager(c, found.Previous, found.Next)
	return h.Render(c, views.Audit(page))
}

// chainVerdict verifies the chain; at most once a minute, since it reads the whole log.
func (h *Handler) chainVerdict(c echo.Context) (audit.Verdict, error) {
	return h.verdict.get(h.Now(), func() (audit.Verdict, error) {
		keys, err := audit.KnownKeys(web.Ctx(c), h.DB, h.Signer)
		if err != nil {
			return audit.Verdict{}, err
		}
		return audit.VerifyWith(web.Ctx(c), h.DB, audit.Trust{Keys: keys})
	})
}

// late is after how long it is told that something outside does not take what is for it.
const late = time.Hour

// streamWaits says that the collector has not taken events for an hour; "" when it has, or there is none.
func (h *Handler) streamWaits(c echo.Context) (string, error) {
	if h.Stream == nil {
		return "", nil
	}
	behind, events, err := h.Stream.Behind(web.Ctx(c))
	if err != nil || behind < late {
		return "", err
	}
	return web.T(c, "%d events wait for the collector of logs. The log of the server says why.", events), nil
}

// checkpointsWait says that checkpoints could not be written down outside for an hour; "" when they could, or need not.
func (h *Handler) checkpointsWait(c echo.Context) (string, error) {
	if !h.Outside {
		return "", nil
	}
	since, err := audit.WaitingSince(web.Ctx(c), h.DB)
	if err != nil || since.IsZero() || h.Now().Sub(since) < late {
		return "", err
	}
	return web.T(c, "Checkpoints could not be written down outside since %s. The log of the server says why.", text.DateTime(web.Ctx(c), since)), nil
}

// erasuresWait says that personal data could not be erased from archived parts for two runs; "" when it could, or need not.
func (h *Handler) erasuresWait(c echo.Context) (string, error) {
	n, since, err := audit.WaitingErasures(web.Ctx(c), h.DB)
	if err != nil || n == 0 || h.Now().Sub(since) < 2*late {
		return "", err
	}
	return web.T(c, "What people had erased could not be erased in the archive since %s. The log of the server says why.", text.DateTime(web.Ctx(c), since)), nil
}

// AuditLines streams the events that fit as lines of JSON with all that their hashes are made of: what others can verify by themselves (U4).
func (h *Handler) AuditLines(c echo.Context) error {
	filter, _, _, err := h.auditFilter(c)
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set("Content-Type", "application/jsonl")
	header.Set("Content-Disposition", `attachment; filename="audit.jsonl"`)
	c.Response().WriteHeader(http.StatusOK)
	_, err = audit.Export(web.Ctx(c), h.DB, filter, h.Signer, c.Response())
	return err
}

// AuditCSV streams every event that fits the filter, oldest first.
func (h *Handler) AuditCSV(c echo.Context) error {
	filter, _, _, err := h.auditFilter(c)
	if err != nil {
		return err
	}
	out := web.NewCSV(c, "audit", "seq", "id", "at", "actor_kind", "actor_id", "actor", "address", "act", "target_kind", "target_id", "organization_id", "result", "request_id", "details", "hash", "uuid")
	err = audit.Each(web.Ctx(c), h.DB, filter, func(e audit.Entry) error {
		out.Row(strconv.FormatInt(e.Seq, 10), e.ID.Show(staff.EventPrefix), e.At.UTC().Format(time.RFC3339Nano), e.ActorKind, web.ShownID(e.ActorKind, db.Deref(e.ActorID)), e.Who["actor"], e.Who["address"],
			e.Act, e.TargetKind, web.ShownID(e.TargetKind, db.Deref(e.TargetID)), db.Deref(e.OrganizationID).Show("org"), e.Result, e.RequestID, e.Details, hexOf(e.Hash), e.ID.String())
		return nil
	})
	if err != nil {
		return err
	}
	return out.Close()
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, x := range b {
		s.WriteByte(digits[x>>4])
		s.WriteByte(digits[x&15])
	}
	return s.String()
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// auditFilter reads the filter of the query; what can't be read does not narrow. The values come back for links, and whether its words name more things than were looked for.
func (h *Handler) auditFilter(c echo.Context) (f audit.Filter, query url.Values, more bool, err error) {
	query = url.Values{}
	for _, name := range []string{"act", "id", "from", "to"} {
		if v := strings.TrimSpace(c.QueryParam(name)); v != "" {
			query.Set(name, v)
		}
	}
	f = audit.Filter{Act: query.Get("act"), From: day(query.Get("from")), To: day(query.Get("to"))}
	if !f.To.IsZero() {
		f.To = f.To.AddDate(0, 0, 1) // to the end of that day
	}
	f.About, more, err = h.Staff.About(web.Ctx(c), query.Get("id"))
	return f, query, more, err
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

func auditBar(c echo.Context, query url.Values) components.Filter {
	acts := []components.Option{{Value: "", Label: web.T(c, "All acts")}}
	for _, a := range slices.Sorted(slices.Values(audit.Acts())) {
		words, _ := web.ActWords(c, string(a))
		acts = append(acts, components.Option{Value: string(a), Label: string(a) + " · " + words, Data: true})
	}
	f := components.Filter{
		Action: "/admin/audit", Label: web.T(c, "Filter events"),
		Search: &components.Field{Name: "id", Label: web.T(c, "Who or what"), Value: query.Get("id"), Placeholder: web.T(c, "Name, address or id")},
		Fields: []components.Field{
			{Name: "act", Label: web.T(c, "Act"), Value: query.Get("act"), Options: acts},
			{Name: "from", Label: web.T(c, "From"), Type: "date", Value: query.Get("from")},
			{Name: "to", Label: web.T(c, "Until"), Type: "date", Value: query.Get("to")},
		},
	}
	if len(query) > 0 {
		f.ClearHref = "/admin/audit"
	}
	return f
}
