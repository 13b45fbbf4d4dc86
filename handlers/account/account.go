package account

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// Account is the page of one's own account.
func (h *Handler) Account(c echo.Context) error { return h.showAccount(c, nil, nil) }

// showAccount renders the page, with what was wrong with the form that was sent; keep puts its input back.
func (h *Handler) showAccount(c echo.Context, problem error, keep func(*views.Account)) error {
	u := web.User(c)
	sessions, err := h.Store.Sessions(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	browsers, err := h.browsers(c)
	if err != nil {
		return err
	}
	waiting, err := h.Store.WaitingEmail(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	p := views.Account{
		Frame: h.Frame(c, web.T(c, "Account")), MailByHand: h.MailByHand,
		Name: u.Name, DisplayName: u.DisplayName, Email: u.Email, Language: u.Language, TimeZone: u.TimeZone, Zones: zoneOptions(),
		Sessions: h.sessions(c, sessions), Browsers: browsers, HasProviders: len(h.providers()) > 0,
	}
	if p.WaitingEmail = waiting.Email; waiting.Email != "" {
		p.WaitsUntil = text.DateTime(web.Ctx(c), waiting.ExpiresAt)
	}
	if u.PasswordChangedAt != nil {
		p.PasswordAge = components.MomentAt(web.Ctx(c), h.Now(), *u.PasswordChangedAt)
	}
	for _, l := range text.Languages() {
		p.Languages = append(p.Languages, components.Option{Value: string(l.Language), Label: l.Name})
	}
	status := http.StatusOK
	if problem != nil {
		p.Problems, p.Errors, _ = web.Problems(c, problem)
		status = http.StatusUnprocessableEntity
	}
	if keep != nil {
		keep(&p)
	}
	return h.RenderStatus(c, status, views.AccountPage(p))
}

// zoneOptions groups the zones by the part before the slash.
func zoneOptions() []components.Option {
	zones := account.Zones()
	out := make([]components.Option, len(zones))
	for i, z := range zones {
		region, place, found := strings.Cut(z, "/")
		if !found {
			out[i] = components.Option{Value: z, Label: z}
			continue
		}
		out[i] = components.Option{Value: z, Label: strings.ReplaceAll(place, "_", " "), Group: region}
	}
	return out
}

func (h *Handler) sessions(c echo.Context, all []account.Session) []views.Session {
	out := make([]views.Session, len(all))
	for i, s := range all {
		out[i] = views.Session{
			ID: s.ID.Show("session"), Device: account.AgentWords(web.Ctx(c), s.UserAgent), Network: s.Network, Means: s.MeansWords(web.Ctx(c)), Here: s.ID == web.Session(c).ID,
			Seen: components.MomentAt(web.Ctx(c), h.Now(), s.LastSeenAt), Begun: components.MomentAt(web.Ctx(c), h.Now(), s.CreatedAt),
		}
	}
	return out
}

type profileForm struct {
	Name        string `form:"name"`
	DisplayName string `form:"display_name"`
	Language    string `form:"language"`
	TimeZone    string `form:"time_zone"`
}

// ChangeProfile writes name, display name, language and time zone.
func (h *Handler) ChangeProfile(c echo.Context) error {
	var form profileForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	err := h.Store.ChangeProfile(web.Ctx(c), web.Actor(c), account.Profile(form))
	if _, _, ok := web.Problems(c, err); ok {
		return h.showAccount(c, err, func(p *views.Account) {
			p.Name, p.DisplayName, p.Language, p.TimeZone = form.Name, form.DisplayName, form.Language, form.TimeZone
		})
	}
	if err != nil {
		return err
	}
	return h.Done(c, "/console/account", text.N("Your profile is saved."))
}

// EndSession ends one of one's own sessions; the one of this browser like signing out.
func (h *Handler) EndSession(c echo.Context) error {
	id, err := web.PathID(c, "session", "session")
	if err != nil {
		return err
	}
	if err := h.Store.EndSession(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	if id == web.Session(c).ID {
		h.ForgetSession(c)
		return h.Done(c, "/", text.N("You are signed out."))
	}
	return h.Done(c, "/console/account#sessions", text.N("The session is ended."))
}

// EndOthers ends all sessions but this one.
func (h *Handler) EndOthers(c echo.Context) error {
	if err := h.Store.EndOtherSessions(web.Ctx(c), web.Actor(c)); err != nil {
		return err
	}
	return h.Done(c, "/console/account#sessions", text.N("All other sessions are ended."))
}

// EndAll ends all sessions, also this one.
func (h *Handler) EndAll(c echo.Context) error {
	if err := h.Store.EndAllSessions(web.Ctx(c), web.Actor(c)); err != nil {
		return err
	}
	h.ForgetSession(c)
	return h.Done(c, "/login", text.N("All your sessions are ended."))
}

type deleteForm struct {
	Email    string `form:"email"`
	Password string `form:"password"`
	Words    string `form:"words"` // "delete": what they wrote in the forum goes, too
}

// DeleteForm shows what stops with the account, or why it can't go yet.
func (h *Handler) DeleteForm(c echo.Context) error {
	return h.showDelete(c, http.StatusOK, views.Delete{})
}

func (h *Handler) showDelete(c echo.Context, status int, p views.Delete) error {
	ahead, err := h.Store.Departure(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	p.Frame, p.Apps, p.Keys = h.Frame(c, web.T(c, "Delete account")), ahead.Apps, ahead.Keys
	if ahead.Obstacle != nil {
		p.Obstacle = sentence(c, ahead.Obstacle)
	}
	return h.RenderStatus(c, status, views.DeletePage(p))
}

// Delete ends the account for ever.
func (h *Handler) Delete(c echo.Context) error {
	var form deleteForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	end := h.Store.Delete
	if form.Words == views.WordsGo {
		end = h.Store.DeleteWithWords
	}
	err := end(web.Ctx(c), web.Actor(c), form.Email, form.Password)
	if problems, byField, ok := web.Problems(c, err); ok {
		return h.showDelete(c, http.StatusUnprocessableEntity, views.Delete{Email: form.Email, Words: form.Words, Problems: problems, Errors: byField})
	}
	if err != nil {
		return err
	}
	h.ForgetSession(c)
	h.SetCookie(c, web.KnownCookie, "", 0)
	return h.See(c, "/")
}

// prefixUser is the prefix of a user's id.
const prefixUser = "user"

func userPath(id db.ID) string { return "/admin/users/" + id.Show(prefixUser) }
