package apikey

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Finder finds texts of shapes of other makers within text. It is safe for concurrent use.
type Finder struct {
	shapes   []Shape
	first    [256]bool // with what a text of one may begin
	within   [256]bool // the same, within a word
	shortest int       // of all texts
}

// NewFinder makes a finder. Without shapes it finds nothing.
func NewFinder(shapes ...Shape) *Finder {
	f := &Finder{shortest: MaxShapePrefix + MaxShapeLength}
	for _, s := range shapes {
		if slices.ContainsFunc(f.shapes, s.same) {
			continue
		}
		f.shapes = append(f.shapes, s)
		f.shortest = min(f.shortest, len(s.Prefix)+s.Shortest)
		for c := range f.first {
			begins := len(s.Prefix) > 0 && s.Prefix[0] == byte(c) || len(s.Prefix) == 0 && s.set[c]
			f.first[c], f.within[c] = f.first[c] || begins, f.within[c] || begins && s.marked
		}
	}
	return f
}

func (s Shape) same(o Shape) bool {
	return s.Prefix == o.Prefix && s.set == o.set && s.Length == o.Length && s.Shortest == o.Shortest
}

// Distinctive reports whether texts of the shape can be told from ordinary words by their prefix: it has at least three characters, two letters or digits among
// them, and one that is no small letter, as acme_ and AKIA have.
func (s Shape) Distinctive() bool {
	letters, marks := 0, 0
	for i := range len(s.Prefix) {
		if isBase62[s.Prefix[i]] {
			letters++
		}
		if !isLower(s.Prefix[i]) {
			marks++
		}
	}
	return len(s.Prefix) >= 3 && letters >= 2 && marks > 0
}

// declared finds what Declare named; nil until it named something.
var (
	declared  atomic.Pointer[Finder]
	declaring sync.Mutex
)

// MaxDeclared bounds the shapes that Find knows; the last declared are kept. Imports hold to it, so that none of theirs is lost.
const MaxDeclared = 128

// Declare lets Find, Mask and Redact know shapes, in all of this process and for as long as it runs: texts may hold keys of an import that is over. Only distinctive
// ones are taken: of the others every word of their length could be one.
//
// What has a declared shape is taken for a key, whether or not there is such a key. To look it up would tell whoever writes a text whether it is one.
func Declare(shapes ...Shape) {
	declaring.Lock()
	defer declaring.Unlock()
	var all []Shape
	if f := declared.Load(); f != nil {
		all = f.shapes
	}
	before := len(all)
	for _, s := range shapes {
		if s.Distinctive() && !slices.ContainsFunc(all, s.same) {
			all = append(slices.Clip(all), s)
		}
	}
	if len(all) > before {
		declared.Store(NewFinder(all[max(0, len(all)-MaxDeclared):]...))
	}
}

// Find returns the texts of the shapes in text, in order and not overlapping: alone or within a sentence, an address, source code or a header, with invisible
// characters between theirs, with HTML entities, percent-encoding, escapes, HTML tags or Markdown in them, full-width, and in base64 or hexadecimal. One that
// is a part of a longer word is none, but for one behind the mark of its prefix, nor one whose characters are all of one kind when its alphabet has several: words are. Other than ours they have no checksum, so
// that one that is broken by blanks or over lines is not found: sentences would be taken for keys.
//
// It takes time linear in the length of text, for each shape.
func (f *Finder) Find(text string) []Found { return merged(f.all(text)) }

