package scim

import (
	"errors"
	"strings"
)

// ErrPath is of a text that is no path.
var ErrPath = errors.New("scim: this is no path")

// Path is what an operation of a patch is about: an attribute such as name.givenName, or some values of one that has several, as in members[value eq "2819"].
type Path struct {
	Schema    string // in small letters, where one was written
	Attribute string // in small letters
	Sub       string // in small letters; of the attribute, or of the values that fit
	Values    Filter // nil: all
}

// ParsePath reads a path. It fails with ErrPath, and with ErrFilter for what stands in brackets.
func ParsePath(text string) (Path, error) {
	if len(text) > MaxFilter {
		return Path{}, ErrPath
	}
	p := parser{text: text}
	word := p.word()
	out := Path{}
	if len(word) > 4 && strings.EqualFold(word[:4], "urn:") {
		at := strings.LastIndexByte(word, ':')
		out.Schema = strings.ToLower(word[:at])
	}
	names, ok := attributeOf(word)
	if !ok {
		return Path{}, ErrPath
	}
	out.Attribute = strings.ToLower(names[0])
	if len(names) == 2 {
		out.Sub = strings.ToLower(names[1])
	}
	if p.at < len(text) && text[p.at] == '[' && out.Sub == "" {
		p.at++
		f, ok := p.or(0)
		if !ok || !p.mark(']') {
			return Path{}, ErrFilter
		}
		out.Values = f
		if p.at < len(text) && text[p.at] == '.' {
			p.at++
			sub, ok := attributeOf(p.word())
			if !ok || len(sub) != 1 {
				return Path{}, ErrPath
			}
			out.Sub = strings.ToLower(sub[0])
		}
	}
	if p.at != len(text) {
		return Path{}, ErrPath
	}
	return out, nil
}
