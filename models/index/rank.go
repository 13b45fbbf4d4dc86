package index

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// candidate is a document to compare.
type candidate struct {
	ID       int64
	Kind     string
	Ref      string
	Language string
	Title    string
	Begin    string
	Heads    string
	Words    string
	Length   int
	Solved   bool
}

// Weights of BM25F (Robertson, Zaragoza and Taylor 2004): how much a term counts by where it stands, how soon more of it counts for nothing, and how
// much longer texts are held back.
const (
	inTitle    = 4.0
	inTags     = 3.0
	inCodes    = 4.0 // of an API, which are its own
	mentioned  = 1.5 // of others, whose text names them
	saturation = 1.6
	byLength   = 0.5
	usual      = 150.0 // terms of a body of usual length
)

// ofParts is what the parts of a code or phrase count beside it.
const ofParts = 0.4

// Shares of a score that are given for more than the words.
const (
	forCoverage = 1.0  // all that was asked for is there
	forPhrase   = 0.5  // words beside each other in the title, as asked
	forTitle    = 1.2  // the title says nothing else
	forWhole    = 1.2  // a code stands among title, tags or codes
	forMention  = 0.4  // a code stands in the text
	forSolved   = 0.06 // the question is solved
	forProse    = 0.10 // a guide or an API rather than a question
	enough      = 0.3  // of what was asked for must be there, by worth
	farBehind   = 0.12 // of the best score: not shown
)

func (f *finder) rank() ([]Hit, error) {
	ids := append(f.best(MaxCandidates), f.own...)
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []candidate
	if err := f.db.Read(f.ctx).Raw(`SELECT id, kind, ref, language, title, SUBSTR(body, 1, 240) AS begin, heads, words, length, solved FROM search_documents WHERE id IN ?`, ids).Scan(&rows).Error; err != nil {
		return nil, err
	}
	f.countAmong(rows)
	f.worth = f.worths()
	var hits []Hit
	for _, c := range rows {
		if !f.wants(c.Kind) {
			continue
		}
		if score, covered := f.score(c); score > 0 && (f.query.Any || covered >= enough) {
			hits = append(hits, Hit{Kind: c.Kind, Ref: c.Ref, Title: c.Title, Excerpt: c.Begin, Score: score, id: c.ID})
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.id, a.id))
	})
	for i, h := range hits {
		if h.Score < farBehind*hits[0].Score {
			hits = hits[:i]
			break
		}
	}
	limit := f.query.Limit
	if limit <= 0 {
		limit = 50
	}
	return hits[:min(limit, len(hits))], nil
}

// countAmong counts terms whose lists were not fetched whole, when only some kinds were asked for.
func (f *finder) countAmong(rows []candidate) {
	if f.wants(Question) {
		return
	}
	for _, t := range f.parsed.terms() {
		if _, known := f.docs[t]; known {
			continue
		}
		for _, c := range rows {
			if _, in := c.counts(t); in {
				f.docs[t]++
			}
		}
	}
}

// fields is a candidate's text as terms.
type fields struct {
	title, tags, codes, topics []string
	body                       map[string]int
}

func (c candidate) fields(wanted map[string]bool) fields {
	var f fields
	for i, line := range strings.Split(c.Heads, "\n") {
		switch i {
		case 0:
			f.title = strings.Fields(line)
		case 1:
			f.tags = strings.Fields(line)
		case 2:
			f.codes = strings.Fields(line)
		case 3:
			f.topics = strings.Fields(line)
		}
	}
	f.body = map[string]int{}
	for entry := range strings.SplitSeq(c.Words, " ") {
		term, count, many := strings.Cut(entry, times)
		if !wanted[term] {
			continue
		}
		n := 1
		if many {
			if parsed, err := strconv.Atoi(count); err == nil {
				n = parsed
			}
		}
		f.body[term] = n
	}
	return f
}

// counts tells whether the candidate has a term at all.
func (c candidate) counts(term string) (int, bool) {
	f := c.fields(map[string]bool{term: true})
	n := f.body[term]
	in := n > 0 || slices.Contains(f.title, term) || slices.Contains(f.tags, term) || slices.Contains(f.codes, term) || slices.Contains(f.topics, term)
	return n, in
}

