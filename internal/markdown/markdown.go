// Package markdown turns text that people wrote into HTML that is safe to show.
//
// CommonMark with tables, strikethrough and bare links (goldmark). Raw HTML is never taken: goldmark leaves it out, and
// an allow-list (bluemonday) is applied to the result, so one mistake in either does no harm. Images become links: the
// reader's browser loads nothing from elsewhere.
//
// Code in fences is coloured (chroma) by a closed list of languages. Own text has besides what guides need: callouts, tabs of code, captions,
// anchors of headings; internal/content says how they are written.
//
// Cost: time is at most quadratic in the length of some hostile texts, so length, nesting and the number of brackets
// are bounded before anything is parsed; within the bounds the worst known text takes well under a second. A short text can stand for a long
// page (one destination, used by a thousand references), so what leaves is bounded too: to 8 times the text and 64 kB.
package markdown

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// The reasons for which a text is refused. Both are for the writer to mend.
var (
	ErrTooLong    = errors.New("markdown: text is too long")
	ErrTooComplex = errors.New("markdown: text is nested too deep, has too many brackets or becomes too long a page")
)

// RendererVersion counts what Render makes of the same text: who keeps its HTML keeps this number beside it.
const RendererVersion = 2

// MaxBytes is how long a text may be unless Options say otherwise.
const MaxBytes = 32 << 10

const (
	maxDepth    = 20    // containers (quotes, lists) opened on one line
	maxBrackets = 1_000 // "[" in all; links need one each
	maxCells    = 60_000
)

// mostHTML is how much HTML a text of so many bytes may become, before the frames around code and tables.
func mostHTML(length int) int { return 8*length + 64<<10 }

// Options say whose text it is. The zero value is right for text of users.
type Options struct {
	Own      bool // the operator's text: links may be relative and are followed, headings get ids
	Shift    int  // added to the level of headings, for text that stands under headings of the page
	MaxBytes int  // default MaxBytes
	Words    Words
}

// Document is rendered text. It is a templ.Component.
type Document struct {
	html     string
	Headings []Heading // in order; ids only for Own text
}

// Heading is one heading of a Document, for a table of contents.
type Heading struct {
	Level int
	ID    string
	Text  string
	Top   bool // stands in no list, quote or callout
}

// HTML is the safe HTML.
func (d Document) HTML() string { return d.html }

// Render writes the safe HTML to w. It makes Document a templ.Component.
func (d Document) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, d.html)
	return err
}

// Render turns src into a Document. It fails with ErrTooLong or ErrTooComplex, and for no other reason that a writer
// could cause.
func Render(src string, opt Options) (Document, error) {
	if err := check(src, opt); err != nil {
		return Document{}, err
	}
	engine, policy := users, usersPolicy
	if opt.Own {
		engine, policy = own, ownPolicy
	}
	source := []byte(src)
	root := engine.Parser().Parse(text.NewReader(source))
	if destinations(root) > mostHTML(len(src)) {
		return Document{}, ErrTooComplex
	}
	imagesToLinks(root)
	headings := shiftHeadings(root, source, opt.Shift)
	if opt.Words == (Words{}) {
		opt.Words = english
	}
	b := builder{source: source, opt: opt, paint: painter{left: colourTime, room: mostHTML(len(src))}}
	if opt.Own {
		b.paint.left = ownColourTime
	}
	b.build(root)
	out := bounded{room: mostHTML(len(src))}
	if err := engine.Renderer().Render(&out, source, root); err != nil {
		return Document{}, err
	}
	return Document{html: b.fill(framed(policy.Sanitize(out.String()))), Headings: headings}, nil
}

// bounded keeps what is written until there is no room left: then it fails with ErrTooComplex.
type bounded struct {
	strings.Builder
	room int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.room -= len(p); b.room < 0 {
		return 0, ErrTooComplex
	}
	return b.Builder.Write(p)
}

// destinations counts the bytes of where all links and images lead, with titles. References share theirs, so that the sum can be a thousand
// times the text; nothing is made of it before it is known.
func destinations(root ast.Node) int {
	sum := 0
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Link:
			sum += len(n.Destination) + len(n.Title)
		case *ast.Image:
			sum += len(n.Destination) + len(n.Title)
		}
		return ast.WalkContinue, nil
	})
	return sum / 2 // a node is entered and left
}

