package markdown_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
)

type example struct {
	Example                 int
	Section, Markdown, HTML string
}

func examples(t *testing.T) []example {
	t.Helper()
	b, err := os.ReadFile("testdata/commonmark.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	if err := json.Unmarshal(b, &all); err != nil || len(all) < 600 {
		t.Fatal(len(all), err)
	}
	return all
}

// extended are the examples that differ because bare links are links: three of them say so, two keep a space before a line break.
var extended = map[int]bool{226: true, 608: true, 611: true, 612: true, 635: true}

func TestTheParserReadsAllExamplesOfCommonMark(t *testing.T) {
	for _, e := range examples(t) {
		if got := markdown.ParseAlone(e.Markdown, false); got != e.HTML {
			t.Errorf("%d (%s): %q became %q, want %q", e.Example, e.Section, e.Markdown, got, e.HTML)
		}
		if got := markdown.ParseAlone(e.Markdown, true); got != e.HTML && !extended[e.Example] {
			t.Errorf("%d (%s) with bare links: %q became %q, want %q", e.Example, e.Section, e.Markdown, got, e.HTML)
		}
	}
}

// F1: of raw HTML in the examples nothing leaves as HTML.
func TestExamplesOfCommonMarkLeaveNoRawHTML(t *testing.T) {
	for _, e := range examples(t) {
		if e.Section != "HTML blocks" && e.Section != "Raw HTML" {
			continue
		}
		for _, own := range []bool{false, true} {
			doc, err := markdown.Render(e.Markdown, markdown.Options{Own: own})
			if err != nil {
				t.Fatal(err)
			}
			for _, bad := range []string{"<div", "<script", "<style", "<textarea", "<!--", "<?", "<![", "<!a", "<!D", "<a ", "<ins", "<bab", "<c2", "<warning", "<responsive", "<i ", "<i>", "<d ", "<span", "<table id", "<foo"} {
				html := strings.ReplaceAll(doc.HTML(), `<div class="code">`, "")
				html = strings.ReplaceAll(strings.ReplaceAll(html, `<div class="tablewrap"`, ""), `<a class="anchor"`, "")
				if strings.Contains(html, bad) && !strings.Contains(html, "<a href=\"https") {
					t.Errorf("%d: %q became %q", e.Example, e.Markdown, html)
				}
			}
		}
	}
}
