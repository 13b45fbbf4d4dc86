package markdown

import (
	"html"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	table "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// KeySlot is where a page may tell which key $GATEHOUSE_KEY of the block before it stands for. Own text only.
const KeySlot = `<p class="keyslot"></p>`

// Words are the few words that this package writes into own text, in the reader's language. The zero value is English.
type Words struct{ Note, Tip, Warning, Copy, Copied, Variants, Section string }

var english = Words{Note: "Note", Tip: "Tip", Warning: "Warning", Copy: "Copy", Copied: "Copied", Variants: "Variants of this code", Section: "Link to this section:"}

// slot is HTML of our own making that takes the place of a node. It passes the sanitizer as an empty element with its number, and is put in
// afterwards: no text can write that element, and none of this HTML needs to be allowed to anybody.
type slot struct {
	ast.BaseBlock
	number int
}

var slotKind = ast.NewNodeKind("Slot")

func (s *slot) Kind() ast.NodeKind            { return slotKind }
func (s *slot) Dump(source []byte, level int) { ast.DumpHelper(s, source, level, nil, nil) }
func (s *slot) tag() string                   { return slotTag(s.number) }
func slotTag(number int) string               { return `<hr class="slot-` + strconv.Itoa(number) + `">` }

var slotPattern = regexp.MustCompile(`<hr class="slot-(\d+)"/?>`)

type slotRenderer struct{}

func (slotRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(slotKind, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if s, ok := n.(*slot); ok && entering {
			_, _ = w.WriteString(s.tag())
		}
		return ast.WalkContinue, nil
	})
}

// builder takes the blocks of one text that have HTML of our own.
type builder struct {
	source []byte
	opt    Options
	paint  painter
	html   []string // by slot
	groups int
}

func (b *builder) slot(html string) *slot {
	b.html = append(b.html, html)
	return &slot{number: len(b.html) - 1}
}

// fill puts the slots' HTML in after sanitizing.
func (b *builder) fill(clean string) string {
	if len(b.html) == 0 {
		return clean
	}
	return slotPattern.ReplaceAllStringFunc(clean, func(tag string) string {
		n, err := strconv.Atoi(slotPattern.FindStringSubmatch(tag)[1])
		if err != nil || n >= len(b.html) {
			return ""
		}
		return b.html[n]
	})
}

// build replaces code blocks, and in own text callouts and heads of sections.
func (b *builder) build(root ast.Node) {
	var fences []*ast.FencedCodeBlock
	var quotes []*ast.Blockquote
	var headings []*ast.Heading
	var rows []*table.TableRow
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			fences = append(fences, n)
		case *ast.Blockquote:
			quotes = append(quotes, n)
		case *ast.Heading:
			headings = append(headings, n)
		case *table.TableRow:
			rows = append(rows, n)
		}
		return ast.WalkContinue, nil
	})
	b.fences(fences)
	if !b.opt.Own {
		return
	}
	for _, q := range quotes {
		b.callout(q)
	}
	for _, h := range headings {
		b.anchor(h)
	}
	b.codes(rows)
}

var codePattern = regexp.MustCompile(`^[A-Z][A-Z_]{1,60}$`)

// codes gives rows of tables that begin with a code in capitals, and nothing else in that cell, the code as id: programs are told to look there. Of rows
// with the same code the first has it.
func (b *builder) codes(rows []*table.TableRow) {
	seen := map[string]bool{}
	for _, row := range rows {
		cell := row.FirstChild()
		if cell == nil || cell.ChildCount() != 1 || cell.FirstChild().Kind() != ast.KindCodeSpan {
			continue
		}
		code := words(cell.FirstChild(), b.source)
		if codePattern.MatchString(code) && !seen[code] {
			seen[code] = true
			cell.SetAttributeString("id", []byte(code))
		}
	}
}

// A fence is one block of code with what its first line says: language, and tab= and title= in own text.
type fence struct {
	language, tab, title, code string
	shows                      bool // it is what a command answers, not something to type
}

var infoShows = regexp.MustCompile(`\sshows(\s|$)`)

var infoAttribute = regexp.MustCompile(`(?:^|\s)(tab|title)=(?:"([^"]{1,60})"|([^\s"]{1,60}))`)

func (b *builder) read(n *ast.FencedCodeBlock) fence {
	f := fence{language: string(n.Language(b.source))}
	if !languagePattern.MatchString(f.language) {
		f.language = ""
	}
	if n.Info != nil && b.opt.Own {
		f.shows = infoShows.Match(n.Info.Segment.Value(b.source))
		for _, m := range infoAttribute.FindAllStringSubmatch(string(n.Info.Segment.Value(b.source)), -1) {
			if m[1] == "tab" {
				f.tab = m[2] + m[3]
			} else {
				f.title = m[2] + m[3]
			}
		}
	}
	var code strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		code.Write(line.Value(b.source))
	}
	f.code = strings.ToValidUTF8(strings.ReplaceAll(code.String(), "\x00", "\uFFFD"), "\uFFFD")
	return f
}

var languagePattern = regexp.MustCompile(`^[a-zA-Z0-9+#-]{1,20}$`)

func (b *builder) fences(all []*ast.FencedCodeBlock) {
	for i := 0; i < len(all); i++ {
		f := b.read(all[i])
		group := []fence{f}
		for f.tab != "" && i+1 < len(all) && all[i].NextSibling() == ast.Node(all[i+1]) && len(group) < 6 {
			next := b.read(all[i+1])
			if next.tab == "" {
				break
			}
			group = append(group, next)
			parent := all[i].Parent()
			parent.RemoveChild(parent, all[i])
			i++
		}
		parent := all[i].Parent()
		parent.ReplaceChild(parent, all[i], b.slot(b.group(group)))
	}
}

