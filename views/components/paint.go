package components

import "strings"

// piece is a run of code in one colour: "s" strings, "k" keys of JSON, "c" comments, "" the rest.
type piece struct{ Class, Text string }

// maxPainted bounds the work and the markup: longer code is shown in one colour.
const maxPainted = 8 << 10

// paint colours what shell lines, JSON and configuration have in common: quoted strings and lines that begin with #.
// The pieces joined are always the text itself.
func paint(code string) []piece {
	if len(code) > maxPainted {
		return []piece{{"", code}}
	}
	var all []piece
	for line := range strings.Lines(code) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			all = append(all, piece{"c", line})
			continue
		}
		all = paintLine(all, line)
	}
	return all
}

func paintLine(all []piece, line string) []piece {
	for line != "" {
		open := strings.IndexByte(line, '"')
		if open < 0 {
			return append(all, piece{"", line})
		}
		end := closing(line[open+1:])
		if end < 0 {
			return append(all, piece{"", line})
		}
		if open > 0 {
			all = append(all, piece{"", line[:open]})
		}
		end += open + 2
		class := "s"
		if strings.HasPrefix(strings.TrimLeft(line[end:], " "), ":") {
			class = "k"
		}
		all = append(all, piece{class, line[open:end]})
		line = line[end:]
	}
	return all
}

// closing finds the quote that ends a string, past escaped ones.
func closing(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
