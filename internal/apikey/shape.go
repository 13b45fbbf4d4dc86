package apikey

import (
	"crypto/sha256"
	"errors"
	"math"
	"slices"
	"strings"
)

// Shape is the form of keys that were made elsewhere: a prefix, and behind it so many characters, each drawn at random from an alphabet. Only a text of
// a declared shape is worth a look-up.
type Shape struct {
	Prefix   string // may be empty
	Alphabet string // each character once
	Length   int    // of what follows the prefix
	Shortest int    // the least that follows it, of makers who write bytes as a number: its first digits may be zero, and are left out

	set   [256]bool
	mixed bool // the alphabet has characters of two kinds: small letters, capitals, digits
	// distinct: the prefix tells texts of the shape from words; marked: it does so by a character that no word has, so that it begins a text whatever stands before it
	distinct, marked bool
}

// Bounds of a Shape.
const (
	MinShapeBits   = 128 // random bits: fewer could be guessed, and a fast digest of them searched
	MaxShapePrefix = 32
	MaxShapeLength = 256
	MaxShorter     = 3 // by which texts of one shape may be shorter: a random number lacks four digits of base58 once in 11 million times
)

// Errors of NewShape.
var (
	ErrShapePrefix   = errors.New("apikey: a prefix has at most 32 printable ASCII characters without spaces")
	ErrShapeAlphabet = errors.New("apikey: an alphabet has at least two printable ASCII characters, each once, without spaces")
	ErrShapeLength   = errors.New("apikey: a shape has 1 to 256 characters after its prefix")
	ErrShapeShortest = errors.New("apikey: texts of a shape may be at most 3 characters shorter than its length")
	ErrShapeBits     = errors.New("apikey: a shape has at least 128 random bits")
)

// NewShape checks a shape. It fails with one of the errors above.
func NewShape(prefix, alphabet string, length int) (Shape, error) {
	s := Shape{Prefix: prefix, Alphabet: alphabet, Length: length, Shortest: length}
	if len(prefix) > MaxShapePrefix || !printable(prefix) {
		return Shape{}, ErrShapePrefix
	}
	if len(alphabet) < 2 || !printable(alphabet) {
		return Shape{}, ErrShapeAlphabet
	}
	for i := range len(alphabet) {
		if s.set[alphabet[i]] {
			return Shape{}, ErrShapeAlphabet
		}
		s.set[alphabet[i]] = true
	}
	if length < 1 || length > MaxShapeLength {
		return Shape{}, ErrShapeLength
	}
	s.mixed, s.distinct = kindsOf(alphabet) > 1, s.Distinctive()
	s.marked = s.distinct && strings.IndexFunc(prefix, func(r rune) bool { return !isBase62[byte(r)] }) >= 0 //nolint:gosec // printable ASCII, as above
	if s.Bits() < MinShapeBits {
		return Shape{}, ErrShapeBits
	}
	return s, nil
}

// DownTo is the shape with texts that may be shorter, down to so many characters after the prefix. It fails with ErrShapeShortest.
func (s Shape) DownTo(shortest int) (Shape, error) {
	if shortest > s.Length || shortest < s.Length-MaxShorter || shortest < 1 {
		return Shape{}, ErrShapeShortest
	}
	s.Shortest = shortest
	return s, nil
}

// kindOf is 0 to 2 for a small letter, a capital and a digit, -1 for all else.
func kindOf(c byte) int {
	switch {
	case isLower(c):
		return 0
	case 'A' <= c && c <= 'Z':
		return 1
	case '0' <= c && c <= '9':
		return 2
	}
	return -1
}

// kindsOf counts the kinds of characters in text.
func kindsOf(text string) (n int) {
	var seen [3]bool
	for i := range len(text) {
		if k := kindOf(text[i]); k >= 0 && !seen[k] {
			seen[k] = true
			n++
		}
	}
	return n
}

func printable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// Bits are the random bits of a text of the shape, of its full length, rounded down to a hundredth.
func (s Shape) Bits() float64 {
	return math.Floor(float64(s.Length)*math.Log2(float64(len(s.Alphabet)))*100) / 100
}

// Fits reports whether text has the shape. It allocates nothing.
func (s *Shape) Fits(text string) bool {
	if n := len(text) - len(s.Prefix); n > s.Length || n < s.Shortest || text[:len(s.Prefix)] != s.Prefix {
		return false
	}
	for i := len(s.Prefix); i < len(text); i++ {
		if !s.set[text[i]] {
			return false
		}
	}
	return true
}

// Ours reports whether text begins as keys of this brand do, whose checksum says whether it is one.
func Ours(brand, text string) bool {
	rest, ok := strings.CutPrefix(text, brand+"_")
	return ok && (strings.HasPrefix(rest, string(Live)+"_") || strings.HasPrefix(rest, string(Test)+"_"))
}

// Form is a shape with the digest under which keys of it were imported.
type Form struct {
	Shape
	// Sum is nil once no key needs it any more: those that were used are digested as ours are.
	Sum func(text string) Digest
	// Way is the same for forms with the same Sum, so that a text that has several of them costs one look-up: 1 to 63, or 0 for one of its own.
	Way uint8
}

// Sums are the digests under which a text may have been imported, each once. None means that it has none of the forms, or that no key of those it has is kept so
// any more; fits tells which.
func Sums(forms []Form, text string) (sums []Digest, fits bool) {
	var asked uint64
	for i := range forms {
		if !forms[i].Fits(text) {
			continue
		}
		fits = true
		if forms[i].Sum == nil || forms[i].Way > 0 && asked>>forms[i].Way&1 == 1 {
			continue
		}
		asked |= 1 << forms[i].Way
		sums = append(sums, forms[i].Sum(text))
	}
	return sums, fits
}

// PlainSum returns SHA-256(text), as some makers of keys keep them.
func PlainSum(text string) Digest { return sha256.Sum256([]byte(text)) }

// keyedDomain parts what KeyedKept makes from every other digest.
const keyedDomain = "gatehouse: imported hmac-sha256\n"

// KeyedKept is what is kept of an HMAC-SHA-256 that another maker made: bound to the secret, so that a digest under one secret, or without one, is never taken for one under another.
func KeyedKept(secret []byte, foreign Digest) Digest {
	of := sha256.Sum256(secret)
	return sha256.Sum256(slices.Concat([]byte(keyedDomain), of[:], foreign[:]))
}

// KeyedSum returns the function of a text that KeyedKept keeps.
func KeyedSum(secret []byte) func(text string) Digest {
	d := NewDigester(Pepper{Key: secret})
	secret = slices.Clone(secret)
	return func(text string) Digest { return KeyedKept(secret, d.Sum(text)) }
}
