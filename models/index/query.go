package index

import (
	"slices"
	"strings"
)

// Bounds of a query.
const (
	maxQuery  = 2_000 // bytes that are read
	maxGroups = 16
)

// A variant is a term under which what is asked for may stand, and how sure that is: 1 for the word itself.
type variant struct {
	term   string
	weight float64
}

// A group is one thing asked for, in all its variants.
type group struct {
	word     string // as typed, folded
	variants []variant
	whole    bool // a code, path or scope
	parts    bool // part of a whole token or a phrase: found better there
	topic    bool // a concept of several words
}

// parsed is a query as groups, in the order of its words.
type parsed struct {
	groups  []group
	spelled []string   // words that a slip of the keyboard may have spoilt
	runs    [][]string // its words as terms in each language, in their order, for phrases
}

// Weights of what is not the word itself.
const (
	ofConcept  = 0.55
	ofCompound = 0.5
	ofMended   = 0.85
	ofNext     = 0.6 // of the second best correction, and again of the third
	ofUmlaut   = 0.9
	ofPhrase   = 0.9
)

// parse reads a query. Words that say nothing are left out, unless there is nothing else.
func parse(text string) parsed {
	var tokens []token
	scan(normal(clip(text, maxQuery)), func(t token) { tokens = append(tokens, t) })
	p := parsed{}
	stemmers := []*stemmer{newStemmer("en"), newStemmer("de")}
	meaning := slices.ContainsFunc(tokens, func(t token) bool { return t.whole || !anyStop[fold(t.word)] })
	places := make([]int, 0, len(tokens)) // group of each word, or -1
	var words []token
	for _, t := range tokens {
		place := -1
		if t.whole || !meaning || !anyStop[fold(t.word)] {
			place = p.add(t, stemmers)
		}
		if !t.whole {
			places, words = append(places, place), append(words, t)
		}
	}
	p.markParts()
	p.addConcepts(words, places, stemmers)
	p.readRuns(words, stemmers)
	return p
}

// markParts marks words that stand in the query only as parts of a code.
func (p *parsed) markParts() {
	for _, whole := range p.groups {
		if !whole.whole {
			continue
		}
		for part := range strings.FieldsFuncSeq(whole.word, func(r rune) bool { return !isWordRune(r) }) {
			for i, g := range p.groups {
				if !g.whole && g.word == part {
					p.groups[i].parts = true
				}
			}
		}
	}
}

// add makes a group of a token, or finds the one of the same word, and tells its place.
func (p *parsed) add(t token, stemmers []*stemmer) int {
	word := fold(t.word)
	for i, g := range p.groups {
		if g.word == word && g.whole == t.whole {
			return i
		}
	}
	if len(p.groups) >= maxGroups {
		return -1
	}
	g := group{word: word, whole: t.whole}
	for _, s := range stemmers {
		g.put(s.term(t), 1)
		if !t.whole && !t.pair {
			for _, part := range s.parts(t.word) {
				g.put(part, ofCompound)
			}
			if plain := umlauts.Replace(t.word); plain != t.word {
				g.put(s.stem(plain), ofUmlaut)
			}
		}
	}
	if spellable(t, word) && !slices.Contains(p.spelled, word) {
		p.spelled = append(p.spelled, word)
	}
	p.groups = append(p.groups, g)
	return len(p.groups) - 1
}

// umlauts reads those that were typed as two letters.
var umlauts = strings.NewReplacer("ae", "ä", "oe", "ö", "ue", "ü")

func (g *group) put(term string, weight float64) {
	for i, v := range g.variants {
		if v.term == term {
			g.variants[i].weight = max(v.weight, weight)
			return
		}
	}
	g.variants = append(g.variants, variant{term, weight})
}

// addConcepts gives words the terms of what they mean. A phrase is a group of its own.
func (p *parsed) addConcepts(words []token, places []int, stemmers []*stemmer) {
	for _, s := range stemmers {
		run := make([]string, len(words))
		for i, w := range words {
			run[i] = s.term(w)
		}
		phrases.find(run, func(c span) {
			if c.to-c.from == 1 {
				if at := places[c.from]; at >= 0 {
					p.groups[at].put(c.name, ofConcept)
				}
				return
			}
			p.addPhrase(c, places)
		})
	}
}

func (p *parsed) addPhrase(c span, places []int) {
	if slices.ContainsFunc(p.groups, func(g group) bool { return g.word == c.name }) || len(p.groups) >= maxGroups+4 {
		return
	}
	p.groups = append(p.groups, group{word: c.name, topic: true, variants: []variant{{c.name, ofPhrase}}})
	for _, at := range places[c.from:c.to] {
		if at >= 0 {
			p.groups[at].parts = true
		}
	}
}

func (p *parsed) readRuns(words []token, stemmers []*stemmer) {
	for _, s := range stemmers {
		var run []string
		for _, w := range words {
			if !anyStop[fold(w.word)] {
				run = append(run, s.term(w))
			}
		}
		p.runs = append(p.runs, run)
	}
}

// mend adds what misspelled words may have been meant to be.
func (p *parsed) mend(corrections map[string][]string) {
	stemmers := []*stemmer{newStemmer("en"), newStemmer("de")}
	for i := range p.groups {
		g := &p.groups[i]
		if g.whole || g.topic {
			continue
		}
		weight := ofMended
		for _, better := range corrections[g.word] {
			for _, s := range stemmers {
				term := s.stem(better)
				g.put(term, weight)
				phrases.find([]string{term}, func(c span) { g.put(c.name, weight*ofConcept) })
			}
			weight *= ofNext
		}
	}
}

// terms are all terms of the query, each once.
func (p parsed) terms() []string {
	var all []string
	for _, g := range p.groups {
		for _, v := range g.variants {
			all = append(all, v.term)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
