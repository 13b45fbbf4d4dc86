package markdown_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
)

var tag = regexp.MustCompile(`<[^>]*>`)

var languages = []string{"go", "js", "ts", "python", "bash", "console", "json", "yaml", "http", "nginx", "sql", "toml", "ini", "html", "xml", "css", "diff", "docker", "java", "kotlin", "csharp", "php", "ruby", "rust"}

func TestCodeIsColouredByClassesAlone(t *testing.T) {
	got := render(t, "```go\nfunc main() { // x\n\tprintln(\"<b>\")\n}\n```", markdown.Options{})

	for _, want := range []string{`<span class="k">func`, `<span class="c">// x`, `<span class="s">&#34;&lt;b&gt;&#34;</span>`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "style") {
		t.Error(got)
	}
}

// F1: whatever the lexer thinks of it, the words of the code are the writer's, and no markup of theirs.
func TestColouredCodeIsTheTextItself(t *testing.T) {
	for _, language := range languages {
		for _, v := range append(vectors, "plain\r\nlines\n\n\tand tabs", "日本語 \xff\x00 \u202e") {
			code := strings.NewReplacer("```", "'''").Replace(v)

			got := render(t, "~~~"+language+"\n"+code+"\n~~~", markdown.Options{})

			inner := strings.TrimSuffix(got[strings.Index(got, "<code"):], "</pre>\n")
			for _, m := range tag.FindAllString(inner, -1) {
				if !regexp.MustCompile(`^</?(span|code|pre)( class="[a-z0-9-]+")?( tabindex="0")?>$`).MatchString(m) {
					t.Errorf("%s: %q has %s", language, v, m)
				}
			}
			words := html.UnescapeString(tag.ReplaceAllString(inner, ""))
			if want := strings.ReplaceAll(strings.ToValidUTF8(code, "\uFFFD"), "\x00", "\uFFFD"); strings.TrimSpace(words) != strings.TrimSpace(want) && !strings.Contains(code, "~~~") && strings.Count(code, "\r") == 0 {
				t.Errorf("%s: %q became %q", language, want, words)
			}
		}
	}
}

// F8: lexers go back over their text; none may take long over any.
func TestNoCodeTakesLongToColour(t *testing.T) {
	pieces := []string{"a", "(", "((a", "\"", "\"\\", "'", "`", "{", "{{", "[", "<", "<a ", "<!--", "/*", "//", "#", "$", "${", "$(", "\\", "a.", "a=", "a: ", "- ", "1", "1e", "0x", " ", "\t", "\n", "@", "%", "<<", "<<A\n", "--", "=begin\n", "r#\"", "f'{", "a b ", "a,", "-a ", "HTTP/1.1 ", "GET / ", ":", "::", "&", "é", "a<b", "=>", "function a(", "async ", "select * ", "@a(", "\"\"\"", "'''"}
	for _, language := range languages {
		for _, piece := range pieces {
			src := "~~~" + language + "\n" + strings.Repeat(piece, 8000/len(piece)) + "\n~~~"
			var took time.Duration
			for range 3 { // what is slow by itself is slow each time; a busy machine is not
				begin := time.Now()
				_, _ = markdown.Render(src, markdown.Options{})
				if took = time.Since(begin); took <= time.Second {
					break
				}
			}

			if took > time.Second {
				t.Errorf("%s %q took %v", language, piece, took)
			}
		}
	}
}

func TestFencesWithTabsBecomeOneGroup(t *testing.T) {
	src := "```bash tab=curl\ncurl -H \"Authorization: Bearer $GATEHOUSE_KEY\"\n```\n\n```js tab=\"Node.js\" title=call.mjs\nfetch(1)\n```\n\ntext\n\n```go title=\"two words\"\nx\n```"

	got := render(t, src, markdown.Options{Own: true, Words: markdown.Words{Variants: "Varianten", Copy: "Kopieren"}})

	for _, want := range []string{`<fieldset class="codetabs"><legend class="vh">Varianten</legend>`, `id="tabs-1-1" checked><label for="tabs-1-1">curl</label>`, `<label for="tabs-1-2">Node.js</label>`, "<b>call.mjs</b>", "<b>two words</b>", "</fieldset>" + markdown.KeySlot, `hidden data-copy="fetch(1)"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Count(got, "<input") != 2 || strings.Count(got, `<div class="code">`) != 3 || strings.Count(got, markdown.KeySlot) != 1 {
		t.Error(got)
	}
	if users := render(t, src, markdown.Options{}); strings.Contains(users, "<input") || strings.Contains(users, "keyslot") || strings.Contains(users, "<button") {
		t.Error(users)
	}
}

func TestQuotesWithAMarkBecomeNotes(t *testing.T) {
	got := render(t, "> [!WARNING]\n> Never *log* a key.\n>\n> - one\n\n> [!NOTE]\n\n> [!OTHER]\n> x\n\n> plain", markdown.Options{Own: true})

	if !strings.Contains(got, `<div class="note warn stack" role="note"><strong>Warning</strong>`+"<p>Never <em>log</em> a key.</p>\n<ul>") || strings.Count(got, "<blockquote>") != 2 || strings.Count(got, "</div>") != 2 {
		t.Error(got)
	}
	if users := render(t, "> [!NOTE]\n> x", markdown.Options{}); !strings.Contains(users, "<blockquote>") {
		t.Error(users)
	}
}

func TestHeadingsOfOwnTextCarryAnchorsAndMayBeNamed(t *testing.T) {
	doc, err := markdown.Render("## Schlüssel erstellen {#make-a-key}\n\n> ## inside\n\n## A \"b\" {onclick=x #q}", markdown.Options{Own: true})
	if err != nil {
		t.Fatal(err)
	}

	if !strings.Contains(doc.HTML(), `<h2 id="make-a-key">Schlüssel erstellen <a class="anchor" href="#make-a-key" aria-label="Link to this section: Schlüssel erstellen">#</a></h2>`) || strings.Contains(doc.HTML(), "onclick") {
		t.Error(doc.HTML())
	}
	if doc.Headings[0].ID != "make-a-key" || !doc.Headings[0].Top || doc.Headings[1].Top {
		t.Errorf("%+v", doc.Headings)
	}
}

// F1: the places that own HTML is put into can't be written.
func TestNobodyCanWriteASlot(t *testing.T) {
	for _, own := range []bool{false, true} {
		got := render(t, "<hr class=\"slot-0\">\n\n`<hr class=\"slot-0\">`\n\n<hr class=\"slot-0\"/> x\n\n```\ncode\n```\n\n---", markdown.Options{Own: own})

		if strings.Count(got, "<pre") != 1 || strings.Contains(got, "slot-") && !strings.Contains(got, "&lt;hr class=&#34;slot-0&#34;&gt;") {
			t.Error(got)
		}
	}
}
