package stories_test

import (
	"strings"
	"testing"
)

// Whoever reads German gets the same commands and files, which the tests of the English pages run.
func TestGermanPagesHaveTheSameCommands(t *testing.T) {
	t.Parallel()
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
		if f.is("shows") {
			f.info = "" // its title is a word for people
		}
		if f.tested() || f.info == "" {
			all = append(all, f)
		}
	}
	return all
}

// The judge of what is printed: it takes what the page shows, … for anything, and nothing else.
func TestTheJudgeOfTheGuidesTellsOutputApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		language, page, printed string
		same                    bool
	}{
		{"text", "200\n", "200\r\n", true},
		{"text", "200\n", "2000", false},
		{"text", "200\n200\n", "200", false},
		{"text", "HTTP/1.1 200 OK\n…\nRateLimit: …;t=…\n…\n", "HTTP/1.1 200 OK\nServer: x\nRateLimit: \"default\";r=1;t=2\n", true},
		{"text", "HTTP/1.1 200 OK\n…\nRateLimit: …\n…\n", "HTTP/1.1 200 OK\nServer: x\n", false},
		{"json", `{"a": {"b": "key_…", "n": …}}`, `{"a": {"b": "key_1", "n": 5, "more": true}}`, true},
		{"json", `{"a": {"b": "key_…"}}`, `{"a": {"b": "app_1"}}`, false},
		{"json", `{"a": "…"}`, `{"b": 1}`, false},
		{"json", `{"status": 401}`, `{"status": 403}`, false},
		{"json", `{"scopes": ["x"]}`, `{"scopes": ["x", "y"]}`, false},
		{"json", `{"status": 401}`, `<html>`, false},
	} {
		if wrong := unlike(fence{language: c.language, text: c.page}, c.printed); (wrong == "") != c.same {
			t.Errorf("%q for %q: %s", c.printed, c.page, wrong)
		}
	}
}
