package calendar

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/ical"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/notice"
)

// refresh is how often programs are asked to read.
const refresh = 6 * time.Hour

// Feed is the calendar at an address, in the language of the member whose it is. Cookies do not matter: who has the address reads.
func (h *Handler) Feed(c echo.Context) error {
	feed, err := h.Notices.ReadCalendar(web.Ctx(c), strings.TrimSuffix(c.Param("calendar"), suffix))
	if err != nil {
		return err
	}
	reader := key.Reader{Language: feed.Language, TimeZone: feed.TimeZone}
	body := []byte(h.calendar(reader.Locale(web.Ctx(c)), feed).String())
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	head := c.Response().Header()
	head.Set("ETag", "W/"+etag) // weak: compressing it on the way makes other bytes
	head.Set("Cache-Control", "private, no-cache")
	head.Set("X-Robots-Tag", "noindex")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("Content-Disposition", `inline; filename="keys.ics"`)
	if strings.Contains(c.Request().Header.Get("If-None-Match"), etag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, "text/calendar; charset=utf-8", body)
}

func (h *Handler) calendar(ctx context.Context, feed notice.Feed) ical.Calendar {
	out := ical.Calendar{Product: "-//Gatehouse//Key expiries//EN", Name: text.T(ctx, "Keys of %s", feed.OrganizationName), Refresh: refresh}
	for _, e := range feed.Events {
		out.Events = append(out.Events, h.event(ctx, e))
	}
	return out
}

// event is when one key ends. A key has one event for ever: when its end changes, the event moves, and its sequence grows with the key's changes.
func (h *Handler) event(ctx context.Context, e notice.Ending) ical.Event {
	id := e.ID.Show(key.IDPrefix)
	out := ical.Event{
		UID: id + "@" + h.BaseURL.Hostname(), Sequence: int64(e.UpdatedAt.Sub(e.CreatedAt) / time.Second), Changed: e.UpdatedAt, At: *e.EndsAt(), URL: h.Link("/console/keys/" + id),
		Summary: text.T(ctx, "Key expires: %[1]s (%[2]s)", e.Name, e.Hint()),
		Details: text.T(ctx, "App %[1]s of %[2]s. Rotate the key before then: the new one has the same scopes, and both work for as long as you choose.", e.AppName, e.OrganizationName),
	}
	if e.Leaked() {
		out.URL = h.Link("/console/keys/" + id + "/incident")
		out.Summary = text.T(ctx, "Leaked key is revoked: %[1]s (%[2]s)", e.Name, e.Hint())
		out.Details = text.T(ctx, "App %[1]s of %[2]s. The key was reported as leaked and is paused. Rotate it before then, or have an admin resume it.", e.AppName, e.OrganizationName)
	} else if e.OverlapEndsAt != nil {
		out.Summary = text.T(ctx, "Old key stops: %[1]s (%[2]s)", e.Name, e.Hint())
		out.Details = text.T(ctx, "App %[1]s of %[2]s. The key was rotated: give what still uses it the new one before then.", e.AppName, e.OrganizationName)
	}
	return out
}
