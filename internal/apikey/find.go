package apikey

import (
	"slices"
	"strings"
)

// Found is one key in a text: the bytes [Start, End) hold all of it, with
// whatever was put between its characters.
type Found struct {
	Start, End int
	Key        Secret
}

// Find returns the keys in text, of whatever brand, in order and not
// overlapping. A key is found by its shape and checksum, also when it is broken
// over lines, quoted, marked up as Markdown or HTML, joined in source code, or
// carries invisible characters, and when its characters are written as HTML
// entities, percent-encoded, quoted-printable, as escapes of JSON and of source
// code, in base64 or hexadecimal (both once, not one inside the other), or in
// forms that only look different (full-width). A listing with addresses
// beside the digits (hexdump) is not found, nor what is encrypted, compressed,
// reversed or shifted.
//
// Texts of the shapes that were declared (Declare) are found too, as Finder finds them.
//
// It takes time linear in the length of text: each of a few readings of the
// text is made and searched once. Chance makes it see a key where there is none
// about once in 2³² places that begin like one.
func Find(text string) []Found {
	var all []Found
	for _, r := range readings(text) {
		all = append(all, r.stream(text).keys()...)
	}
	all = append(append(all, inBase64(text)...), inHex(text)...)
	return merged(append(all, declared.Load().all(text)...))
}

// Mask returns text with every key that Find sees replaced by its hint. Text
// without a key is returned as it is.
func Mask(text string) string {
	return masked(text, Find(text))
}

// Mask returns text with every text of the shapes that Find sees replaced by its hint.
func (f *Finder) Mask(text string) string { return masked(text, f.Find(text)) }

func masked(text string, found []Found) string {
	if len(found) == 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for _, f := range found {
		out.WriteString(text[done:f.Start])
		out.WriteString(f.Key.Hint())
		done = f.End
	}
	out.WriteString(text[done:])
	return out.String()
}

// merged puts what several readings found in order. Of two that overlap the
// first stays, grown over the other: nothing of either may be left.
func merged(all []Found) []Found {
	slices.SortFunc(all, func(a, b Found) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return a.End - b.End
	})
	out := all[:0]
	for _, f := range all {
		if n := len(out); n > 0 && f.Start < out[n-1].End {
			out[n-1].End = max(out[n-1].End, f.End)
			continue
		}
		out = append(out, f)
	}
	return out
}

// stream is a reading of a text: only the characters that a key can have, each
// with the bytes of the text from which it was read.
type stream struct {
	chars  []byte
	starts []int32
	ends   []int32
}

func (s *stream) add(c byte, start, end int) {
	s.chars = append(s.chars, c)
	s.starts = append(s.starts, int32(start)) //nolint:gosec // texts are far below 2 GB
	s.ends = append(s.ends, int32(end))       //nolint:gosec // as above
}

// maxUnderscores bounds how many underscores in a row are taken for one, or
// passed over inside a body, where emphasis can put them.
const maxUnderscores = 64

// keys finds the keys in the stream. After the first underscore of a key come
// the environment, underscores, and 38 characters of body and check.
func (s *stream) keys() []Found {
	var out []Found
	floor := 0
	for at := 0; at < len(s.chars); at++ {
		if s.chars[at] != '_' || at == 0 || s.chars[at-1] == '_' {
			continue
		}
		start, end, key, ok := s.keyAround(at, floor)
		if !ok {
			continue
		}
		out = append(out, Found{int(s.starts[start]), int(s.ends[end-1]), newSecret(key)})
		floor, at = end, end-1
	}
	return out
}

func (s *stream) keyAround(mark, floor int) (start, end int, key string, ok bool) {
	at := s.skip(mark)
	if at+envLen >= len(s.chars) || !Environment(s.chars[at:at+envLen]).Valid() || s.chars[at+envLen] != '_' {
		return 0, 0, "", false
	}
	env := s.chars[at : at+envLen]
	tail := make([]byte, 0, tailLen)
	for at = s.skip(at + envLen); len(tail) < tailLen && at < len(s.chars); {
		if s.chars[at] == '_' {
			next := s.skip(at)
			if next-at >= maxUnderscores {
				break
			}
			at = next
			continue
		}
		tail = append(tail, s.chars[at])
		at++
	}
	if len(tail) < tailLen {
		return 0, 0, "", false
	}
	first := mark
	for first > floor && mark-first < maxBrand && isBrandByte(s.chars[first-1]) {
		first--
	}
	for start = first; mark-start >= minBrand; start++ {
		if !isLower(s.chars[start]) {
			continue
		}
		text := string(s.chars[start:mark]) + "_" + string(env) + "_" + string(tail)
		if tailHolds(text) {
			return start, at, text, true
		}
	}
	return 0, 0, "", false
}

// skip is where the underscores that begin at i end, at most maxUnderscores on.
func (s *stream) skip(i int) int {
	end := min(len(s.chars), i+maxUnderscores)
	for i < end && s.chars[i] == '_' {
		i++
	}
	return i
}
