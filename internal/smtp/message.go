package smtp

import (
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// A Message is one mail to one person.
type Message struct {
	// ID makes the Message-ID, together with the sender's domain. Sending again with the same ID lets the receiver see that
	// it is the same mail. Letters, digits, hyphens, underscores and dots; required.
	ID string

	To      mail.Address
	Subject string // at most 200 characters are sent
	Text    string // required: every mail can be read as plain text
	HTML    string // may be empty
	Date    time.Time

	// Unsubscribe is an https address for the List-Unsubscribe header; empty for mail that can't be unsubscribed. With OneClick it ends the mail by a POST of
	// List-Unsubscribe=One-Click, which mail programs then offer as a button (RFC 8058).
	Unsubscribe string
	OneClick    bool

	// Root is the ID of the message that began the thread to which this belongs, whether the reader had it or not; empty for none.
	Root string

	// List names the kind of mail in the List-Id header (RFC 2919), for filters; the sender's domain is added. Of the same characters as ID; empty for none.
	List string
}

const subjectMax = 200

// compose makes the mail. Every error of it is permanent: the same message will never do.
func (m Message) compose(from mail.Address) (*gomail.Msg, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	message := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent())
	from.Name = oneLine(from.Name)
	if err := message.From(from.String()); err != nil {
		return nil, fmt.Errorf("the sender's address: %w", err)
	}
	to := mail.Address{Name: oneLine(m.To.Name), Address: m.To.Address}
	if err := message.To(to.String()); err != nil {
		return nil, fmt.Errorf("the recipient's address: %w", err)
	}
	message.Subject(cut(oneLine(m.Subject), subjectMax))
	message.SetMessageIDWithValue(m.ID + "@" + domain(from.Address))
	message.SetDateWithValue(m.Date)
	// RFC 3834: nobody's holiday notice should answer.
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	m.setList(message, domain(from.Address))
	message.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return message, nil
}

// setList writes the headers by which mail programs thread, filter and end mail.
func (m Message) setList(message *gomail.Msg, domain string) {
	if m.Root != "" {
		message.SetGenHeader(gomail.HeaderInReplyTo, "<"+m.Root+"@"+domain+">")
		message.SetGenHeader(gomail.HeaderReferences, "<"+m.Root+"@"+domain+">")
	}
	if m.List != "" {
		message.SetGenHeader("List-Id", "<"+m.List+"."+domain+">")
	}
	if m.Unsubscribe != "" {
		message.SetListUnsubscribe("<" + m.Unsubscribe + ">")
		if m.OneClick {
			message.SetGenHeader(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
		}
	}
}

func (m Message) check() error {
	switch {
	case m.ID == "" || strings.Trim(m.ID, idCharacters) != "":
		return fmt.Errorf("the message's id %q", m.ID)
	case strings.Trim(m.Root+m.List, idCharacters) != "":
		return fmt.Errorf("the message's thread %q or list %q", m.Root, m.List)
	case !isAddress(m.To.Address):
		return fmt.Errorf("the recipient's address %q", m.To.Address)
	case m.Text == "":
		return fmt.Errorf("the message %s has no text", m.ID)
	case m.Date.IsZero():
		return fmt.Errorf("the message %s has no date", m.ID)
	case m.Unsubscribe != "" && (!strings.HasPrefix(m.Unsubscribe, "https://") || hasControls(m.Unsubscribe) || strings.ContainsAny(m.Unsubscribe, "<> ,")):
		return fmt.Errorf("the link to unsubscribe %q", m.Unsubscribe)
	}
	return nil
}

// isAddress says whether the text is one bare address and nothing else.
func isAddress(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Address == text && !hasControls(text)
}

const idCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// oneLine replaces what could end a header line, or turn the direction in which it is read, by spaces.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || isControl(r) }), " ")
}

func hasControls(text string) bool { return strings.ContainsFunc(text, isControl) }

// isControl knows the control characters, line and paragraph separators, and those that reorder text.
func isControl(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) || r == unicode.ReplacementChar
}

func cut(text string, characters int) string {
	runes := []rune(text)
	if len(runes) <= characters {
		return text
	}
	return string(runes[:characters-1]) + "…"
}

func domain(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}
