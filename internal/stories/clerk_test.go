package stories_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// A clerk reads pages and answers forms by their labels as a browser without scripts does, but without drawing anything: for what a story
// needs before it begins.
type clerk struct {
	t       testing.TB
	who     string
	visitor *rig.Visitor
	page    rig.Page
	typed   map[*html.Node]string
	ticked  map[*html.Node]bool
}

func newClerk(t testing.TB, site, who string) *clerk {
	t.Helper()
	v, err := rig.NewVisitor(site)
	if err != nil {
		t.Fatal(err)
	}
	return &clerk{t: t, who: who, visitor: v}
}

func (c *clerk) open(path string) {
	c.t.Helper()
	p, err := c.visitor.Get(rig.Resolve(c.page.Path, path))
	c.arrive(p, err)
}

// arrive follows redirects and begins anew on the page where they end.
func (c *clerk) arrive(p rig.Page, err error) {
	c.t.Helper()
	for range 5 {
		if err != nil {
			c.t.Fatalf("%s: %v", c.who, err)
		}
		if p.Status != http.StatusSeeOther {
			break
		}
		p, err = c.visitor.Get(p.Header.Get("Location"))
	}
	c.page, c.typed, c.ticked = p, map[*html.Node]string{}, map[*html.Node]bool{}
}

func (c *clerk) fill(label, value string, within ...string) {
	c.t.Helper()
	n := c.find("field", label, within)
	if n.Data == "select" {
		value = c.option(n, value)
	}
	c.typed[n] = value
}

// option is the value of the option whose words are, or begin with, or hold these.
func (c *clerk) option(n *html.Node, words string) string {
	c.t.Helper()
	for _, fits := range []func(s, part string) bool{func(s, part string) bool { return s == part }, strings.HasPrefix, strings.Contains} {
		for o := range n.Descendants() {
			if o.Data == "option" && fits(spoken(o), words) {
				return attribute(o, "value")
			}
		}
	}
	c.t.Fatalf("%s finds no choice %q\n%s", c.who, words, c.describe())
	return ""
}

func (c *clerk) tick(label string, within ...string) {
	c.t.Helper()
	n := c.find("field", label, within)
	if attribute(n, "type") == "radio" {
		for other := range c.page.Node.Descendants() {
			if other.Data == "input" && attribute(other, "name") == attribute(n, "name") && formOf(other) == formOf(n) {
				c.ticked[other] = false
			}
		}
	}
	c.ticked[n] = true
}

func (c *clerk) untick(label string, within ...string) {
	c.t.Helper()
	c.ticked[c.find("field", label, within)] = false
}

func (c *clerk) press(button string, within ...string) {
	c.t.Helper()
	n := c.find("button", button, within)
	form := formOf(n)
	if id := attribute(n, "form"); id != "" {
		form = c.byID(id)
	}
	if form == nil {
		c.t.Fatalf("%s: the button %q stands in no form", c.who, button)
	}
	values := c.answers(form)
	if name := attribute(n, "name"); name != "" {
		values.Set(name, attribute(n, "value"))
	}
	if strings.EqualFold(attribute(form, "method"), "get") {
		c.open(attribute(form, "action") + "?" + values.Encode())
		return
	}
	p, err := c.visitor.Post(rig.Resolve(c.page.Path, attribute(form, "action")), values)
	c.arrive(p, err)
}

func (c *clerk) follow(link string, within ...string) {
	c.t.Helper()
	c.open(attribute(c.find("link", link, within), "href"))
}

func (c *clerk) see(words ...string) {
	c.t.Helper()
	for _, w := range words {
		if !c.sees(w) {
			c.t.Fatalf("%s does not see %q\n%s", c.who, w, c.describe())
		}
	}
}

func (c *clerk) seeNot(words string) {
	c.t.Helper()
	if c.sees(words) {
		c.t.Fatalf("%s sees %q\n%s", c.who, words, c.describe())
	}
}

func (c *clerk) sees(words string) bool {
	return c.page.Node != nil && strings.Contains(spoken(c.page.Node), words)
}

func (c *clerk) path() string {
	path, _, _ := strings.Cut(c.page.Path, "?")
	return path
}

func (c *clerk) status() int { return c.page.Status }

func (c *clerk) secret() string {
	c.t.Helper()
	for n := range c.page.Node.Descendants() {
		if n.Data == "code" && n.Parent != nil && slices.Contains(strings.Fields(attribute(n.Parent, "class")), "secret") {
			return strings.TrimSpace(textOf(n))
		}
	}
	c.t.Fatalf("%s sees no secret\n%s", c.who, c.describe())
	return ""
}

func (c *clerk) block(words string) string {
	c.t.Helper()
	for n := range c.page.Node.Descendants() {
		if n.Data == "pre" && strings.Contains(textOf(n), words) {
			return strings.TrimSpace(textOf(n))
		}
	}
	c.t.Fatalf("%s sees no code with %q\n%s", c.who, words, c.describe())
	return ""
}

func (c *clerk) token() string { return c.visitor.Cookies()["gatehouse-session"] }

// describe is what the clerk reads, for failures.
func (c *clerk) describe() string {
	if c.page.Node == nil {
		return c.page.Path + " " + c.page.Body
	}
	text := spoken(c.page.Node)
	return c.page.Path + " " + http.StatusText(c.page.Status) + "\n" + text[:min(len(text), 3000)]
}