// weigh is how much of a term a document has, by BM25F.
func (f fields) weigh(term, kind string, length int) float64 {
	tf := 0.0
	if slices.Contains(f.title, term) || slices.Contains(f.topics, term) {
		tf += inTitle
	}
	if slices.Contains(f.tags, term) {
		tf += inTags
	}
	if slices.Contains(f.codes, term) {
		if kind == API {
			tf += inCodes
		} else {
			tf += mentioned
		}
	}
	if in := float64(f.body[term]); strings.ContainsAny(term, joiners) && !strings.HasPrefix(term, concept) {
		tf += in // whoever looks for a code wants where it is explained, however long that is
	} else {
		tf += in / (1 - byLength + byLength*float64(length)/usual)
	}
	return tf / (tf + saturation)
}

// score is what a candidate is worth, and how much of what was asked for it has, from 0 to 1.
func (f *finder) score(c candidate) (score, covered float64) {
	text := c.fields(f.wanted)
	sum, has, all := 0.0, 0.0, 0.0
	bonus := 0.0
	for i, g := range f.parsed.groups {
		best, share := 0.0, 0.0
		for _, v := range g.variants {
			if w := text.weigh(v.term, c.Kind, c.Length); w > 0 {
				best = max(best, v.weight*w*f.idf(v.term))
				share = max(share, v.weight)
			}
		}
		if g.parts {
			best *= ofParts
		}
		sum += best
		all += f.worth[i]
		has += f.worth[i] * min(1, share*1.5)
		if whole := f.wholeIn(g, text, c.Kind); whole > 0 {
			bonus += whole
			covered = 1
		}
	}
	if all > 0 {
		covered = max(covered, f.halved(text)*has/all)
	}
	bonus += forCoverage*covered*covered + f.phrase(text)
	if c.Solved {
		bonus += forSolved
	}
	if c.Kind != Question {
		bonus += forProse
	}
	return sum * (1 + bonus), covered
}

// halved is a half when a code was asked for that is not there: its parts alone are seldom what was meant.
func (f *finder) halved(text fields) float64 {
	for _, g := range f.parsed.groups {
		if g.whole && strings.ContainsAny(g.word, ":/_") && text.body[g.word] == 0 &&
			!slices.Contains(text.title, g.word) && !slices.Contains(text.tags, g.word) && !slices.Contains(text.codes, g.word) {
			return 0.5
		}
	}
	return 1
}

// wholeIn is for a code that stands among the title, tags or codes.
func (f *finder) wholeIn(g group, text fields, kind string) float64 {
	switch {
	case !g.whole:
		return 0
	case slices.Contains(text.title, g.word), slices.Contains(text.tags, g.word), kind == API && slices.Contains(text.codes, g.word):
		return forWhole
	case slices.Contains(text.codes, g.word):
		return forMention
	}
	return 0
}

// worths is what each group counts when it is judged how much of the query a document has. Codes and phrases count by their parts. A word that no
// document has counts like the others on average: its rarity says nothing of what was meant.
func (f *finder) worths() []float64 {
	out, sum, known := make([]float64, len(f.parsed.groups)), 0.0, 0
	for i, g := range f.parsed.groups {
		if !g.whole && !g.topic && slices.ContainsFunc(g.variants, func(v variant) bool { return f.docs[v.term] > 0 }) {
			out[i] = f.idf(g.variants[0].term)
			if f.docs[g.variants[0].term] == 0 {
				out[i] = f.idf(g.variants[len(g.variants)-1].term)
			}
			sum, known = sum+out[i], known+1
		}
	}
	for i, g := range f.parsed.groups {
		if !g.whole && !g.topic && out[i] == 0 && known > 0 {
			out[i] = sum / float64(known)
		}
	}
	return out
}

// phrase is for words that stand in the title as they were asked, and for a title that is the query.
func (f *finder) phrase(text fields) float64 {
	best := 0.0
	for _, run := range f.parsed.runs {
		if len(run) < 2 {
			continue
		}
		beside := 0
		for i := 0; i+1 < len(run); i++ {
			for j := 0; j+1 < len(text.title); j++ {
				if text.title[j] == run[i] && text.title[j+1] == run[i+1] {
					beside++
					break
				}
			}
		}
		share := forPhrase * float64(beside) / float64(len(run)-1)
		if slices.Equal(run, text.title) {
			share += forTitle
		}
		best = max(best, share)
	}
	return best
}
