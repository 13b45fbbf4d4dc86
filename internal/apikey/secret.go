package apikey

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is the full text of a key that was just made. Whatever prints, logs or
// encodes it gets the hint; only Reveal gives the text, and only the page or
// answer that shows it once may call that. The zero Secret is empty.
//
// The text hangs on a pointer so that %+v of a struct that holds a Secret in an
// unexported field, where fmt cannot call methods, shows an address at most.
type Secret struct {
	text  *string
	shown int // of a text that was made elsewhere, one more than how many of its bytes may be shown before the last four; 0 of ours
}

func newSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the key's text, or "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Hint returns what may be shown of the key afterwards.
func (s Secret) Hint() string {
	text := s.Reveal()
	if s.shown == 0 {
		return Hint(text)
	}
	return text[:s.shown-1] + "…" + text[len(text)-4:]
}

// String returns the hint.
func (s Secret) String() string { return s.Hint() }

// GoString returns the hint.
func (s Secret) GoString() string { return `apikey.Secret("` + s.Hint() + `")` }

// MarshalText encodes the hint.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.Hint()), nil }

// MarshalJSON encodes the hint as a string. A hint holds nothing to escape.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.Hint() + `"`), nil }

// LogValue logs the hint.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.Hint()) }

// Format prints the hint whatever the verb, so that %x or %q reveal nothing.
func (s Secret) Format(state fmt.State, verb rune) {
	shown := s.Hint()
	if verb == 'v' && state.Flag('#') {
		shown = s.GoString()
	}
	_, _ = io.WriteString(state, shown) // fmt.State never fails
}
