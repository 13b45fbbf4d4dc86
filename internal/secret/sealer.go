package secret

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrSealed is returned for sealed text that does not open: altered, moved to
// another record, sealed for another use, or by a root that is no longer known.
var ErrSealed = errors.New("secret: sealed text does not open")

const sealScheme = "x1" // XChaCha20-Poly1305 with a random 192-bit nonce

// Sealer encrypts what must be stored and read again. It is safe for concurrent use.
type Sealer struct {
	current string
	aeads   map[string]cipher.AEAD
}

// Sealer returns the Sealer for one use, named by its label. It seals with the
// current root and opens with all.
func (r *Root) Sealer(label string) *Sealer {
	s := &Sealer{current: r.Version(), aeads: map[string]cipher.AEAD{}}
	for i, key := range r.Keys(label) {
		aead, err := chacha20poly1305.NewX(key)
		if err != nil { // only for a key that is not 32 bytes long
			panic("secret: " + err.Error())
		}
		s.aeads[r.Versions()[i]] = aead
	}
	return s
}

// Seal returns plain encrypted for the record of that id, as text for a column:
// scheme.version.base64url. Sealing the same twice gives different texts.
func (s *Sealer) Seal(plain []byte, record string) string {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	head := sealScheme + "." + s.current + "."
	box := s.aeads[s.current].Seal(nonce, nonce, plain, []byte(head+record))
	return head + base64.RawURLEncoding.EncodeToString(box)
}

// Open returns what was sealed for the record of that id, or ErrSealed.
func (s *Sealer) Open(sealed, record string) ([]byte, error) {
	scheme, rest, _ := strings.Cut(sealed, ".")
	version, body, _ := strings.Cut(rest, ".")
	aead, known := s.aeads[version]
	box, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if scheme != sealScheme || !known || err != nil || len(box) < chacha20poly1305.NonceSizeX {
		return nil, ErrSealed
	}
	nonce, box := box[:chacha20poly1305.NonceSizeX], box[chacha20poly1305.NonceSizeX:]
	plain, err := aead.Open(nil, nonce, box, []byte(scheme+"."+version+"."+record))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Outdated reports whether sealed was made by another root than the current
// one, and should be sealed anew when it is next at hand.
func (s *Sealer) Outdated(sealed string) bool {
	return !strings.HasPrefix(sealed, sealScheme+"."+s.current+".")
}

// Signer authenticates what others carry for us: cursors, form tokens, links.
// It is safe for concurrent use.
type Signer struct{ keys [][]byte }

// Signer returns the Signer for one use, named by its label.
func (r *Root) Signer(label string) *Signer { return &Signer{keys: r.Keys(label)} }

// Sign returns the HMAC-SHA-256 of data under the current root.
func (s *Signer) Sign(data []byte) [sha256.Size]byte { return sign(s.keys[0], data) }

// Verify reports whether mac is that of data under any known root, in constant time.
func (s *Signer) Verify(data, mac []byte) bool {
	found := false
	for _, key := range s.keys {
		want := sign(key, data)
		found = hmac.Equal(want[:], mac) || found
	}
	return found
}

func sign(key, data []byte) [sha256.Size]byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return [sha256.Size]byte(mac.Sum(nil))
}
