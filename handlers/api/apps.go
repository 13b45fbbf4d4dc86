package api

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// page is one page of a list.
type page[T any] struct {
	Data []T     `json:"data"`
	Next *string `json:"next"`
}

func pageOf[R, T any](p db.Page[R], show func(R) T) answer {
	out := page[T]{Data: make([]T, len(p.Rows))}
	for i, r := range p.Rows {
		out.Data[i] = show(r)
	}
	if p.Next != "" {
		out.Next = &p.Next
	}
	return answer{body: out, next: p.Next}
}

type app struct {
	ID             string    `json:"id"`
	OrganizationID string    `json:"organization_id"`
	Name           string    `json:"name"`
	Description    string    `json:"description"`
	HomepageURL    string    `json:"homepage_url"`
	Suspended      bool      `json:"suspended"`
	WorkingKeys    int64     `json:"working_keys"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

func (h *Handler) app(r org.AppRow) app {
	return app{
		ID: r.ID.Show("app"), OrganizationID: r.OrganizationID.Show("org"), Name: r.Name, Description: r.Description, HomepageURL: r.HomepageURL,
		Suspended: r.Suspended(h.Now()), WorkingKeys: r.ActiveKeys, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func (h *Handler) listApps(c *call) (answer, error) {
	p, err := h.Orgs.Apps(web.Ctx(c), c.actor, org.AppFilter{Search: c.params["q"]}, c.page())
	return pageOf(p, h.app), err
}

func (h *Handler) getApp(c *call) (answer, error) {
	id, err := c.id("app", "app")
	if err != nil {
		return answer{}, err
	}
	return h.oneApp(c, id)
}

func (h *Handler) oneApp(c *call, id db.ID) (answer, error) {
	r, err := h.Orgs.App(web.Ctx(c), c.actor, id)
	return answer{body: h.app(r), etag: etag(r.UpdatedAt)}, err
}

type appInput struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
	HomepageURL *string `json:"homepage_url"`
}

func (in appInput) over(out org.AppInput) org.AppInput {
	for from, to := range map[*string]*string{in.Name: &out.Name, in.Description: &out.Description, in.HomepageURL: &out.HomepageURL} {
		if from != nil {
			*to = *from
		}
	}
	return out
}

func (h *Handler) createApp(c *call) (answer, error) {
	var in appInput
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	made, err := h.Orgs.CreateApp(web.Ctx(c), c.actor, c.actor.OrganizationID, in.over(org.AppInput{}))
	if err != nil {
		return answer{}, err
	}
	return done(h.oneApp(c, made.ID))
}

func (h *Handler) changeApp(c *call) (answer, error) {
	var in appInput
	id, err := c.id("app", "app")
	if err == nil {
		err = c.body(&in)
	}
	if err != nil {
		return answer{}, err
	}
	before, err := h.Orgs.App(web.Ctx(c), c.actor, id)
	if err != nil {
		return answer{}, err
	}
	if c.params["If-Match"] == "" { // what was left out is taken from what was read: nobody may change it between
		c.SetRequest(c.Request().WithContext(db.WithVersion(web.Ctx(c), before.UpdatedAt)))
	}
	err = h.Orgs.ChangeApp(web.Ctx(c), c.actor, id, in.over(org.AppInput{Name: before.Name, Description: before.Description, HomepageURL: before.HomepageURL}))
	if err != nil {
		return answer{}, err
	}
	return h.oneApp(c, id)
}

func (h *Handler) deleteApp(c *call) (answer, error) {
	id, err := c.id("app", "app")
	if err != nil {
		return answer{}, err
	}
	r, err := h.Orgs.App(web.Ctx(c), c.actor, id)
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.Orgs.DeleteApp(web.Ctx(c), c.actor, id, r.Name)
}
