package index

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Piece is part of an excerpt; Match tells that it is a word that was looked for.
type Piece struct {
	Text  string
	Match bool
}

// excerptLength is how long an excerpt is, in bytes, a little more or less.
const excerptLength = 220

// Signs of Markdown that say nothing in one line of plain text. What stands in fences is code, and stays as it is.
var (
	links    = regexp.MustCompile(`!?\[([^\]\n]{0,300})\](?:\([^)\s]*\)|\[[^\]\n]{0,100}\])`)
	lineSign = regexp.MustCompile(`^[ \t]*(?:(?:#{1,6}|>|[-*+]|\d{1,9}[.)])[ \t]+|>$)+(?:\[![A-Z]+\])?`)
	ruler    = regexp.MustCompile(`^[ \t|:*_=-]*$`)
	anchors  = regexp.MustCompile(`[ \t]*\{#[a-z0-9-]+\}`)
	tags     = regexp.MustCompile(`</?[a-z][^>\n]{0,200}>|<!--.*?-->`)
	emphasis = regexp.MustCompile(`(^|[\s(„“"'])(\*{1,3}|_{1,3}|~~)([^\s*_~](?:[^*\n]*?[^\s*_~])?)(\*{1,3}|_{1,3}|~~)`)
	fence    = regexp.MustCompile("^[ \t>]*(```+|~~~+)")
)

// plain is text in one line without the signs of Markdown, for reading only.
func plain(text string) string {
	var out []string
	inside := ""
	for line := range strings.SplitSeq(clip(text, 4*maxExcerpt), "\n") {
		if mark := fence.FindStringSubmatch(line); mark != nil && (inside == "" || strings.HasPrefix(mark[1], inside)) {
			if inside == "" {
				inside = mark[1]
			} else {
				inside = ""
			}
			continue
		}
		if inside == "" {
			line = prose(line)
		}
		out = append(out, line)
	}
	return strings.Join(strings.Fields(strings.Join(out, " ")), " ")
}

// prose is a line outside of code. Code in the line stays as it is too.
func prose(line string) string {
	if ruler.MatchString(line) || strings.HasPrefix(line, ":::") {
		return ""
	}
	line = anchors.ReplaceAllString(lineSign.ReplaceAllString(line, ""), "")
	parts := strings.Split(line, "`")
	for i := 0; i < len(parts); i += 2 {
		part := tags.ReplaceAllString(links.ReplaceAllString(parts[i], "$1"), "")
		for range 2 { // one may stand in the other
			part = emphasis.ReplaceAllString(part, "$1$3")
		}
		parts[i] = strings.ReplaceAll(part, "|", " ")
	}
	return strings.Join(parts, "")
}

// Excerpts gives for each hit the part of its text that has most of the words of the query, with those words told apart. It is as long as hits.
func Excerpts(ctx context.Context, d *db.DB, text string, hits []Hit) ([][]Piece, error) {
	out := make([][]Piece, len(hits))
	if len(hits) == 0 {
		return out, nil
	}
	ids := make([]int64, len(hits))
	for i, h := range hits {
		ids[i] = h.id
	}
	var rows []struct {
		ID       int64
		Language string
		Body     string
	}
	if err := d.Read(ctx).Raw("SELECT id, language, body FROM search_documents WHERE id IN ?", ids).Scan(&rows).Error; err != nil {
		return nil, err
	}
	wanted, typed := wantedBy(text)
	readers := map[string]*reader{}
	for _, r := range rows {
		if readers[r.Language] == nil {
			readers[r.Language] = newReader(wanted, typed, newStemmer(r.Language))
		}
		for i, h := range hits {
			if h.id == r.ID {
				out[i] = excerpt(r.Body, readers[r.Language])
			}
		}
	}
	return out, nil
}

// A reader tells which words of texts were looked for. A text says most of its words again and again, so each is judged once.
type reader struct {
	wanted, typed map[string]bool
	stemmers      []*stemmer
	known         map[string]judged
}

type judged struct {
	term          string // of the first stemmer; empty for a word that nobody wanted
	wanted, typed bool
}

func newReader(wanted, typed map[string]bool, stemmers ...*stemmer) *reader {
	return &reader{wanted: wanted, typed: typed, stemmers: stemmers, known: map[string]judged{}}
}

