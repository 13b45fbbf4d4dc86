package index

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normal is text in lower case and compatibility form (NFKC: full-width letters become plain ones), without what can't be seen. Umlauts stay, since
// the German stemmer needs them.
func normal(text string) string { return strings.ToLower(seen(text)) }

// seen is text in compatibility form, in the case in which it was written.
func seen(text string) string {
	if ascii(text) {
		return text
	}
	text = norm.NFKC.String(strings.ToValidUTF8(text, " "))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // soft hyphen, zero width, direction
			return -1
		}
		return r
	}, text)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fold takes the marks off letters of scripts in which people leave them out when typing: ä is a, ß is ss. Kana keep theirs.
func fold(word string) string {
	if ascii(word) {
		return word
	}
	var b strings.Builder
	for _, r := range word {
		switch {
		case r == 'ß':
			b.WriteString("ss")
		case r == 'æ':
			b.WriteString("ae")
		case r == 'ø':
			b.WriteByte('o')
		case r < utf8.RuneSelf:
			b.WriteByte(byte(r))
		case unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic):
			for _, part := range norm.NFD.String(string(r)) {
				if !unicode.Is(unicode.Mn, part) {
					b.WriteRune(part)
				}
			}
		case unicode.Is(unicode.Mn, r):
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// paired tells scripts that are written without spaces between words.
func paired(r rune) bool {
	return r >= 0x2e80 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r == 'ー' || r == '々')
}

// clip cuts text to at most n bytes, at the end of a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
