package content

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// front is the front matter of one file.
type front struct {
	Title   string      `yaml:"title"`
	Summary string      `yaml:"summary"`
	Section string      `yaml:"section"`
	Order   *int        `yaml:"order"`
	Changed string      `yaml:"changed"`
	APIs    []string    `yaml:"apis"`
	Tags    []string    `yaml:"tags"`
	Hidden  bool        `yaml:"hidden"`
	Steps   []frontStep `yaml:"steps"`

	lines   map[string]int // of each key in the file
	changed time.Time
}

type frontStep struct {
	ID    string `yaml:"id"`
	Check Check  `yaml:"check"`
	line  int
}

// UnmarshalYAML remembers where the step stands.
func (s *frontStep) UnmarshalYAML(n *yaml.Node) error {
	type plain frontStep
	if err := known(n, "id", "check"); err != nil {
		return err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "check" {
			if err := known(n.Content[i+1], "kind", "api", "scope", "code", "environment"); err != nil {
				return err
			}
		}
	}
	s.line = n.Line
	return n.Decode((*plain)(s))
}

const (
	maxTitle, maxSummary, maxSection = 120, 300, 60
	maxSteps, maxTags, maxAPIs       = 30, 5, 20
)

var (
	slugPattern  = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)
	tagPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]{0,29}$`)
	scopePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,60}:[a-z0-9][a-z0-9_.-]{0,60}$`)
	codePattern  = regexp.MustCompile(`^[A-Z][A-Z_]{1,40}$`)
	yamlLine     = regexp.MustCompile(`line (\d+): (.*)`)
)

// divide parts a file into front matter and text.
func divide(source string) (head, body string, err error) {
	rest, ok := strings.CutPrefix(source, "---\n")
	if !ok {
		return "", "", wrong(1, "The file does not begin with front matter: a line of three hyphens, the keys, and three hyphens again.")
	}
	head, body, ok = strings.Cut("\n"+rest, "\n---\n")
	if !ok {
		return "", "", wrong(1, "The front matter has no end: a line of three hyphens.")
	}
	return strings.TrimPrefix(head, "\n") + "\n", body, nil
}

// readFront reads and checks the front matter. translation says that the file is one.
func readFront(head, kind string, translation bool) (front, error) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(head), &root); err != nil {
		return front{}, readable(err)
	}
	f := front{lines: map[string]int{}}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode || hasAlias(&root) {
		return f, wrong(1, "The front matter is no list of keys and values.")
	}
	keys := root.Content[0]
	for i := 0; i+1 < len(keys.Content); i += 2 {
		f.lines[keys.Content[i].Value] = keys.Content[i].Line + 1
	}
	allowed := []string{"title", "summary", "section", "order", "changed", "apis", "tags", "hidden", "steps"}
	if translation {
		allowed = []string{"title", "summary", "section", "changed"}
	}
	err := known(keys, allowed...)
	if err == nil {
		err = keys.Decode(&f)
	}
	if err != nil {
		return f, readable(err)
	}
	if f.Hidden {
		return f, nil
	}
	return f, f.check(kind, translation)
}

func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

// known refuses keys that nobody reads: most are misspelt ones.
func known(n *yaml.Node, keys ...string) error {
	if n.Kind != yaml.MappingNode {
		return wrong(n.Line+1, "Here must stand keys with values.")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains(keys, n.Content[i].Value) {
			return wrong(n.Content[i].Line+1, "There is no key %q here. Known are: %s.", n.Content[i].Value, strings.Join(keys, ", "))
		}
	}
	return nil
}

// readable puts yaml's errors into a mistake with the line of the file.
func readable(err error) error {
	var m *mistake
	if errors.As(err, &m) {
		return m
	}
	line, what := 1, err.Error()
	if found := yamlLine.FindStringSubmatch(what); found != nil {
		line, _ = strconv.Atoi(found[1])
		line, what = line+1, found[2]
	}
	return wrong(line, "The front matter can’t be read: %s", what)
}

func (f *front) check(kind string, translation bool) error {
	if err := f.checkWords(kind); err != nil {
		return err
	}
	var err error
	if f.changed, err = time.Parse(time.DateOnly, f.Changed); err != nil {
		return f.wrong("changed", "%q must be a day, such as 2026-11-21.", "changed")
	}
	if translation {
		return nil
	}
	if f.Order == nil || *f.Order < 0 || *f.Order > 100_000 {
		return f.wrong("order", "%q must be a number from 0 to 100000.", "order")
	}
	if len(f.APIs) > maxAPIs || slices.ContainsFunc(f.APIs, func(s string) bool { return !slugPattern.MatchString(s) }) {
		return f.wrong("apis", "%q must be a list of slugs of APIs, at most %d.", "apis", maxAPIs)
	}
	if len(f.Tags) > maxTags || slices.ContainsFunc(f.Tags, func(s string) bool { return !tagPattern.MatchString(s) }) {
		return f.wrong("tags", "%q must be a list of tags in lower case, at most %d.", "tags", maxTags)
	}
	return f.checkSteps(kind)
}

