package audit_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/audit"
)

// K1
func TestOfAKeyOnlyTheHintIsTold(t *testing.T) {
	made, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 480) + " " + made.Reveal() // would be cut in the middle of the key

	for _, said := range []string{made.Reveal(), "found “" + made.Reveal() + "” on a forum", long} {
		if got := audit.Clean(said); strings.Contains(got, made.Reveal()[:20]) {
			t.Error("a key is told:", got)
		}
	}
}
