package text

import (
	"testing"
)

// A sentence that is put together without x/text reads as x/text writes it, for every entry of every language and numbers of each form.
func TestQuickSentencesReadAsTheCatalogueWritesThem(t *testing.T) {
	numbers := []any{0, 1, 2, 3, 5, 11, 21, 99, 100, 101, 999, 1000, 1001, 1204331, -1, int64(1), int64(7), int64(1000)}
	compared := 0
	for lang, s := range printers {
		for key, q := range s.quick {
			for _, n := range numbers {
				args := make([]any, q.args)
				for i := range args {
					args[i] = "wörd %d"
				}
				for _, p := range append(append([]part{}, q.one...), q.other...) {
					if p.verb == 'd' {
						args[p.arg-1] = n
					}
				}
				if q.choose > 0 {
					args[q.choose-1] = n
				}
				if got, ok := q.write(args); ok {
					compared++
					if want := s.printer.Sprintf(key, args...); got != want {
						t.Fatalf("%s %q of %v: %q, and x/text writes %q", lang, key, args, got, want)
					}
				}
			}
		}
	}
	if compared < 10_000 {
		t.Errorf("only %d sentences were compared", compared)
	}
}

func TestSentencesThatAreNotQuickGoTheLongWay(t *testing.T) {
	for _, args := range [][]any{{1.5}, {"three"}, {}, {1, 2}, {1000}, {uint8(3)}} {
		if got, ok := printers[English].quick["In %d days"].write(args); ok {
			t.Errorf("%v: %q", args, got)
		}
	}
}

func BenchmarkSentence(b *testing.B) {
	for b.Loop() {
		_ = translate(English, "%d days ago", []any{3})
	}
}
