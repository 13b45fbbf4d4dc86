package framing

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// line reads one line of a head, or the part of it that is there, and returns how long that is.
func (r *Reader) line(b []byte) (int, *Refusal) {
	end := bytes.IndexByte(b, '\n')
	n := end + 1
	if end < 0 {
		n = len(b)
	}
	if r.head.size += n; r.head.size > r.Limits.Head {
		return 0, headTooLarge
	}
	line := b[:n]
	if end < 0 || len(r.part) > 0 {
		r.part = append(r.part, line...)
		line = r.part
	}
	if end < 0 {
		return n, nil
	}
	r.part = r.part[:0]
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return 0, badLine
	}
	line = line[:len(line)-2]
	switch {
	case !r.head.inside:
		r.head.inside = true
		return n, r.head.request(line)
	case len(line) > 0:
		if r.head.fields++; r.head.fields > r.Limits.Fields {
			return 0, headTooLarge
		}
		return n, r.head.field(line)
	}
	return n, r.complete()
}

// complete ends a head.
func (r *Reader) complete() *Refusal {
	h := &r.head
	switch {
	case h.hosts == 0 && h.modern:
		return badHost
	case h.codings > 0 && (h.codings > 1 || h.lengths > 0 || !h.modern):
		return badCoding
	case h.codings > 0:
		return needsLength
	case h.length > r.Limits.Body:
		return tooLarge
	}
	r.body = h.length
	r.head = head{}
	return nil
}

// request reads the request line.
func (h *head) request(line []byte) *Refusal {
	method, rest, ok := bytes.Cut(line, space)
	target, version, ok2 := bytes.Cut(rest, space)
	if !ok || !ok2 || !isToken(method) || len(target) == 0 {
		return badRequestLine
	}
	switch {
	case string(version) == "HTTP/1.1":
		h.modern = true
	case string(version) == "HTTP/1.0":
	case len(version) == 8 && string(version[:5]) == "HTTP/" && isDigit(version[5]) && version[6] == '.' && isDigit(version[7]):
		return badVersion
	default:
		return badRequestLine
	}
	for _, c := range target {
		if c <= ' ' || c >= 0x7f || c == '#' {
			return badTarget
		}
	}
	switch {
	case string(method) == "CONNECT":
		return badTarget
	case target[0] == '/':
		return nil
	case string(target) == "*" && string(method) == "OPTIONS":
		return nil
	}
	return h.absolute(string(target))
}

// absolute reads a target in absolute form. Its authority must be that of Host.
func (h *head) absolute(target string) *Refusal {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return badTarget
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	h.authority = rest[:end]
	if h.authority == "" || strings.ContainsAny(h.authority, notInHost) {
		return badTarget
	}
	return nil
}

const notInHost = " \t,;/\\?#@<>\"'(){}^`|"

// field reads a header field.
func (h *head) field(line []byte) *Refusal {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 || !isToken(line[:colon]) {
		return badField
	}
	name, value := line[:colon], Trim(line[colon+1:])
	if !isClean(value) {
		return badValue
	}
	switch len(name) {
	case len("host"):
		if is(name, "host") {
			return h.host(value)
		}
	case len("expect"):
		if is(name, "expect") && !is(value, "100-continue") {
			return badExpectation
		}
	case len("content-length"):
		if is(name, "content-length") {
			return h.contentLength(value)
		}
	case len("transfer-encoding"):
		if is(name, "transfer-encoding") {
			if h.codings++; !is(value, "chunked") {
				h.codings++ // one that nobody here reads
			}
		}
	}
	return nil
}

func (h *head) host(value []byte) *Refusal {
	if h.hosts++; h.hosts > 1 || len(value) == 0 || bytes.ContainsAny(value, notInHost) || h.authority != "" && !is(value, h.authority) {
		return badHost
	}
	return nil
}

// contentLength takes digits alone, of a number that no program can fail to hold.
func (h *head) contentLength(value []byte) *Refusal {
	if h.lengths++; h.lengths > 1 || len(value) == 0 || len(value) > 15 {
		return badLength
	}
	for _, c := range value {
		if !isDigit(c) {
			return badLength
		}
		h.length = h.length*10 + int64(c-'0')
	}
	return nil
}

var space = []byte{' '}

// Trim leaves out the spaces and tabs around a value. bytes.Trim makes a set of them first, each time.
func Trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for n := len(b); n > 0 && (b[n-1] == ' ' || b[n-1] == '\t'); n = len(b) {
		b = b[:n-1]
	}
	return b
}

// is compares without case; text is lower case where it holds letters that matter.
func is(b []byte, text string) bool {
	return len(b) == len(text) && strings.EqualFold(string(b), text)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// tokens are the bytes of a token (RFC 9110 section 5.6.2).
var tokens = func() (all [256]bool) {
	for c := range all {
		all[c] = c > ' ' && c < 0x7f && strings.IndexByte("\"(),/:;<=>?@[\\]{}", byte(c)) < 0
	}
	return all
}()

func isToken(b []byte) bool {
	for _, c := range b {
		if !tokens[c] {
			return false
		}
	}
	return len(b) > 0
}

// isClean reports whether b has no control character but tabs. It looks at eight bytes at a time.
func isClean(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		const ones, highs = 0x0101010101010101, 0x8080808080808080
		word := binary.LittleEndian.Uint64(b)
		below := (word - ' '*ones) & ^word & highs
		deleted := word ^ 0x7f*ones
		if below|((deleted-ones) & ^deleted & highs) != 0 && !isCleanByByte(b[:8]) {
			return false
		}
	}
	return isCleanByByte(b)
}

func isCleanByByte(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
