package index

import (
	"bufio"
	_ "embed"
	"strings"
	"unicode"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/german"
)

//go:embed stopwords.txt
var stopwordsText string

// stopwords say nothing of what a text is about; by language.
var stopwords, anyStop = readStopwords()

func readStopwords() (byLanguage map[string]map[string]bool, any map[string]bool) {
	byLanguage, any = map[string]map[string]bool{}, map[string]bool{}
	language := ""
	for lines := bufio.NewScanner(strings.NewReader(stopwordsText)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if name, ok := strings.CutSuffix(line, ":"); ok {
			language = name
			byLanguage[language] = map[string]bool{}
			continue
		}
		for word := range strings.FieldsSeq(line) {
			byLanguage[language][word] = true
			any[fold(word)] = true
		}
	}
	return byLanguage, any
}

// A stemmer brings the forms of a word together, and remembers. It is used by one goroutine.
type stemmer struct {
	language string
	env      *snowballstem.Env
	known    map[string]string
}

func newStemmer(language string) *stemmer {
	return &stemmer{language: language, env: snowballstem.NewEnv(""), known: map[string]string{}}
}

// stem is the term of a word in normal form.
func (s *stemmer) stem(word string) string {
	if got, ok := s.known[word]; ok {
		return got
	}
	term := fold(word)
	if len(word) > 2 && !strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }) {
		s.env.SetCurrent(word)
		if s.language == "de" {
			german.Stem(s.env)
		} else {
			english.Stem(s.env)
		}
		if stemmed := fold(s.env.Current()); stemmed != "" {
			term = stemmed
		}
	}
	s.known[word] = term
	return term
}

// guess tells German from the rest by its small words.
func guess(words []token) string {
	counts := map[string]int{}
	for i, t := range words {
		if i > 400 {
			break
		}
		for language, stop := range stopwords {
			if stop[t.word] {
				counts[language]++
			}
		}
	}
	if counts["de"] > counts["en"] {
		return "de"
	}
	return "en"
}
