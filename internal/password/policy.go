package password

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Policy says which passwords may be set. There are no rules of composition: a
// password is long enough, not too long, and not what everybody tries first
// (SP 800-63B-4 section 3.1.1.2; ASVS 6.2).
type Policy struct {
	Min int // code points; 0 means 12
	Max int // code points; 0 means 128
}

// The sentences in which Check answers; they are keys of the message catalogue.
const (
	ReasonShort   = "Use at least %d characters."
	ReasonLong    = "Use at most %d characters."
	ReasonText    = "Use characters that can be typed: this password is not valid text."
	ReasonCommon  = "Choose another password: this one is on the list that attackers try first."
	ReasonContext = "Choose another password: this one is made of “%s”, which others can guess."
)

// Reason is why a password is refused: a key of the message catalogue and what
// fills it.
type Reason struct {
	Key  string
	Args []any
}

const (
	minContext  = 4 // shorter words fit too many good passwords by chance
	maxTrailing = 6 // "password2026!!" is "password"
)

// Check returns why password may not be set; none means that it may. Context is
// what others know of the user: the product's, the organization's and the user's
// name, the mail address. Case, accents, l33t and digits or signs at either end
// do not make a known word unknown.
func (p Policy) Check(password string, context ...string) []Reason {
	least, most := p.Min, p.Max
	if least <= 0 {
		least = 12
	}
	if most <= 0 {
		most = 128
	}
	if len(password) > maxBytes {
		return []Reason{{ReasonLong, []any{most}}}
	}
	if !utf8.ValidString(password) || strings.ContainsRune(password, 0) {
		return []Reason{{Key: ReasonText}}
	}
	password = norm.NFC.String(password)
	if n := utf8.RuneCountInString(password); n < least {
		return []Reason{{ReasonShort, []any{least}}}
	} else if n > most {
		return []Reason{{ReasonLong, []any{most}}}
	}
	if common(password) {
		return []Reason{{Key: ReasonCommon}}
	}
	if word := madeOf(password, context); word != "" {
		return []Reason{{ReasonContext, []any{word}}}
	}
	return nil
}

// common reports whether password is a listed word, or one dressed up or repeated.
func common(password string) bool {
	words := commonWords()
	for _, shape := range shapes(password) {
		if words[shape] || words[unit(shape)] || len(unit(shape)) <= 3 {
			return true
		}
	}
	return false
}

// madeOf returns the context word that, dressed up or repeated, is password.
func madeOf(password string, context []string) string {
	for _, word := range contextWords(context) {
		folded := fold(word)
		for _, shape := range shapes(password) {
			rest := strings.ReplaceAll(shape, folded, "")
			if len(rest) != len(shape) && utf8.RuneCountInString(rest) <= maxTrailing {
				return word
			}
		}
	}
	return ""
}

// contextWords cuts names and addresses into what a password may be made of,
// the whole first.
func contextWords(context []string) []string {
	var words []string
	for _, text := range context {
		apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
		parts := strings.FieldsFunc(text, apart)
		for _, word := range append([]string{text, strings.Join(parts, "")}, parts...) {
			if utf8.RuneCountInString(fold(word)) >= minContext {
				words = append(words, word)
			}
		}
	}
	return words
}

// shapes returns the forms in which a password is compared: folded, without what
// stands before and after the letters, and both with l33t undone.
func shapes(password string) []string {
	folded := fold(password)
	core := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	all := []string{folded, leet.Replace(folded)}
	if core != "" && utf8.RuneCountInString(folded)-utf8.RuneCountInString(core) <= maxTrailing {
		all = append(all, core, leet.Replace(core))
	}
	// "p@ssw0rd12!" begins as a letter only once the l33t is undone.
	tail := strings.TrimRightFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(folded)-len(tail) <= maxTrailing {
		all = append(all, leet.Replace(tail))
	}
	return all
}

var leet = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// fold lowers case and drops accents and white space.
func fold(text string) string {
	var out strings.Builder
	for _, r := range norm.NFKD.String(text) {
		if !unicode.Is(unicode.Mn, r) && !unicode.IsSpace(r) {
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}

// unit returns the shortest text that text is a repetition of.
func unit(text string) string {
	for n := 1; n <= len(text)/2; n++ {
		if len(text)%n == 0 && text[n:] == text[:len(text)-n] {
			return text[:n]
		}
	}
	return text
}

//go:embed wordlist/common.txt.gz
var commonGzip []byte

// commonWords unpacks the list at first use: 10,000 words, about 1 MiB.
var commonWords = sync.OnceValue(func() map[string]bool {
	words := make(map[string]bool, 10_000)
	unpacked, err := gzip.NewReader(bytes.NewReader(commonGzip))
	if err != nil {
		panic("password: " + err.Error()) // the list is part of the program; a test reads it
	}
	for lines := bufio.NewScanner(unpacked); lines.Scan(); {
		words[fold(lines.Text())] = true
	}
	return words
})
