package apikey

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// F10 of the review sec4b, L1: whether a text has characters of two kinds is known at every place of a run after walking the run once, however long the texts of the shape
// and whatever the run holds.
func TestARunIsWalkedOnceForAllItsPlaces(t *testing.T) {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
	s, err := NewShape("", alphabet, MaxShapeLength)
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"-", "-a", strings.Repeat("-", 255) + "a", strings.Repeat("a", 255) + "-", strings.Repeat("a", 300) + "1", "aB3"} {
		text := strings.Repeat(unit, 20_000/len(unit))
		r := run{}
		for from := range text {
			s.end(text, from, &r)
		}
		if r.walked > 2*len(text) || r.end != len(text) {
			t.Errorf("%.20q: %d steps for %d characters", unit, r.walked, len(text))
		}
	}
	for range 3000 {
		b := make([]byte, 40)
		few := alphabet[rand.IntN(40):]
		few = few[:1+rand.IntN(len(few))] + "-"
		for i := range b {
			b[i] = few[rand.IntN(len(few))]
		}
		text, r := string(b), run{end: len(b)}
		for from := range text {
			n := 1 + rand.IntN(len(text)-from)
			if got, want := r.other(text, from) < from+n, kindsOf(text[from:from+n]) > 1; got != want {
				t.Fatalf("%q from %d, %d characters: %t", text, from, n, got)
			}
		}
	}
}
