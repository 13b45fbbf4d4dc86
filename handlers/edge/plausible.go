package edge

import (
	"context"
	"net/netip"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

const longestToken = 512 // bytes

// Plausible reports whether text has the form of a key, ours or one that was imported. It asks nobody and does not wait: while the forms are being read,
// every text that does not begin as ours do is plausible.
func (e *Edge) Plausible(text string) bool {
	switch {
	case len(text) == 0 || len(text) > longestToken:
		return false
	case apikey.Check(e.Brand, text):
		return true
	case apikey.Ours(e.Brand, text):
		return false
	}
	at, cancel := context.WithCancel(context.Background())
	cancel()
	forms, err := e.Ring.Forms(at)
	return err != nil || slices.ContainsFunc(forms, func(f apikey.Form) bool { return f.Fits(text) })
}

// Trusts reports whether who calls from addr is known by it: a program of this machine, or a trusted proxy. It may take as many connections as there are.
func (e *Edge) Trusts(addr netip.Addr) bool { return addr.IsLoopback() || e.trusts(addr) }
