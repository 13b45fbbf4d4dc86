package stories_test

import (
	"strings"
	"testing"
)

// Whoever reads German gets the same commands and files, which the tests of the English pages run.
func TestGermanPagesHaveTheSameCommands(t *testing.T) {
	for _, kind := range []string{"guides", "tutorials"} {
		german := map[string]leaf{}
		for _, page := range leaves(t, kind+"/*.md") {
			german[page.name] = page
		}
		for name, page := range german {
			if page.german() {
				continue
			}
			other, found := german[strings.TrimSuffix(name, ".md")+".de.md"]
			if !found {
				t.Errorf("%s has no German", name)
				continue
			}
			want, got := tested(page), tested(other)
			if len(want) != len(got) {
				t.Errorf("%s has %d blocks that are tested, the German page %d", name, len(want), len(got))
				continue
			}
			for i := range want {
				if want[i] != got[i] {
					t.Errorf("%s: the German page has\n%s\nwhere the English one has\n%s", name, got[i].text, want[i].text)
				}
			}
		}
	}
}

func tested(page leaf) []fence {
	var all []fence
	for _, f := range page.fences {
		if f.tested() {
			all = append(all, f)
		}
	}
	return all
}
