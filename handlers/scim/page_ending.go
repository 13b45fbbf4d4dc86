package scim

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
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
	if t == nil {
		return nil
	}
	if !t.Living(h.Now()) {
		return &views.Note{
			Tone: components.Bad, Title: web.T(c, "The directory’s token has ended"),
			Text: web.T(c, "The directory is refused: nobody is added, and who leaves your company stays a member. Create a token, and enter it in your directory."),
		}
	}
	return &views.Note{
		Tone: components.Warn, Title: web.T(c, "The directory’s token ends %s", h.ahead(c, *t)),
		Text: web.T(c, "Then the directory is refused: nobody is added, and who leaves your company is not taken out. Create the next token, and enter it in your directory."),
	}
}

// ahead says how far off the end of a token is, as the table of tokens does.
func (h *Handler) ahead(c echo.Context, t scim.Token) string {
	return text.Inside(text.Relative(web.Ctx(c), h.Now(), t.ExpiresAt))
}

// endsSoon is the state of a token that works, and ends soon.
func (h *Handler) endsSoon(c echo.Context, t scim.Token) *views.Status {
	return &views.Status{Tone: components.Warn, Words: web.T(c, "Ends %s", h.ahead(c, t))}
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
