package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what Decode reads and Judge tells.
const (
	MaxDepth   = 32
	mostFaults = 20
)

// maxName is how many bytes a name has at most: a pointer to what is wrong repeats all names on its way.
const maxName = 256

// spot is a place in a value. It is written as a pointer only when something is wrong there: a pointer for each value would cost the square of a body's length.
type spot struct {
	up   *spot
	name string // of a field; "" in lists
	at   int    // in a list
	list bool
}

func (s *spot) field(name string) *spot { return &spot{up: s, name: name} }
func (s *spot) item(at int) *spot       { return &spot{up: s, at: at, list: true} }

// pointer is the place as a JSON pointer.
func (s *spot) pointer() string {
	switch {
	case s == nil:
		return ""
	case s.list:
		return s.up.pointer() + "/" + strconv.Itoa(s.at)
	}
	return s.up.pointer() + Escape(s.name)
}

// Violation is one thing that is wrong. Pointer is a JSON pointer (RFC 6901); "" is the whole.
type Violation struct{ Pointer, Detail string }

// Decode reads one JSON value strictly: UTF-8, no name twice in an object, at most MaxDepth deep, nothing behind it. Numbers are json.Number.
func Decode(text []byte) (any, *Violation) {
	if !utf8.Valid(text) {
		return nil, &Violation{"", "The body is not UTF-8."}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	r := reader{d: d}
	v := r.value(nil, 0)
	if r.bad != nil {
		return nil, r.bad
	}
	if _, err := d.Token(); err != io.EOF { //nolint:errorlint // what a decoder returns at the end
		return nil, &Violation{"", "Something follows the value."}
	}
	return v, nil
}

type reader struct {
	d   *json.Decoder
	bad *Violation
}

func (r *reader) fail(at *spot, detail string) any {
	if r.bad == nil {
		r.bad = &Violation{at.pointer(), detail}
	}
	return nil
}

func (r *reader) value(at *spot, depth int) any {
	if depth > MaxDepth {
		return r.fail(at, "The body is nested deeper than "+strconv.Itoa(MaxDepth)+" levels.")
	}
	token, err := r.d.Token()
	if err != nil {
		return r.fail(nil, "The body is not valid JSON.")
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return r.list(at, depth)
		}
		return r.object(at, depth)
	case string:
		if strings.ContainsRune(t, 0) {
			return r.fail(at, "A text has no NUL in it.")
		}
		return t
	}
	return token
}

func (r *reader) list(at *spot, depth int) any {
	out := []any{}
	for i := 0; r.bad == nil && r.d.More(); i++ {
		out = append(out, r.value(at.item(i), depth+1))
	}
	if r.bad == nil {
		if _, err := r.d.Token(); err != nil {
			return r.fail(nil, "The body is not valid JSON.")
		}
	}
	return out
}

func (r *reader) object(at *spot, depth int) any {
	out := map[string]any{}
	for r.bad == nil && r.d.More() {
		token, err := r.d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return r.fail(nil, "The body is not valid JSON.")
		}
		if len(name) > maxName {
			return r.fail(at, "A name is longer than "+strconv.Itoa(maxName)+" bytes.")
		}
		if _, twice := out[name]; twice {
			return r.fail(at.field(name), "This field is there twice.")
		}
		out[name] = r.value(at.field(name), depth+1)
	}
	if r.bad == nil {
		if _, err := r.d.Token(); err != nil {
			return r.fail(nil, "The body is not valid JSON.")
		}
	}
	return out
}

// Escape is "/" and a name as a JSON pointer has it.
func Escape(name string) string { return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// Judge tells what is wrong with a value that Decode gave; nothing when it is as the schema says. At most twenty things are told.
func (s *Schema) Judge(v any) []Violation {
	j := judge{}
	j.value(s, v, nil)
	return j.out
}

type judge struct{ out []Violation }

func (j *judge) say(at *spot, format string, args ...any) {
	if len(j.out) < mostFaults {
		j.out = append(j.out, Violation{at.pointer(), fmt.Sprintf(format, args...)})
	}
}

func (j *judge) value(s *Schema, v any, at *spot) {
	if len(s.Alternatives) > 0 {
		j.alternatives(s, v, at)
		return
	}
	if len(s.Types) > 0 && !slices.ContainsFunc(s.Types, func(t string) bool { return is(t, v) }) {
		j.say(at, "This must be %s.", typeWords(s.Types))
		return
	}
	if v != nil && len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		j.say(at, "This must be one of: %s.", words(s.Enum))
		return
	}
	switch t := v.(type) {
	case map[string]any:
		j.object(s, t, at)
	case []any:
		if s.MaxItems > 0 && len(t) > s.MaxItems {
			j.say(at, "These are more than %d.", s.MaxItems)
			return
		}
		for i, one := range t {
			if s.Items != nil {
				j.value(s.Items, one, at.item(i))
			}
		}
	case string:
		j.text(s, t, at)
	case json.Number:
		j.number(s, t, at)
	}
}

func (j *judge) alternatives(s *Schema, v any, at *spot) {
	var first []Violation
	for _, one := range s.Alternatives {
		inner := judge{}
		inner.value(one, v, at)
		if len(inner.out) == 0 {
			return
		}
		if first == nil {
			first = inner.out
		}
	}
	j.out = append(j.out, first...)
}

func (j *judge) object(s *Schema, o map[string]any, at *spot) {
	for _, name := range s.Required {
		if _, ok := o[name]; !ok {
			j.say(at.field(name), "This field is missing.")
		}
	}
	if len(o) < s.MinProps {
		j.say(at, "There is nothing in it.")
	}
	if s.MaxProps > 0 && len(o) > s.MaxProps {
		j.say(at, "These are more than %d.", s.MaxProps)
		return
	}
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		there := at.field(name)
		switch known := s.Property(name); {
		case known != nil:
			j.value(known, o[name], there)
		case s.Closed:
			j.say(there, "There is no field of this name.")
		case s.Additional != nil:
			j.value(s.Additional, o[name], there)
		}
	}
}

func (j *judge) text(s *Schema, t string, at *spot) {
	n := utf8.RuneCountInString(t)
	switch {
	case n < s.MinLength:
		j.say(at, "This must not be empty.")
	case s.MaxLength > 0 && n > s.MaxLength:
		j.say(at, "This is longer than %d characters.", s.MaxLength)
	case s.Pattern != nil && !s.Pattern.MatchString(t):
		j.say(at, "This is not of the form %s.", s.Pattern)
	}
}

func (j *judge) number(s *Schema, t json.Number, at *spot) {
	n, err := t.Int64()
	switch {
	case err != nil:
		if slices.Contains(s.Types, "integer") {
			j.say(at, "This must be a whole number.")
		}
	case s.Minimum != nil && n < *s.Minimum:
		j.say(at, "This must be at least %d.", *s.Minimum)
	case s.Maximum != nil && n > *s.Maximum:
		j.say(at, "This must be at most %d.", *s.Maximum)
	}
}

func is(name string, v any) bool {
	switch t := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case json.Number:
		if name == "integer" {
			_, err := t.Int64()
			return err == nil
		}
		return name == "number"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}

var typeNames = map[string]string{"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a list", "object": "an object", "null": "null"}

func typeWords(types []string) string {
	var out []string
	for _, t := range types {
		out = append(out, typeNames[t])
	}
	return strings.Join(out, " or ")
}

func words(values []any) string {
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, ", ")
}
