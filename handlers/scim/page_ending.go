package scim

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/scim"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// OfOrganization leads owners to the directory of their organization, and says when it stops; nil for all others.
func (h *Handler) OfOrganization(c echo.Context, o org.Mine) (*views.Part, error) {
	if o.Kind == org.Personal || !permission.Org(o.Role, permission.DomainsManage) {
		return nil, nil
	}
	t, err := h.Store.Ending(web.Ctx(c), web.Actor(c), o.ID)
	if err != nil {
		return nil, err
	}
	return &views.Part{
		Title: web.T(c, "Directory"), ID: "directory", Text: web.T(c, "Let Okta, Entra ID or another directory add and remove members by SCIM."), Note: h.endingNote(c, t),
		Actions: []components.Act{{Label: web.T(c, "Manage directory"), Href: scim.Page(o.ID)}},
	}, nil
}

// endingNote says when a directory stops with its token, or that it has; nil for no token.
func (h *Handler) endingNote(c echo.Context, t *scim.Token) *views.Note {
	switch {
	case t == nil:
		return nil
	case !t.Living(h.Now()):
		return &views.Note{
			Tone: components.Bad, Title: web.T(c, "The directory’s token has ended"),
			Text: web.T(c, "The directory is refused: nobody is added, and who leaves your company stays a member. Create a token, and enter it in your directory."),
		}
	}
	n := &views.Note{
		Tone: components.Warn, Title: web.T(c, "The directory’s token ends within a day"),
		Text: web.T(c, "Then the directory is refused: nobody is added, and who leaves your company is not taken out. Create the next token, and enter it in your directory."),
	}
	if days := h.daysLeft(*t); days > 1 {
		n.Title = web.T(c, "The directory’s token ends in %d days", days)
	}
	return n
}

// daysLeft is how many days a living token has, a part of one counted as a day.
func (h *Handler) daysLeft(t scim.Token) int {
	const day = 24 * time.Hour
	return int((t.ExpiresAt.Sub(h.Now()) + day - 1) / day)
}

// endsSoon is the state of a token that works, and ends soon.
func (h *Handler) endsSoon(c echo.Context, t scim.Token) *views.Status {
	if days := h.daysLeft(t); days > 1 {
		return &views.Status{Tone: components.Warn, Words: web.T(c, "Ends in %d days", days)}
	}
	return &views.Status{Tone: components.Warn, Words: web.T(c, "Ends within a day")}
}

// createToken leads to the next token; nil where there is no room for one.
func (h *Handler) createToken(c echo.Context, o org.Mine, d scim.Directory) *components.Act {
	living := 0
	for _, t := range d.Tokens {
		if t.Living(h.Now()) {
			living++
		}
	}
	if len(d.Tokens) > 0 && (!d.Proven || living >= scim.MaxTokens) {
		return nil
	}
	act := &components.Act{Label: web.T(c, "Create token"), Href: scim.Page(o.ID) + "/tokens/new", Kind: components.Primary}
	if living > 0 && d.Ending == nil {
		act.Kind = components.Plain
	}
	return act
}
