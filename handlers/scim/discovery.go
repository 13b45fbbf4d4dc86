package scim

import (
	"net/http"
	"strings"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

const (
	configSchema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	typeSchema   = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaSchema = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// config says what is offered (RFC 7643, section 5).
func (h *Handler) config(c *call) (answer, error) {
	supported := func(yes bool) map[string]any { return map[string]any{"supported": yes} }
	return answer{body: map[string]any{
		"schemas": []string{configSchema}, "documentationUri": h.Link("/guides/directories"),
		"patch": supported(true), "bulk": map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": map[string]any{"supported": true, "maxResults": pageSize}, "changePassword": supported(false), "sort": supported(false), "etag": supported(true),
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "Bearer token", "description": "A token of the organization, in the Authorization header.", "primary": true, "specUri": "https://www.rfc-editor.org/info/rfc6750",
		}},
		"meta": meta{ResourceType: "ServiceProviderConfig", Location: h.Link(web.ScimRoot + "ServiceProviderConfig")},
	}}, nil
}

func (h *Handler) resourceTypes() []map[string]any {
	one := func(id, endpoint, schema string) map[string]any {
		return map[string]any{
			"schemas": []string{typeSchema}, "id": id, "name": id, "endpoint": endpoint, "description": id, "schema": schema,
			"meta": meta{ResourceType: "ResourceType", Location: h.Link(web.ScimRoot + "ResourceTypes/" + id)},
		}
	}
	return []map[string]any{one("User", "/Users", userSchema), one("Group", "/Groups", groupSchema)}
}

func (h *Handler) types(c *call) (answer, error) { return whole(c, h.resourceTypes()) }

func (h *Handler) oneType(c *call) (answer, error) { return named(c, h.resourceTypes()) }

// whole answers with all of them: they are not filtered (RFC 7644, section 4).
func whole(c *call, all []map[string]any) (answer, error) {
	if c.QueryParam("filter") != "" {
		return answer{}, &refusal{http.StatusForbidden, "", "This list takes no filter: leave the parameter filter out."}
	}
	out := list{Schemas: []string{listSchema}, Total: len(all), ItemsPerPage: len(all), StartIndex: 1}
	for _, one := range all {
		out.Resources = append(out.Resources, one)
	}
	return answer{body: out}, nil
}

func named(c *call, all []map[string]any) (answer, error) {
	for _, one := range all {
		if id, _ := one["id"].(string); strings.EqualFold(id, c.Param("id")) { // the ids of schemas are URNs
			return answer{body: one}, nil
		}
	}
	return answer{}, fault.Missing()
}

// attribute describes one (RFC 7643, section 7).
type attribute struct {
	Name        string      `json:"name"`
	Type        string      `json:"type"`
	Multi       bool        `json:"multiValued"`
	Description string      `json:"description"`
	Required    bool        `json:"required"`
	CaseExact   bool        `json:"caseExact"`
	Mutability  string      `json:"mutability"`
	Returned    string      `json:"returned"`
	Uniqueness  string      `json:"uniqueness"`
	Types       []string    `json:"referenceTypes,omitempty"`
	Parts       []attribute `json:"subAttributes,omitempty"`
}

func str(name, description string) attribute {
	return attribute{Name: name, Type: "string", Description: description, Mutability: "readWrite", Returned: "default", Uniqueness: "none"}
}

func (a attribute) readOnly() attribute {
	a.Mutability = "readOnly"
	for i := range a.Parts {
		a.Parts[i] = a.Parts[i].readOnly()
	}
	return a
}

func several(name, description string, parts ...attribute) attribute {
	a := str(name, description)
	a.Type, a.Multi, a.Parts = "complex", true, parts
	return a
}

func reference(to string) attribute {
	a := str("$ref", "The address of the resource.").readOnly()
	a.Type, a.CaseExact, a.Types = "reference", true, []string{to}
	return a
}

func exactly(a attribute) attribute { a.CaseExact = true; return a }

func unique(a attribute) attribute { a.Required, a.Uniqueness = true, "server"; return a }

func (h *Handler) allSchemas() []map[string]any {
	one := func(id, name, description string, attributes ...attribute) map[string]any {
		return map[string]any{
			"schemas": []string{schemaSchema}, "id": id, "name": name, "description": description, "attributes": attributes,
			"meta": meta{ResourceType: "Schema", Location: h.Link(web.ScimRoot + "Schemas/" + id)},
		}
	}
	called := str("name", "The parts of the name.")
	called.Type, called.Parts = "complex", []attribute{str("formatted", "The whole name."), str("familyName", "The family name."), str("givenName", "The given name.")}
	active := str("active", "Whether the user is a member of the organization.")
	active.Type = "boolean"
	primary := str("primary", "Whether it is the one to use.")
	primary.Type = "boolean"
	return []map[string]any{
		one(userSchema, "User", "Somebody whom the directory manages.",
			unique(str("userName", "An address in a domain that the organization has proven.")), called, str("displayName", "The name to show."), active,
			several("emails", "The userName.", str("value", "The address."), str("type", "work"), primary).readOnly(),
			several("roles", "The role in the organization.", str("value", "The role.")).readOnly(),
			several("groups", "The groups that the user is in.", exactly(str("value", "The id of the group.")), reference("Group"), str("display", "The name of the group."), str("type", "direct")).readOnly(),
			exactly(str("externalId", "The directory’s own id."))),
		one(groupSchema, "Group", "A group of users. It gives the role that owners of the organization chose for it.",
			unique(str("displayName", "The name.")),
			several("members", "The users in it.", exactly(str("value", "The id of the user.")), reference("User"), str("display", "The userName.").readOnly(), str("type", "User").readOnly()),
			exactly(str("externalId", "The directory’s own id."))),
	}
}

func (h *Handler) schemas(c *call) (answer, error) { return whole(c, h.allSchemas()) }

func (h *Handler) schema(c *call) (answer, error) { return named(c, h.allSchemas()) }
