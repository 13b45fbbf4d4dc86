package markdown_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
)

// A row of a table that begins with a code can be linked to, in own text alone; of two rows with one code the first.
func TestRowsOfCodesCanBeLinkedTo(t *testing.T) {
	source := "| Code | |\n| --- | --- |\n| `NOT_FOUND` | one |\n| `NOT_FOUND` | two |\n| `scope` | three |\n| `CODE` and more | four |\n"

	own, err := markdown.Render(source, markdown.Options{Own: true})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := markdown.Render(source, markdown.Options{})
	if err != nil {
		t.Fatal(err)
	}

	if n := strings.Count(own.HTML(), " id="); n != 1 || !strings.Contains(own.HTML(), `<td id="NOT_FOUND"><code>NOT_FOUND</code></td>`+"\n<td>one") {
		t.Errorf("own text is %s", own.HTML())
	}
	if strings.Contains(theirs.HTML(), " id=") {
		t.Errorf("text of others is %s", theirs.HTML())
	}
}
