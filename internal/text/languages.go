package text

import (
	"sync/atomic"

	"golang.org/x/text/language"
)

// Language is a BCP 47 tag of a language that ships with a catalogue. Compare it with the constants.
type Language string

// The languages there are. Pseudo is English in brackets and accents: text on a page that is not in it was never
// translated. Only tests turn it on.
const (
	English Language = "en"
	German  Language = "de"
	Pseudo  Language = "en-XA"
)

// Choice is a language as a reader picks it: by its own name.
type Choice struct {
	Language Language
	Name     string
}

var (
	shipped = []Choice{{English, "English"}, {German, "Deutsch"}}
	matcher = language.NewMatcher([]language.Tag{language.English, language.German})

	pseudoOn atomic.Bool
)

// Languages lists what a reader can pick, English first.
func Languages() []Choice {
	list := append([]Choice(nil), shipped...)
	if pseudoOn.Load() {
		list = append(list, Choice{Pseudo, "Pseudo"})
	}
	return list
}

// EnablePseudo lets Parse and Languages know the pseudo-locale. For tests of pages; it cannot be turned off again.
func EnablePseudo() { pseudoOn.Store(true) }

// Parse returns the language with exactly this tag, and false for one that does not ship.
func Parse(tag string) (Language, bool) {
	for _, c := range Languages() {
		if string(c.Language) == tag {
			return c.Language, true
		}
	}
	return English, false
}

// Match picks the best language for an Accept-Language header; English for an empty, unknown or malformed one.
// Headers over 1,000 bytes are not read (RFC 9110 sets no limit, an attacker should have one).
func Match(acceptLanguage string) Language {
	if l, ok := Parse(acceptLanguage); ok {
		return l
	}
	if len(acceptLanguage) > 1000 {
		return English
	}
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return English
	}
	_, index, confidence := matcher.Match(tags...)
	if confidence == language.No {
		return English
	}
	return shipped[index].Language
}

func (l Language) tag() language.Tag {
	if l == Pseudo {
		return language.English
	}
	return language.Make(string(l))
}
