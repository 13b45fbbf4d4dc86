package keyring

import (
	"slices"
	"strings"
	"unicode"
)

// Routes are the rules that fit a request. The zero Routes are those of an undeclared route.
type Routes struct {
	method string
	exact  []*Rule // of where the path leads as it is written
	folded []*Rule // of where it leads a service that leaves letters' case or a suffix out, when that is elsewhere
}

// Match returns the rules for a request; none for an undeclared route. A
// literal segment beats a parameter, segment by segment from the left; where
// the literal branch has no rule for the method, the parameter's is tried.
// Methods match exactly: "get" is not GET. HEAD takes its own rule where one is
// declared, otherwise GET's, being a GET without its body (RFC 9110 section
// 9.3.2); so it never needs less. Many services leave letters' case out when they
// read a path, or take what follows a dot in its last segment for a format
// ("export.json"), and nobody knows of which kind the one behind is: what fits only so
// holds beside what fits exactly. It allocates nothing for a path without escapes.
func (a *API) Match(method string, path Path) Routes {
	rest := strings.TrimPrefix(path.text, "/")
	r := Routes{method: method}
	if n := a.root.match(method, rest); n != nil {
		r.exact = n.rules
	}
	if a.folded == nil || a.folded == &a.root && isFolded(rest) && !hasSuffix(rest) {
		return r
	}
	n := a.folded.matchFolded(method, rest)
	if n == nil {
		return r
	}
	if rule := r.Exact(); rule == nil || !slices.Contains(n.rules, rule) {
		r.folded = n.rules
	}
	return r
}

// Exact returns the rule of the path as it is written, or nil.
func (r Routes) Exact() *Rule {
	for i := range fitting(r.exact, r.method) {
		return r.exact[i]
	}
	return nil
}

// strictest returns the rule by which a key with those scopes is judged: one that refuses it, else the one that costs most, the exact one first; nil
// for an undeclared route. What fits only without letters' case, or without a suffix, opens no route that is undeclared as it is written.
func (r Routes) strictest(granted []string, refuseUndeclared bool) (found *Rule) {
	if refuseUndeclared && r.Exact() == nil {
		return nil
	}
	var lacking *Rule
	for _, rules := range [...][]*Rule{r.exact, r.folded} {
		for i := range fitting(rules, r.method) {
			rule := rules[i]
			switch {
			case rule.Retired:
				return rule
			case lacking == nil && rule.Scope != "" && !slices.Contains(granted, rule.Scope):
				lacking = rule
			case found == nil || rule.Cost > found.Cost:
				found = rule
			}
		}
	}
	if lacking != nil {
		return lacking
	}
	return found
}

// fitting yields the places of the rules for method. HEAD takes GET's here, not further on: a template that fits worse must not need less.
func fitting(rules []*Rule, method string) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		found := false
		for i, rule := range rules {
			if rule.Method == method {
				found = true
				if !yield(i) {
					return
				}
			}
		}
		if found || method != "HEAD" {
			return
		}
		for i, rule := range rules {
			if rule.Method == "GET" && !yield(i) {
				return
			}
		}
	}
}

func (n *node) fits(method string) bool {
	for range fitting(n.rules, method) {
		return true
	}
	return false
}

func (n *node) match(method, rest string) *node {
	if rest == "" {
		if n.fits(method) {
			return n
		}
		return nil
	}
	segment, after, _ := strings.Cut(rest, "/")
	if next := n.literal[segment]; next != nil {
		if found := next.match(method, after); found != nil {
			return found
		}
	}
	if n.param != nil {
		return n.param.match(method, after)
	}
	return nil
}

// matchFolded is match in a tree whose literals are folded.
func (n *node) matchFolded(method, rest string) *node {
	if rest == "" {
		if n.fits(method) {
			return n
		}
		return nil
	}
	segment, after, _ := strings.Cut(rest, "/")
	if next := n.literalFolded(segment); next != nil {
		if found := next.matchFolded(method, after); found != nil {
			return found
		}
	}
	if after == "" {
		if next := n.literalBefore(segment); next != nil && next.fits(method) {
			return next
		}
	}
	if n.param != nil {
		return n.param.matchFolded(method, after)
	}
	return nil
}

// hasSuffix reports whether the last segment holds a dot.
func hasSuffix(path string) bool {
	path = strings.TrimSuffix(path, "/")
	return strings.IndexByte(path[strings.LastIndexByte(path, '/')+1:], '.') >= 0
}

// literalBefore returns the child of which segment is the literal, a dot and something or nothing; the longest where several fit.
func (n *node) literalBefore(segment string) *node {
	if len(n.literal) == 0 || strings.IndexByte(segment, '.') < 0 {
		return nil
	}
	segment = fold(segment)
	var found *node
	longest := 0
	for literal, next := range n.literal {
		if len(literal) > longest && len(segment) > len(literal) && segment[len(literal)] == '.' && segment[:len(literal)] == literal {
			found, longest = next, len(literal)
		}
	}
	return found
}

func (n *node) literalFolded(segment string) *node {
	if isFolded(segment) {
		return n.literal[segment]
	}
	var room [128]byte
	if len(segment) > len(room) || strings.Contains(segment, "%") {
		return n.literal[fold(segment)]
	}
	for i := range len(segment) {
		room[i] = lower(segment[i])
	}
	return n.literal[string(room[:len(segment)])]
}

// isFolded reports whether fold certainly leaves a text as it is.
func isFolded(text string) bool {
	for i := range len(text) {
		if c := text[i]; 'A' <= c && c <= 'Z' || c == '%' {
			return false
		}
	}
	return true
}

// fold is a segment of a canonical path without escapes and letters' case (simple folding of Unicode: one rune each).
func fold(segment string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		if least < 0x80 {
			return rune(lower(byte(least)))
		}
		return least
	}, undone(segment))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
