package openapi

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Schema says what a value must be.
type Schema struct {
	Name        string // under which the document keeps it; "" for one that stands where it is used
	Types       []string
	Description string
	Format      string
	Example     any
	Default     any
	Enum        []any

	Properties   []Property // in the document's order
	Required     []string
	Closed       bool    // additionalProperties: false
	Additional   *Schema // what properties beside the named ones must be; nil: anything, unless Closed
	MinProps     int
	MaxProps     int // 0: any number
	Items        *Schema
	MaxItems     int // 0: any number
	MinLength    int // characters
	MaxLength    int // 0: any length
	Pattern      *regexp.Regexp
	Minimum      *int64
	Maximum      *int64
	Alternatives []*Schema // oneOf
}

// Property is a named part of an object.
type Property struct {
	Name   string
	Schema *Schema
}

// Property is the schema of a part; nil for none of that name.
func (s *Schema) Property(name string) *Schema {
	for _, p := range s.Properties {
		if p.Name == name {
			return p.Schema
		}
	}
	return nil
}

// Needs reports whether the part must be there.
func (s *Schema) Needs(name string) bool { return slices.Contains(s.Required, name) }

func (p *parser) schema(n *yaml.Node) *Schema {
	if n == nil || p.err != nil {
		return &Schema{}
	}
	if ref := at(n, "$ref"); ref != nil {
		target := p.schema(p.follow(n))
		said := at(n, "description")
		if said == nil && target.Name != "" {
			return target
		}
		out := *target
		if said != nil {
			out.Description = said.Value
		}
		if out.Name == "" {
			out.Name = ref.Value[len("#/components/schemas/"):]
		}
		return &out
	}
	if known, ok := p.schemas[n]; ok {
		return known
	}
	s := &Schema{}
	p.schemas[n] = s
	for name, v := range pairs(n) {
		p.keyword(s, name, v)
	}
	return s
}

func (p *parser) keyword(s *Schema, name string, v *yaml.Node) {
	switch name {
	case "type":
		s.Types = strings1(v)
	case "description":
		s.Description = v.Value
	case "format":
		s.Format = v.Value
	case "example":
		s.Example = p.value(v)
	case "default":
		s.Default = p.value(v)
	case "enum":
		for _, one := range v.Content {
			s.Enum = append(s.Enum, p.value(one))
		}
	case "properties":
		for name, one := range pairs(v) {
			s.Properties = append(s.Properties, Property{name, p.schema(one)})
		}
	case "required":
		s.Required = strings1(v)
	case "additionalProperties":
		if v.Kind == yaml.ScalarNode {
			s.Closed = v.Value == "false"
		} else {
			s.Additional = p.schema(v)
		}
	case "items":
		s.Items = p.schema(v)
	case "oneOf":
		for _, one := range v.Content {
			s.Alternatives = append(s.Alternatives, p.schema(one))
		}
	case "pattern":
		re, err := regexp.Compile(v.Value)
		if err != nil {
			p.fail(v, "%v", err)
		}
		s.Pattern = re
	default:
		p.bound(s, name, v)
	}
}

// bound reads a keyword that is a number.
func (p *parser) bound(s *Schema, name string, v *yaml.Node) {
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil {
		p.fail(v, "%s is a keyword that nobody here holds, or no whole number", name)
		return
	}
	switch name {
	case "minProperties":
		s.MinProps = int(n)
	case "maxProperties":
		s.MaxProps = int(n)
	case "maxItems":
		s.MaxItems = int(n)
	case "minLength":
		s.MinLength = int(n)
	case "maxLength":
		s.MaxLength = int(n)
	case "minimum":
		s.Minimum = &n
	case "maximum":
		s.Maximum = &n
	default:
		p.fail(v, "%s is a keyword that nobody here holds", name)
	}
}

func strings1(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var out []string
	for _, one := range n.Content {
		out = append(out, one.Value)
	}
	return out
}

// value is a value as Decode would give it.
func (p *parser) value(n *yaml.Node) any {
	var v any
	if err := n.Decode(&v); err != nil {
		p.fail(n, "%v", err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		p.fail(n, "%v", err)
		return nil
	}
	out, bad := Decode(b)
	if bad != nil {
		p.fail(n, "%s", bad.Detail)
	}
	return out
}
