package lint

import (
	"fmt"
	"go/ast"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/views/mail"
)

// sentences of letters, by where they stand: what is given to outbox.L, and in files that do so by a variable, what is marked for later.
func sentences(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, s := range sources(t) {
		if s.isTest() || s.imports("github.com/gatehouse-dev/gatehouse/models/outbox") == "" {
			continue
		}
		take := func(maker string) func(string, *ast.CallExpr) {
			return func(name string, call *ast.CallExpr) {
				if lit, ok := call.Args[0].(*ast.BasicLit); ok && name == maker {
					if words, err := strconv.Unquote(lit.Value); err == nil {
						out[words] = s.at(call)
					}
				}
			}
		}
		s.calls("github.com/gatehouse-dev/gatehouse/models/outbox", take("L"))
		s.calls("github.com/gatehouse-dev/gatehouse/internal/text", take("N"))
	}
	return out
}

const (
	typed   = "Ann evil.biz\r\nhttps://evil.example/x evil\u3002biz \u202eevil\u2028now"
	address = "ada@company.example"
)

var (
	aVerb    = regexp.MustCompile(`%(?:\[(\d)\])?([sdv])`)
	linked   = regexp.MustCompile(`\pL[.\x{3002}\x{FF0E}\x{FF61}]\pL|://`)
	tags     = regexp.MustCompile(`<[^>]*>`)
	counted  = regexp.MustCompile(`%(\[\d\])?s (API )?(days|hours|minutes|keys|organizations|questions|answers|calls|people|times)\b`)
	oneOfAll = regexp.MustCompile(`\b1 (API )?(days|hours|minutes|keys|organizations|questions|answers|calls|Tage|Tagen|Stunden|Minuten|Fragen|Antworten|Aufrufe|Aufrufen)\b`)
)

// line fills a sentence: with words that somebody typed, with n, and with an address.
func line(words string, n int) mail.Line {
	l := mail.Line{Key: words}
	for i, v := range aVerb.FindAllStringSubmatch(words, -1) {
		if at, err := strconv.Atoi(v[1]); err == nil {
			i = at - 1
		}
		for len(l.Args) <= i {
			l.Args = append(l.Args, "")
		}
		l.Args[i] = map[string]string{"s": typed, "d": strconv.Itoa(n), "v": address}[v[2]]
	}
	return l
}

// F4, L6: whatever people call themselves, their apps and keys, no sentence of any letter has a link or a line of theirs, in either language and form; and a
// number is followed by a word that goes with it.
func TestLettersSayWhatPeopleTypedHarmlesslyAndCountRightly(t *testing.T) {
	all := sentences(t)
	if len(all) < 150 {
		t.Fatal("where are the sentences of letters?", len(all))
	}
	for words, at := range all {
		if counted.MatchString(words) {
			t.Errorf("%s: %q: a number goes by %%d, so that the catalogue can choose", at, words)
		}
		for _, language := range []string{"en", "de"} {
			for _, n := range []int{0, 1, 2} {
				for _, fault := range faultsOf(t, line(words, n), language) {
					t.Errorf("%s, in %s with %d: %s: %q", at, language, n, fault, words)
				}
			}
		}
	}
}

func faultsOf(t *testing.T, l mail.Line, language string) (faults []string) {
	t.Helper()
	subject, plain, document, err := mail.Compose(t.Context(), "Gatehouse", mail.Letter{Language: language, Subject: l, Lines: []mail.Line{l}, After: []mail.Line{l}})
	if err != nil {
		t.Fatal(err)
	}
	_, document, _ = strings.Cut(document, "<main>")
	flat := strings.Join(strings.Fields(plain), " ") // plain text is wrapped between words
	for part, text := range map[string]string{"subject": subject, "text": flat, "HTML": html.UnescapeString(tags.ReplaceAllString(document, "\n"))} {
		text = strings.ReplaceAll(text, address, "")
		for what, found := range map[string]bool{
			"a link": linked.MatchString(text), "a verb without its value": strings.Contains(text, "%!"), "a wrong plural": oneOfAll.MatchString(text), "a turned direction": strings.ContainsAny(text, "\u202e\u2028\r"),
			"a line of theirs": part == "subject" && strings.Contains(text, "\n") || strings.Contains(text, "\nhttps") || strings.Contains(text, "\nnow"),
		} {
			if found {
				faults = append(faults, fmt.Sprintf("%s in the %s", what, part))
			}
		}
	}
	if slices.Contains(l.Args, address) && !strings.Contains(flat, address) {
		faults = append(faults, "the address is not as it was typed")
	}
	return faults
}
