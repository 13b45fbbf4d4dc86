// Package secret keeps the installation's one root secret and what is derived
// from it: labelled sub-keys (HKDF-SHA-256, RFC 5869), sealed text
// (XChaCha20-Poly1305), MACs, and random tokens.
//
// Every sub-key has a label of its own, so that one that leaks opens nothing
// else. Each root has a version, a fingerprint that says nothing about it; what
// is stored names the version that made it, so that a root can be replaced while
// the previous ones still open what they sealed.
package secret

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MinLength is the least number of characters of a root secret.
const MinLength = 32

const minDistinct = 10 // even 32 random hex digits have fewer than 10 kinds once in 70,000

// KeySize is the length in bytes of every derived key.
const KeySize = 32

// The labels of the sub-keys that Gatehouse derives. A new use gets a new label.
const (
	LabelKeyPepper = "key pepper"
	LabelPassword  = "password sealing"
	LabelCursor    = "page cursor"
	LabelSession   = "session"
	LabelForm      = "form token"
	LabelMail      = "mail sealing"
	LabelImport    = "secrets of imported keys"
	LabelMark      = "marks of imported keys"
	LabelFactor    = "second factor sealing"
	LabelProvider  = "trip to a provider"
	LabelAudit     = "audit salt"
	LabelSigning   = "signing of audit checkpoints"
	LabelNetwork   = "network salt"
	LabelVisitor   = "visitor cookie"
	LabelDownload  = "what people download about themselves"
	LabelNotice    = "notice link" // of mails: unsubscribing, saying that it is solved
)

const (
	labelVersion = "version"
	labelCanary  = "canary"
)

// ErrWeak is returned for a root secret that is too short or too regular. Errors
// that wrap it never contain the secret.
var ErrWeak = errors.New("secret: too weak")

// Root is the root secret in use and those before it. It is immutable.
type Root struct {
	roots []root // the current one first
}

type root struct {
	version string
	text    Text
}

// Parse returns the Root for the text of the current secret and of those before
// it (parted by commas or white space, newest first; "" for none). The text
// itself is the key material: at least 32 characters, random, for instance from
// `openssl rand -base64 32`. It fails with ErrWeak.
func Parse(current, previous string) (*Root, error) {
	current = strings.TrimSpace(current)
	if err := checkStrength(current); err != nil {
		return nil, err
	}
	r := &Root{}
	r.add(current)
	apart := func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r' }
	for _, old := range strings.FieldsFunc(previous, apart) {
		if err := checkStrength(old); err != nil {
			return nil, fmt.Errorf("previous secret: %w", err)
		}
		r.add(old)
	}
	return r, nil
}

func (r *Root) add(text string) {
	version := hex.EncodeToString(derive(text, labelVersion, 4))
	for _, known := range r.roots {
		if known.version == version {
			return
		}
	}
	r.roots = append(r.roots, root{version: version, text: NewText(text)})
}

func checkStrength(text string) error {
	if len(text) < MinLength {
		return fmt.Errorf("%w: it has %d characters and needs %d", ErrWeak, len(text), MinLength)
	}
	kinds := map[byte]bool{}
	for i := range len(text) {
		kinds[text[i]] = true
	}
	if len(kinds) < minDistinct {
		return fmt.Errorf("%w: it has only %d different characters", ErrWeak, len(kinds))
	}
	for period := 1; period <= len(text)/2; period++ {
		if text[period:] == text[:len(text)-period] {
			return fmt.Errorf("%w: it repeats itself", ErrWeak)
		}
	}
	lower := strings.ToLower(text)
	for _, word := range []string{"changeme", "change-me", "change_me", "password", "example", "0123456789abcdef", "abcdefghij"} {
		if strings.Contains(lower, word) {
			return fmt.Errorf("%w: it looks like a placeholder", ErrWeak)
		}
	}
	return nil
}

// Version names the current root: eight hex digits, for the column beside what
// was made with it.
func (r *Root) Version() string { return r.roots[0].version }

// Versions names all roots, the current one first.
func (r *Root) Versions() []string {
	names := make([]string, len(r.roots))
	for i, one := range r.roots {
		names[i] = one.version
	}
	return names
}

// Key returns the current root's sub-key of 32 bytes for label.
func (r *Root) Key(label string) []byte { return derive(r.roots[0].text.Reveal(), label, KeySize) }

// Keys returns the sub-keys for label of all roots, in the order of Versions.
func (r *Root) Keys(label string) [][]byte {
	keys := make([][]byte, len(r.roots))
	for i, one := range r.roots {
		keys[i] = derive(one.text.Reveal(), label, KeySize)
	}
	return keys
}

// derive cannot fail: HKDF refuses only lengths beyond 8160 bytes, and, in FIPS
// mode alone, keys shorter than 14.
func derive(text, label string, size int) []byte {
	key, err := hkdf.Key(sha256.New, []byte(text), []byte("gatehouse"), label, size)
	if err != nil {
		panic("secret: " + err.Error())
	}
	return key
}
