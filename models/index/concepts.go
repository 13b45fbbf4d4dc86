package index

import (
	"bufio"
	_ "embed"
	"strings"
)

//go:embed concepts.txt
var conceptsText string

// A node of the tree of phrases; concepts end here.
type node struct {
	next     map[string]*node
	concepts []string
}

// The dictionary: what people call the same thing, English and German. A text that has one of a concept's words or phrases also gets the
// concept as a term, ~name.
var (
	phrases, compounds = readConcepts()
)

// concept marks the terms of concepts.
const concept = "~"

func readConcepts() (*node, []string) {
	tree, en, de := &node{next: map[string]*node{}}, newStemmer("en"), newStemmer("de")
	var parts []string
	for lines := bufio.NewScanner(strings.NewReader(conceptsText)); lines.Scan(); {
		name, members, ok := strings.Cut(lines.Text(), ":")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		for member := range strings.SplitSeq(members, ",") {
			if name == "compounds" {
				parts = append(parts, fold(strings.TrimSpace(member)))
				continue
			}
			for _, s := range []*stemmer{en, de} {
				tree.add(s.phrase(member), concept+name)
			}
		}
	}
	return tree, parts
}

// phrase is the terms of a text in their order, without whole tokens.
func (s *stemmer) phrase(text string) []string {
	var terms []string
	scan(normal(text), func(t token) {
		if !t.whole {
			terms = append(terms, s.term(t))
		}
	})
	return terms
}

func (s *stemmer) term(t token) string {
	if t.pair || t.whole {
		return t.word
	}
	return s.stem(t.word)
}

func (n *node) add(terms []string, name string) {
	if len(terms) == 0 {
		return
	}
	for _, t := range terms {
		if n.next[t] == nil {
			n.next[t] = &node{next: map[string]*node{}}
		}
		n = n.next[t]
	}
	for _, known := range n.concepts {
		if known == name {
			return
		}
	}
	n.concepts = append(n.concepts, name)
}

// A span is a concept found at terms [from, to).
type span struct {
	name     string
	from, to int
}

// find tells the concepts in a run of terms, each where it begins and ends.
func (n *node) find(terms []string, found func(span)) {
	for i := range terms {
		at := n
		for j := i; j < len(terms); j++ {
			if at = at.next[terms[j]]; at == nil {
				break
			}
			for _, name := range at.concepts {
				found(span{name, i, j + 1})
			}
		}
	}
}

// parted gives the words of the trade that a German compound begins or ends with: Zugriffsschlüssel holds Schlüssel.
func parted(word string) []string {
	if len(word) < 8 {
		return nil
	}
	var parts []string
	for _, p := range compounds {
		if len(word) >= len(p)+3 && (strings.HasPrefix(word, p) || strings.HasSuffix(word, p)) {
			parts = append(parts, p)
		}
	}
	return parts
}
