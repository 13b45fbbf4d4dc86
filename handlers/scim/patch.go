package scim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	filter "github.com/gatehouse-dev/gatehouse/internal/scim"
)

// step is one operation of a patch (RFC 7644, section 3.5.2). Without a path, fields are what it sets.
type step struct {
	op     string // add, replace or remove
	path   *filter.Path
	value  any // nil of remove, unless it says which values
	fields map[string]any
}

// maxSteps is how many operations one patch has at most.
const maxSteps = 1000

// steps reads a patch.
func (c *call) steps() ([]step, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	if schemas, ok := member(body, "schemas").([]any); !ok || len(schemas) != 1 || schemas[0] != any(patchSchema) {
		return nil, bad("invalidSyntax", `schemas of a patch has to be ["`+patchSchema+`"].`)
	}
	operations, ok := member(body, "Operations").([]any)
	if !ok {
		return nil, bad("invalidSyntax", "Operations has to be a list of operations; it is "+came(member(body, "Operations"))+".")
	}
	if len(operations) == 0 || len(operations) > maxSteps {
		return nil, bad("invalidSyntax", fmt.Sprintf("Operations has to hold 1 to %d operations; it holds %d.", maxSteps, len(operations)))
	}
	var out []step
	for i, o := range operations {
		s, err := stepOf(o)
		if err != nil {
			return nil, inStep(i, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func stepOf(operation any) (step, error) {
	o, ok := operation.(map[string]any)
	if !ok {
		return step{}, bad("invalidSyntax", "An operation has to be an object; it is "+came(operation)+".")
	}
	op, ok := member(o, "op").(string)
	s := step{op: strings.ToLower(op), value: member(o, "value")}
	if !ok || s.op != "add" && s.op != "replace" && s.op != "remove" {
		return s, bad("invalidSyntax", "op has to be add, replace or remove; it is "+came(member(o, "op"))+".")
	}
	text, given := member(o, "path").(string)
	if !given && member(o, "path") != nil {
		return s, bad("invalidPath", "path has to be a text; it is "+came(member(o, "path"))+".")
	}
	if text == "" {
		if s.op == "remove" {
			return s, bad("noTarget", "remove needs a path that says which attribute, such as displayName or members[value eq \"scu_…\"].")
		}
		if s.fields, ok = s.value.(map[string]any); !ok {
			return s, bad("invalidValue", "Without a path, value has to be an object of attributes, such as {\"active\": false}; it is "+came(s.value)+".")
		}
		return s, nil
	}
	path, err := filter.ParsePath(text)
	switch {
	case errors.Is(err, filter.ErrFilter):
		return s, bad("invalidFilter", "The filter in the path "+came(text)+" can’t be read. It takes an attribute, an operator and a value, such as members[value eq \"scu_…\"].")
	case err != nil:
		return s, bad("invalidPath", "The path "+came(text)+" can’t be read. It names an attribute, such as active, name.givenName or members[value eq \"scu_…\"].")
	}
	s.path = &path
	if s.op == "remove" && path.Attribute != "members" {
		s.value = nil
	}
	if s.op != "remove" && s.value == nil {
		return s, bad("invalidValue", s.op+" of "+came(text)+" needs a value.")
	}
	return s, nil
}

// inStep says in which operation of a patch, counted from 0 as JSON does, something is wrong.
func inStep(i int, err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return err
	}
	return &refusal{r.status, r.scimType, fmt.Sprintf("Operations[%d]: %s", i, r.detail)}
}

// came puts into words what a client sent where something else is expected. What is inside of lists and objects is not repeated.
func came(v any) string {
	switch v := v.(type) {
	case nil:
		return "missing or null"
	case string:
		return strconv.Quote(cut(v))
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return cut(fmt.Sprint(v)) // a number, true or false
}

// cut is what an answer repeats of a text: of an API key in it the hint alone (K1). Half a key would not be known for one, so nothing is cut before.
func cut(text string) string {
	text = apikey.Mask(text)
	if runes := []rune(text); len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return text
}

// member is a field by its name, in whatever letters.
func member(o map[string]any, name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	for key, v := range o {
		if strings.EqualFold(key, name) {
			return v
		}
	}
	return nil
}
