package forum

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
)

// Render makes the Markdown of a post into safe HTML, its headings below those of the page. Faults: Invalid about field for what is too long or
// nested too deep (F8).
func Render(field, body string) (string, error) {
	body = strings.ReplaceAll(body, "\r\n", "\n") // as it is kept: a line end counts once
	if utf8.RuneCountInString(body) > MaxBody {
		return "", fault.BadField(field, "This has at most %d characters.", MaxBody)
	}
	d, err := markdown.Render(body, markdown.Options{Shift: 2, MaxBytes: 4 * MaxBody})
	switch {
	case errors.Is(err, markdown.ErrTooComplex):
		return "", fault.BadField(field, "This text is nested too deep or has too many brackets.")
	case errors.Is(err, markdown.ErrTooLong):
		return "", fault.BadField(field, "This has at most %d characters.", MaxBody)
	}
	return d.HTML(), err
}

// checkTitle notes a title that is too short, too long, more than one line or holds a key, and returns it trimmed.
func checkTitle(p *fault.Problems, title string) string {
	title = strings.Join(strings.Fields(title), " ")
	n := utf8.RuneCountInString(title)
	p.Check(n >= MinTitle && n <= MaxTitle, "title", "A title has %d to %d characters.", MinTitle, MaxTitle)
	p.Check(plain(title), "title", "This holds characters that can’t be shown.")
	trust.NoKey(p, "title", title)
	return title
}

// checkBody notes a body that is empty, holds a key or can’t be rendered, and returns it with its line breaks as LF, and rendered.
func checkBody(p *fault.Problems, body string) (text, html string) {
	body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
	body = strings.TrimRightFunc(strings.TrimLeft(body, "\n"), unicode.IsSpace)
	if body == "" {
		p.Add("body", "Write what you want to say.")
		return body, ""
	}
	if !plain(body) {
		p.Add("body", "This holds characters that can’t be shown.")
		return body, ""
	}
	html, err := Render("body", body)
	audit.NoKey(p, "body", body, apikey.Shown(html))
	if f := fault.As(err); f != nil {
		*p = append(*p, f.Problems...)
	} else if err != nil {
		p.Add("body", "This text is nested too deep or has too many brackets.")
	}
	return body, html
}

// plain reports whether a text is valid and without characters that turn others around or can’t be seen at all.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return (unicode.IsControl(r) && r != '\n' && r != '\t') || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError
	})
}

// slugOf makes a title into the readable end of an address: at most 60 letters, digits and hyphens of ASCII.
func slugOf(title string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(strings.ToLower(title)) {
		switch {
		case r < utf8.RuneSelf && (unicode.IsLower(r) || unicode.IsDigit(r)):
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case !unicode.Is(unicode.Mn, r):
			gap = true
		}
		if b.Len() >= 60 { // at the last whole word
			whole := b.String()[:max(strings.LastIndexByte(b.String(), '-'), 0)]
			if len(whole) > 20 {
				return whole
			}
			break
		}
	}
	if b.Len() == 0 {
		return "question"
	}
	return strings.Trim(b.String(), "-")
}
