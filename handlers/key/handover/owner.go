package handover

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	store "github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

type ownerForm struct {
	Responsible string `form:"responsible"`
}

// OwnerForm is where an admin of the organization says that a key stays, and who answers for it (K6).
func (h *Handler) OwnerForm(c echo.Context) error {
	return h.ownerPage(c, http.StatusOK, ownerForm{Responsible: web.Actor(c).UserID.Show(store.UserPrefix)}, nil)
}

// SetOwner keeps it.
func (h *Handler) SetOwner(c echo.Context) error {
	d, err := h.Keys.Managed(c)
	if err != nil {
		return err
	}
	var f ownerForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	who, err := db.ParseID(store.UserPrefix, f.Responsible)
	if err != nil {
		who = db.ID{} // nobody
	}
	if err := h.Store.Confirm(web.Ctx(c), web.Actor(c), d.ID, who); err != nil {
		return h.Keys.Again(c, err, func(status int, failed error) error { return h.ownerPage(c, status, f, failed) })
	}
	return h.Done(c, key.KeyPath(d.Row), "The key stays, and somebody answers for it.")
}

func (h *Handler) ownerPage(c echo.Context, status int, f ownerForm, failed error) error {
	d, err := h.Keys.Managed(c)
	if err != nil {
		return err
	}
	if !permission.Org(d.Role, permission.KeysManageAll) {
		return fault.Lacking(string(permission.KeysManageAll), d.OrganizationID.Show(org.Prefix))
	}
	people, err := h.Store.People(web.Ctx(c), d.AppID)
	if err != nil {
		return err
	}
	p := h.Keys.ConfirmPage(c, d, "owner", web.T(c, "Say who is responsible"))
	var wrong map[string]string
	p.Problems, wrong = key.ProblemsOf(c, failed)
	p.Button = web.T(c, "It stays: save who is responsible")
	p.Stops = []string{
		web.T(c, "The key goes on as it is. Whoever is responsible manages it, and is mailed before it ends."),
		web.T(c, "If the one who made it may have kept a copy, rotate the key instead."),
	}
	who := components.Field{Name: "responsible", Label: web.T(c, "Responsible"), Value: f.Responsible, Error: wrong["responsible"]}
	for _, m := range people {
		who.Options = append(who.Options, components.Option{Value: m.ID.Show(store.UserPrefix), Label: m.Name, Data: true})
	}
	p.Fields = []components.Field{who}
	return h.RenderStatus(c, status, views.Confirm(p))
}