// group draws one block, or several as tabs: radio buttons, of which the style sheet shows the chosen one's block.
func (b *builder) group(all []fence) string {
	var out strings.Builder
	if len(all) == 1 {
		if all[0].title == "" {
			all[0].title = all[0].tab
		}
		b.block(&out, all[0])
		b.keySlot(&out, all)
		return out.String()
	}
	b.groups++
	name := "tabs-" + strconv.Itoa(b.groups)
	out.WriteString(`<fieldset class="codetabs"><legend class="vh">` + html.EscapeString(b.opt.Words.Variants) + `</legend>`)
	for i, f := range all {
		id, checked := name+"-"+strconv.Itoa(i+1), ""
		if i == 0 {
			checked = " checked"
		}
		out.WriteString(`<input type="radio" class="vh" name="` + name + `" id="` + id + `"` + checked + `><label for="` + id + `">` + html.EscapeString(f.tab) + `</label>`)
	}
	for _, f := range all {
		b.block(&out, f)
	}
	out.WriteString(`</fieldset>`)
	b.keySlot(&out, all)
	return out.String()
}

func (b *builder) keySlot(out *strings.Builder, all []fence) {
	for _, f := range all {
		if b.opt.Own && strings.Contains(f.code, "GATEHOUSE_KEY") {
			out.WriteString(KeySlot)
			return
		}
	}
}

// block draws one block of code. Text of users gets no frame: it has none to name.
func (b *builder) block(out *strings.Builder, f fence) {
	if b.opt.Own {
		label := f.title
		if label == "" {
			label = languageNames[strings.ToLower(f.language)]
		}
		out.WriteString(`<div class="code"><header><b>` + html.EscapeString(label) + `</b>`)
		if !f.shows {
			out.WriteString(`<button type="button" class="copy" hidden data-copy="` + html.EscapeString(strings.TrimSuffix(f.code, "\n")) +
				`" data-copied="` + html.EscapeString(b.opt.Words.Copied) + `">` + html.EscapeString(b.opt.Words.Copy) + `</button>`)
		}
		out.WriteString(`</header>`)
	}
	out.WriteString(`<pre tabindex="0"><code`)
	if f.language != "" {
		out.WriteString(` class="language-` + html.EscapeString(f.language) + `"`)
	}
	out.WriteByte('>')
	b.paint.paint(out, f.language, f.code)
	out.WriteString("</code></pre>")
	if b.opt.Own {
		out.WriteString("</div>")
	}
}

// languageNames head blocks without a title.
var languageNames = map[string]string{
	"go": "Go", "js": "JavaScript", "javascript": "JavaScript", "ts": "TypeScript", "python": "Python", "bash": "Shell", "sh": "Shell", "shell": "Shell", "console": "Shell", "json": "JSON", "yaml": "YAML",
	"http": "HTTP", "nginx": "nginx", "sql": "SQL", "toml": "TOML", "ini": "INI", "html": "HTML", "xml": "XML", "css": "CSS", "diff": "Diff", "docker": "Dockerfile", "java": "Java", "kotlin": "Kotlin",
	"csharp": "C#", "php": "PHP", "ruby": "Ruby", "rust": "Rust",
}

// callout turns a quote whose first line is [!NOTE], [!TIP] or [!WARNING] into a note.
func (b *builder) callout(q *ast.Blockquote) {
	p, ok := q.FirstChild().(*ast.Paragraph)
	if !ok || p.Lines().Len() == 0 {
		return
	}
	first := p.Lines().At(0)
	var class, word string
	switch strings.TrimSpace(string(first.Value(b.source))) {
	case "[!NOTE]":
		class, word = "note stack", b.opt.Words.Note
	case "[!TIP]":
		class, word = "note ok stack", b.opt.Words.Tip
	case "[!WARNING]":
		class, word = "note warn stack", b.opt.Words.Warning
	default:
		return
	}
	for child := p.FirstChild(); child != nil; child = p.FirstChild() {
		t, isText := child.(*ast.Text)
		p.RemoveChild(p, child)
		if isText && (t.SoftLineBreak() || t.HardLineBreak()) {
			break
		}
	}
	if p.ChildCount() == 0 {
		q.RemoveChild(q, p)
	}
	parent := q.Parent()
	parent.InsertBefore(parent, q, b.slot(`<div class="`+class+`" role="note"><strong>`+html.EscapeString(word)+`</strong>`))
	for child := q.FirstChild(); child != nil; child = q.FirstChild() {
		parent.InsertBefore(parent, q, child)
	}
	parent.ReplaceChild(parent, q, b.slot(`</div>`))
}

// anchor links a heading to itself.
func (b *builder) anchor(h *ast.Heading) {
	id, ok := headingID(h)
	if ok {
		h.AppendChild(h, b.slot(` <a class="anchor" href="#`+html.EscapeString(id)+`" aria-label="`+html.EscapeString(b.opt.Words.Section+" "+words(h, b.source))+`">#</a>`))
	}
}

func headingID(h *ast.Heading) (string, bool) {
	if v, ok := h.AttributeString("id"); ok {
		if id, ok := v.([]byte); ok && idPattern.Match(id) {
			return string(id), true
		}
	}
	return "", false
}