func (r *reader) judge(word string) judged {
	j, ok := r.known[word]
	if ok || len(word) > maxWord {
		return j
	}
	plain := normal(word)
	for _, s := range r.stemmers {
		term := s.stem(plain)
		j.wanted, j.typed = j.wanted || r.wanted[term], j.typed || r.typed[term]
		phrases.find([]string{term}, func(c span) { j.wanted, j.typed = j.wanted || r.wanted[c.name], j.typed || r.typed[c.name] })
	}
	if j.wanted {
		j.term = r.stemmers[0].stem(plain)
	}
	r.known[word] = j
	return j
}

// wantedBy are the terms of a query, and those of them that were typed: words that only mean the same choose the part of a text, but are not told
// apart in it.
func wantedBy(query string) (all, typed map[string]bool) {
	all, typed = map[string]bool{}, map[string]bool{}
	for _, t := range parse(query).terms() {
		all[t] = true
		if !strings.HasPrefix(t, concept) {
			typed[t] = true
		}
	}
	return all, typed
}

// Mark tells the words of the query apart in a short text, such as a title.
func Mark(query, text string) []Piece {
	wanted, typed := wantedBy(query)
	return mark(text, typedOf(matches(text, newReader(wanted, typed, newStemmer("en"), newStemmer("de")))))
}

// place is a matching word of a text, by bytes.
type place struct {
	from, to int
	term     string
	typed    bool
}

// matches finds the words of a text that were looked for.
func matches(text string, reader *reader) []place {
	var found []place
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if !isWordRune(r) {
			at += size
			continue
		}
		if paired(r) {
			if next, n := utf8.DecodeRuneInString(text[at+size:]); n > 0 && reader.wanted[string([]rune{r, next})] {
				pair := string([]rune{r, next})
				found = join(found, place{at, at + size + n, pair, reader.typed[pair]})
			}
			at += size
			continue
		}
		end := at + size
		for end < len(text) {
			next, n := utf8.DecodeRuneInString(text[end:])
			if !isWordRune(next) || paired(next) {
				break
			}
			end += n
		}
		if j := reader.judge(text[at:end]); j.wanted {
			found = append(found, place{at, end, j.term, j.typed})
		}
		at = end
	}
	return found
}

// typedOf are those of the places that hold words that were typed.
func typedOf(found []place) []place {
	return slices.DeleteFunc(found, func(p place) bool { return !p.typed })
}

// join adds a place, or makes the last one longer when they touch.
func join(all []place, next place) []place {
	if n := len(all); n > 0 && all[n-1].to >= next.from && all[n-1].typed == next.typed {
		all[n-1].to = next.to
		return all
	}
	return append(all, next)
}

// excerpt picks the window with the most different words of those wanted, and marks those typed.
func excerpt(body string, r *reader) []Piece {
	found := matches(body, r)
	from, most := 0, 0
	for i := range found {
		seen := map[string]bool{}
		for _, p := range found[i:] {
			if p.to > found[i].from+excerptLength-40 {
				break
			}
			seen[p.term] = true
		}
		if len(seen) > most {
			most, from = len(seen), max(0, found[i].from-40)
		}
	}
	from = wordStart(body, from)
	to := wordEnd(body, min(len(body), from+excerptLength))
	var inside []place
	for _, p := range typedOf(found) {
		if p.from >= from && p.to <= to {
			inside = append(inside, place{from: p.from - from, to: p.to - from})
		}
	}
	pieces := mark(body[from:to], inside)
	if from > 0 {
		pieces = append([]Piece{{Text: "… "}}, pieces...)
	}
	if to < len(body) {
		pieces = append(pieces, Piece{Text: " …"})
	}
	return pieces
}

// wordStart moves to after the next space, so that an excerpt begins with a word; scripts without spaces begin where they are.
func wordStart(text string, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	if at == 0 {
		return 0
	}
	if i := strings.IndexByte(text[at:min(len(text), at+40)], ' '); i >= 0 {
		return at + i + 1
	}
	return at
}

func wordEnd(text string, at int) int {
	if at >= len(text) {
		return len(text)
	}
	for !utf8.RuneStart(text[at]) {
		at--
	}
	if i := strings.LastIndexByte(text[max(0, at-40):at], ' '); i >= 0 {
		return max(0, at-40) + i
	}
	return at
}

func mark(text string, found []place) []Piece {
	var pieces []Piece
	at := 0
	for _, p := range found {
		if p.from > at {
			pieces = append(pieces, Piece{Text: text[at:p.from]})
		}
		pieces = append(pieces, Piece{Text: text[p.from:p.to], Match: true})
		at = p.to
	}
	if at < len(text) {
		pieces = append(pieces, Piece{Text: text[at:]})
	}
	return pieces
}
