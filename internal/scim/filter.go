// Package scim reads what SCIM 2.0 (RFC 7644, section 3.4.2.2 and 3.5.2) lets clients write about attributes: filters, and the paths of patches. It knows nothing of
// what is filtered: a resource is what a JSON document of it decodes to.
package scim

import (
	"encoding/json"
	"errors"
	"strings"
)

// Bounds of what is read (L1).
const (
	MaxFilter     = 2000 // bytes
	maxDepth      = 20   // of brackets
	maxConditions = 20
)

// ErrFilter is of a text that is no filter.
var ErrFilter = errors.New("scim: this is no filter")

// Filter is a condition over a resource.
type Filter interface {
	// Match reports whether a resource, or one value of an attribute that has several, fits.
	Match(resource map[string]any) bool
}

// ParseFilter reads a filter. It fails with ErrFilter.
func ParseFilter(text string) (Filter, error) {
	if len(text) > MaxFilter {
		return nil, ErrFilter
	}
	p := parser{text: text}
	f, ok := p.or(0)
	if !ok || p.skip() {
		return nil, ErrFilter
	}
	return f, nil
}

// Looks is how many conditions a filter has: as many looks does it take at most at each value that it is asked about.
func Looks(f Filter) int {
	switch f := f.(type) {
	case both:
		return Looks(f.a) + Looks(f.b)
	case either:
		return Looks(f.a) + Looks(f.b)
	case negated:
		return Looks(f.f)
	case values:
		return Looks(f.f)
	}
	return 1
}

type (
	both    struct{ a, b Filter }
	either  struct{ a, b Filter }
	negated struct{ f Filter }
	values  struct { // one of an attribute's values fits
		attribute []string
		f         Filter
	}
	compare struct {
		attribute []string
		operator  string
		value     any // string, bool, json.Number or nil
	}
)

func (f both) Match(r map[string]any) bool    { return f.a.Match(r) && f.b.Match(r) }
func (f either) Match(r map[string]any) bool  { return f.a.Match(r) || f.b.Match(r) }
func (f negated) Match(r map[string]any) bool { return !f.f.Match(r) }

func (f values) Match(r map[string]any) bool {
	for _, v := range find(r, f.attribute) {
		if one, ok := v.(map[string]any); ok && f.f.Match(one) {
			return true
		}
	}
	return false
}

func (f compare) Match(r map[string]any) bool {
	found := find(r, f.attribute)
	if f.operator == "pr" {
		return len(found) > 0
	}
	if f.operator == "ne" {
		return !compare{f.attribute, "eq", f.value}.Match(r)
	}
	if f.value == nil { // of null: that there is none
		return f.operator == "eq" && len(found) == 0
	}
	exact := caseExact[strings.ToLower(strings.Join(f.attribute, "."))]
	for _, v := range found {
		if one, ok := v.(map[string]any); ok { // the value of a value
			v = field(one, "value")
		}
		if holds(v, f.operator, f.value, exact) {
			return true
		}
	}
	return false
}

// Equals is what a filter of one condition, that an attribute without parts equals a text, asks for: the attribute in small letters, and the text.
func Equals(f Filter) (attribute, text string, ok bool) {
	c, ok := f.(compare)
	if !ok || c.operator != "eq" || len(c.attribute) != 1 {
		return "", "", false
	}
	text, ok = c.value.(string)
	return strings.ToLower(c.attribute[0]), text, ok
}

// caseExact are the attributes of which capital letters count (RFC 7643, section 3.1).
var caseExact = map[string]bool{"id": true, "externalid": true, "meta.version": true, "meta.location": true}

// holds compares one value; there is no order of what is neither text nor number.
func holds(v any, operator string, with any, exact bool) bool {
	if b, ok := v.(bool); ok { // also as a text, as some clients write it
		s, text := with.(string)
		return operator == "eq" && (with == b || text && strings.EqualFold(s, map[bool]string{true: "true", false: "false"}[b]))
	}
	text, ok := v.(string)
	other, also := with.(string)
	if !ok || !also {
		return false
	}
	if !exact {
		text, other = strings.ToLower(text), strings.ToLower(other)
	}
	switch operator {
	case "eq":
		return text == other
	case "co":
		return strings.Contains(text, other)
	case "sw":
		return strings.HasPrefix(text, other)
	case "ew":
		return strings.HasSuffix(text, other)
	case "gt":
		return text > other
	case "ge":
		return text >= other
	case "lt":
		return text < other
	case "le":
		return text <= other
	}
	return false
}

// find are the values of an attribute, none of them empty.
func find(r map[string]any, attribute []string) []any {
	found := []any{r}
	for _, name := range attribute {
		var next []any
		for _, v := range found {
			one, ok := v.(map[string]any)
			if !ok {
				continue
			}
			switch v := field(one, name).(type) {
			case nil:
			case []any:
				next = append(next, v...)
			case string:
				if v != "" {
					next = append(next, v)
				}
			default:
				next = append(next, v)
			}
		}
		found = next
	}
	return found
}

// field is a member by its name, in which capital letters do not count (RFC 7643, section 2.1).
func field(o map[string]any, name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	for k, v := range o {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

// Resource is what a filter is asked about, of anything that encodes to a JSON object.
func Resource(v any) (map[string]any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	err = json.Unmarshal(text, &out)
	return out, err
}
