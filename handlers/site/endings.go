package site

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/site"
)

// How far ahead and how many ends the console's first page tells.
const (
	endingSpan = 30 * 24 * time.Hour
	endingRows = 5
)

// endings are the keys that end next: what the notices and the calendar tell too.
func (h *Handler) endings(c echo.Context) ([]site.EndingRow, error) {
	if h.Notices == nil {
		return nil, nil
	}
	rows, err := h.Notices.Next(web.Ctx(c), web.Actor(c), endingSpan, endingRows)
	if err != nil {
		return nil, err
	}
	var out []site.EndingRow
	for _, r := range rows {
		row := site.EndingRow{Href: "/console/keys/" + r.ID.Show(key.IDPrefix), Name: r.Name, Hint: r.Hint(), App: r.AppName, Ends: components.MomentAt(web.Ctx(c), h.Now(), *r.EndsAt()), What: web.T(c, "Expires")}
		switch {
		case r.Leaked():
			row.What, row.Href = web.T(c, "Revoked, was leaked"), row.Href+"/incident"
		case r.OverlapEndsAt != nil:
			row.What, row.Href = web.T(c, "Old key, was rotated"), row.Href+"/rotation"
		}
		out = append(out, row)
	}
	return out, nil
}
