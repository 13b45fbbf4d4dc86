package stories_test

import (
	"strings"
	"testing"
)

// Issue 5, Explain: a developer's call is refused, they open it, learn what it lacks, and ask what would pass. It outlives the process.
func TestRefusedCallTellsWhatWouldMakeItPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			s := narrowStage(t, c.dialect, c.kind)
			k := s.makeKey(s.dev, s.app, "Tracking page", "Live", "orders:read")
			if got := call(t, "POST", s.gate+"/v2/orders", k.secret); got.status != 403 || got.code != "INSUFFICIENT_SCOPE" {
				t.Fatalf("the call that is refused: %s", got)
			}
			s.dev.await("the refusal to be listed", func() bool {
				s.dev.open("/console/refusals")
				return s.dev.sees("INSUFFICIENT_SCOPE")
			})
			s.dev.follow("req_")
			s.dev.see("The route POST /v2/orders needs the scope orders:write, which the key does not have.", "What would make it pass", "not reached")
			page := s.dev.path()
			s.kill()
			s.start()

			s.dev.open("/search?q=" + page[strings.LastIndexByte(page, '/')+1:])
			if s.dev.path() != page {
				t.Errorf("the search leads to %s", s.dev.path())
			}
			s.dev.follow("Would it be allowed now?")
			s.dev.see("It would be refused: Scope missing")
			s.dev.fill("Method", "GET")
			s.dev.press("Ask")
			s.dev.see("It would be allowed", "Every check passes.")
			s.dev.quiet()
		})
	}
}
