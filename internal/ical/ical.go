// Package ical writes calendars that programs read (RFC 5545, with the properties of RFC 7986 for names and refreshing).
//
// It writes what a list of moments needs, and nothing else: one VCALENDAR of VEVENTs that take no time. Lines end with CRLF and are folded after 75
// octets, never within a character (section 3.1); text is escaped (section 3.3.11), and characters that no text may hold are left out. Times are UTC.
// The cost is that of copying the text once.
package ical

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// lineOctets is the most octets of a line, without its end.
const lineOctets = 75

const stamp = "20060102T150405Z"

// Calendar is one calendar. Product names the program that writes it: "-//Company//Program//EN".
type Calendar struct {
	Product string
	Name    string
	Refresh time.Duration // how often it is worth reading; whole minutes
	Events  []Event
}

// Event is a moment. UID is the same whenever the calendar is written and no other event's; Sequence grows when At changes; Changed is when the event
// last did.
type Event struct {
	UID      string
	Sequence int64
	Changed  time.Time
	At       time.Time
	Summary  string
	Details  string
	URL      string // absolute; empty for none
}

// String writes the calendar.
func (c Calendar) String() string {
	var w writer
	w.line("BEGIN", "VCALENDAR")
	w.line("VERSION", "2.0")
	w.line("PRODID", escape(c.Product))
	w.line("CALSCALE", "GREGORIAN")
	w.line("NAME", escape(c.Name))
	w.line("X-WR-CALNAME", escape(c.Name)) // as programs from before RFC 7986 read it
	if minutes := int64(c.Refresh / time.Minute); minutes > 0 {
		every := "PT" + strconv.FormatInt(minutes, 10) + "M"
		w.line("REFRESH-INTERVAL;VALUE=DURATION", every)
		w.line("X-PUBLISHED-TTL", every)
	}
	for _, e := range c.Events {
		w.event(e)
	}
	w.line("END", "VCALENDAR")
	return w.String()
}

type writer struct{ strings.Builder }

func (w *writer) event(e Event) {
	w.line("BEGIN", "VEVENT")
	w.line("UID", escape(e.UID))
	w.line("DTSTAMP", e.Changed.UTC().Format(stamp))
	w.line("LAST-MODIFIED", e.Changed.UTC().Format(stamp))
	w.line("SEQUENCE", strconv.FormatInt(e.Sequence, 10))
	w.line("DTSTART", e.At.UTC().Format(stamp))
	w.line("SUMMARY", escape(e.Summary))
	if e.Details != "" {
		w.line("DESCRIPTION", escape(e.Details))
	}
	if e.URL != "" {
		w.line("URL", printable(e.URL))
	}
	w.line("TRANSP", "TRANSPARENT") // it makes nobody busy
	w.line("END", "VEVENT")
}

// line writes name and value, which hold no line break, folded.
func (w *writer) line(name, value string) {
	rest := name + ":" + value
	for room := lineOctets; len(rest) > room; room = lineOctets - 1 { // what goes on begins with a space
		cut := room
		for !utf8.RuneStart(rest[cut]) {
			cut--
		}
		w.WriteString(rest[:cut] + "\r\n ")
		rest = rest[cut:]
	}
	w.WriteString(rest + "\r\n")
}

var escaper = strings.NewReplacer(`\`, `\\`, `;`, `\;`, `,`, `\,`, "\r\n", `\n`, "\n", `\n`)

// escape makes a text value.
func escape(s string) string { return printable(escaper.Replace(s)) }

// printable leaves out what no value may hold: control characters but the tab, what some readers take for the end of a line, and what is no UTF-8.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\t' || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s)
}
