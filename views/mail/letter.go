// Package mail puts letters into words, as plain text and as HTML.
//
// The HTML is a whole document without scripts, pictures or links but the one that the letter is about. Its few styles stand in the head: a mail program
// that drops them still shows headings, paragraphs and a link.
package mail

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// Line is one sentence of the message catalogue with its arguments. %s takes words, whoever typed them: they are made harmless, but for the portal's name.
// %d takes a number, by which the catalogue chooses the sentence. %v takes a mail address, which stays as it is.
type Line struct {
	Key  string
	Args []string
}

// Letter is a mail before it is put into words.
type Letter struct {
	Language, TimeZone string
	Subject            Line
	Lines              []Line
	Code               string // set apart, empty for none
	Button             *Line
	URL                string
	Quote              string // words of others, set apart, empty for none
	Links              []Link
	After              []Line
}

// Link is a link below the button.
type Link struct {
	Label Line
	URL   string
}

// link is one in words.
type link struct{ Label, URL string }

// page is what the HTML shows, in words.
type page struct {
	Lang, Subject string
	Lines, After  []string
	Code          string
	Button, URL   string
	Quote         string
	Links         []link
	PortalName    string
}

// Compose puts a letter into the words of its reader. The subject is one line. It fails only when the template does.
func Compose(ctx context.Context, portalName string, l Letter) (subject, plain, html string, err error) {
	zone, zoneErr := time.LoadLocation(l.TimeZone)
	if zoneErr != nil {
		zone = time.UTC
	}
	ctx = text.With(ctx, text.Locale{Language: text.Language(l.Language), Zone: zone})
	name := text.OneLine(portalName)
	p := page{Lang: string(text.Of(ctx).Language), Subject: l.Subject.in(ctx, name), Code: text.OneLine(l.Code), URL: l.URL, Quote: strings.TrimSpace(text.OneLine(l.Quote)), PortalName: name}
	p.Lines, p.After = all(ctx, l.Lines, name), all(ctx, l.After, name)
	if l.Button != nil {
		p.Button = l.Button.in(ctx, name)
	}
	for _, x := range l.Links {
		p.Links = append(p.Links, link{x.Label.in(ctx, name), x.URL})
	}
	var b bytes.Buffer
	err = letter(p).Render(ctx, &b)
	return p.Subject, p.plain(ctx), b.String(), err
}

func all(ctx context.Context, lines []Line, portalName string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.in(ctx, portalName)
	}
	return out
}

// verb is one of a sentence, with the number of its argument where that is said.
var verb = regexp.MustCompile(`%(?:\[(\d)\])?([sdv])`)

// in writes the sentence on one line: what people typed must not look like a line of ours, end a header, or become a link (F4).
func (l Line) in(ctx context.Context, portalName string) string {
	args := make([]any, len(l.Args))
	for i, a := range l.Args {
		args[i] = text.Harmless(a)
		if text.OneLine(a) == portalName {
			args[i] = portalName
		}
	}
	for i, v := range verb.FindAllStringSubmatch(l.Key, -1) {
		if n, err := strconv.Atoi(v[1]); err == nil {
			i = n - 1
		}
		if i < 0 || i >= len(args) {
			continue
		}
		switch v[2] {
		case "d":
			if n, err := strconv.Atoi(l.Args[i]); err == nil {
				args[i] = n
			}
		case "v":
			if address.MatchString(l.Args[i]) {
				args[i] = l.Args[i]
			}
		}
	}
	return text.T(ctx, l.Key, args...)
}

// address is one mail address, or one domain, and nothing else.
var address = regexp.MustCompile(`^(?:[^\s@<>"'/\\]+@)?[\pL\pN._-]+$`)

func (p page) plain(ctx context.Context) string {
	var parts []string
	for _, line := range p.Lines {
		parts = append(parts, wrapped(line))
	}
	if p.Quote != "" {
		parts = append(parts, "> "+strings.ReplaceAll(wrapped(p.Quote), "\n", "\n> "))
	}
	if p.Code != "" {
		parts = append(parts, "    "+p.Code)
	}
	if p.URL != "" {
		parts = append(parts, p.Button+":\n"+p.URL)
	}
	for _, l := range p.Links {
		parts = append(parts, wrapped(strings.TrimSuffix(l.Label, ":"))+":\n"+l.URL)
	}
	for _, line := range p.After {
		parts = append(parts, wrapped(line))
	}
	parts = append(parts, "-- \n"+text.T(ctx, "This mail was sent by %s. Nobody reads answers to it.", p.PortalName))
	return strings.Join(parts, "\n\n") + "\n"
}

const lineWidth = 72 // what every mail program shows without breaking lines itself (RFC 5322, section 2.1.1, asks for 78)

// wrapped breaks a sentence between its words. A word that is longer stays whole, since it may be an address.
func wrapped(sentence string) string {
	var out strings.Builder
	column := 0
	for _, word := range strings.Fields(sentence) {
		width := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+width > lineWidth:
			out.WriteByte('\n')
			column = 0
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += width
	}
	return out.String()
}
