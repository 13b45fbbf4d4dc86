package org

import (
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/audit"
)

// MaxName is the most characters of a name that people give.
const MaxName = 80

// CheckName notes a name that is empty, longer than MaxName characters, more than one line or an API key, and returns it trimmed.
func CheckName(p *fault.Problems, field, name string) string {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		p.Add(field, "Enter a name.")
	case utf8.RuneCountInString(name) > MaxName:
		p.Add(field, "A name has at most %d characters.", MaxName)
	case !oneLine(name):
		p.Add(field, "A name is one line of visible characters.")
	}
	audit.NoKey(p, field, name)
	return name
}

// CheckText notes a text longer than most characters or with control characters other than line breaks or an API key, and returns it
// trimmed, its line breaks as LF.
func CheckText(p *fault.Problems, field, text string, most int) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if utf8.RuneCountInString(text) > most {
		p.Add(field, "This has at most %d characters.", most)
	}
	if !oneLine(strings.NewReplacer("\n", " ", "\t", " ").Replace(text)) {
		p.Add(field, "This holds characters that can’t be shown.")
	}
	audit.NoKey(p, field, text)
	return text
}

// CheckURL notes an address that is no absolute http or https URL without user info, or holds an API key; an empty one is fine. It returns it trimmed.
func CheckURL(p *fault.Problems, field, address string) string {
	address = strings.TrimSpace(address)
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	ok := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && len(address) <= 500 && oneLine(address)
	p.Check(ok, field, "Enter an address that begins with https:// or http://.")
	audit.NoKey(p, field, address)
	return address
}

// CheckEmail notes a text that is no plain mail address; an empty one is fine. It returns it trimmed.
func CheckEmail(p *fault.Problems, field, address string) string {
	address = strings.TrimSpace(address)
	if address == "" {
		return ""
	}
	a, err := mail.ParseAddress(address)
	p.Check(err == nil && a.Address == address && len(address) <= 254 && oneLine(address), field, "Enter a mail address such as team@example.com.")
	return address
}

func oneLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
	})
}

// Like makes a search text into a pattern for LOWER(x) LIKE ? ESCAPE '!', which finds it anywhere.
func Like(search string) string {
	search = strings.ToLower(strings.TrimSpace(search))
	if len(search) > 200 {
		search = strings.ToValidUTF8(search[:200], "")
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(search) + "%"
}
