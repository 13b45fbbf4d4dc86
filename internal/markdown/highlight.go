package markdown

import (
	"html"
	"strings"
	"time"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

// lexerOf names the lexer of each language that is coloured; others are shown in one colour. The list is closed: a lexer is a
// program over hostile text.
var lexerOf = map[string]string{
	"go": "go", "golang": "go", "js": "javascript", "javascript": "javascript", "ts": "typescript", "typescript": "typescript", "python": "python", "py": "python",
	"bash": "bash", "sh": "bash", "shell": "bash", "console": "bash-session", "json": "json", "yaml": "yaml", "yml": "yaml", "http": "http", "nginx": "nginx", "sql": "sql",
	"toml": "toml", "ini": "ini", "html": "html", "xml": "xml", "css": "css", "diff": "diff", "docker": "docker", "dockerfile": "docker", "java": "java", "kotlin": "kotlin",
	"csharp": "c#", "cs": "c#", "php": "php", "ruby": "ruby", "rb": "ruby", "rust": "rust",
}

// Bounds of colouring. What lies beyond them is shown in one colour: a lexer goes back over its text, so time is what has to be bounded.
const (
	maxColoured = 8 << 10                // bytes of one block
	colourTime  = 100 * time.Millisecond // of one text; one step of a lexer can take 250 ms more, which is its own bound
	// ownColourTime is that of text which is rendered once for everybody.
	ownColourTime = 2 * time.Second
)

// painter colours the code of one text.
type painter struct {
	left time.Duration
	room int // bytes of HTML that spans may still take; beyond, code is shown in one colour
}

// paint writes code as HTML: escaped text, parts of it in spans of our classes k, s, c, f, i and d. It is safe whatever code is.
func (p *painter) paint(out *strings.Builder, language, code string) {
	name := lexerOf[strings.ToLower(language)]
	if name == "" || len(code) > maxColoured || p.left <= 0 {
		out.WriteString(html.EscapeString(code))
		return
	}
	begin := time.Now()                            //nolint:forbidigo // a duration, not a point in time
	defer func() { p.left -= time.Since(begin) }() //nolint:forbidigo // as above
	over := func() bool {
		return p.room < 0 || time.Since(begin) > p.left //nolint:forbidigo // as above
	}
	tokens, err := lexers.Get(name).Tokenise(&chroma.TokeniseOptions{State: "root"}, code)
	if err != nil {
		out.WriteString(html.EscapeString(code))
		return
	}
	written, class, run := 0, "", strings.Builder{}
	flush := func() {
		if class == "" || run.Len() == 0 {
			out.WriteString(html.EscapeString(run.String()))
		} else {
			out.WriteString(`<span class="` + class + `">` + html.EscapeString(run.String()) + `</span>`)
			p.room -= len(`<span class="k"></span>`)
		}
		run.Reset()
	}
	for t := tokens(); t != chroma.EOF; t = tokens() {
		if !strings.HasPrefix(code[written:], t.Value) { // a lexer that changes the text is not believed
			break
		}
		if next := classOf(t.Type); next != class && strings.TrimSpace(t.Value) != "" {
			flush()
			class = next
		}
		run.WriteString(t.Value)
		written += len(t.Value)
		if over() {
			break
		}
	}
	flush()
	out.WriteString(html.EscapeString(code[written:]))
}

// classOf puts the some hundred types of token into the few colours of the style sheet.
func classOf(t chroma.TokenType) string {
	switch {
	case t.InCategory(chroma.Comment):
		return "c"
	case t.InSubCategory(chroma.LiteralString):
		return "s"
	case t.InCategory(chroma.Keyword), t == chroma.NameTag:
		return "k"
	case t == chroma.NameFunction, t == chroma.NameAttribute, t == chroma.NameBuiltin, t == chroma.NameVariable, t == chroma.NameClass:
		return "f"
	case t == chroma.GenericInserted:
		return "i"
	case t == chroma.GenericDeleted:
		return "d"
	}
	return ""
}