func (f *front) checkWords(kind string) error {
	words := []struct {
		key, value string
		most       int
	}{{"title", f.Title, maxTitle}, {"summary", f.Summary, maxSummary}, {"section", f.Section, maxSection}}
	for _, w := range words {
		if w.key == "section" && kind == Tutorial && w.value == "" {
			continue
		}
		if n := utf8.RuneCountInString(w.value); n == 0 || n > w.most || strings.ContainsAny(w.value, "\n\r\t") {
			return f.wrong(w.key, "%q must have 1 to %d characters in one line.", w.key, w.most)
		}
	}
	return nil
}

func (f *front) checkSteps(kind string) error {
	if kind == Guide {
		if len(f.Steps) > 0 {
			return f.wrong("steps", "Only tutorials have steps.")
		}
		return nil
	}
	if len(f.Steps) == 0 || len(f.Steps) > maxSteps {
		return f.wrong("steps", "A tutorial has 1 to %d steps.", maxSteps)
	}
	seen := map[string]bool{}
	for _, s := range f.Steps {
		if !slugPattern.MatchString(s.ID) || len(s.ID) > 80 || seen[s.ID] {
			return wrong(s.line+1, "Each step has an id of its own: that of a heading, in lower-case letters, digits and hyphens.")
		}
		seen[s.ID] = true
		if err := s.Check.check(s.line + 1); err != nil {
			return err
		}
	}
	return nil
}

// taken lists which fields each kind of check reads.
var taken = map[string]string{
	"": "", AppMade: "", KeyMade: "api environment", AccessApproved: "api", FirstCall: "api scope environment", RefusalUnderstood: "api code", KeyRotated: "api", OldKeySilent: "api", LimitsSet: "api",
}

func (c Check) check(line int) error {
	fields, ok := taken[c.Kind]
	if !ok {
		return wrong(line, "There is no check of the kind %q.", c.Kind)
	}
	for _, f := range []struct {
		name, value string
		pattern     *regexp.Regexp
	}{{"api", c.API, slugPattern}, {"scope", c.Scope, scopePattern}, {"code", c.Code, codePattern}, {"environment", c.Environment, regexp.MustCompile(`^(live|test)$`)}} {
		switch {
		case f.value == "":
		case !slices.Contains(strings.Fields(fields), f.name):
			return wrong(line, "A check of the kind %q takes no %q.", c.Kind, f.name)
		case !f.pattern.MatchString(f.value):
			return wrong(line, "%q is no %s.", f.value, f.name)
		}
	}
	if c.Kind == AccessApproved && c.API == "" || c.Scope != "" && c.API == "" {
		return wrong(line, "This check needs an %q.", "api")
	}
	return nil
}

func (f *front) wrong(key, sentence string, args ...any) error {
	return wrong(max(1, f.lines[key]), sentence, args...)
}

var _ = []string{ // the sentences of this file, for the message catalogue
	text.N("The file does not begin with front matter: a line of three hyphens, the keys, and three hyphens again."),
	text.N("The front matter has no end: a line of three hyphens."), text.N("The front matter is no list of keys and values."), text.N("Here must stand keys with values."),
	text.N("There is no key %q here. Known are: %s."), text.N("The front matter can’t be read: %s"), text.N("%q must be a day, such as 2026-11-21."),
	text.N("%q must be a number from 0 to 100000."), text.N("%q must be a list of slugs of APIs, at most %d."), text.N("%q must be a list of tags in lower case, at most %d."),
	text.N("%q must have 1 to %d characters in one line."), text.N("Only tutorials have steps."), text.N("A tutorial has 1 to %d steps."),
	text.N("Each step has an id of its own: that of a heading, in lower-case letters, digits and hyphens."), text.N("There is no check of the kind %q."),
	text.N("A check of the kind %q takes no %q."), text.N("%q is no %s."), text.N("This check needs an %q."),
}

// Place is the file, and the line when there is one.
func (p Problem) Place() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

func (p Problem) String() string { return p.Place() + ": " + p.Message.String() }
