package text

import (
	"regexp"
	"strings"
	"unicode"
)

// dotted is a dot, also one that resolvers take for one, before a letter: what mail programs make links of by themselves.
var dotted = regexp.MustCompile(`([.\x{3002}\x{FF0E}\x{FF61}])(\pL)`)

// Harmless keeps a mail program, and Markdown, from making a link of words that people typed, such as a name: "evil.example" becomes "evil. example". It is on
// one line, whatever was typed, and done twice it is the same.
func Harmless(words string) string {
	return dotted.ReplaceAllString(strings.ReplaceAll(OneLine(words), "://", " "), "$1 $2")
}

// OneLine replaces what ends a line, or turns the direction of what follows, by spaces.
func OneLine(words string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, words)
}
