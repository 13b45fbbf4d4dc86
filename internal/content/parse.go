package content

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/text"
)

const maxFile = 128 << 10

// A file is what one file holds: a page, or that there shall be none. Of a translation only the words are there; the rest comes from the
// English page when a snapshot is made.
type file struct {
	page   Page
	hidden bool
	steps  map[string]Step // of the text, by the id of the heading
}

// parse reads one file. Its error is a mistake.
func parse(kind, slug string, language text.Language, source []byte, values *strings.Replacer) (*file, error) {
	if len(source) > maxFile {
		return nil, wrong(0, "The file is longer than %d kB.", maxFile>>10)
	}
	if !utf8.Valid(source) || strings.ContainsRune(string(source), 0) {
		return nil, wrong(0, "The file is no text in UTF-8.")
	}
	whole := strings.TrimPrefix(strings.ReplaceAll(string(source), "\r\n", "\n"), "\uFEFF")
	head, body, err := divide(whole)
	if err != nil {
		return nil, err
	}
	f, err := readFront(head, kind, language != text.English)
	if err != nil {
		return nil, err
	}
	if f.Hidden {
		return &file{hidden: true}, nil
	}
	p := Page{
		Kind: kind, Slug: slug, Language: language, Title: f.Title, Summary: f.Summary, Section: f.Section, Changed: f.changed, APIs: f.APIs, Tags: f.Tags,
		Source: strings.TrimSpace(values.Replace(body)) + "\n",
	}
	if f.Order != nil {
		p.Order = *f.Order
	}
	for _, s := range f.Steps {
		p.Steps = append(p.Steps, Step{ID: s.ID, Check: s.Check})
	}
	out := &file{page: p}
	if err := out.render(); err != nil {
		return nil, err
	}
	for _, s := range f.Steps {
		if _, ok := out.steps[s.ID]; !ok {
			return nil, wrong(s.line+1, "No heading of level 2 in the text has the id %q.", s.ID)
		}
	}
	out.finish(whole, values)
	return out, nil
}

func (f *file) render() error {
	p := &f.page
	doc, err := markdown.Render(p.Source, markdown.Options{Own: true, MaxBytes: maxFile + 4<<10, Words: wordsOf(p.Language)})
	switch {
	case errors.Is(err, markdown.ErrTooLong):
		return wrong(0, "The file is longer than %d kB.", maxFile>>10)
	case err != nil:
		return wrong(0, "The text is nested too deep or has too many brackets.")
	}
	p.Headings = doc.Headings
	for _, h := range doc.Headings {
		if h.Level == 1 {
			return wrong(0, "The title stands in the front matter: headings of the text begin at level 2 (%s).", h.Text)
		}
	}
	f.split(doc)
	return nil
}

// split parts the HTML at the headings of level 2.
func (f *file) split(doc markdown.Document) {
	f.steps = map[string]Step{}
	rest := doc.HTML()
	f.page.Body = HTML{rest}
	var step *Step
	for _, h := range doc.Headings {
		opening := `<h2 id="` + h.ID + `">`
		if h.Level != 2 || !h.Top || h.ID == "" {
			continue
		}
		before, after, ok := strings.Cut(rest, opening)
		if !ok {
			continue
		}
		if step == nil {
			f.page.Body = HTML{before}
		} else {
			step.Body = HTML{before}
			f.steps[step.ID] = *step
		}
		_, rest, _ = strings.Cut(after, "</h2>")
		step = &Step{ID: h.ID, Title: h.Text}
	}
	if step != nil {
		step.Body = HTML{rest}
		f.steps[step.ID] = *step
	}
	if f.page.Kind == Guide {
		f.page.Body = HTML{doc.HTML()}
	}
}

var inlineCode = regexp.MustCompile("`([^`\\s]{2,80})`")

const maxCodes = 100

// finish makes what is read from the whole page.
func (f *file) finish(whole string, values *strings.Replacer) {
	p := &f.page
	p.Body = p.Body.pieces()
	for id, s := range f.steps {
		s.Body = s.Body.pieces()
		f.steps[id] = s
	}
	for _, m := range inlineCode.FindAllStringSubmatch(p.Source, -1) {
		if len(p.Codes) < maxCodes && !slices.Contains(p.Codes, m[1]) {
			p.Codes = append(p.Codes, m[1])
		}
	}
	p.Digest = digest(whole, values.Replace("{{base}} {{brand}}"))
}

func (h HTML) pieces() HTML {
	return strings.Split(strings.Join(h, markdown.KeySlot), markdown.KeySlot)
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// wordsOf are the words that rendering adds, by language.
func wordsOf(l text.Language) markdown.Words {
	if l == text.German {
		return markdown.Words{Note: "Hinweis", Tip: "Tipp", Warning: "Achtung", Copy: "Kopieren", Copied: "Kopiert", Variants: "Varianten dieses Codes", Section: "Link zu diesem Abschnitt:"}
	}
	return markdown.Words{Note: "Note", Tip: "Tip", Warning: "Warning", Copy: "Copy", Copied: "Copied", Variants: "Variants of this code", Section: "Link to this section:"}
}

var _ = []string{
	text.N("The file is longer than %d kB."), text.N("The file is no text in UTF-8."), text.N("No heading of level 2 in the text has the id %q."),
	text.N("The text is nested too deep or has too many brackets."), text.N("The title stands in the front matter: headings of the text begin at level 2 (%s)."),
}
