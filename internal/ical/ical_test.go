package ical_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/ical"
)

// property is one content line as a reader of calendars sees it.
type property struct{ name, value string }

// parse is a strict reader of RFC 5545, written from its grammar: it unfolds, splits and unescapes, and refuses what is not well-formed.
func parse(text string) (calendar []property, events []map[string]string, err error) {
	if !utf8.ValidString(text) || !strings.HasSuffix(text, "\r\n") {
		return nil, nil, errors.New("no UTF-8, or no last line end")
	}
	raw := strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n")
	var lines []string
	for _, l := range raw {
		if len(l) > 75 || strings.ContainsAny(l, "\r\n") || !utf8.ValidString(l) {
			return nil, nil, fmt.Errorf("line %q", l)
		}
		if rest, folded := strings.CutPrefix(l, " "); folded {
			if len(lines) == 0 {
				return nil, nil, errors.New("folded from nothing")
			}
			lines[len(lines)-1] += rest
			continue
		}
		lines = append(lines, l)
	}
	var inside []string
	for _, l := range lines {
		name, value, ok := strings.Cut(l, ":")
		if !ok || name == "" {
			return nil, nil, fmt.Errorf("no property: %q", l)
		}
		switch name {
		case "BEGIN":
			inside = append(inside, value)
			if value == "VEVENT" {
				events = append(events, map[string]string{})
			}
			continue
		case "END":
			if len(inside) == 0 || inside[len(inside)-1] != value {
				return nil, nil, fmt.Errorf("END:%s", value)
			}
			inside = inside[:len(inside)-1]
			continue
		}
		name, _, _ = strings.Cut(name, ";")
		if value, err = unescape(name, value); err != nil {
			return nil, nil, err
		}
		switch strings.Join(inside, "/") {
		case "VCALENDAR":
			calendar = append(calendar, property{name, value})
		case "VCALENDAR/VEVENT":
			if _, twice := events[len(events)-1][name]; twice {
				return nil, nil, fmt.Errorf("%s twice", name)
			}
			events[len(events)-1][name] = value
		default:
			return nil, nil, fmt.Errorf("%s in %v", name, inside)
		}
	}
	if len(inside) > 0 {
		return nil, nil, errors.New("not ended")
	}
	return calendar, events, nil
}

func unescape(name, value string) (string, error) {
	switch name {
	case "DTSTART", "DTSTAMP", "LAST-MODIFIED":
		_, err := time.Parse("20060102T150405Z", value)
		return value, err
	case "URL", "SEQUENCE", "REFRESH-INTERVAL", "X-PUBLISHED-TTL", "VERSION", "CALSCALE", "TRANSP":
		return value, nil
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == ',' || c == ';' || c < ' ' && c != '\t':
			return "", fmt.Errorf("%s holds a bare %q", name, c)
		case c == '\\':
			if i++; i == len(value) {
				return "", fmt.Errorf("%s ends within an escape", name)
			}
			switch value[i] {
			case 'n', 'N':
				b.WriteByte('\n')
			case '\\', ';', ',':
				b.WriteByte(value[i])
			default:
				return "", fmt.Errorf("%s: \\%c is no escape", name, value[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

func TestCalendarIsReadAsItWasMeant(t *testing.T) {
	at := time.Date(2026, 12, 31, 13, 0, 0, 0, time.FixedZone("", 3600))
	long := strings.Repeat("Ein langer Name, mit; Zeichen\\n 🗝️ und Umläuten ", 9)
	c := ical.Calendar{Product: "-//Gatehouse//Keys//EN", Name: "Keys, of “Northwind”", Refresh: time.Hour, Events: []ical.Event{
		{UID: "key_1@portal.example", Sequence: 7, Changed: at.Add(-time.Hour), At: at, Summary: long, Details: "first\r\nsecond\x00\x07", URL: "https://portal.example/console/keys/key_1"},
		{UID: "key_2@portal.example", Changed: at, At: at, Summary: "END:VCALENDAR\r\nBEGIN:VEVENT"},
	}}

	head, events, err := parse(c.String())

	if err != nil || len(events) != 2 {
		t.Fatal(err, events)
	}
	if diff := cmp.Diff(map[string]string{
		"UID": "key_1@portal.example", "SEQUENCE": "7", "DTSTAMP": "20261231T110000Z", "LAST-MODIFIED": "20261231T110000Z", "DTSTART": "20261231T120000Z", "SUMMARY": long,
		"DESCRIPTION": "first\nsecond", "URL": "https://portal.example/console/keys/key_1", "TRANSP": "TRANSPARENT",
	}, events[0]); diff != "" {
		t.Error(diff)
	}
	if events[1]["SUMMARY"] != "END:VCALENDAR\nBEGIN:VEVENT" {
		t.Error(events[1])
	}
	if !strings.Contains(fmt.Sprint(head), "{NAME Keys, of “Northwind”}") || !strings.Contains(fmt.Sprint(head), "{REFRESH-INTERVAL PT60M}") {
		t.Error(head)
	}
}

func FuzzNothingTypedBreaksACalendar(f *testing.F) {
	f.Add("a,b;c\\d\ne", 3)
	f.Add(strings.Repeat("ä", 80), 75)
	f.Add("\r\nBEGIN:VEVENT", 0)
	f.Fuzz(func(t *testing.T, s string, n int) {
		s = strings.Repeat("x", min(max(n, 0), 200)) + s
		c := ical.Calendar{Product: "p", Name: s, Events: []ical.Event{{UID: "1", Summary: s, Details: s}}}

		_, events, err := parse(c.String())

		if err != nil || len(events) != 1 {
			t.Fatal(err, events)
		}
	})
}
