package scim

import (
	"encoding/json"
	"strings"
)

// parser goes through a text from the left.
type parser struct {
	text       string
	at         int
	conditions int // up to now
}

// skip passes over blanks, and reports whether there is more.
func (p *parser) skip() bool {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
	return p.at < len(p.text)
}

// mark passes over c, if that is next.
func (p *parser) mark(c byte) bool {
	if p.skip() && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word passes over letters and what names can hold, and returns them.
func (p *parser) word() string {
	p.skip()
	from := p.at
	for p.at < len(p.text) && inName(p.text[p.at]) {
		p.at++
	}
	return p.text[from:p.at]
}

func inName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '$' || c == '.' || c == ':'
}

// keyword passes over a word in whatever letters, if that is next.
func (p *parser) keyword(word string) bool {
	before := p.at
	if strings.EqualFold(p.word(), word) {
		return true
	}
	p.at = before
	return false
}

func (p *parser) or(depth int) (Filter, bool) {
	f, ok := p.and(depth)
	for ok && p.keyword("or") {
		var next Filter
		next, ok = p.and(depth)
		f = either{f, next}
	}
	return f, ok
}

func (p *parser) and(depth int) (Filter, bool) {
	f, ok := p.one(depth)
	for ok && p.keyword("and") {
		var next Filter
		next, ok = p.one(depth)
		f = both{f, next}
	}
	return f, ok
}

func (p *parser) one(depth int) (Filter, bool) {
	if depth > maxDepth {
		return nil, false
	}
	before := p.at
	not := p.keyword("not")
	if p.mark('(') {
		f, ok := p.or(depth + 1)
		if !ok || !p.mark(')') {
			return nil, false
		}
		if not {
			f = negated{f}
		}
		return f, true
	}
	p.at = before
	attribute, ok := attributeOf(p.word())
	if p.conditions++; !ok || p.conditions > maxConditions {
		return nil, false
	}
	if p.at < len(p.text) && p.text[p.at] == '[' {
		p.at++
		f, ok := p.or(depth + 1)
		return values{attribute, f}, ok && p.mark(']')
	}
	operator := strings.ToLower(p.word())
	switch operator {
	case "pr":
		return compare{attribute, operator, nil}, true
	case "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le":
		value, ok := p.value()
		return compare{attribute, operator, value}, ok
	}
	return nil, false
}

// value reads a text, a number, true, false or null, as JSON writes them.
func (p *parser) value() (any, bool) {
	if !p.skip() {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(p.text[p.at:]))
	d.UseNumber()
	if c := p.text[p.at]; c == '"' || c == '-' || '0' <= c && c <= '9' {
		var v any
		if d.Decode(&v) != nil {
			return nil, false
		}
		p.at += int(d.InputOffset())
		return v, true
	}
	switch strings.ToLower(p.word()) {
	case "true":
		return true, true
	case "false":
		return false, true
	case "null":
		return nil, true
	}
	return nil, false
}

// attributeOf are the names of an attribute's path, without the schema that stands before it.
func attributeOf(text string) ([]string, bool) {
	if len(text) > 4 && strings.EqualFold(text[:4], "urn:") {
		text = text[strings.LastIndexByte(text, ':')+1:]
		if at := strings.IndexByte(text, '.'); at >= 0 && text[:at] != "" && text[0] >= '0' && text[0] <= '9' { // the version of a schema: urn:…:2.0
			return nil, false
		}
	}
	names := strings.Split(text, ".")
	if len(names) > 2 {
		return nil, false
	}
	for _, n := range names {
		if n == "" || strings.ContainsRune(n, ':') || !letter(n[0]) && n[0] != '$' {
			return nil, false
		}
	}
	return names, true
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
