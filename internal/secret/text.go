package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[secret]"

// Text is a secret string, such as a password of a mail server. Whatever prints,
// logs or encodes it gets "[secret]"; only Reveal gives the text. It reads
// itself from settings through UnmarshalText. The zero Text is empty.
//
// The text hangs on a pointer so that %+v of a struct that holds a Text in an
// unexported field, where fmt cannot call methods, shows an address at most.
type Text struct{ text *string }

// NewText wraps text.
func NewText(text string) Text { return Text{text: &text} }

// Reveal returns the text, or "" for the zero Text.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// Empty reports whether there is nothing to hide.
func (t Text) Empty() bool { return t.Reveal() == "" }

// String returns "[secret]".
func (t Text) String() string { return redacted }

// GoString returns "[secret]".
func (t Text) GoString() string { return redacted }

// MarshalText encodes "[secret]".
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON encodes "[secret]".
func (t Text) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue logs "[secret]".
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format prints "[secret]" whatever the verb.
func (t Text) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// UnmarshalText takes the text as it is.
func (t *Text) UnmarshalText(text []byte) error {
	*t = NewText(string(text))
	return nil
}

// Equal compares two secrets in a time that depends on neither where they differ
// nor how long the expected one is.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Token returns n random bytes from crypto/rand as base64url without padding.
// Below 16 bytes it takes 16: nothing shorter may be called a token.
func Token(n int) string {
	random := make([]byte, max(n, 16))
	_, _ = rand.Read(random) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(random)
}

// Code returns six digits, each of the million codes equally likely. It is for
// what a person types, lives minutes, and bears only a handful of tries.
func Code() string { return fmt.Sprintf("%06d", below(1_000_000)) }

// LongCode is Code with eight digits.
func LongCode() string { return fmt.Sprintf("%08d", below(100_000_000)) }

// below returns a number under n, each equally likely.
func below(n uint32) uint32 {
	fair := 1<<32 - (1<<32)%uint64(n)
	for {
		var random [4]byte
		_, _ = rand.Read(random[:]) // never fails since Go 1.24
		if got := binary.BigEndian.Uint32(random[:]); uint64(got) < fair {
			return got % n
		}
	}
}
