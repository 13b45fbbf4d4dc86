package scim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	filter "github.com/gatehouse-dev/gatehouse/internal/scim"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

func (h *Handler) groups(c *call) (answer, error) {
	s, err := c.selection()
	if err != nil {
		return answer{}, err
	}
	rows, err := h.Store.Groups(web.Ctx(c), c.actor, s.which())
	if err == nil && strings.Contains(s.text, "member") {
		err = h.Store.WithMembers(web.Ctx(c), c.actor, rows)
	}
	if err == nil {
		rows, err = fitting(s, rows, func(g scim.Group) int { return 1 + len(g.Members) }, h.bareGroup)
	}
	if err != nil {
		return answer{}, err
	}
	shown := page(s, rows)
	if paths(c.QueryParam("excludedAttributes"))["members"][""] { // the version would be of another document
		return listed(c, s, len(rows), shown, func(g scim.Group) (groupDocument, error) { return h.bareGroup(g), nil })
	}
	if err := h.Store.WithMembers(web.Ctx(c), c.actor, shown); err != nil {
		return answer{}, err
	}
	return listed(c, s, len(rows), shown, h.groupDocument)
}

func (h *Handler) oneGroup(c *call, g scim.Group, status int, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	d, err := h.groupDocument(g)
	if err != nil {
		return answer{}, err
	}
	return c.one(d, d.Meta.Version, d.Meta.Location, status)
}

func (h *Handler) group(c *call) (answer, error) {
	id, err := c.id(scim.GroupPrefix)
	if err != nil {
		return answer{}, err
	}
	g, err := h.Store.Group(web.Ctx(c), c.actor, id)
	return h.oneGroup(c, g, http.StatusOK, err)
}

func (h *Handler) addGroup(c *call) (answer, error) {
	body, err := c.object()
	if err != nil {
		return answer{}, err
	}
	var t scim.Team
	if err := describeTeam(&t, "replace", body); err != nil {
		return answer{}, err
	}
	g, err := h.Store.AddGroup(web.Ctx(c), c.actor, t)
	return h.oneGroup(c, g, http.StatusCreated, err)
}

// changeGroup has edit change a group whose version fits.
func (h *Handler) changeGroup(c *call, edit func(scim.Group, *scim.Team) error) (answer, error) {
	id, err := c.id(scim.GroupPrefix)
	if err != nil {
		return answer{}, err
	}
	g, err := h.Store.ChangeGroup(web.Ctx(c), c.actor, id, func(g scim.Group, t *scim.Team) error {
		if err := h.fitsGroup(c, g); err != nil {
			return err
		}
		return edit(g, t)
	})
	return h.oneGroup(c, g, http.StatusOK, err)
}

func (h *Handler) fitsGroup(c *call, g scim.Group) error {
	d, err := h.groupDocument(g)
	if err != nil {
		return err
	}
	return c.fits(d.Meta.Version)
}

func (h *Handler) putGroup(c *call) (answer, error) {
	body, err := c.object()
	if err != nil {
		return answer{}, err
	}
	return h.changeGroup(c, func(_ scim.Group, t *scim.Team) error {
		*t = scim.Team{}
		return describeTeam(t, "replace", body)
	})
}

func (h *Handler) patchGroup(c *call) (answer, error) {
	steps, err := c.steps()
	if err != nil {
		return answer{}, err
	}
	return h.changeGroup(c, func(g scim.Group, t *scim.Team) error {
		p := teamPatch{names: map[db.ID]string{}}
		for _, m := range g.Members {
			p.names[m.ID] = m.Name
		}
		for i, s := range steps {
			if err := p.do(t, s); err != nil {
				return inStep(i, err)
			}
		}
		return nil
	})
}

// Of the steps of a patch that ask each member whether it fits a filter, but for those that name one by its id: the organization is locked meanwhile, and on SQLite
// all of the portal (L2).
const (
	maxSearches = 20
	maxLooks    = 50_000 // conditions, each at each value; also of what a list is asked
)

// teamPatch is a patch of a group under way.
type teamPatch struct {
	names    map[db.ID]string // of the members there were
	searches int
	looks    int
}

func (h *Handler) deleteGroup(c *call) (answer, error) {
	id, err := c.id(scim.GroupPrefix)
	if err == nil {
		err = h.Store.RemoveGroup(web.Ctx(c), c.actor, id, func(g scim.Group) error { return h.fitsGroup(c, g) })
	}
	return answer{status: http.StatusNoContent}, err
}

