package audit

import (
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// NoKey notes a text with the full text of an API key in it, which is never kept anywhere, however the key is wrapped (K1).
func NoKey(p *fault.Problems, field, text string) {
	p.Check(len(apikey.Find(text)) == 0, field, "This holds an API key. Take it out, and rotate the key if others saw it.")
}
