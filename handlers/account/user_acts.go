package account

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

// onUser reads the id of the path, acts, and leads back to the user's page.
func (h *Handler) onUser(c echo.Context, said string, act func(id db.ID) error) error {
	id, err := web.PathID(c, "user", prefixUser)
	if err != nil {
		return err
	}
	if err := act(id); err != nil {
		return err
	}
	return h.Done(c, userPath(id), said)
}

// Approve lets a waiting user in.
func (h *Handler) Approve(c echo.Context) error {
	return h.onUser(c, text.N("The account is approved. A mail says so."), func(id db.ID) error { return h.Store.Approve(web.Ctx(c), web.Actor(c), id) })
}

// Unsuspend ends a suspension.
func (h *Handler) Unsuspend(c echo.Context) error {
	return h.onUser(c, text.N("The suspension is ended."), func(id db.ID) error { return h.Store.Unsuspend(web.Ctx(c), web.Actor(c), id) })
}

// EndSessions signs a user out everywhere.
func (h *Handler) EndSessions(c echo.Context) error {
	return h.onUser(c, text.N("All sessions of this user are ended."), func(id db.ID) error { return h.Store.EndSessionsOf(web.Ctx(c), web.Actor(c), id) })
}

// EndSessionOf signs a user out in one browser.
func (h *Handler) EndSessionOf(c echo.Context) error {
	session, err := web.PathID(c, "session", "session")
	if err != nil {
		return err
	}
	return h.onUser(c, text.N("The session is ended."), func(id db.ID) error { return h.Store.EndSessionOf(web.Ctx(c), web.Actor(c), id, session) })
}

type suspendForm struct {
	Reason string `form:"reason"`
	Until  string `form:"until"`
}

// Suspend stops a user, for good or until the end of a day in UTC.
func (h *Handler) Suspend(c echo.Context) error {
	id, err := web.PathID(c, "user", prefixUser)
	if err != nil {
		return err
	}
	var form suspendForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	until, err := endOfDay(form.Until)
	if err == nil {
		err = h.Store.Suspend(web.Ctx(c), web.Actor(c), id, form.Reason, until)
	}
	if _, _, ok := web.Problems(c, err); ok {
		return h.showUser(c, id, err, func(p *views.User) { p.FormReason, p.FormUntil = form.Reason, form.Until })
	}
	if err != nil {
		return err
	}
	return h.Done(c, userPath(id), text.N("The user is suspended and signed out. A mail tells the reason."))
}

// endOfDay is the first moment after a day in UTC; nil for no day.
func endOfDay(day string) (*time.Time, error) {
	if day == "" {
		return nil, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, fault.BadField("until", "Write a day as year-month-day, such as 2027-01-31.")
	}
	t = t.AddDate(0, 0, 1)
	return &t, nil
}

type roleForm struct {
	Role string `form:"role"`
}

// SetRole gives or takes a staff role.
func (h *Handler) SetRole(c echo.Context) error {
	id, err := web.PathID(c, "user", prefixUser)
	if err != nil {
		return err
	}
	var form roleForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	err = h.Store.SetStaffRole(web.Ctx(c), web.Actor(c), id, form.Role)
	if _, _, ok := web.Problems(c, err); ok {
		return h.showUser(c, id, err, nil)
	}
	if err != nil {
		return err
	}
	if id == web.Actor(c).UserID {
		return h.Done(c, "/login", text.N("Your staff role is changed. Sign in again."))
	}
	return h.Done(c, userPath(id), text.N("The staff role is saved. The user’s sessions are ended."))
}