// do does one step. Values of members are named by a filter, as the standard has it, or by the step's value, as Entra ID does.
func (p *teamPatch) do(t *scim.Team, s step) error {
	if s.path == nil {
		return describeTeam(t, s.op, s.fields)
	}
	if s.path.Attribute == "members" && s.path.Values != nil {
		if s.op != "remove" || s.path.Sub != "" {
			return bad("mutability", "Members are added and removed, not changed: with a filter, members takes remove alone, such as remove of members[value eq \"scu_…\"].")
		}
		return p.search(t, s.path.Values)
	}
	return setTeam(t, s.op, *s.path, s.value)
}

// search removes the members that fit a filter.
func (p *teamPatch) search(t *scim.Team, f filter.Filter) error {
	if attribute, text, ok := filter.Equals(f); ok && attribute == "value" {
		id, err := db.ParseID(scim.UserPrefix, strings.ToLower(text))
		t.Members = slices.DeleteFunc(t.Members, func(m db.ID) bool { return err == nil && m == id })
		return nil
	}
	if p.searches++; p.searches > maxSearches {
		return &refusal{http.StatusRequestEntityTooLarge, "", "A patch has at most 20 filters of members, besides those that name one by its value."}
	}
	if p.looks += len(t.Members) * filter.Looks(f); p.looks > maxLooks {
		return &refusal{http.StatusRequestEntityTooLarge, "", "The filters of this patch have too many conditions for so many members. Send them in several patches."}
	}
	t.Members = slices.DeleteFunc(t.Members, func(id db.ID) bool {
		member := map[string]any{"value": id.Show(scim.UserPrefix), "type": "User"}
		if name, ok := p.names[id]; ok {
			member["display"] = name
		}
		return f.Match(member)
	})
	return nil
}

func describeTeam(t *scim.Team, op string, o map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if strings.HasPrefix(strings.ToLower(key), "urn:") && !strings.HasPrefix(strings.ToLower(key), strings.ToLower(groupSchema)+":") {
			continue // an extension, which is not kept
		}
		path, err := filter.ParsePath(key)
		if err != nil || path.Values != nil {
			return bad("invalidPath", came(key)+" is no name of an attribute. Names are such as displayName or members.")
		}
		if err := setTeam(t, op, path, o[key]); err != nil {
			return err
		}
	}
	return nil
}

// setTeam sets one attribute. Attributes that are not kept are left aside.
func setTeam(t *scim.Team, op string, path filter.Path, v any) error {
	if path.Schema != "" && path.Schema != strings.ToLower(groupSchema) {
		return nil
	}
	switch {
	case path.Attribute == "displayname" && path.Sub == "":
		return word(&t.DisplayName, "displayName", v)
	case path.Attribute == "externalid" && path.Sub == "":
		return word(&t.ExternalID, "externalId", v)
	case path.Attribute != "members" || path.Sub != "":
		return nil
	}
	if op == "remove" && v == nil {
		t.Members = nil
		return nil
	}
	ids, err := membersIn(v)
	if err != nil {
		return err
	}
	switch op {
	case "add":
		return setMembers(t, append(t.Members, ids...))
	case "replace":
		return setMembers(t, ids)
	case "remove":
		gone := map[db.ID]bool{}
		for _, id := range ids {
			gone[id] = true
		}
		t.Members = slices.DeleteFunc(t.Members, func(id db.ID) bool { return gone[id] })
	}
	return nil
}

// setMembers has a group have these members, of which a directory has so many at most: steps that follow look at each.
func setMembers(t *scim.Team, ids []db.ID) error {
	if len(ids) > scim.MaxUsers {
		slices.SortFunc(ids, func(x, y db.ID) int { return slices.Compare(x[:], y[:]) })
		if ids = slices.Compact(ids); len(ids) > scim.MaxUsers {
			return bad("invalidValue", fmt.Sprintf("members: a group has at most %d, and this one would have %d.", scim.MaxUsers, len(ids)))
		}
	}
	t.Members = ids
	return nil
}

// membersIn reads the ids of members: a list of objects with a value, or one of these.
func membersIn(v any) ([]db.ID, error) {
	all, ok := v.([]any)
	if !ok && v != nil {
		all = []any{v}
	}
	ids := make([]db.ID, 0, len(all))
	for _, one := range all {
		named := one
		if o, object := one.(map[string]any); object {
			named = member(o, "value")
		}
		text, ok := named.(string)
		id, err := db.ParseID(scim.UserPrefix, text)
		if !ok || err != nil {
			return nil, bad("invalidValue", "members: each is named by the id of a user of this directory, such as {\"value\": \"scu_…\"}; one is "+came(named)+".")
		}
		ids = append(ids, id)
	}
	return ids, nil
}
