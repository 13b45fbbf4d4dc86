// Package apikey makes and reads the text of API keys.
//
// A key reads <brand>_<env>_<body><check>: brand is the operator's
// (^[a-z][a-z0-9]{1,9}$), env is live or test, body is 32 base62 characters
// (190 bits) and check is the CRC-32 (IEEE) of everything before it as six
// base62 characters, most significant first. The check filters noise: it lets a
// mistyped key be refused without a look-up and a scanner be sure of a find. It
// proves nothing; only the digest does.
//
// At rest a key is HMAC-SHA-256 under a server pepper, never its text. A random
// secret of 190 bits needs no stretching (SP 800-63B-4 section 3.1.2.2), and a
// slow hash on the request path would hand attackers a lever.
package apikey

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"unsafe"
)

// Environment is the part of a key that says where it may be used.
type Environment string

// The two environments that a key can be made for.
const (
	Live Environment = "live"
	Test Environment = "test"
)

// Valid reports whether e is live or test.
func (e Environment) Valid() bool { return e == Live || e == Test }

const (
	bodyLen  = 32
	checkLen = 6
	tailLen  = bodyLen + checkLen
	envLen   = 4 // of "live" and "test" alike
	minBrand = 2
	maxBrand = 10

	// MaxLen is the length of the longest key text that any brand can have.
	MaxLen = maxBrand + 1 + envLen + 1 + tailLen
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// isBase62 answers for each byte whether it may stand in a body or a check.
var isBase62 = func() (set [256]bool) {
	for i := range alphabet {
		set[alphabet[i]] = true
	}
	return set
}()

// ErrBrand is returned for a brand that is not ^[a-z][a-z0-9]{1,9}$.
var ErrBrand = errors.New("apikey: a brand is a lower-case letter and one to nine lower-case letters or digits")

// ErrEnvironment is returned for an environment other than live and test.
var ErrEnvironment = errors.New("apikey: an environment is live or test")

// ValidBrand reports whether brand may start a key.
func ValidBrand(brand string) bool {
	if len(brand) < minBrand || len(brand) > maxBrand || !isLower(brand[0]) {
		return false
	}
	for i := 1; i < len(brand); i++ {
		if !isBrandByte(brand[i]) {
			return false
		}
	}
	return true
}

func isLower(c byte) bool     { return 'a' <= c && c <= 'z' }
func isBrandByte(c byte) bool { return isLower(c) || '0' <= c && c <= '9' }

// Mint makes a new key from random, which must be cryptographic (crypto/rand's
// Reader). It returns ErrBrand, ErrEnvironment, or what random failed with; it
// never returns a key made from a short read.
func Mint(brand string, env Environment, random io.Reader) (Secret, error) {
	if !ValidBrand(brand) {
		return Secret{}, ErrBrand
	}
	if !env.Valid() {
		return Secret{}, ErrEnvironment
	}
	text := make([]byte, 0, MaxLen)
	text = append(text, brand...)
	text = append(text, '_')
	text = append(text, env...)
	text = append(text, '_')
	text, err := appendBody(text, random)
	if err != nil {
		return Secret{}, fmt.Errorf("apikey: mint: %w", err)
	}
	check := checksum(crc32.ChecksumIEEE(text))
	return newSecret(string(append(text, check[:]...))), nil
}

// appendBody adds 32 characters, each equally likely: a byte of 248 or more is
// thrown away, since 256 is no multiple of 62.
func appendBody(text []byte, random io.Reader) ([]byte, error) {
	const fair = 256 - 256%len(alphabet)
	source := bufio.NewReaderSize(random, 64)
	for n := 0; n < bodyLen; {
		b, err := source.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		if int(b) >= fair {
			continue
		}
		text = append(text, alphabet[int(b)%len(alphabet)])
		n++
	}
	return text, nil
}

func checksum(sum uint32) (check [checkLen]byte) {
	for i := checkLen - 1; i >= 0; i-- {
		check[i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return check
}

// Check reports whether text has the shape of a key of this brand and carries
// the right checksum. It allocates nothing and says nothing about whether the
// key exists.
func Check(brand, text string) bool {
	_, ok := Parse(brand, text)
	return ok
}

// Parse returns the environment that a well-formed key of this brand names, and
// whether it is well-formed. It allocates nothing.
func Parse(brand, text string) (Environment, bool) {
	if len(text) != len(brand)+1+envLen+1+tailLen || text[:len(brand)] != brand || text[len(brand)] != '_' {
		return "", false
	}
	rest := text[len(brand)+1:]
	env := Live
	if rest[:envLen] != string(Live) {
		env = Test
	}
	if rest[:envLen] != string(env) || rest[envLen] != '_' {
		return "", false
	}
	return env, tailHolds(text)
}

// tailHolds checks alphabet and checksum of a text that ends in body and check.
func tailHolds(text string) bool {
	cut := len(text) - checkLen
	for i := cut - bodyLen; i < len(text); i++ {
		if !isBase62[text[i]] {
			return false
		}
	}
	want := checksum(crc32.ChecksumIEEE(bytesOf(text[:cut])))
	return string(want[:]) == text[cut:]
}

// bytesOf views text without a copy: crc32 only reads, and copying would cost
// an allocation on the path of every request.
func bytesOf(text string) []byte {
	return unsafe.Slice(unsafe.StringData(text), len(text))
}

// Hint is what may be shown of a key: its prefix, an ellipsis and its last four
// characters. A text too short to be a key gives only the ellipsis.
func Hint(text string) string {
	if len(text) < minBrand+1+envLen+1+tailLen {
		return "…"
	}
	return text[:len(text)-tailLen] + "…" + text[len(text)-4:]
}

// Pattern is the regular expression by which a secret scanner finds keys of this
// brand in code, headers, command lines and URLs. Word boundaries keep it from
// firing inside longer identifiers; the checksum decides afterwards.
func Pattern(brand string) string {
	return `\b` + regexp.QuoteMeta(brand) + `_(?:live|test)_[0-9A-Za-z]{38}\b`
}
