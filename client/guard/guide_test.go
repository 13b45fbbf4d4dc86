package guard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// fence returns the code of the guide to verifying keys whose fence begins so.
func fence(t *testing.T, begins string) string {
	t.Helper()
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "verifying-keys.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(guide), "```"+begins+"\n")
	code, _, ended := strings.Cut(rest, "```\n")
	if !found || !ended {
		t.Fatalf("the guide has no %s", begins)
	}
	return code
}

func TestGuideShowsTheExampleThatCompiles(t *testing.T) {
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(fence(t, "go")) {
		if !strings.Contains(string(example), "\t"+line) {
			t.Errorf("the example has no line %s", line)
		}
	}
}

// asks are the drivers of the snippets: each asks in turn, with a clock of its own, and prints how often ask was called after each.
var asks = map[string]struct{ fence, file, driver, program string }{
	"Node": {"js tab=Node title=kept.mjs", "kept.mjs", `
import { kept } from "./kept.mjs";
let now = 0, asked = 0, valid = true;
performance.now = () => now;
const say = async (...question) => { await kept(async () => { asked++; return { valid }; }, ...question); console.log(asked); };
await say("key", "GET"); now = 4999; await say("key", "GET"); await say("key", "POST"); now = 5000; valid = false; await say("key", "GET"); await say("key", "GET");
`, "node"},
	"Python": {"python tab=Python title=kept.py", "kept.py", `
import kept, time
now, asked, valid = 0.0, 0, True
time.monotonic = lambda: now
def ask():
    global asked
    asked += 1
    return {"valid": valid}
def say(*question):
    kept.kept(ask, *question)
    print(asked)
say("key", "GET"); now = 4.999; say("key", "GET"); say("key", "POST"); now = 5.0; valid = False; say("key", "GET"); say("key", "GET")
`, "python3"},
}

// D5
func TestSnippetsOfTheGuideKeepAYesForFiveSecondsAndNeverARefusal(t *testing.T) {
	for language, a := range asks {
		t.Run(language, func(t *testing.T) {
			dir := t.TempDir()
			driver := "driver" + filepath.Ext(a.file)
			for name, text := range map[string]string{a.file: fence(t, a.fence), driver: a.driver} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			program := exec.CommandContext(t.Context(), testenv.Tool(t, a.program), driver)
			program.Dir = dir

			said, err := program.CombinedOutput()

			if want := "1\n1\n2\n3\n4\n"; err != nil || string(said) != want {
				t.Errorf("%v: %q, want %q", err, said, want)
			}
		})
	}
}