func (f *Finder) all(text string) []Found {
	if f == nil || len(f.shapes) == 0 || len(text) < f.shortest {
		return nil
	}
	out := f.read(reading{}.spelled(text))
	if strings.ContainsAny(text, `&%\`) {
		out = append(out, f.read(reading{decoded: true}.spelled(text))...)
	}
	if strings.Contains(text, "<") || strings.Contains(text, "](") || strings.Contains(text, "][") {
		out = append(out, f.read(reading{decoded: true, markup: true}.spelled(text))...)
	}
	if controlled(text) {
		for _, apart := range []bool{false, true} { // within a text, and around one behind a word
			out = append(out, f.read(reading{decoded: true, control: true, apart: apart}.spelled(text))...)
		}
	}
	spaced := func(c byte) byte { return max(printed(c), ' ') }
	eachBase64(text, f.shortest*4/3, func(i, end int) {
		for skip := range 4 {
			out = append(out, f.read(decodedRun(text, i, end, skip, spaced))...)
		}
	})
	eachHex(text, f.shortest*2, func(i, end int) {
		for skip := range 2 {
			out = append(out, f.read(decodedHex(text, i, end, skip, spaced))...)
		}
	})
	return out
}

// spelled reads text as who reads it: printable characters, and a blank for each gap.
func (r reading) spelled(text string) *stream {
	s := &stream{chars: make([]byte, 0, len(text)), starts: make([]int32, 0, len(text)), ends: make([]int32, 0, len(text))}
	for i := 0; i < len(text); {
		c, n := r.char(text, i)
		if c != gone {
			s.add(max(c, ' '), i, i+n)
		}
		i += n
	}
	return s
}

func (f *Finder) read(s *stream) []Found {
	var out []Found
	f.each(string(s.chars), func(start, end int, of *Shape) {
		text := string(s.chars[start:end])
		out = append(out, Found{int(s.starts[start]), int(s.ends[end-1]), Secret{&text, len(of.Prefix) + 1}})
	})
	return out
}

// redact puts hints in the place of what stands in text as it is.
func (f *Finder) redact(text string) string {
	if f == nil || len(text) < f.shortest {
		return text
	}
	var out strings.Builder
	done := 0
	f.each(text, func(start, end int, of *Shape) {
		out.WriteString(text[done:start])
		out.WriteString(of.Prefix + "…" + text[end-4:end])
		done = end
	})
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// run is where characters of a shape's alphabet stand in a row: up to end, the last letter or digit before last. one and two are letters or digits of two kinds, see other; walked
// counts the steps to them, which tests bound.
type run struct{ end, last, one, two, walked int }

// each calls fn with each text of a shape in text, in order.
func (f *Finder) each(text string, fn func(start, end int, of *Shape)) {
	var runs []run // of each shape the last that was looked at, so that none is walked twice
	for i := 0; i+f.shortest <= len(text); i++ {
		if !f.first[text[i]] {
			continue
		}
		inside := insideWord(text, i)
		if inside && !f.within[text[i]] {
			continue
		}
		for k := range f.shapes {
			s := &f.shapes[k]
			if inside && !s.marked || !strings.HasPrefix(text[i:], s.Prefix) {
				continue
			}
			if runs == nil {
				runs = make([]run, len(f.shapes))
			}
			if end := s.end(text, i+len(s.Prefix), &runs[k]); end > 0 {
				fn(i, end, s)
				i = end - 1
				break
			}
		}
	}
}

// insideWord reports whether a word goes on at i. What is percent-encoded before it ends one.
func insideWord(text string, i int) bool {
	if i == 0 || !isBase62[text[i]] || !isBase62[text[i-1]] {
		return false
	}
	return i < 3 || text[i-3] != '%' || fourBits(text[i-2]) == notHex || fourBits(text[i-1]) == notHex
}

// other moves to the first character at from or later that is of another kind than one between, and returns where it is: at r.end when the run has no such. From one call to
// the next from only grows, so that a run is walked once for all places in it.
func (r *run) other(text string, from int) int {
	for r.one < from || r.one < r.end && kindOf(text[r.one]) < 0 {
		r.one, r.walked = r.one+1, r.walked+1
	}
	for r.two < r.end && (r.two <= r.one || kindOf(text[r.two]) < 0 || kindOf(text[r.two]) == kindOf(text[r.one])) {
		r.two, r.walked = r.two+1, r.walked+1
	}
	return r.two
}

// end is where a text of the shape ends whose random part begins at from, or 0 when there is none. Behind one with a distinctive prefix its alphabet may go on with
// punctuation, as in a name that was made of the text.
func (s *Shape) end(text string, from int, r *run) int {
	if from >= r.end {
		*r = run{end: from, last: from, one: from, two: from}
		for r.end < len(text) && s.set[text[r.end]] {
			if isBase62[text[r.end]] {
				r.last = r.end + 1
			}
			r.end++
		}
	}
	n := min(r.end-from, s.Length) // what is punctuation behind it may be the sentence's
	if n < s.Shortest || n < r.last-from && !s.distinct || from+n < len(text) && isBase62[text[from+n]] {
		return 0
	}
	if s.mixed && r.other(text, from) >= from+n {
		return 0
	}
	return from + n
}
