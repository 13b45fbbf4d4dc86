package supporttest

import (
	"crypto/rand"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

// MintedKey is the text of an API key as the portal makes them; nobody holds it.
func MintedKey(t testing.TB) string {
	t.Helper()
	s, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}
