package audit

import (
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// NoKey notes a text with the full text of an API key in it, which is never kept anywhere (K1).
func NoKey(p *fault.Problems, field, text string) {
	p.Check(apikey.Redact(text) == text, field, "This holds an API key. Take it out, and rotate the key if others saw it.")
}
