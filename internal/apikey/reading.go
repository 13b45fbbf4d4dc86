package apikey

import (
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// reading is a way to read a text for keys. What no key can have is passed over
// in every reading: blanks, line ends, punctuation, invisible characters. The
// others differ in what they make of the rest, since what is a wrapper in one
// text is part of the key in another.
type reading struct {
	decoded bool // entities, percent-encoding, escapes of JSON count as what they stand for
	printed bool // "=XX" and "=" at a line's end count as quoted-printable
	markup  bool // HTML tags and the targets of Markdown links count as nothing
	control bool // colours of a terminal count as nothing
	apart   bool // or as a gap
	lines   bool // numbers at the beginning of lines count as nothing
}

// readings are the ways that can make a difference for text.
func readings(text string) []reading {
	all := []reading{{}}
	decoded := strings.ContainsAny(text, `&%\`)
	if decoded {
		all = append(all, reading{decoded: true})
	}
	if strings.Contains(text, "=") {
		all = append(all, reading{printed: true})
		if decoded {
			all = append(all, reading{printed: true, decoded: true})
		}
	}
	if strings.Contains(text, "<") || strings.Contains(text, "](") || strings.Contains(text, "][") {
		all = append(all, reading{decoded: true, markup: true})
	}
	if controlled(text) {
		all = append(all, reading{decoded: true, control: true})
	}
	if strings.Contains(text, "\n") {
		all = append(all, reading{decoded: true, markup: true, lines: true})
	}
	return all
}

// stream reads text. Each step consumes at least one byte and looks ahead a
// bounded number of bytes.
func (r reading) stream(text string) *stream {
	s := &stream{}
	fresh := true // at the beginning of a line, behind nothing but marks of quotes and blanks
	for i := 0; i < len(text); {
		if fresh && r.lines {
			if n := lineNumber(text[i:]); n > 0 {
				i, fresh = i+n, false
				continue
			}
		}
		c, n := r.next(text, i)
		fresh = text[i] == '\n' || fresh && c == 0 && n == 1
		if c != 0 {
			s.add(c, i, i+n)
		}
		i += n
	}
	return s
}

// next reads what stands at i: the character that it is for a key, or 0, and
// how many bytes it takes.
func (r reading) next(text string, i int) (byte, int) {
	c, n := r.char(text, i)
	return keyChar(c), n
}

// escapes are how a terminal's control sequence begins, and ways to write that.
var escapes = []string{"\x1b[", "^[[", `\e[`, `\E[`, `\033[`, `\x1b[`, `\x1B[`, `\u001b[`, `\u001B[`, `\u{1b}[`, `\u{1B}[`, "%1b[", "%1B[", "%1b%5b", "%1B%5B"}

// controlled reports whether text holds one.
func controlled(text string) bool {
	return strings.ContainsAny(text, "\x1b^\\%") && slices.ContainsFunc(escapes, func(e string) bool { return strings.Contains(text, e) })
}

const longestControl = 32 // of a control sequence, without its escape: a longer one counts as text

// control is the length of the terminal's control sequence with which text begins, or 0: a colour, as logs have it that were copied. Nobody sees one.
func control(text string) int {
	switch text[0] {
	case 0x1b, '^', '\\', '%':
	default:
		return 0
	}
	for _, e := range escapes {
		rest, ok := strings.CutPrefix(text, e)
		for n := 0; ok && n < min(len(rest), longestControl); n++ {
			switch c := rest[n]; {
			case '@' <= c && c <= '~':
				return len(e) + n + 1
			case c < ' ' || c > '?':
				return 0
			}
		}
	}
	return 0
}

// gone is what is read of what nobody sees: no character, and no gap between those around it.
const gone = 1

// char reads what stands at i: a printable character, gone, or 0 for a gap; and how many bytes it takes.
func (r reading) char(text string, i int) (byte, int) {
	c := text[i]
	if c == '_' || isBase62[c] {
		return c, 1
	}
	if c >= utf8.RuneSelf {
		return folded(text[i:])
	}
	rest := text[i:]
	switch {
	case r.control && control(rest) > 0:
		if r.apart {
			return 0, control(rest)
		}
		return gone, control(rest)
	case r.markup && c == '<':
		if n := tag(rest); n > 0 {
			return gone, n
		}
	case r.markup && c == ']':
		if n := target(rest); n > 0 {
			return gone, n
		}
	case r.printed && c == '=':
		return hexByte(rest, 1)
	case r.decoded && c == '%':
		return percent(rest)
	case r.decoded && c == '&':
		return entity(rest)
	case r.decoded && c == '\\':
		return escape(rest)
	}
	return printed(c), 1
}

// printed is c if it is a printable character of ASCII, else 0.
func printed(c byte) byte {
	if ' ' <= c && c <= '~' {
		return c
	}
	return 0
}

// keyChar is c if a key can have it, else 0.
func keyChar(c byte) byte {
	if c == '_' || isBase62[c] {
		return c
	}
	return 0
}

// folded reads a character beyond ASCII: one that is a mere variant of one of
// a key's, such as a full-width letter, counts as that.
func folded(text string) (byte, int) {
	r, size := utf8.DecodeRuneInString(text)
	if d := norm.NFKD.PropertiesString(text).Decomposition(); len(d) == 1 {
		return printed(d[0]), size
	}
	if unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me) {
		return gone, size
	}
	return 0, size
}

// hexByte reads one character and two hexadecimal digits behind it.
func hexByte(text string, mark int) (byte, int) {
	if len(text) < mark+2 {
		return 0, 1
	}
	v, err := strconv.ParseUint(text[mark:mark+2], 16, 8)
	if err != nil {
		return 0, 1
	}
	return printed(byte(v)), mark + 2
}

// percent reads a percent-encoded character, also one whose mark was encoded again, a few times over.
func percent(text string) (byte, int) {
	mark := 1
	for range mostEncoded {
		if !strings.HasPrefix(text[mark:], "25") {
			break
		}
		mark += 2
	}
	for ; mark > 0; mark -= 2 { // "%25" may itself be the last of it
		if c, n := hexByte(text, mark); n > 1 {
			return c, n
		}
	}
	return 0, 1
}

const mostEncoded = 4 // times that a text is encoded again

const longestEntity = 32 // of HTML: &CounterClockwiseContourIntegral;

// entity reads an HTML entity, by name or number, and those that write an
// ampersand as one again.
func entity(text string) (byte, int) {
	if text[:min(len(text), 2)] == "&#" {
		if c, n := number(text); n > 0 {
			return c, n
		}
	}
	end := strings.IndexByte(text[:min(len(text), longestEntity)], ';')
	if end < 2 {
		return 0, 1
	}
	if text[:end+1] == "&amp;" {
		c, n := entity("&" + text[end+1:min(len(text), end+longestEntity)])
		if n > 1 {
			return c, end + n
		}
	}
	plain := html.UnescapeString(text[:end+1])
	if plain == text[:end+1] {
		return 0, 1
	}
	if len(plain) == 1 {
		return printed(plain[0]), end + 1
	}
	if c, n := folded(plain); n == len(plain) {
		return c, end + 1
	}
	return 0, end + 1
}

// number reads a numeric entity of ASCII that may lack its semicolon, as
// browsers do; n is 0 for any other.
func number(text string) (c byte, n int) {
	digits, base := text[2:], rune(10)
	n = 2
	if digits != "" && digits[0]|0x20 == 'x' {
		digits, base, n = digits[1:], 16, 3
	}
	v, size := digitsOf(digits, base, longestEntity)
	if size == 0 || v >= utf8.RuneSelf {
		return 0, 0
	}
	n += size
	if n < len(text) && text[n] == ';' {
		n++
	}
	return printed(byte(v)), n
}

// digitsOf reads at most most digits; v grows no further beyond Unicode.
func digitsOf(text string, base rune, most int) (v rune, size int) {
	for size < len(text) && size < most {
		d := rune(unhex(text[size]))
		if d >= base {
			break
		}
		v = min(v*base+d, utf8.MaxRune+1)
		size++
	}
	return v, size
}

// unhex is the value of a hexadecimal digit; 255 for what is none.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// escape reads a backslash with what it escapes in JSON and most languages; of
// other escapes, those of Markdown among them, the backslash is nothing.
func escape(text string) (byte, int) {
	if len(text) < 2 {
		return 0, 1
	}
	switch c := text[1]; c {
	case 'n', 'r', 't':
		return 0, 2
	case 'x':
		return escaped(text, 2, 16, 2)
	case 'u':
		return escaped(text, 2, 16, 4)
	case 'U':
		return escaped(text, 2, 16, 8)
	case '0', '1', '2', '3':
		return escaped(text, 1, 8, 3)
	}
	return gone, 1
}

// escaped reads the number behind an escape: of exactly this many digits, or of
// any in braces.
func escaped(text string, at int, base rune, digits int) (byte, int) {
	rest := text[at:]
	if base == 16 && strings.HasPrefix(rest, "{") {
		v, size := digitsOf(rest[1:], base, 8)
		if size == 0 || !strings.HasPrefix(rest[1+size:], "}") {
			return 0, 1
		}
		return ofRune(v), at + size + 2
	}
	v, size := digitsOf(rest, base, digits)
	if size < digits {
		return 0, 1
	}
	return ofRune(v), at + size
}

func ofRune(v rune) byte {
	if v < utf8.RuneSelf {
		return printed(byte(v))
	}
	return 0
}

const longestMarkup = 300 // a tag or link target that is longer counts as text

// tag is the length of the HTML tag or comment with which text begins, or 0.
func tag(text string) int {
	if len(text) < 3 || text[1] != '/' && text[1] != '!' && !isLetter(text[1]) {
		return 0
	}
	end := strings.IndexByte(text[:min(len(text), longestMarkup)], '>')
	return end + 1
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// target is the length of a Markdown link's end, from "](" to ")" or from "]["
// to "]", or 0.
func target(text string) int {
	closing := byte(')')
	switch {
	case strings.HasPrefix(text, "]("):
	case strings.HasPrefix(text, "]["):
		closing = ']'
	default:
		return 0
	}
	end := strings.IndexByte(text[1:min(len(text), longestMarkup)], closing)
	if end < 0 {
		return 0
	}
	return end + 2
}

// lineNumber is the length of a number or a time that stands before a line's
// text, with the mark or blank behind it, or 0.
func lineNumber(text string) int {
	if n := lineTime(text); n > 0 {
		return n
	}
	n := 0
	for n < len(text) && n < 6 && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	if n == 0 || n == len(text) || !strings.ContainsRune(".):| \t", rune(text[n])) {
		return 0
	}
	return n + 1
}

// lineTime is the length of the time of a log before a line's text, such as
// 2026-11-21T21:52:00.123Z, with the blank behind it, or 0.
func lineTime(text string) int {
	n, marks := 0, 0
	for ; n < len(text) && n < 40; n++ {
		switch c := text[n]; {
		case '0' <= c && c <= '9', c == '[', c == ']', c == 'T', c == 'Z', c == '+', c == '.', c == ',', c == '/':
		case c == ':', c == '-':
			marks++
		case (c == ' ' || c == '\t') && marks >= 2:
			if rest := text[n+1:]; strings.IndexByte(text[:n], ':') < 0 && lineTime(rest) > 0 { // the date, then the time
				return n + 1 + lineTime(rest)
			}
			return n + 1
		default:
			return 0
		}
	}
	return 0
}
