package apikey

import "strings"

// Redact returns text with every key in it, of whatever brand, replaced by its
// hint. A key is what has the shape and the right checksum, also in the middle
// of longer text, or what has a shape that was declared. Text without a key is returned as it is, without allocating.
func Redact(text string) string { return declared.Load().redact(redactOwn(text)) }

func redactOwn(text string) string {
	var out strings.Builder
	done := 0
	for at := 0; at < len(text); {
		i := strings.IndexByte(text[at:], '_')
		if i < 0 {
			break
		}
		at += i
		start, end, ok := keyAround(text, at, done)
		if !ok {
			at++
			continue
		}
		out.WriteString(text[done:start])
		out.WriteString(Hint(text[start:end]))
		done, at = end, end
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// keyAround finds the key whose first underscore is at mark and whose brand
// starts at floor or later. The longest brand that fits the checksum wins.
func keyAround(text string, mark, floor int) (start, end int, ok bool) {
	end = mark + 1 + envLen + 1 + tailLen
	if end > len(text) || text[mark+1+envLen] != '_' || !Environment(text[mark+1:mark+1+envLen]).Valid() {
		return 0, 0, false
	}
	first := mark
	for first > floor && mark-first < maxBrand && isBrandByte(text[first-1]) {
		first--
	}
	for start = first; mark-start >= minBrand; start++ {
		if isLower(text[start]) && tailHolds(text[start:end]) {
			return start, end, true
		}
	}
	return 0, 0, false
}
