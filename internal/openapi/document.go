// Package openapi reads an OpenAPI 3.1 document as far as a server and a reference page need it: the operations in the document's order, their
// parameters, the schemas of bodies and answers. A Schema judges decoded JSON and says by JSON pointer what is wrong (L1).
//
// It knows the part of the standard that the portal's own document uses, and refuses a document that uses more where that would leave a rule unheld: an
// unknown keyword in a schema is an error, not a rule that nobody checks. References lead within the document alone.
package openapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Document is a document that was read. It is not to be changed.
type Document struct {
	Title       string
	Summary     string
	Description string // Markdown
	Tags        []Tag
	Operations  []Operation
	JSON        []byte // the whole document
	ETag        string // of JSON, strong, with its quotes
}

// Tag groups operations.
type Tag struct{ Name, Description string }

// Operation is one method of one path.
type Operation struct {
	ID, Method, Path, Tag string
	Summary, Description  string
	Scope                 string // that the call needs; "" for none in particular
	LiveOnly              bool   // x-live-only
	ServedBy              string // x-served-by: who serves it, when not the management API
	Params                []Param
	Body                  *Schema // nil: takes none
	BodyRequired          bool
	Status                int     // of success
	Success               string  // what success means
	Answer                *Schema // of success; nil without a body
}

// Param is a parameter.
type Param struct {
	Name, In, Description string
	Required              bool
	Schema                *Schema
}

//go:embed portal.yaml
var portal []byte

// Portal is the document of the portal's own API.
var Portal = sync.OnceValues(func() (*Document, error) { return Parse(portal) })

// Parse reads a document in YAML or JSON. It fails for what is no document, and for schemas with keywords that Schema does not hold.
func Parse(text []byte) (*Document, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	if len(root.Content) != 1 {
		return nil, fmt.Errorf("openapi: an empty document")
	}
	var whole any
	if err := root.Decode(&whole); err != nil {
		return nil, err
	}
	out, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(out)
	p := parser{root: root.Content[0], schemas: map[*yaml.Node]*Schema{}}
	d := &Document{JSON: out, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	p.document(d)
	return d, p.err
}

// parser reads the tree of nodes; its first error stays.
type parser struct {
	root    *yaml.Node
	schemas map[*yaml.Node]*Schema
	err     error
}

func (p *parser) fail(n *yaml.Node, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("openapi: line %d: %s", n.Line, fmt.Sprintf(format, args...))
	}
}

// pairs are names and values of an object, in order; nothing for nil.
func pairs(n *yaml.Node) func(yield func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// at is the value of a name; nil for none.
func at(n *yaml.Node, name string) *yaml.Node {
	for k, v := range pairs(n) {
		if k == name {
			return v
		}
	}
	return nil
}

func text(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	return n.Value
}

// follow resolves a reference within the document.
func (p *parser) follow(n *yaml.Node) *yaml.Node {
	for range 10 {
		ref := at(n, "$ref")
		if ref == nil {
			return n
		}
		path, ok := strings.CutPrefix(ref.Value, "#/")
		if !ok {
			p.fail(n, "the reference %s leads out of the document", ref.Value)
			return n
		}
		found := p.root
		for _, part := range strings.Split(path, "/") {
			found = at(found, part)
		}
		if found == nil {
			p.fail(n, "the reference %s leads nowhere", ref.Value)
			return n
		}
		n = found
	}
	p.fail(n, "references go in a circle")
	return n
}

func (p *parser) document(d *Document) {
	info := at(p.root, "info")
	d.Title, d.Summary, d.Description = text(at(info, "title")), text(at(info, "summary")), text(at(info, "description"))
	if tags := at(p.root, "tags"); tags != nil {
		for _, t := range tags.Content {
			d.Tags = append(d.Tags, Tag{text(at(t, "name")), text(at(t, "description"))})
		}
	}
	for path, item := range pairs(at(p.root, "paths")) {
		for method, op := range pairs(item) {
			d.Operations = append(d.Operations, p.operation(path, method, op))
		}
	}
}

func (p *parser) operation(path, method string, n *yaml.Node) Operation {
	o := Operation{
		ID: text(at(n, "operationId")), Method: strings.ToUpper(method), Path: path, Summary: text(at(n, "summary")), Description: text(at(n, "description")),
		LiveOnly: text(at(n, "x-live-only")) == "true", ServedBy: text(at(n, "x-served-by")),
	}
	if tags := at(n, "tags"); tags != nil && len(tags.Content) > 0 {
		o.Tag = tags.Content[0].Value
	}
	if security := at(n, "security"); security != nil && len(security.Content) > 0 {
		for _, scopes := range pairs(security.Content[0]) {
			for _, s := range scopes.Content {
				o.Scope = s.Value
			}
		}
	}
	if params := at(n, "parameters"); params != nil {
		for _, one := range params.Content {
			one = p.follow(one)
			o.Params = append(o.Params, Param{
				Name: text(at(one, "name")), In: text(at(one, "in")), Description: text(at(one, "description")), Required: text(at(one, "required")) == "true", Schema: p.schema(at(one, "schema")),
			})
		}
	}
	if body := at(n, "requestBody"); body != nil {
		o.Body, o.BodyRequired = p.content(body), text(at(body, "required")) == "true"
	}
	for status, answer := range pairs(at(n, "responses")) {
		if strings.HasPrefix(status, "2") && o.Status == 0 {
			answer = p.follow(answer)
			_, err := fmt.Sscan(status, &o.Status)
			if err != nil {
				p.fail(answer, "%s is no status", status)
			}
			o.Success, o.Answer = text(at(answer, "description")), p.content(answer)
		}
	}
	return o
}

// content is the schema of JSON; nil for none.
func (p *parser) content(n *yaml.Node) *Schema {
	if media := at(at(n, "content"), "application/json"); media != nil {
		return p.schema(at(media, "schema"))
	}
	return nil
}
