package index

import (
	"slices"
	"strconv"
	"strings"
)

// heading marks terms of title, tags and codes; kinds begin with "=". Words that people write begin with neither, nor with the mark of concepts. All terms of a
// document that not everybody may read begin with hidden: visitors are served by lists of public documents alone, whose length and order tell nothing of others;
// and once more with the mark of its readers.
const (
	heading    = "^"
	kindMark   = "="
	hidden     = "-"
	publicMark = "=public" // by which they are counted; versions before 3 also asked for it
	times      = "\x1f"    // between a term and how often it stands in a body
)

// analysis is a document as terms.
type analysis struct {
	language    string
	title       []string // in their order
	tags, codes []string
	topics      []string // concepts of the title
	body        map[string]int
	length      int
}

func analyse(d Document) analysis {
	var titleTokens, bodyTokens []token
	scan(normal(d.Title), func(t token) { titleTokens = append(titleTokens, t) })
	scan(normal(clip(d.Body, maxBody)), func(t token) { bodyTokens = append(bodyTokens, t) })
	a := analysis{language: d.Language, body: map[string]int{}}
	if a.language == "" {
		a.language = guess(append(slices.Clone(titleTokens), bodyTokens...))
	}
	s := newStemmer(a.language)
	a.title, a.topics = s.title(titleTokens)
	a.addBody(s, bodyTokens)
	for _, tag := range d.Tags {
		a.tags = append(a.tags, s.all(tag)...)
	}
	for _, code := range d.Codes {
		a.codes = append(a.codes, s.all(code)...)
	}
	return a
}

func (s *stemmer) title(tokens []token) (terms, topics []string) {
	var run []string
	for _, t := range tokens {
		term := s.term(t)
		if !t.whole {
			run = append(run, term)
		}
		if t.whole || !anyStop[fold(t.word)] {
			terms = append(terms, term)
			if s.language == "de" && !t.whole {
				topics = append(topics, s.parts(t.word)...)
			}
		}
	}
	phrases.find(run, func(c span) { topics = append(topics, c.name) })
	return terms, topics
}

// parts are the terms of the parts of a compound.
func (s *stemmer) parts(word string) []string {
	var terms []string
	for _, p := range parted(fold(word)) {
		terms = append(terms, s.stem(p))
	}
	return terms
}

func (a *analysis) addBody(s *stemmer, tokens []token) {
	run := make([]string, 0, len(tokens))
	for _, t := range tokens {
		term := s.term(t)
		if !t.whole {
			run = append(run, term)
		}
		if !t.whole && anyStop[fold(t.word)] {
			continue
		}
		a.body[term]++
		a.length++
		if s.language == "de" && !t.whole {
			for _, p := range s.parts(t.word) {
				a.body[p]++
			}
		}
	}
	phrases.find(run, func(c span) { a.body[c.name]++ })
}

// all are the terms of a tag or a code, also of its parts.
func (s *stemmer) all(text string) []string {
	var terms []string
	scan(normal(text), func(t token) { terms = append(terms, s.term(t)) })
	return terms
}

// heads is what search_documents keeps of title, tags, codes and concepts: a line each.
func (a analysis) heads() string {
	lines := make([]string, 0, 4)
	for _, terms := range [][]string{a.title, a.tags, a.codes, a.topics} {
		lines = append(lines, strings.Join(terms, " "))
	}
	return strings.Join(lines, "\n")
}

// words is what search_documents keeps of the body, what is most frequent first.
func (a analysis) words() string {
	var b strings.Builder
	for i, term := range a.frequent() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(term)
		if n := a.body[term]; n > 1 {
			b.WriteString(times + strconv.Itoa(n))
		}
	}
	return b.String()
}

func (a analysis) frequent() []string {
	terms := make([]string, 0, len(a.body))
	for term := range a.body {
		terms = append(terms, term)
	}
	slices.SortFunc(terms, func(x, y string) int {
		if d := a.body[y] - a.body[x]; d != 0 {
			return d
		}
		return strings.Compare(x, y)
	})
	return terms[:min(len(terms), maxTerms)]
}

// terms is what the engine keeps: each term once, and marks of kind and publicity.
func (a analysis) terms(d Document) string {
	terms := a.frequent()
	for _, head := range [][]string{a.title, a.tags, a.codes, a.topics} {
		for _, term := range head {
			terms = append(terms, term, heading+term)
		}
	}
	terms = append(terms, kindMark+d.Kind)
	if d.Public {
		terms = append(terms, publicMark)
	}
	slices.Sort(terms)
	terms = slices.Compact(terms)
	if !d.Public {
		var marked []string
		for i, term := range terms {
			if terms[i] = hidden + term; d.Readers != "" {
				marked = append(marked, readers+d.Readers+readers+term)
			}
		}
		terms = append(terms, marked...)
	}
	return strings.Join(terms, " ")
}
