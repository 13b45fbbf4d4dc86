package scim

import (
	"errors"
	"strings"

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
		return nil, bad("invalidSyntax", "The schema of a patch is "+patchSchema+".")
	}
	operations, ok := member(body, "Operations").([]any)
	if !ok || len(operations) == 0 || len(operations) > maxSteps {
		return nil, bad("invalidSyntax", "A patch has Operations, at most 1000.")
	}
	var out []step
	for _, o := range operations {
		s, err := stepOf(o)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func stepOf(operation any) (step, error) {
	o, ok := operation.(map[string]any)
	if !ok {
		return step{}, bad("invalidSyntax", "An operation is an object.")
	}
	op, ok := member(o, "op").(string)
	s := step{op: strings.ToLower(op), value: member(o, "value")}
	if !ok || s.op != "add" && s.op != "replace" && s.op != "remove" {
		return s, bad("invalidSyntax", "An operation is add, replace or remove.")
	}
	text, given := member(o, "path").(string)
	if !given || text == "" {
		if s.op == "remove" {
			return s, bad("noTarget", "Say by path what is removed.")
		}
		if s.fields, ok = s.value.(map[string]any); !ok {
			return s, bad("invalidValue", "Without a path, the value is an object of attributes.")
		}
		return s, nil
	}
	path, err := filter.ParsePath(text)
	switch {
	case errors.Is(err, filter.ErrFilter):
		return s, bad("invalidFilter", "The filter in the path can’t be read.")
	case err != nil:
		return s, bad("invalidPath", "The path can’t be read.")
	}
	s.path = &path
	if s.op == "remove" && path.Attribute != "members" {
		s.value = nil
	}
	if s.op != "remove" && s.value == nil {
		return s, bad("invalidValue", "Say the value.")
	}
	return s, nil
}

// cut is what an answer repeats of a text.
func cut(text string) string {
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
