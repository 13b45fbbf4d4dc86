package share

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// lentFactor tells who offers a share that their organization's second factor is asked of the other one's people, from when on it is; "" where none is.
func (h *Handler) lentFactor(c echo.Context, from *time.Time) string {
	switch {
	case from == nil:
		return ""
	case h.Now().Before(*from):
		return web.T(c, "From %s on, your organization requires a second factor, and members of the other one need one too: to who has none, the share opens nothing.", text.DateTime(web.Ctx(c), *from))
	}
	return web.T(c, "Your organization requires a second factor, and members of the other one need one too: to who has none, the share opens nothing.")
}

// takenFactor tells the same to who may accept the offer; nil where none is asked.
func (h *Handler) takenFactor(c echo.Context, from *time.Time) *views.Note {
	if from == nil {
		return nil
	}
	n := &views.Note{Tone: components.Warn, Title: web.T(c, "Your members need a second factor"), Text: web.T(c, "The organization that shares the app requires one. To who has none, the share opens nothing.")}
	if h.Now().Before(*from) {
		n.Text = web.T(c, "The organization that shares the app requires one from %s on. To who has none by then, the share opens nothing.", text.DateTime(web.Ctx(c), *from))
	}
	return n
}
