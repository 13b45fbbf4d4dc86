package stories_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// A fence is a block of code of a guide or tutorial. What its first line says besides the language tells the tests what to do with it:
//
//	```sh run              runs it, in the same shell as all before it on the page; it must end with code 0
//	```sh run background   starts it, and goes on once it has printed something
//	```text shows          what the block before it printed; … stands for anything
//	```json shows          the same for JSON: each member has to be there, others may be
//	```js title=a.mjs      is a file a.mjs where the commands run
type fence struct {
	language, info, text, step string
}

func (f fence) is(word string) bool {
	return strings.Contains(" "+f.info+" ", " "+word+" ")
}

var fenceTitle = regexp.MustCompile(`(?:^| )title=(\S+)`)

// title is the name of the file that the block is; empty for none.
func (f fence) title() string {
	if found := fenceTitle.FindStringSubmatch(f.info); found != nil {
		return found[1]
	}
	return ""
}

// tested reports whether the block is more than something to look at.
func (f fence) tested() bool { return f.is("run") || f.is("shows") || f.title() != "" }

// A leaf is a file of docs/guides or docs/tutorials.
type leaf struct {
	name, text string // name is guides/errors.de.md
	fences     []fence
}

var stepHeading = regexp.MustCompile(`^## .*\{#([a-z0-9-]+)\}$`)

// leaves are all pages that match a pattern below docs, such as guides/*.md.
func leaves(t testing.TB, pattern string) []leaf {
	t.Helper()
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(root, "docs", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pages fit %s: %v", pattern, err)
	}
	var all []leaf
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
		all = append(all, leaf{name, string(text), fencesOf(t, name, string(text))})
	}
	return all
}

func (l leaf) german() bool { return strings.HasSuffix(l.name, ".de.md") }

// fencesOf reads the blocks of code, also those that stand in a list.
func fencesOf(t testing.TB, name, text string) []fence {
	t.Helper()
	var all []fence
	var open *fence
	mark, indent, step := "", "", ""
	for line := range strings.Lines(text) {
		bare := strings.TrimLeft(line, " ")
		switch {
		case open != nil && strings.TrimSpace(line) == mark:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent)
		case strings.HasPrefix(bare, "```"):
			info := strings.TrimLeft(strings.TrimSpace(bare), "`")
			mark, indent = strings.Repeat("`", len(strings.TrimSpace(bare))-len(info)), line[:len(line)-len(bare)]
			language, _, _ := strings.Cut(info, " ")
			open = &fence{language: language, info: info, step: step}
		default:
			if found := stepHeading.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
				step = found[1]
			}
		}
	}
	if open != nil {
		t.Fatalf("%s: a block of code is not closed", name)
	}
	return all
}

// unlike reports how what was printed differs from what the page shows; empty when it does not.
func unlike(f fence, printed string) string {
	printed = strings.ReplaceAll(printed, "\r\n", "\n")
	if f.language == "json" {
		return unlikeJSON(f.text, printed)
	}
	want := regexp.QuoteMeta(strings.TrimSpace(f.text))
	if rest, ok := strings.CutSuffix(want, "\n…"); ok {
		want = rest + `(?:\n.*)?`
	}
	want = strings.ReplaceAll(want, "\n…\n", `\n(?:.*\n)?`)
	want = `(?s)^` + strings.ReplaceAll(want, "…", ".*?") + `$`
	if !regexp.MustCompile(want).MatchString(strings.TrimSpace(printed)) {
		return fmt.Sprintf("the page shows\n%s\nand it printed\n%s", f.text, printed)
	}
	return ""
}

var bareDots = regexp.MustCompile(`([:\[,]\s*)…`)

func unlikeJSON(page, printed string) string {
	var want, got any
	if err := json.Unmarshal([]byte(bareDots.ReplaceAllString(page, `$1"…"`)), &want); err != nil {
		return fmt.Sprintf("the page shows no JSON: %v\n%s", err, page)
	}
	if err := json.Unmarshal([]byte(printed), &got); err != nil {
		return fmt.Sprintf("it printed no JSON: %v\n%s", err, printed)
	}
	if at := differs(want, got, ""); at != "" {
		return fmt.Sprintf("%s\nthe page shows\n%s\nand it printed\n%s", at, page, printed)
	}
	return ""
}

// differs names the first place where got lacks what want has.
func differs(want, got any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		members, _ := got.(map[string]any)
		for name, value := range want {
			if found := differs(value, members[name], at+"/"+name); found != "" {
				return found
			}
		}
		return ""
	case []any:
		items, _ := got.([]any)
		if len(items) != len(want) {
			return fmt.Sprintf("%s has %d items", at, len(items))
		}
		for i := range want {
			if found := differs(want[i], items[i], fmt.Sprintf("%s/%d", at, i)); found != "" {
				return found
			}
		}
		return ""
	case string:
		text, isText := got.(string)
		if want == "…" && got != nil || isText && regexp.MustCompile(`(?s)^`+strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")+`$`).MatchString(text) {
			return ""
		}
	default:
		if reflect.DeepEqual(want, got) {
			return ""
		}
	}
	return fmt.Sprintf("%s is %v", at, got)
}