func check(src string, opt Options) error {
	most := opt.MaxBytes
	if most == 0 {
		most = MaxBytes
	}
	if len(src) > most {
		return ErrTooLong
	}
	brackets := maxBrackets
	if opt.Own {
		brackets *= 4 // a guide of the most length
	}
	if strings.Count(src, "[") > brackets {
		return ErrTooComplex
	}
	columns, lines := 1, 0
	for line := range strings.Lines(src) {
		if depth(line) > maxDepth {
			return ErrTooComplex
		}
		lines++
		// The line under the head of a table says how many cells every row gets, however short the row is.
		if strings.Trim(line, "|:->+*.) \t\r\n0123456789") == "" {
			columns = max(columns, strings.Count(line, "|")+1)
		}
	}
	if columns*lines > maxCells {
		return ErrTooComplex
	}
	return nil
}

// depth counts the containers that a line may open: quote marks, list marks, and one for each two columns of indent.
func depth(line string) int {
	deep, indent := 0, 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '>', (c == '-' || c == '*' || c == '+') && i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t'):
			deep++
		case c == ' ':
			indent++
		case c == '\t':
			indent += 4
		case c >= '0' && c <= '9':
		case (c == '.' || c == ')') && i > 0 && line[i-1] >= '0' && line[i-1] <= '9':
			deep++
		default:
			i = len(line)
		}
	}
	// Deep indent alone is code, which nests nothing; only far beyond any code does it count.
	return deep + indent/100
}

var (
	users = engine()
	own   = engine(parser.WithAutoHeadingID(), parser.WithHeadingAttribute())

	usersPolicy = policy(false)
	ownPolicy   = policy(true)
)

func engine(options ...parser.Option) goldmark.Markdown {
	table := extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))
	return goldmark.New(
		goldmark.WithExtensions(table, extension.Strikethrough, extension.Linkify),
		goldmark.WithParserOptions(options...),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(slotRenderer{}, 100))),
	)
}

// policy is the allow-list of what may leave this package.
func policy(own bool) *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code",
		"em", "strong", "del", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|center|right)$`)).OnElements("th", "td")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^slot-[0-9]{1,5}$`)).OnElements("hr")
	p.AllowAttrs("href").OnElements("a")
	p.RequireParseableURLs(true)
	p.AllowURLSchemes("mailto")
	for _, scheme := range []string{"http", "https"} {
		p.AllowURLSchemeWithCustomPolicy(scheme, hasHost)
	}
	p.AllowRelativeURLs(own)
	if !own {
		p.RequireNoFollowOnLinks(true)
	}
	if own {
		p.AllowAttrs("id").Matching(idPattern).OnElements("h1", "h2", "h3", "h4", "h5", "h6", "td")
	}
	return p
}

// hasHost refuses http:evil.example and http:///evil.example: a browser takes the next word for the host, whoever counts links by host sees none.
func hasHost(u *url.URL) bool { return u.Hostname() != "" && u.Opaque == "" }

var idPattern = regexp.MustCompile(`^[\p{L}\p{N}_-]{1,100}$`)

// framed gives what may be wider than the page a frame that scrolls by keyboard too. In sanitized HTML these tags can
// only be the elements themselves: in text they are escaped. The sanitizer says nofollow; ugc and noopener go with it.
var framed = strings.NewReplacer(
	"<pre>", `<pre tabindex="0">`,
	"<table>", `<div class="tablewrap" tabindex="0"><table>`,
	"</table>", `</table></div>`,
	` rel="nofollow"`, ` rel="nofollow ugc noopener"`,
).Replace

// imagesToLinks puts a link to the image in its place, or within a link only its words.
func imagesToLinks(root ast.Node) {
	var images []*ast.Image
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if image, ok := n.(*ast.Image); ok && entering {
			images = append(images, image)
		}
		return ast.WalkContinue, nil
	})
	for _, image := range images {
		link := ast.NewLink()
		link.Destination, link.Title = image.Destination, nil
		if image.ChildCount() == 0 {
			link.AppendChild(link, ast.NewString(bytes.Clone(image.Destination)))
		}
		for child := image.FirstChild(); child != nil; child = image.FirstChild() {
			link.AppendChild(link, child)
		}
		parent := image.Parent()
		if inLink(image) {
			for child := link.FirstChild(); child != nil; child = link.FirstChild() {
				parent.InsertBefore(parent, image, child)
			}
			parent.RemoveChild(parent, image)
			continue
		}
		parent.ReplaceChild(parent, image, link)
	}
}

func inLink(n ast.Node) bool {
	for p := n.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == ast.KindLink {
			return true
		}
	}
	return false
}

func shiftHeadings(root ast.Node, source []byte, shift int) []Heading {
	var all []Heading
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		heading, ok := n.(*ast.Heading)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		heading.Level = min(6, heading.Level+shift)
		h := Heading{Level: heading.Level, Text: words(heading, source), Top: heading.Parent() == root}
		h.ID, _ = headingID(heading)
		all = append(all, h)
		return ast.WalkContinue, nil
	})
	return all
}
