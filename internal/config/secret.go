package config

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
)

// A Secret is a setting that must not be seen. However it is printed, logged or encoded, it shows as [redacted]; Reveal
// is the only way to its text. The zero value means that it is not set.
type Secret struct{ text string }

const redacted = "[redacted]"

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text, for handing it to the thing that needs it.
func (s Secret) Reveal() string { return s.text }

// IsSet says whether there is a text at all.
func (s Secret) IsSet() bool { return s.text != "" }

func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return redacted
}

// GoString redacts %#v.
func (s Secret) GoString() string { return "config.Secret{" + s.String() + "}" }

// Format redacts every verb, also %x and %q.
func (s Secret) Format(state fmt.State, _ rune) { fmt.Fprint(state, s.String()) }

// MarshalJSON redacts JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText redacts every other text encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue redacts structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Equal compares in a time that does not depend on the texts (C12).
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.text), []byte(other.text)) == 1
}
