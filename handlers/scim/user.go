package scim

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	filter "github.com/gatehouse-dev/gatehouse/internal/scim"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

// id is the one of the path; any other text is of nothing that there is.
func (c *call) id(prefix string) (db.ID, error) {
	id, err := db.ParseID(prefix, c.Param("id"))
	if err != nil {
		return id, fault.Missing()
	}
	return id, nil
}

func (h *Handler) users(c *call) (answer, error) {
	s, err := c.selection()
	if err != nil {
		return answer{}, err
	}
	rows, err := h.Store.Users(web.Ctx(c), c.actor, s.which())
	if err == nil && strings.Contains(s.text, "group") {
		err = h.Store.WithGroups(web.Ctx(c), c.actor, rows)
	}
	if err == nil {
		rows, err = fitting(s, rows, func(u scim.User) int { return 1 + len(u.Groups) }, h.bareUser)
	}
	if err != nil {
		return answer{}, err
	}
	shown := page(s, rows)
	if err := h.Store.WithGroups(web.Ctx(c), c.actor, shown); err != nil {
		return answer{}, err
	}
	return listed(c, s, len(rows), shown, h.userDocument)
}

func (h *Handler) oneUser(c *call, u scim.User, status int, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	d, err := h.userDocument(u)
	if err != nil {
		return answer{}, err
	}
	return c.one(d, d.Meta.Version, d.Meta.Location, status)
}

func (h *Handler) user(c *call) (answer, error) {
	id, err := c.id(scim.UserPrefix)
	if err != nil {
		return answer{}, err
	}
	u, err := h.Store.User(web.Ctx(c), c.actor, id)
	return h.oneUser(c, u, http.StatusOK, err)
}

func (h *Handler) addUser(c *call) (answer, error) {
	body, err := c.object()
	if err != nil {
		return answer{}, err
	}
	p := scim.Person{Active: true}
	if err := describe(&p, body); err != nil {
		return answer{}, err
	}
	u, err := h.Store.AddUser(web.Ctx(c), c.actor, p)
	return h.oneUser(c, u, http.StatusCreated, err)
}

// changeUser has edit change a user whose version fits.
func (h *Handler) changeUser(c *call, edit func(*scim.Person) error) (answer, error) {
	id, err := c.id(scim.UserPrefix)
	if err != nil {
		return answer{}, err
	}
	u, err := h.Store.ChangeUser(web.Ctx(c), c.actor, id, func(u scim.User, p *scim.Person) error {
		if err := h.fitsUser(c, u); err != nil {
			return err
		}
		return edit(p)
	})
	return h.oneUser(c, u, http.StatusOK, err)
}

func (h *Handler) fitsUser(c *call, u scim.User) error {
	d, err := h.userDocument(u)
	if err != nil {
		return err
	}
	return c.fits(d.Meta.Version)
}

// putUser replaces all that is kept; what the body leaves out is empty, but for active, which stays as it is.
func (h *Handler) putUser(c *call) (answer, error) {
	body, err := c.object()
	if err != nil {
		return answer{}, err
	}
	return h.changeUser(c, func(p *scim.Person) error {
		*p = scim.Person{Active: p.Active}
		return describe(p, body)
	})
}

func (h *Handler) patchUser(c *call) (answer, error) {
	steps, err := c.steps()
	if err != nil {
		return answer{}, err
	}
	return h.changeUser(c, func(p *scim.Person) error {
		for i, s := range steps {
			if err := patchPerson(p, s); err != nil {
				return inStep(i, err)
			}
		}
		return nil
	})
}

func (h *Handler) deleteUser(c *call) (answer, error) {
	id, err := c.id(scim.UserPrefix)
	if err == nil {
		err = h.Store.RemoveUser(web.Ctx(c), c.actor, id, func(u scim.User) error { return h.fitsUser(c, u) })
	}
	return answer{status: http.StatusNoContent}, err
}

// patchPerson does one step.
func patchPerson(p *scim.Person, s step) error {
	if s.path != nil {
		if s.path.Values != nil { // of emails and the like, which are not kept
			return nil
		}
		return setPerson(p, *s.path, s.value)
	}
	return describe(p, s.fields)
}

// describe sets all attributes of an object, each named as in paths, as Entra ID does.
func describe(p *scim.Person, o map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if strings.HasPrefix(strings.ToLower(key), "urn:") && !strings.HasPrefix(strings.ToLower(key), strings.ToLower(userSchema)+":") {
			continue // an extension, which is not kept
		}
		path, err := filter.ParsePath(key)
		if err != nil || path.Values != nil {
			return bad("invalidPath", came(key)+" is no name of an attribute. Names are such as userName or name.givenName.")
		}
		if err := setPerson(p, path, o[key]); err != nil {
			return err
		}
	}
	return nil
}

// setPerson sets one attribute; nil empties it. Attributes that are not kept are left aside.
func setPerson(p *scim.Person, path filter.Path, v any) error {
	if path.Schema != "" && path.Schema != strings.ToLower(userSchema) {
		return nil
	}
	switch attribute := path.Attribute; {
	case attribute == "active" && path.Sub == "":
		return flag(&p.Active, v)
	case attribute == "username" && path.Sub == "":
		if v == nil {
			return bad("mutability", "userName can’t be removed or emptied: each user has one. To take a user out, set active to false, or delete the user.")
		}
		return word(&p.UserName, "userName", v)
	case attribute == "externalid" && path.Sub == "":
		return word(&p.ExternalID, "externalId", v)
	case attribute == "displayname" && path.Sub == "":
		return word(&p.DisplayName, "displayName", v)
	case attribute == "name":
		return setName(p, path.Sub, v)
	}
	return nil
}

func setName(p *scim.Person, sub string, v any) error {
	switch sub {
	case "givenname":
		return word(&p.GivenName, "name.givenName", v)
	case "familyname":
		return word(&p.FamilyName, "name.familyName", v)
	case "formatted":
		return word(&p.FormattedName, "name.formatted", v)
	case "":
		if v == nil {
			p.GivenName, p.FamilyName, p.FormattedName = "", "", ""
			return nil
		}
		o, ok := v.(map[string]any)
		if !ok {
			return bad("invalidValue", "name has to be an object, such as {\"givenName\": \"Ada\"}; it is "+came(v)+".")
		}
		for _, key := range slices.Sorted(maps.Keys(o)) {
			if key != "" {
				if err := setName(p, strings.ToLower(key), o[key]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func word(to *string, name string, v any) error {
	switch v := v.(type) {
	case nil:
		*to = ""
	case string:
		*to = v
	default:
		return bad("invalidValue", name+" has to be a text; it is "+came(v)+".")
	}
	return nil
}

// flag reads true and false, also as Entra ID writes them: "True", "False".
func flag(to *bool, v any) error {
	text, ok := v.(string)
	switch {
	case v == true || ok && strings.EqualFold(text, "true"):
		*to = true
	case v == false || ok && strings.EqualFold(text, "false"):
		*to = false
	default:
		return bad("invalidValue", "active has to be true or false; it is "+came(v)+".")
	}
	return nil
}
