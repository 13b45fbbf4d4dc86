package content_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse-dev/gatehouse/docs"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/text"
)

const guide = "---\ntitle: %s\nsummary: What it is.\nsection: Basics\norder: %d\nchanged: 2026-11-20\n---\n%s\n"

func page(title string, order int, body string) string {
	return fmt.Sprintf(guide, title, order, body)
}

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// library opens ours with an empty folder of the operator's over it.
func library(t *testing.T, ours map[string]string) (l *content.Library, folder string, c *clock) {
	t.Helper()
	files := fstest.MapFS{}
	for name, body := range ours {
		files[name] = &fstest.MapFile{Data: []byte(body)}
	}
	folder, c = t.TempDir(), &clock{time.Unix(1_800_000_000, 0)}
	for _, sub := range []string{"guides", "tutorials"} {
		if err := os.Mkdir(filepath.Join(folder, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return content.Open(content.Options{Ours: files, Folder: folder, Now: c.now, Values: map[string]string{"base": "https://dev.example"}}), folder, c
}

func write(t *testing.T, folder, name, body string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

func titles(s *content.Snapshot, kind string, l text.Language) string {
	var all []string
	for _, p := range s.List(kind, l) {
		all = append(all, p.Title)
	}
	return strings.Join(all, ",")
}

func TestTheOperatorsFilesLieOverOursWithoutARestart(t *testing.T) {
	l, folder, c := library(t, map[string]string{"guides/keys.md": page("Keys", 1, "ours"), "guides/limits.md": page("Limits", 2, "ours"), "guides/keys.de.md": strings.Replace(page("Schlüssel", 1, "unser"), "order: 1\n", "", 1)})
	first := l.Snapshot()

	write(t, folder, "guides/keys.md", page("Our keys", 3, "theirs at `{{base}}`"))
	write(t, folder, "guides/more.md", page("More", 1, "x"))
	within := l.Snapshot()
	c.at = c.at.Add(time.Second)
	after := l.Snapshot()

	if got := titles(first, content.Guide, text.German); got != "Schlüssel,Limits" {
		t.Error(got)
	}
	if within != first {
		t.Error("the folder was looked at twice in one second")
	}
	if got := titles(after, content.Guide, text.German); got != "More,Limits,Our keys" || first.Digest == after.Digest {
		t.Error(got)
	}
	if p := after.Find(content.Guide, "keys", text.German); !p.Own || p.Language != text.English || !strings.Contains(p.Body[0], "theirs at <code>https://dev.example</code>") {
		t.Errorf("%+v", p)
	}

	c.at = c.at.Add(time.Second)
	if l.Snapshot() != after {
		t.Error("nothing changed, and still all was read again")
	}
	write(t, folder, "guides/keys.md", strings.Replace(page("x", 1, "x"), "order: 1", "order: 1\nhidden: true", 1))
	_ = os.Remove(filepath.Join(folder, "guides/more.md"))
	c.at = c.at.Add(time.Second)
	if got := titles(l.Snapshot(), content.Guide, text.English); got != "Limits" {
		t.Error(got)
	}
}

func TestWrongFilesAreLeftOutAndNamed(t *testing.T) {
	tutorial := func(steps string) string {
		return "---\ntitle: T\nsummary: S\norder: 1\nchanged: 2026-11-20\nsteps:\n" + steps + "---\n## One\n\na\n"
	}
	for name, c := range map[string]struct {
		body string
		line int
		says string
	}{
		"guides/none.md":          {"no front matter", 1, "does not begin"},
		"guides/open.md":          {"---\ntitle: x\n", 1, "no end"},
		"guides/unknown.md":       {strings.Replace(page("x", 1, ""), "order", "ordre", 1), 5, `"ordre"`},
		"guides/yaml.md":          {"---\ntitle: [\n---\n", 2, "can’t be read"},
		"guides/list.md":          {"---\n- a\n---\n", 1, "no list of keys"},
		"guides/alias.md":         {"---\ntitle: &a x\nsummary: *a\n---\n", 1, "no list of keys"},
		"guides/kind.md":          {strings.Replace(page("x", 1, ""), "order: 1", "order: many", 1), 5, "can’t be read"},
		"guides/day.md":           {strings.Replace(page("x", 1, ""), "2026-11-20", "yesterday", 1), 6, "must be a day"},
		"guides/title.md":         {page(strings.Repeat("x", 121), 1, ""), 2, "1 to 120"},
		"guides/latin.md":         {page("x", 1, "\xff"), 0, "UTF-8"},
		"guides/nul.md":           {page("x", 1, "a\x00b"), 0, "UTF-8"},
		"guides/long.md":          {page("x", 1, strings.Repeat("long ", 30_000)), 0, "128 kB"},
		"guides/deep.md":          {page("x", 1, strings.Repeat("> ", 30)+"x"), 0, "nested too deep"},
		"guides/h1.md":            {page("x", 1, "# Again"), 0, "Again"},
		"guides/steps.md":         {strings.Replace(page("x", 1, "## a"), "order: 1", "order: 1\nsteps: [{id: a}]", 1), 6, "Only tutorials"},
		"guides/alone.de.md":      {strings.Replace(page("x", 1, ""), "order: 1\n", "", 1), 0, "no English page"},
		"tutorials/none.md":       {strings.Replace(tutorial(""), "steps:\n", "", 1), 1, "1 to 30 steps"},
		"tutorials/heading.md":    {tutorial("  - id: two\n"), 7, `"two"`},
		"tutorials/twice.md":      {tutorial("  - id: one\n  - id: one\n"), 8, "id of its own"},
		"tutorials/check.md":      {tutorial("  - id: one\n    check: {kind: made_up}\n"), 7, `"made_up"`},
		"tutorials/field.md":      {tutorial("  - id: one\n    check: {kind: key_made, scope: \"a:b\", api: a}\n"), 7, `takes no "scope"`},
		"tutorials/misspelt.md":   {tutorial("  - id: one\n    check: {kindd: key_made}\n"), 8, `"kindd"`},
		"tutorials/noapi.md":      {tutorial("  - id: one\n    check: {kind: access_approved}\n"), 7, "needs an"},
		"tutorials/badscope.md":   {tutorial("  - id: one\n    check: {kind: first_call, api: a, scope: \"'; drop\"}\n"), 7, "is no scope"},
		"tutorials/notanode.md":   {tutorial("  - one\n"), 7, "keys with values"},
		"guides/order-huge.md":    {strings.Replace(page("x", 1, ""), "order: 1", "order: 100001", 1), 5, "0 to 100000"},
		"guides/two-documents.md": {"---\ntitle: x\n...\n---\n", 1, "1 to 300"},
	} {
		t.Run(name, func(t *testing.T) {
			l, folder, clock := library(t, nil)
			write(t, folder, name, c.body)
			clock.at = clock.at.Add(time.Second)

			s := l.Snapshot()

			if len(s.All()) != 0 || len(s.Problems) != 1 {
				t.Fatalf("%d pages, %v", len(s.All()), s.Problems)
			}
			if p := s.Problems[0]; p.File != name || p.Line != c.line || !strings.Contains(p.Message.String(), c.says) || !p.Own {
				t.Errorf("%+v %s", p, p.Message)
			}
		})
	}
}

func TestAWrongFileLeavesOursInItsPlace(t *testing.T) {
	l, folder, c := library(t, map[string]string{"guides/keys.md": page("Keys", 1, "ours")})

	write(t, folder, "guides/keys.md", "broken")
	c.at = c.at.Add(time.Second)

	if s := l.Snapshot(); titles(s, content.Guide, text.English) != "Keys" || len(s.Problems) != 1 {
		t.Error(s.Problems)
	}
}

// C8: nothing outside the folder is read, and what is no plain file stops nothing.
func TestLinksOutOfTheFolderAreNotFollowed(t *testing.T) {
	l, folder, c := library(t, nil)
	outside := t.TempDir()
	write(t, outside, "secret.md", page("Secret", 1, "secret"))
	for link, target := range map[string]string{"guides/a.md": filepath.Join(outside, "secret.md"), "guides/b.md": "../../" + filepath.Base(outside) + "/secret.md", "guides/c.md": "/dev/zero", "guides/e.md": "e.md"} {
		if err := os.Symlink(target, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, folder, "inside.txt", page("Inside", 1, "as mounted volumes link"))
	if err := os.Symlink("../inside.txt", filepath.Join(folder, "guides/d.md")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "guides/folder.md"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", ".hidden.md", "x..md", "x.fr.md", "x.en.md", "UPPER.md", "a b.md", "x.md~", strings.Repeat("x", 61) + ".md"} {
		write(t, folder, "guides/"+name, page("Other", 1, "x"))
	}
	c.at = c.at.Add(time.Second)

	s := l.Snapshot()

	if got := titles(s, content.Guide, text.English); got != "Inside" {
		t.Error(got)
	}
	if len(s.Problems) != 4 {
		t.Error(s.Problems)
	}
	c.at = c.at.Add(time.Second)
	if l.Snapshot() != s {
		t.Error("what can't be read is read as new each second")
	}
}

func TestPagesStayWhenTheFolderIsAway(t *testing.T) {
	l, folder, c := library(t, nil)
	write(t, folder, "guides/keys.md", page("Keys", 1, "x"))
	c.at = c.at.Add(time.Second)
	_ = l.Snapshot()

	if err := os.Rename(folder, folder+"-away"); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Second)
	away := l.Snapshot()
	if err := os.Rename(folder+"-away", folder); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Second)
	back := l.Snapshot()

	if titles(away, content.Guide, text.English) != "Keys" || len(away.Problems) != 1 || len(back.Problems) != 0 {
		t.Error(away.Problems, back.Problems)
	}
}

func TestTutorialsArePartedIntoTheirSteps(t *testing.T) {
	l, _, _ := library(t, map[string]string{
		"tutorials/first.md":    "---\ntitle: First call\nsummary: S\norder: 1\nchanged: 2026-11-20\nsteps:\n  - id: make-a-key\n    check: {kind: key_made, api: orders}\n  - id: call\n---\nBefore.\n\n## What you need\n\nA terminal.\n\n## Make a key\n\n```sh\necho $GATEHOUSE_KEY\n```\n\n### Detail\n\n## Call\n\nNow.\n\n## Afterwards\n\nMore.\n",
		"tutorials/first.de.md": "---\ntitle: Erster Aufruf\nsummary: S\nchanged: 2026-11-20\n---\n## Schlüssel {#make-a-key}\n\na\n\n## Rufen {#call}\n\nb\n",
	})

	p, de := l.Snapshot().Find(content.Tutorial, "first", text.English), l.Snapshot().Find(content.Tutorial, "first", text.German)

	if len(p.Steps) != 2 || p.Steps[0].Title != "Make a key" || p.Steps[0].Check != (content.Check{Kind: content.KeyMade, API: "orders"}) || len(p.Steps[0].Body) != 2 || !strings.Contains(p.Steps[0].Body[1], "Detail") {
		t.Errorf("%+v", p.Steps)
	}
	if !strings.Contains(p.Body[0], "Before.") || !strings.Contains(p.Body[0], `<h2 id="what-you-need">What you need</h2>`) || strings.Contains(p.Body[0], "Make a key") {
		t.Error(p.Body)
	}
	if !strings.Contains(p.Steps[1].Body[0], "Now.") || !strings.Contains(p.Steps[1].Body[0], "Afterwards") {
		t.Error(p.Steps[1].Body)
	}
	if de.Steps[0].Title != "Schlüssel" || de.Steps[0].Check != p.Steps[0].Check || !strings.Contains(de.Steps[1].Body[0], "b") || p.Steps[0].Body[0] == de.Steps[0].Body[0] {
		t.Errorf("%+v", de.Steps)
	}
}

var hrefs = regexp.MustCompile(`href="([^"]*)"`)

// F1: the shipped pages are read whole, and each link within the portal leads to a page and heading that there is.
func TestShippedPagesHaveNoProblemAndNoBrokenLink(t *testing.T) {
	s := content.Open(content.Options{Ours: docs.Files, Now: time.Now, Values: map[string]string{"base": "https://dev.example", "brand": "gk"}}).Snapshot()
	for _, p := range s.Problems {
		t.Error(p)
	}
	places := regexp.MustCompile(`^/(|signup|login|console(/(apps|keys|access|usage|refusals|account(/(security|providers|privacy))?|organizations)(/new)?)?|apis(/portal(/reference)?)?|v1/openapi\.json|guides|tutorials|forum(/ask)?|search|llms\.txt|found-a-key|privacy/records|support|admin(/[a-z]+)?)([?#].*)?$`)
	for _, p := range s.All() {
		for _, m := range hrefs.FindAllStringSubmatch(whole(p), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			to := p
			if parts := strings.Split(target, "/"); len(parts) == 3 && (parts[1] == "guides" || parts[1] == "tutorials") {
				to = s.Find(strings.TrimSuffix(parts[1], "s"), strings.TrimSuffix(parts[2], ".md"), p.Language)
			} else if target != "" {
				if strings.HasPrefix(target, "/") && !places.MatchString(target) {
					t.Errorf("%s: %s leads nowhere known", p.Path(), m[1])
				} else if !strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "https://") && !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "mailto:") {
					t.Errorf("%s: %s leads from wherever it is read; begin it with a slash", p.Path(), m[1])
				}
				continue
			}
			if to == nil {
				t.Errorf("%s: %s leads to no page", p.Path(), m[1])
				continue
			}
			if anchor != "" && !slices.ContainsFunc(to.Headings, func(h content.Heading) bool { return h.ID == anchor }) {
				t.Errorf("%s: %s leads to no heading", p.Path(), m[1])
			}
		}
	}
}

func whole(p *content.Page) string {
	all := strings.Join(p.Body, "")
	for _, s := range p.Steps {
		all += strings.Join(s.Body, "")
	}
	return all
}

func FuzzFrontMatter(f *testing.F) {
	f.Add(page("x", 1, "## a"))
	f.Add("---\n&a [*a]\n---\n")
	f.Add("---\ntitle: !!binary x\n---\n")
	f.Fuzz(func(_ *testing.T, source string) {
		content.Open(content.Options{Ours: fstest.MapFS{"guides/a.md": {Data: []byte(source)}, "tutorials/a.md": {Data: []byte(source)}}, Now: time.Now})
	})
}
