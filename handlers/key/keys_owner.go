package key

import (
	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// ownerNote says that nobody answers for the key any more, and leads who can mend that to where they do (K6).
func ownerNote(c echo.Context, d keys.Detail, root string) views.Note {
	n := views.Note{
		Tone: components.Warn, Title: web.T(c, "This key needs an owner"),
		Text: web.T(c, "Whoever answered for it is no longer a member. The key belongs to the app and goes on. Rotate it if they may have kept a copy, or say who is responsible now."),
	}
	if permission.Org(d.Role, permission.KeysManageAll) && root == "/console" {
		n.Href, n.Link = keyPath(d.Row)+"/owner", web.T(c, "Say who is responsible")
	} else {
		n.More = web.T(c, "An admin of the organization does that.")
	}
	return n
}

// responsible names who answers for the key.
func responsible(c echo.Context, d keys.Detail) string {
	switch {
	case d.Orphaned:
		return web.T(c, "Nobody")
	case d.ResponsibleName != "":
		return d.ResponsibleName
	case d.CreatorName != "":
		return d.CreatorName
	}
	return web.T(c, "the organization’s admins")
}

// maker says who or what made the key. A program of another organization, which the app left since, is named to staff alone.
func maker(c echo.Context, d keys.Detail, root string) templ.Component {
	switch p := d.Program; {
	case d.CreatorName != "":
		return typed(d.CreatorName)
	case d.ImportedAt != nil && d.ImportedBy == "":
		return typed(web.T(c, "the portal’s operator, who imported it on %s", text.Date(web.Ctx(c), *d.ImportedAt)))
	case d.ImportedAt != nil:
		return typed(web.T(c, "%[1]s, who imported it on %[2]s", d.ImportedBy, text.Date(web.Ctx(c), *d.ImportedAt)))
	case p != nil && (p.Here || root == "/admin"):
		return views.TypedLink{Before: web.T(c, "a program, with the key"), Text: p.Name + " (" + p.Hint() + ")", Href: root + "/keys/" + p.ID.Show(keys.IDPrefix)}
	case p != nil:
		return typed(web.T(c, "a program of another organization"))
	}
	return typed(web.T(c, "the portal’s operator"))
}
