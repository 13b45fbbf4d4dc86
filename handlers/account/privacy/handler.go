// Package privacy has the pages that tell what is held about people, on which they get what is held about them, and on which staff say for how long.
package privacy

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account/download"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// Handler answers the area's routes.
type Handler struct {
	*web.Kit
	Downloads *download.Store
	Policies  privacy.Policies
}

// Routes are the area's routes. The file goes out by a form, not by a link: whoever has an address alone gets nothing, and no program that looks ahead fetches it.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/privacy/records", web.Public(), h.Records)
	r.Get("/admin/retention", web.Staff(permission.StaffPolicyRead), h.Retention)
	r.Post("/admin/retention", web.Staff(permission.StaffPolicyManage).Fresh(), h.SetRetention)
	r.Get(download.Path, web.SignedIn(), h.Data)
	r.PostSmall(download.Path+"/download", web.SignedIn().Fresh(), h.Ask)
	r.PostSmall(download.Path+"/fetch", web.SignedIn().Fresh(), h.Fetch)
}

// Data shows how one's download stands.
func (h *Handler) Data(c echo.Context) error { return h.show(c, http.StatusOK, "") }

func (h *Handler) show(c echo.Context, status int, problem string) error {
	d, err := h.Downloads.Of(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	p := views.Data{Frame: h.Frame(c, web.T(c, "Your data")), Problem: problem, MayBegin: true, MailByHand: h.MailByHand}
	if d != nil {
		p.Making = d.ReadyAt == nil && !d.Stuck(h.Now())
		p.MayBegin = !p.Making
		if d.ReadyAt != nil {
			at := components.MomentAt(web.Ctx(c), h.Now(), *d.ReadyAt)
			p.Ready, p.Until, p.Size = &at, components.MomentAt(web.Ctx(c), h.Now(), d.ExpiresAt), web.T(c, "%d KB", (d.Size+1023)/1024)
		}
		if d.FetchedAt != nil {
			at := components.MomentAt(web.Ctx(c), h.Now(), *d.FetchedAt)
			p.Fetched = &at
		}
	}
	return h.RenderStatus(c, status, views.DataPage(p))
}

// Ask has the download put together.
func (h *Handler) Ask(c echo.Context) error {
	err := h.Downloads.Ask(web.Ctx(c), web.Actor(c))
	if f := fault.As(err); f != nil && (f.Kind == fault.Conflict || f.Kind == fault.RateLimited) {
		status := http.StatusConflict
		if f.Kind == fault.RateLimited {
			status = http.StatusTooManyRequests
		}
		return h.show(c, status, web.T(c, f.Key, f.Args...))
	}
	if err != nil {
		return err
	}
	return h.DoneMailed(c, download.Path, text.N("Your data is being put together. You get mail when it is there."), text.N("Your data is being put together. This page shows it when it is there."))
}

// Fetch hands out the file.
func (h *Handler) Fetch(c echo.Context) error {
	ctx := web.Ctx(c)
	d, err := h.Downloads.Fetch(ctx, web.Actor(c))
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set("Content-Type", "application/zip")
	header.Set("Content-Disposition", `attachment; filename="your-data.zip"`)
	header.Set("Content-Length", strconv.FormatInt(d.Size, 10))
	err = h.Downloads.Copy(ctx, d, c.Response())
	if err != nil && !c.Response().Committed { // the answer is a page then
		header.Del("Content-Length")
		header.Del("Content-Disposition")
	}
	return err
}
