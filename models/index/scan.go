package index

import (
	"regexp"
	"strings"
	"unicode"
)

// A token is one word of a text, in normal form. A whole one is a code, path or scope with what joins its parts; the parts follow it as words.
type token struct {
	word  string
	whole bool
	pair  bool // two characters of a script without spaces
}

// Bounds of one token in bytes; longer ones are nothing that a person looks for.
const (
	maxWhole = 100
	maxWord  = 48
)

// joiners stay inside a whole token; any other sign parts tokens. The FTS5 table's tokenizer names the same.
const joiners = "-_./:{}@#=~^+"

// scan reads the tokens of a text in their order. The text is in normal form.
func scan(text string, emit func(token)) {
	for chunk := range strings.FieldsFuncSeq(apostrophes.ReplaceAllString(text, ""), isGap) {
		if before, rest, ok := strings.Cut(chunk, "://"); ok { // an address: host and path
			host, path, _ := strings.Cut(rest, "/")
			scanChunk(before, emit)
			scanChunk(host, emit)
			scanChunk("/"+path, emit)
			continue
		}
		scanChunk(chunk, emit)
	}
}

// apostrophes join what they part, but for a genitive or a short "is".
var apostrophes = regexp.MustCompile(`['’]s\b|['’]`)

func isGap(r rune) bool {
	return !isWordRune(r) && (r > unicode.MaxASCII || !strings.ContainsRune(joiners+"'", r)) && r != '’'
}

func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == 'ー'
}

// scanChunk reads a run without gaps: parts of scripts without spaces, and the rest.
func scanChunk(chunk string, emit func(token)) {
	if ascii(chunk) {
		scanLatin(chunk, emit)
		return
	}
	begin, inPairs := 0, false
	flush := func(end int) {
		if part := chunk[begin:end]; inPairs {
			pairs([]rune(part), emit)
		} else {
			scanLatin(part, emit)
		}
		begin = end
	}
	for i, r := range chunk {
		if paired(r) != inPairs {
			flush(i)
			inPairs = !inPairs
		}
	}
	flush(len(chunk))
}

// pairs gives each two neighbours, or the only one.
func pairs(run []rune, emit func(token)) {
	if len(run) == 1 {
		emit(token{word: string(run), pair: true})
	}
	for i := 0; i+1 < len(run); i++ {
		emit(token{word: string(run[i : i+2]), pair: true})
	}
}

func scanLatin(chunk string, emit func(token)) {
	chunk = strings.TrimLeftFunc(chunk, func(r rune) bool { return !isWordRune(r) && r != '/' && r != '{' })
	chunk = strings.TrimRightFunc(chunk, func(r rune) bool { return !isWordRune(r) && r != '}' })
	if chunk == "" {
		return
	}
	if strings.ContainsAny(chunk, joiners) && strings.ContainsFunc(fold(chunk), isWordRune) {
		emitWhole(fold(chunk), emit)
	}
	for part := range strings.FieldsFuncSeq(chunk, func(r rune) bool { return !isWordRune(r) }) {
		if len(part) <= maxWord && fold(part) != "" {
			emit(token{word: part})
		}
	}
}

// emitWhole gives a code as it is, a path also with its parameters left open, and joined words also as one.
func emitWhole(chunk string, emit func(token)) {
	if len(chunk) > maxWhole {
		return
	}
	emit(token{word: chunk, whole: true})
	if strings.Contains(chunk, "/") {
		if open := openPath(chunk); open != chunk {
			emit(token{word: open, whole: true})
		}
	} else if joined := strings.ReplaceAll(chunk, "-", ""); joined != chunk && !strings.ContainsFunc(joined, func(r rune) bool { return !unicode.IsLetter(r) }) {
		emit(token{word: joined, whole: true})
	}
}

// openPath writes {} for each segment that is a parameter or looks like the id that stands in its place, so that
// /v2/orders/4711 finds /v2/orders/{id}.
func openPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if parameter.MatchString(s) {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

var parameter = regexp.MustCompile(`^(\{.*\}|:[a-z].*|\d+|[0-9a-f]{8}-[0-9a-f-]{20,}|[a-z]{2,6}_[0-9a-z]{8,})$`)
