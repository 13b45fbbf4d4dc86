package demo

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The forum of the demo: one file a question, named by its key. It begins with front matter and the words of the asker; each line “--- what {…}” begins
// something that was said or done about it, with the words that belong to it below.
//
//go:embed questions/*.md
var questionFiles embed.FS

// thread is one question with all that became of it.
type thread struct {
	key    string
	body   string
	deeds  []deed
	Asker  string   `yaml:"asker"`
	Title  string   `yaml:"title"`
	Kind   string   `yaml:"kind"` // empty: a question
	Tags   []string `yaml:"tags"`
	API    string   `yaml:"api"`
	App    string   `yaml:"app"`    // shared with staff
	For    string   `yaml:"for"`    // the organization whose members read it; empty: public
	Source string   `yaml:"source"` // the page on which it was asked
	Ago    int      `yaml:"ago"`    // days, with At; or else
	At     float64  `yaml:"at"`     // hour of UTC
	Before span     `yaml:"before"` // the end of the story
	Votes  int      `yaml:"votes"`
	Follow []string `yaml:"follow"`
	Status string   `yaml:"status"` // of an idea or a bug
}

// deed is something that was said or done.
type deed struct {
	what   string // a key of deeds
	body   string
	By     string `yaml:"by"`
	After  span   `yaml:"after"` // since the question was asked
	Votes  int    `yaml:"votes"`
	Accept span   `yaml:"accepted"` // of an answer: when, since the question was asked
	To     string `yaml:"to"`       // of assign: a person
	Team   string `yaml:"team"`     // of assign
	Into   string `yaml:"into"`     // of merge: the key of another question
	Reason string `yaml:"reason"`   // of close, flag, hide
	Words  string `yaml:"words"`    // of flag
}

// span is a length of time, written like 2d5h30m.
type span time.Duration

// UnmarshalYAML reads a span.
func (s *span) UnmarshalYAML(node *yaml.Node) error {
	days, rest, found := strings.Cut(node.Value, "d")
	if !found {
		days, rest = "0", node.Value
	}
	n, err := strconv.Atoi(days)
	if err != nil {
		return fmt.Errorf("%q is no length of time", node.Value)
	}
	var d time.Duration
	if rest != "" {
		if d, err = time.ParseDuration(rest); err != nil {
			return err
		}
	}
	*s = span(time.Duration(n)*24*time.Hour + d)
	return nil
}

// readThreads reads all questions, in the order of their names.
func readThreads() ([]*thread, error) {
	entries, err := questionFiles.ReadDir("questions")
	if err != nil {
		return nil, err
	}
	var all []*thread
	for _, e := range entries {
		text, err := questionFiles.ReadFile(path.Join("questions", e.Name()))
		if err != nil {
			return nil, err
		}
		t, err := parseThread(strings.TrimSuffix(e.Name(), ".md"), string(text))
		if err != nil {
			return nil, fmt.Errorf("demo: %s: %w", e.Name(), err)
		}
		all = append(all, t)
	}
	return all, nil
}

var deedLine = regexp.MustCompile(`(?m)^--- ([a-z]+) (\{.*\})$`)

func parseThread(key, text string) (*thread, error) {
	t := &thread{key: key}
	parts := strings.SplitN(text, "---\n", 3)
	if len(parts) != 3 || parts[0] != "" {
		return nil, fmt.Errorf("it begins with no front matter")
	}
	if err := strict(parts[1], t); err != nil {
		return nil, err
	}
	rest := parts[2]
	heads := deedLine.FindAllStringSubmatchIndex(rest, -1)
	end := len(rest)
	if len(heads) > 0 {
		end = heads[0][0]
	}
	t.body = strings.TrimSpace(rest[:end])
	for i, h := range heads {
		end = len(rest)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		d := deed{what: rest[h[2]:h[3]], body: strings.TrimSpace(rest[h[1]:end])}
		if err := strict(rest[h[4]:h[5]], &d); err != nil {
			return nil, err
		}
		t.deeds = append(t.deeds, d)
	}
	return t, nil
}

// strict reads YAML with no field that is unknown.
func strict(text string, into any) error {
	d := yaml.NewDecoder(bytes.NewBufferString(text))
	d.KnownFields(true)
	return d.Decode(into)
}
