package key

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// incidents are the open incidents of the keys of a page, and where its reader sees them.
type incidents struct {
	open map[db.ID]leak.Incident
	path func(leak.Incident) string // nil: the reader sees none
}

// incidents reads those of keys that were found for the reader, under root; no query when ids is empty.
func (h *Handler) incidents(c echo.Context, ids []db.ID, root string) (incidents, error) {
	if h.Leaks == nil {
		return incidents{}, nil
	}
	open, err := h.Leaks.OpenOf(web.Ctx(c), ids)
	out := incidents{open: open}
	switch {
	case root != "/admin":
		out.path = func(i leak.Incident) string { return leak.PathOf(i.KeyID) }
	case permission.Staff(web.Actor(c).StaffRole, permission.StaffLeaksRead):
		out.path = func(i leak.Incident) string { return "/admin/leaks/" + i.ID.Show(leak.IncidentPrefix) }
	}
	return out, err
}

// pausedForLeak are the ids of the rows that a list tells more of.
func pausedForLeak(rows []keys.Row) []db.ID {
	var ids []db.ID
	for _, r := range rows {
		if r.PausedAt != nil && r.PausedCause == keys.PausedLeak && r.RevokedAt == nil {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// href is the page of the key's open incident; empty when it has none, or the reader does not see it.
func (s incidents) href(id db.ID) string {
	i, ok := s.open[id]
	if !ok || s.path == nil {
		return ""
	}
	return s.path(i)
}

// endOf is when the key ends: by itself, or by being revoked for its leak, whichever comes first; nil for never.
func (s incidents) endOf(r keys.Row) *time.Time {
	end := r.EndsAt()
	if at := s.open[r.ID].RevokeAt; at != nil && r.PausedCause == keys.PausedLeak && (end == nil || at.Before(*end)) {
		return at
	}
	return end
}

// leakNote says above all else that the key was reported as leaked, while that is not closed.
func (s incidents) leakNote(c echo.Context, id db.ID) []views.Note {
	i, ok := s.open[id]
	if !ok {
		return nil
	}
	n := views.Note{
		Tone: components.Bad, Title: web.T(c, "Reported as leaked on %s", text.DateTime(web.Ctx(c), i.OpenedAt)), Text: web.T(c, "The incident says where, from where it was used, and what now."),
		Href: s.href(id), Link: web.T(c, "See the incident"),
	}
	if n.Href == "" {
		n.Text = ""
	}
	return []views.Note{n}
}
