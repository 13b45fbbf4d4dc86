package stories_test

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// find looks for a thing by its words, first those that say exactly that, then those that say it among more; in the smallest part of the
// page that has the words of within.
func (c *clerk) find(kind, name string, within []string) *html.Node {
	c.t.Helper()
	n := c.search(kind, name, strings.Join(within, ""))
	if n == nil {
		c.t.Fatalf("%s finds no %s %q %s\n%s", c.who, kind, name, strings.Join(within, ""), c.describe())
	}
	return n
}

func (c *clerk) has(kind, name, within string) bool { return c.search(kind, name, within) != nil }

func (c *clerk) search(kind, name, within string) *html.Node {
	if c.page.Node == nil {
		return nil
	}
	for _, exact := range []bool{true, false} {
		for _, part := range c.parts(within) {
			if n := c.pick(part, kind, name, exact); n != nil {
				return n
			}
		}
	}
	return nil
}

var partTags = []string{"tr", "li", "article", "section", "fieldset", "form", "div", "header", "main"}

func (c *clerk) parts(within string) []*html.Node {
	if within == "" {
		return []*html.Node{c.page.Node}
	}
	var all []*html.Node
	for n := range c.page.Node.Descendants() {
		if n.Type == html.ElementNode && slices.Contains(partTags, n.Data) && strings.Contains(spoken(n), within) {
			all = append(all, n)
		}
	}
	slices.SortStableFunc(all, func(a, b *html.Node) int { return len(spoken(a)) - len(spoken(b)) })
	return all
}

func (c *clerk) pick(part *html.Node, kind, name string, exact bool) *html.Node {
	var found *html.Node
	for n := range part.Descendants() {
		if n.Type != html.ElementNode || !fits(n, name, exact) {
			continue
		}
		var hit *html.Node
		switch {
		case kind == "field" && n.Data == "label":
			hit = c.control(n)
		case kind == "field" && slices.Contains([]string{"input", "select", "textarea"}, n.Data) && attribute(n, "aria-label") != "":
			hit = n
		case kind == "button" && n.Data == "button" && !present(n, "disabled") && attribute(n, "type") != "button", kind == "link" && n.Data == "a":
			hit = n
		}
		if hit != nil && (found == nil || !inMain(found) && inMain(hit)) {
			found = hit
		}
	}
	return found
}

func fits(n *html.Node, name string, exact bool) bool {
	for _, words := range []string{attribute(n, "aria-label"), spoken(n), bare(n)} {
		if words == name || !exact && words != "" && strings.Contains(words, name) {
			return true
		}
	}
	return false
}

// control is the field of a label.
func (c *clerk) control(label *html.Node) *html.Node {
	if id := attribute(label, "for"); id != "" {
		return c.byID(id)
	}
	for n := range label.Descendants() {
		if n.Data == "input" || n.Data == "select" || n.Data == "textarea" {
			return n
		}
	}
	return nil
}

func (c *clerk) byID(id string) *html.Node {
	for n := range c.page.Node.Descendants() {
		if attribute(n, "id") == id {
			return n
		}
	}
	return nil
}

// answers are what a browser would send of a form.
func (c *clerk) answers(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		if name == "" || present(n, "disabled") {
			continue
		}
		switch n.Data {
		case "input":
			c.answerInput(values, n, name)
		case "textarea":
			values.Add(name, or(c.typed, n, strings.TrimPrefix(textOf(n), "\n")))
		case "select":
			values.Add(name, or(c.typed, n, chosen(n)))
		}
	}
	return values
}

func (c *clerk) answerInput(values url.Values, n *html.Node, name string) {
	switch attribute(n, "type") {
	case "submit", "button":
	case "checkbox", "radio":
		if or(c.ticked, n, present(n, "checked")) {
			values.Add(name, attribute(n, "value"))
		}
	default:
		values.Add(name, or(c.typed, n, attribute(n, "value")))
	}
}

func or[T any](set map[*html.Node]T, n *html.Node, otherwise T) T {
	if value, ok := set[n]; ok {
		return value
	}
	return otherwise
}

// chosen is the value of the option that is selected, or of the first.
func chosen(n *html.Node) string {
	first, any := "", false
	for o := range n.Descendants() {
		if o.Data != "option" {
			continue
		}
		if present(o, "selected") {
			return attribute(o, "value")
		}
		if !any {
			first, any = attribute(o, "value"), true
		}
	}
	return first
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func present(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func inMain(n *html.Node) bool { return ancestor(n, "main") != nil }

func formOf(n *html.Node) *html.Node { return ancestor(n, "form") }

func ancestor(n *html.Node, tag string) *html.Node {
	for p := range n.Ancestors() {
		if p.Data == tag {
			return p
		}
	}
	return nil
}

// textOf is all text in n as it stands there.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" && d.Parent.Data != "style" {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// spoken is the text of n with single spaces.
func spoken(n *html.Node) string { return strings.Join(strings.Fields(textOf(n)), " ") }

// bare is the text of n without its hints and badges.
func bare(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		classes := strings.Fields(attribute(n, "class"))
		if slices.Contains(classes, "hint") || slices.Contains(classes, "badge") || slices.Contains(classes, "vh") || n.Data == "select" {
			return
		}
		for child := range n.ChildNodes() {
			walk(child)
		}
	}
	walk(n)
	return strings.Join(strings.Fields(b.String()), " ")
}
