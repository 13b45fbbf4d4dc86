package forum_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// K1: what counts is also what readers see.
func TestKeyThatOnlyReadersSeeWholeIsRefused(t *testing.T) {
	each(t, func(w *world) {
		secret, err := apikey.Mint("gk", apikey.Live, rand.Reader)
		if err != nil {
			w.t.Fatal(err)
		}
		k, q := secret.Reveal(), w.ask(w.asker, forum.Draft{})
		for name, body := range map[string]string{
			"reference": k[:15] + "[" + k[15:25] + "][x]" + k[25:] + "\n\n[x]: https://portal.test/x",
			"long name": k[:15] + "[" + k[15:25] + "][" + strings.Repeat("x ", 300) + "]" + k[25:] + "\n\n[" + strings.Repeat("x ", 300) + "]: https://portal.test/x",
			"long link": k[:15] + "[" + k[15:25] + "](https://portal.test/" + strings.Repeat("x-", 300) + ")" + k[25:],
			"comment":   k[:20] + "<!-- " + strings.Repeat("a note ", 100) + "-->" + k[20:],
			"basic":     "> Authorization: Basic Z2tf", // no key in it
		} {
			_, err := w.forum.Answer(context.Background(), w.other, q.ID, forum.Reply{Body: body})
			if want := name != "basic"; fault.Is(err, fault.Invalid) != want {
				w.t.Errorf("%s: %v", name, err)
			}
		}
	})
}
