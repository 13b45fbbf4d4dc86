package audit

import (
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// NoKey notes texts with the full text of an API key in one of them, which is never kept anywhere, however the key is wrapped (K1). Of what is drawn, the
// drawn words are one more text: markup can break a key in two that readers see whole.
func NoKey(p *fault.Problems, field string, texts ...string) {
	p.Check(!slices.ContainsFunc(texts, func(t string) bool { return len(apikey.Find(t)) > 0 }), field, "This holds an API key. Take it out, and rotate the key if others saw it.")
}
