package config

import "github.com/gatehouse-dev/gatehouse/internal/secret"

// A Secret is a setting that must not be seen: however it is printed, logged or encoded, it shows as redacted. Reveal is
// the only way to its text. The zero value means that it is not set.
type Secret struct{ secret.Text }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{secret.NewText(text)} }

// IsSet says whether there is a text at all.
func (s Secret) IsSet() bool { return !s.Empty() }
