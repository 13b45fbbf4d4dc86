package text

import (
	"strconv"
	"strings"
)

// A quick is a sentence that is put together without x/text: one with only words and small numbers in it, which is nearly every one. A list writes hundreds.
type quick struct {
	args   int
	choose int // number of the argument by which a form is chosen; 0: there is one form
	one    []part
	other  []part
}

// A part is a piece of a sentence, or the argument of that number in its place.
type part struct {
	words string
	arg   int
	verb  byte // s or d
}

// newQuick reads an entry; nil for one that x/text has to write.
func newQuick(e entry) *quick {
	if e.Forms == nil {
		parts, args := partsOf(e.Text)
		if args == 0 {
			return nil
		}
		return &quick{args: args, other: parts}
	}
	one, other := e.Forms["one"], e.Forms["other"]
	if one == "" {
		one = other
	}
	q := &quick{choose: e.Arg}
	q.one, _ = partsOf(one)
	q.other, q.args = partsOf(other)
	for form := range e.Forms {
		if form != "one" && form != "other" {
			return nil
		}
	}
	if _, n := partsOf(one); n > q.args || q.one == nil || q.other == nil || e.Arg > q.args {
		return nil
	}
	return q
}

// partsOf parts a sentence at its verbs and tells how many arguments it takes; nil when it has other verbs than %s and %d.
func partsOf(sentence string) (parts []part, args int) {
	next := 1
	for {
		before, rest, found := strings.Cut(sentence, "%")
		if before != "" || !found {
			parts = append(parts, part{words: before})
		}
		if !found {
			return parts, args
		}
		if inside, after, indexed := strings.Cut(rest, "]"); indexed && strings.HasPrefix(inside, "[") {
			n, err := strconv.Atoi(inside[1:])
			if err != nil || n < 1 || n > 9 {
				return nil, 0
			}
			next, rest = n, after
		}
		if rest == "" || (rest[0] != 's' && rest[0] != 'd') {
			return nil, 0
		}
		parts, args = append(parts, part{arg: next, verb: rest[0]}), max(args, next)
		next, sentence = next+1, rest[1:]
	}
}

// ungrouped is the first number that languages write with a separator.
const ungrouped = 1000

// write puts the sentence together; ok is false for arguments that x/text has to write.
func (q *quick) write(args []any) (sentence string, ok bool) {
	if len(args) != q.args {
		return "", false
	}
	parts := q.other
	if q.choose > 0 {
		n, small := smallNumber(args[q.choose-1])
		if !small {
			return "", false
		}
		if n == 1 { // English and German alike
			parts = q.one
		}
	}
	var b strings.Builder
	for _, p := range parts {
		if p.arg == 0 {
			b.WriteString(p.words)
			continue
		}
		switch p.verb {
		case 's':
			s, is := args[p.arg-1].(string)
			if !is {
				return "", false
			}
			b.WriteString(s)
		default:
			n, small := smallNumber(args[p.arg-1])
			if !small {
				return "", false
			}
			b.WriteString(strconv.Itoa(n))
		}
	}
	return b.String(), true
}

func smallNumber(a any) (int, bool) {
	switch n := a.(type) {
	case int:
		return n, n >= 0 && n < ungrouped
	case int64:
		return int(n), n >= 0 && n < ungrouped
	}
	return 0, false
}
