package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	views "github.com/gatehouse-dev/gatehouse/views/api"
)

// Reference shows the operations of the portal's own API. Other APIs have no document that could be shown.
func (h *Handler) Reference(c echo.Context) error {
	d, err := h.Catalog.BySlug(web.Ctx(c), web.Actor(c), c.Param("slug"))
	if err != nil {
		return err
	}
	if !d.IsPortal {
		return fault.Missing()
	}
	p := views.ReferencePage{Frame: h.Frame(c, web.T(c, "Reference of %s", d.Name)), Name: d.Name, Slug: d.Slug, Lead: web.T(c, "Every operation, with what it takes and answers."), DocumentHref: DocumentPath}
	p.Frame.Canonical = h.Link("/apis/" + d.Slug + "/reference")
	p.Frame.Description = p.Lead
	if p.Intro, err = markdown.Render(h.doc.Description, markdown.Options{}); err != nil {
		return err
	}
	for _, t := range h.doc.Tags {
		g := views.Group{ID: strings.ToLower(t.Name), Name: t.Name, Description: t.Description}
		for _, o := range h.doc.Operations {
			if o.Tag == t.Name {
				g.Operations = append(g.Operations, h.shown(o))
			}
		}
		p.Groups = append(p.Groups, g)
	}
	return h.Render(c, views.Reference(p))
}

func (h *Handler) shown(o openapi.Operation) views.Operation {
	out := views.Operation{
		ID: o.ID, Method: o.Method, Path: o.Path, Summary: o.Summary, Description: o.Description, Scope: o.Scope,
		Success: strconv.Itoa(o.Status) + ": " + o.Success, Curl: h.curl(o),
	}
	for _, p := range o.Params {
		out.Params = append(out.Params, views.Part{Name: p.Name, Kind: p.In + ", " + kindOf(p.Schema), Description: firstOf(p.Description, p.Schema.Description), Required: p.Required})
	}
	out.Body, out.Answer = partsOf(o.Body), partsOf(o.Answer)
	return out
}

func partsOf(s *openapi.Schema) []views.Part {
	if s == nil {
		return nil
	}
	var out []views.Part
	for _, p := range s.Properties {
		out = append(out, views.Part{Name: p.Name, Kind: kindOf(p.Schema), Description: p.Schema.Description, Required: s.Closed && s.Needs(p.Name)})
	}
	return out
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// kindOf says in a few words what a value is.
func kindOf(s *openapi.Schema) string {
	if len(s.Alternatives) > 0 {
		var all []string
		for _, one := range s.Alternatives {
			all = append(all, kindOf(one))
		}
		return strings.Join(all, " or ")
	}
	kind := strings.Join(s.Types, " or ")
	if s.Items != nil {
		kind = "list of " + kindOf(s.Items)
	}
	if len(s.Types) > 0 && s.Types[0] == "object" && s.Name != "" {
		kind = s.Name
	}
	if len(s.Enum) > 0 {
		var all []string
		for _, one := range s.Enum {
			all = append(all, fmt.Sprint(one))
		}
		kind = strings.Join(all, ", ")
	}
	return kind
}

// curl is an example call.
func (h *Handler) curl(o openapi.Operation) string {
	path := o.Path
	for _, p := range o.Params {
		if p.In == "path" {
			value := p.Schema.Example
			if value == nil && len(p.Schema.Enum) > 0 {
				value = p.Schema.Enum[0]
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", fmt.Sprint(value))
		}
	}
	out := "curl "
	if o.Method != "GET" && (o.Method != "POST" || o.Body == nil) {
		out += "-X " + o.Method + " "
	}
	out += `"` + h.BaseURL.String() + path + `"`
	if o.Scope != "" || o.ID == "whoami" || o.ID == "authorize" {
		out += " \\\n  -H \"Authorization: Bearer $KEY\""
	}
	for _, p := range o.Params {
		if p.In == "header" && p.Required && p.Schema.Example != nil {
			out += " \\\n  -H \"" + p.Name + ": " + fmt.Sprint(p.Schema.Example) + "\""
		}
	}
	if o.Body != nil {
		body, err := json.Marshal(example(o.Body, true))
		if err != nil {
			return out
		}
		out += " \\\n  -H \"Content-Type: application/json\" \\\n  -d '" + string(body) + "'"
	}
	return out
}

// example is a value that fits the schema: what must be there, and at the outside what the document gives an example of.
func example(s *openapi.Schema, outside bool) any {
	switch {
	case s.Example != nil:
		return s.Example
	case len(s.Alternatives) > 0:
		return example(s.Alternatives[0], false)
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Items != nil:
		return []any{example(s.Items, false)}
	case len(s.Properties) > 0:
		out := map[string]any{}
		for _, p := range s.Properties {
			if s.Needs(p.Name) || outside && p.Schema.Example != nil && p.Name != "expires_on" {
				out[p.Name] = example(p.Schema, false)
			}
		}
		return out
	}
	return "…"
}
