package keyring

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"
)

// ErrBadRequest is returned for a method or path that two programs could read
// in two ways. The request must be refused as malformed.
var ErrBadRequest = errors.New("keyring: ambiguous path")

// MaxPath is the longest path that is looked at, in bytes.
const MaxPath = 8192

// Path is the one reading of a request's path on which everything is decided.
type Path struct{ text string }

// String returns the canonical text; "" for the zero Path, which means that the
// request named none.
func (p Path) String() string { return p.text }

// Canonical returns the one reading of a request target's path. The query is
// left out; escapes of whatever ASCII can be read without them are undone, as the
// service behind undoes them, and the others (space, percent sign, beyond ASCII)
// written in upper case; one slash at the end is left out, as most routers
// do not tell the two apart. Letters keep their case, see API.Match. It fails with
// ErrBadRequest for whatever servers read differently: a target that does not begin
// with one slash, escaped slashes, backslashes, dots, semicolons, controls and percent
// signs before hex digits, empty and dot segments, white space at an end of a segment,
// which some trim, escaped bytes that are no UTF-8, look-alikes of slashes, backslashes and dots, raw controls, spaces, bytes beyond ASCII, "#", ";" and "\", invalid
// escapes. A path without escapes costs no allocation.
func Canonical(target string) (Path, error) {
	path, _, _ := strings.Cut(target, "?")
	if path == "" || path[0] != '/' || len(path) > MaxPath || strings.IndexByte(target, '#') >= 0 ||
		strings.Contains(path, "//") {
		return Path{}, ErrBadRequest
	}
	path, err := unescape(path)
	if err != nil {
		return Path{}, err
	}
	if len(path) > 1 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	for rest := path[1:]; rest != ""; {
		var segment string
		if segment, rest, _ = strings.Cut(rest, "/"); segment == "." || segment == ".." || isTrimmed(segment) {
			return Path{}, ErrBadRequest
		}
	}
	return Path{path}, nil
}

func unescape(path string) (string, error) {
	escaped := false
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '%':
			escaped = true
		case c <= ' ' || c >= 0x7f || c == ';' || c == '\\':
			return "", ErrBadRequest
		}
	}
	if !escaped {
		return path, nil
	}
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			out.WriteByte(path[i])
			continue
		}
		if i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2]) {
			return "", ErrBadRequest
		}
		c := unhex(path[i+1])<<4 | unhex(path[i+2])
		switch {
		case isPlain(c):
			out.WriteByte(c)
		case isDangerous(c):
			return "", ErrBadRequest
		default:
			out.WriteByte('%')
			out.WriteString(strings.ToUpper(path[i+1 : i+3]))
		}
		i += 2
	}
	if text := out.String(); !escapesTwice(text) && isReadAlike(text) {
		return text, nil
	}
	return "", ErrBadRequest
}

// lookAlikes are what some programs fold to a slash, a backslash or dots, by compatibility or by sight.
const lookAlikes = "\u2044\u2215\u29f8\uff0f\u2216\u29f5\ufe68\uff3c\u2024\u2025\ufe52\uff0e"

// isReadAlike reports whether the escapes of a path are of text: bytes that are no UTF-8 are a slash to old decoders (%C0%AF), and look-alikes to others.
func isReadAlike(path string) bool {
	if strings.IndexByte(path, '%') < 0 {
		return true
	}
	text := undone(path)
	return utf8.ValidString(text) && !strings.ContainsAny(text, lookAlikes)
}

// escapesTwice reports whether a percent sign, once undone, would begin another escape.
func escapesTwice(text string) bool {
	for {
		_, after, found := strings.Cut(text, "%25")
		if !found {
			return false
		}
		if len(after) >= 2 && isHex(after[0]) && isHex(after[1]) {
			return true
		}
		text = after
	}
}

// isTrimmed reports whether a segment begins or ends with what trimming takes off: escaped white space or a byte order mark.
func isTrimmed(segment string) bool {
	if !strings.Contains(segment, "%") {
		return false
	}
	text := undone(segment)
	return strings.Trim(strings.TrimSpace(text), "\ufeff") != text
}

// undone is a segment of a canonical path as a service reads it.
func undone(segment string) string {
	text, err := url.PathUnescape(segment)
	if err != nil { // no canonical path has such an escape
		return segment
	}
	return text
}

// isPlain tells what means the same escaped and not: any ASCII that can be seen, but for the percent sign and what isDangerous.
func isPlain(c byte) bool { return ' ' < c && c < 0x7f && c != '%' && !isDangerous(c) }

// isDangerous tells what may not be escaped: what would cut a path elsewhere once undone.
func isDangerous(c byte) bool {
	return c < ' ' || c == 0x7f || c == '/' || c == '\\' || c == '.' || c == ';' || c == '#' || c == '?'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
