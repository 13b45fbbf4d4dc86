package scim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	filter "github.com/gatehouse-dev/gatehouse/internal/scim"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

// Names of schemas and messages.
const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	listSchema  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

type meta struct {
	ResourceType string     `json:"resourceType"`
	Created      *time.Time `json:"created,omitempty"`
	LastModified *time.Time `json:"lastModified,omitempty"`
	Location     string     `json:"location"`
	Version      string     `json:"version,omitempty"`
}

// value is one value of an attribute that has several.
type value struct {
	Value   string `json:"value"`
	Ref     string `json:"$ref,omitempty"`
	Display string `json:"display,omitempty"`
	Type    string `json:"type,omitempty"`
	Primary bool   `json:"primary,omitempty"`
}

type name struct {
	Formatted  string `json:"formatted,omitempty"`
	FamilyName string `json:"familyName,omitempty"`
	GivenName  string `json:"givenName,omitempty"`
}

type userDocument struct {
	Schemas     []string `json:"schemas"`
	ID          string   `json:"id"`
	ExternalID  string   `json:"externalId,omitempty"`
	UserName    string   `json:"userName"`
	Name        *name    `json:"name,omitempty"`
	DisplayName string   `json:"displayName,omitempty"`
	Active      bool     `json:"active"`
	Emails      []value  `json:"emails"`
	Roles       []value  `json:"roles,omitempty"`
	Groups      []value  `json:"groups,omitempty"`
	Meta        meta     `json:"meta"`
}

type groupDocument struct {
	Schemas     []string `json:"schemas"`
	ID          string   `json:"id"`
	ExternalID  string   `json:"externalId,omitempty"`
	DisplayName string   `json:"displayName"`
	Members     []value  `json:"members,omitempty"`
	Meta        meta     `json:"meta"`
}

func (h *Handler) userPath(id string) string  { return h.Link(web.ScimRoot + "Users/" + id) }
func (h *Handler) groupPath(id string) string { return h.Link(web.ScimRoot + "Groups/" + id) }

func (h *Handler) userDocument(u scim.User) (userDocument, error) {
	d := h.bareUser(u)
	var err error
	d.Meta.Version, err = version(d)
	return d, err
}

// bareUser is the document without its version.
func (h *Handler) bareUser(u scim.User) userDocument {
	id, created, changed := u.ID.Show(scim.UserPrefix), u.CreatedAt.UTC(), u.UpdatedAt.UTC()
	d := userDocument{
		Schemas: []string{userSchema}, ID: id, ExternalID: u.ExternalID, UserName: u.UserName, DisplayName: u.DisplayName, Active: u.Role != "",
		Emails: []value{{Value: u.UserName, Type: "work", Primary: true}}, Meta: meta{ResourceType: "User", Created: &created, LastModified: &changed, Location: h.userPath(id)},
	}
	if n := (name{u.FormattedName, u.FamilyName, u.GivenName}); n != (name{}) {
		d.Name = &n
	}
	if u.Role != "" {
		d.Roles = []value{{Value: u.Role}}
	}
	for _, g := range u.Groups {
		group := g.ID.Show(scim.GroupPrefix)
		d.Groups = append(d.Groups, value{Value: group, Ref: h.groupPath(group), Display: g.Name, Type: "direct"})
	}
	return d
}

func (h *Handler) groupDocument(g scim.Group) (groupDocument, error) {
	d := h.bareGroup(g)
	var err error
	d.Meta.Version, err = version(d)
	return d, err
}

// bareGroup is the document without its version.
func (h *Handler) bareGroup(g scim.Group) groupDocument {
	id, created, changed := g.ID.Show(scim.GroupPrefix), g.CreatedAt.UTC(), g.UpdatedAt.UTC()
	d := groupDocument{
		Schemas: []string{groupSchema}, ID: id, ExternalID: g.ExternalID, DisplayName: g.DisplayName,
		Meta: meta{ResourceType: "Group", Created: &created, LastModified: &changed, Location: h.groupPath(id)},
	}
	for _, m := range g.Members {
		user := m.ID.Show(scim.UserPrefix)
		d.Members = append(d.Members, value{Value: user, Ref: h.userPath(user), Display: m.Name, Type: "User"})
	}
	return d
}

// version names what a document says: also who joined or left by other ways makes another one.
func version(document any) (string, error) {
	text, err := json.Marshal(document)
	sum := sha256.Sum256(text)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, err
}

// fits fails unless If-Match, where it is sent, names this version.
func (c *call) fits(version string) error {
	sent := c.Request().Header.Values("If-Match")
	if len(sent) == 0 || names(sent, version) {
		return nil
	}
	return stale()
}

func names(sent []string, version string) bool {
	for part := range strings.SplitSeq(strings.Join(sent, ","), ",") {
		part = strings.TrimSpace(part)
		if part == "*" || part == version || "W/"+part == version {
			return true
		}
	}
	return false
}

// one answers with a document, or with nothing when the caller has that version.
func (c *call) one(document any, version, location string, status int) (answer, error) {
	if seen := c.Request().Header.Values("If-None-Match"); c.Request().Method == http.MethodGet && len(seen) > 0 && names(seen, version) {
		return answer{status: http.StatusNotModified, version: version}, nil
	}
	body, err := c.chosen(document)
	a := answer{status: status, body: body, version: version}
	if status == http.StatusCreated {
		a.location = location
	}
	return a, err
}

// chosen leaves of a document what attributes and excludedAttributes ask for. What says what it is always stays.
func (c *call) chosen(document any) (map[string]any, error) {
	all, err := filter.Resource(document)
	if err != nil {
		return nil, err
	}
	only, without := paths(c.QueryParam("attributes")), paths(c.QueryParam("excludedAttributes"))
	for key, v := range all {
		attribute := strings.ToLower(key)
		if attribute == "id" || attribute == "schemas" {
			continue
		}
		if subs, asked := without[attribute]; asked {
			drop(all, key, v, func(sub string) bool { return subs[""] || subs[sub] })
		}
		if len(only) > 0 {
			subs := only[attribute]
			drop(all, key, all[key], func(sub string) bool { return !subs[""] && !subs[sub] })
		}
	}
	return all, nil
}

// drop takes those members of an attribute away that gone names; "" is all of it.
func drop(all map[string]any, key string, v any, gone func(sub string) bool) {
	if v == nil {
		return
	}
	var parts []map[string]any
	switch v := v.(type) {
	case map[string]any:
		parts = append(parts, v)
	case []any:
		for _, one := range v {
			if part, ok := one.(map[string]any); ok {
				parts = append(parts, part)
			}
		}
	}
	left := 0
	for _, part := range parts {
		for sub := range part {
			if gone(strings.ToLower(sub)) {
				delete(part, sub)
			}
		}
		left += len(part)
	}
	if left == 0 && (len(parts) > 0 || gone("")) {
		delete(all, key)
	}
}

// paths are attributes of a list, in small letters, with the parts of each that it names; "" for all.
func paths(list string) map[string]map[string]bool {
	if len(list) > filter.MaxFilter {
		list = list[:filter.MaxFilter]
	}
	out := map[string]map[string]bool{}
	for part := range strings.SplitSeq(list, ",") {
		p, err := filter.ParsePath(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		if out[p.Attribute] == nil {
			out[p.Attribute] = map[string]bool{}
		}
		out[p.Attribute][p.Sub] = true
	}
	return out
}

func writeJSON(w http.ResponseWriter, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.WriteHeader(status)
	_, err = w.Write(append(text, '\n'))
	return err
}
