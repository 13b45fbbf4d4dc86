package text

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

//go:embed catalog
var files embed.FS

// entry is one translation: a sentence, or a choice by the number in one argument.
//
//	"Create key": "Schlüssel anlegen"
//	"%d keys":    {"arg": 1, "one": "%d Schlüssel", "other": "%d Schlüssel"}
type entry struct {
	Text  string
	Arg   int
	Forms map[string]string
}

// UnmarshalJSON reads either form of an entry.
func (e *entry) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &e.Text) == nil {
		return nil
	}
	var raw map[string]any
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	e.Forms = map[string]string{}
	for name, v := range raw {
		switch v := v.(type) {
		case float64:
			e.Arg = int(v)
		case string:
			e.Forms[name] = v
		}
	}
	if e.Arg < 1 || e.Forms["other"] == "" {
		return fmt.Errorf("a plural needs \"arg\" from 1 and \"other\": %s", data)
	}
	return nil
}

func (e entry) equal(o entry) bool {
	if e.Text != o.Text || e.Arg != o.Arg || len(e.Forms) != len(o.Forms) {
		return false
	}
	for k, v := range e.Forms {
		if o.Forms[k] != v {
			return false
		}
	}
	return true
}

func (e entry) reworded(reword func(string) string) entry {
	out := entry{Text: reword(e.Text), Arg: e.Arg}
	if e.Forms != nil {
		out.Forms = make(map[string]string, len(e.Forms))
	}
	for form, words := range e.Forms {
		out.Forms[form] = reword(words)
	}
	return out
}

var pluralOrder = []string{"zero", "one", "two", "few", "many", "other"}

func (e entry) message(reword func(string) string) catalog.Message {
	if e.Forms == nil {
		return catalog.String(reword(e.Text))
	}
	var cases []any
	for _, form := range pluralOrder {
		if v, ok := e.Forms[form]; ok {
			cases = append(cases, form, reword(v))
		}
	}
	return plural.Selectf(e.Arg, "%d", cases...)
}

// load merges the area files of one language. The same key twice with different translations is an error.
func load(fsys fs.FS, lang Language) (map[string]entry, error) {
	merged := map[string]entry{}
	paths, err := fs.Glob(fsys, path.Join("catalog", string(lang), "*.json"))
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			return nil, err
		}
		var area map[string]entry
		if err := json.Unmarshal(data, &area); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		for key, e := range area {
			if before, ok := merged[key]; ok && !before.equal(e) {
				return nil, fmt.Errorf("%s: %q is translated differently in another area", p, key)
			}
			merged[key] = e
		}
	}
	return merged, nil
}

// speaker writes messages in one language: plain sentences from a map, those with words and small numbers by themselves, others through x/text.
type speaker struct {
	plain   map[string]string
	quick   map[string]*quick
	printer *message.Printer
}

func newSpeaker(lang Language, entries map[string]entry, reword func(string) string) *speaker {
	tag := lang.tag()
	builder := catalog.NewBuilder(catalog.Fallback(language.English))
	s := &speaker{plain: map[string]string{}, quick: map[string]*quick{}}
	for key, e := range entries {
		if e.Forms == nil && !strings.Contains(e.Text, "%") {
			s.plain[key] = reword(e.Text)
		}
		if q := newQuick(e.reworded(reword)); q != nil {
			s.quick[key] = q
		}
		// The error is a wrong plural case; the test of the catalogue renders every entry and finds it.
		_ = builder.Set(tag, key, e.message(reword))
	}
	s.printer = message.NewPrinter(tag, message.Catalog(builder))
	return s
}

var printers = speakers()

// speakers reads the embedded catalogues. They are part of the program, and a test loads each: a file that cannot be
// read costs its language's translations here, never the start.
func speakers() map[Language]*speaker {
	same := func(s string) string { return s }
	en, _ := load(files, English)
	de, _ := load(files, German)
	every := map[string]entry{} // in English: a sentence that is no choice is its own key
	for key := range de {
		every[key] = entry{Text: key}
	}
	maps.Copy(every, en)
	return map[Language]*speaker{
		English: newSpeaker(English, every, same),
		German:  newSpeaker(German, de, same),
		Pseudo:  newSpeaker(Pseudo, every, accent),
	}
}

func translate(lang Language, key string, args []any) string {
	s, ok := printers[lang]
	if !ok {
		s = printers[English]
	}
	if len(args) == 0 {
		if t, ok := s.plain[key]; ok {
			return t
		}
		if !strings.Contains(key, "%") {
			return key
		}
	}
	if q := s.quick[key]; q != nil {
		if sentence, ok := q.write(args); ok {
			return sentence
		}
	}
	return s.printer.Sprintf(key, args...)
}
