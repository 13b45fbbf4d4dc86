package index

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Words that may be suggested: letters only, of this many of them.
const (
	minSpelled = 3 // of three letters only those swapped
	maxSpelled = 24
	maxPublic  = 2_000 // words of one document
	longWord   = 8     // from here on two slips are borne
)

// publicWords are the words of a document that may be suggested to anybody: of title, tags and codes, and of the body only where it is the house's
// own prose, not what somebody posted.
func (d Document) publicWords() []string {
	if !d.Public {
		return nil
	}
	text := d.Title + " " + strings.Join(d.Tags, " ") + " " + strings.Join(d.Codes, " ")
	if d.Kind != Question {
		text += " " + clip(d.Body, maxBody)
	}
	seen := map[string]bool{}
	var words []string
	scan(normal(text), func(t token) {
		if spellable(t, fold(t.word)) && !seen[t.word] && len(words) < maxPublic {
			seen[t.word] = true
			words = append(words, t.word)
		}
	})
	slices.Sort(words)
	return words
}

func spellable(t token, word string) bool {
	return !t.whole && !t.pair && !anyStop[word] && utf8.RuneCountInString(word) >= minSpelled && len(word) <= maxSpelled &&
		!strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) })
}

// putPublic replaces the words that this document lets be suggested.
func putPublic(tx *db.Tx, id int64, again bool, d Document) error {
	if again {
		if _, err := tx.Run("DELETE FROM search_public_words WHERE document_id = ?", id); err != nil {
			return err
		}
	}
	words := d.publicWords()
	if len(words) == 0 {
		return nil
	}
	var known []string
	for part := range slices.Chunk(words, 500) {
		if err := insertWords(tx, id, part); err != nil {
			return err
		}
		var some []string
		if err := tx.Raw("SELECT DISTINCT word FROM search_spellings WHERE word IN ?", part).Scan(&some).Error; err != nil {
			return err
		}
		known = append(known, some...)
	}
	var rows []any
	for _, word := range words {
		if !slices.Contains(known, word) {
			for _, v := range shortened(fold(word)) {
				rows = append(rows, v, word)
			}
		}
	}
	for part := range slices.Chunk(rows, 800) {
		if _, err := tx.Run("INSERT INTO search_spellings (variant, word) VALUES "+strings.TrimSuffix(strings.Repeat("(?, ?), ", len(part)/2), ", ")+" ON CONFLICT DO NOTHING", part...); err != nil {
			return err
		}
	}
	return nil
}

func insertWords(tx *db.Tx, id int64, words []string) error {
	rows := make([]any, 0, 2*len(words))
	for _, word := range words {
		rows = append(rows, word, id)
	}
	_, err := tx.Run("INSERT INTO search_public_words (word, document_id) VALUES "+strings.TrimSuffix(strings.Repeat("(?, ?), ", len(words)), ", ")+" ON CONFLICT DO NOTHING", rows...)
	return err
}

// shortened is the word, and the word without each of its letters.
func shortened(word string) []string {
	runes := []rune(word)
	out := []string{word}
	for i := range runes {
		if v := string(runes[:i]) + string(runes[i+1:]); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

type spelling struct {
	Word string
	Docs int64
}

// corrections gives, for each word that no public document has, the words of public documents that it may have been meant to be, best first. What
// private documents hold changes nothing here.
func corrections(ctx context.Context, d *db.DB, words []string) (map[string][]string, error) {
	if len(words) == 0 {
		return map[string][]string{}, nil
	}
	var variants []string
	for _, w := range words {
		variants = append(variants, shortened(w)...)
	}
	var near []spelling
	err := d.Read(ctx).Raw(`SELECT s.word, (SELECT COUNT(*) FROM (SELECT 1 FROM search_public_words p WHERE p.word = s.word LIMIT 50) c) AS docs
		FROM (SELECT DISTINCT word FROM search_spellings WHERE variant IN ?) s`, variants).Scan(&near).Error
	if err != nil {
		return nil, err
	}
	near = slices.DeleteFunc(near, func(s spelling) bool { return s.Docs == 0 })
	out, stemmers := map[string][]string{}, []*stemmer{newStemmer("en"), newStemmer("de")}
	for _, w := range words {
		if !slices.ContainsFunc(near, func(s spelling) bool { return sameWord(w, s.Word, stemmers) }) {
			out[w] = nearest(w, near)
		}
	}
	return out, nil
}

// minCompleted is from how many letters on a word may be the beginning of another.
const minCompleted = 4

// completions gives the word of public documents that most of them have and that begins as word does; none for a word of few letters.
func completions(ctx context.Context, d *db.DB, word string) ([]string, error) {
	if utf8.RuneCountInString(word) < minCompleted {
		return nil, nil
	}
	var near []spelling
	err := d.Read(ctx).Raw(`SELECT s.word, (SELECT COUNT(*) FROM (SELECT 1 FROM search_public_words p WHERE p.word = s.word LIMIT 50) c) AS docs
		FROM (SELECT DISTINCT word FROM search_spellings WHERE variant > ? AND variant < ? LIMIT 200) s`, word, word+strings.Repeat("z", maxSpelled)).Scan(&near).Error
	if err != nil {
		return nil, err
	}
	near = slices.DeleteFunc(near, func(s spelling) bool { return s.Docs == 0 || !strings.HasPrefix(fold(s.Word), word) })
	if len(near) == 0 {
		return nil, nil
	}
	best := slices.MinFunc(near, func(a, b spelling) int {
		return cmp.Or(cmp.Compare(b.Docs, a.Docs), cmp.Compare(len(a.Word), len(b.Word)), cmp.Compare(a.Word, b.Word))
	})
	return []string{best.Word}, nil
}

// sameWord reports whether two words are forms of one: no slip, then.
func sameWord(a, b string, stemmers []*stemmer) bool {
	return fold(b) == a || slices.ContainsFunc(stemmers, func(s *stemmer) bool { return s.stem(a) == s.stem(b) })
}

// nearest orders by distance, then by the kind of slip: a letter left out or two swapped happen sooner than one too many, and that sooner than a wrong
// one; then by how many documents have the word. At most three.
func nearest(word string, near []spelling) []string {
	allowed := 1
	if utf8.RuneCountInString(word) >= longWord {
		allowed = 2
	}
	type ranked struct {
		spelling
		distance int
	}
	var all []ranked
	for _, s := range near {
		n, kind := distance(word, fold(s.Word)), slip(word, fold(s.Word))
		if n <= allowed && (len(word) > minSpelled || kind == 0 && len(word) == len(fold(s.Word))) {
			all = append(all, ranked{s, 4*n + kind})
		}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		if a.Docs != b.Docs {
			return int(b.Docs - a.Docs)
		}
		return strings.Compare(a.Word, b.Word)
	})
	var words []string
	for _, r := range all[:min(len(all), 3)] {
		words = append(words, r.Word)
	}
	return words
}

// slip tells how unlikely it is that b was typed as a.
func slip(a, b string) int {
	x, y := []rune(a), []rune(b)
	slices.Sort(x)
	slices.Sort(y)
	switch {
	case len(x) < len(y), slices.Equal(x, y):
		return 0
	case len(x) > len(y):
		return 1
	}
	return 2
}

// distance counts letters put in, left out, changed, or swapped with their neighbour (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := [3][]int{}
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
	}
	before, last, now := rows[0], rows[1], rows[2]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		now[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(y)]
}

// Suggest gives the query with its slips of the keyboard mended, and with words that were only begun written out; "" when there is nothing to mend. Only words of public documents are suggested.
func Suggest(ctx context.Context, d *db.DB, text string) (string, error) {
	q := parse(text)
	mended, err := corrections(ctx, d, q.spelled)
	if err != nil {
		return "", err
	}
	out := strings.Join(strings.Fields(seen(clip(text, maxQuery))), " ")
	changed := false
	for _, word := range q.spelled {
		better, unknown := mended[word]
		if unknown && len(better) == 0 {
			if better, err = completions(ctx, d, word); err != nil {
				return "", err
			}
		}
		if len(better) > 0 {
			if next := replaceWord(out, word, better[0]); next != out {
				out, changed = next, true
			}
		}
	}
	if !changed {
		return "", nil
	}
	return out, nil
}

// cased writes better as word is written: codes are written in capitals.
func cased(word, better string) string {
	if word == strings.ToUpper(word) {
		return strings.ToUpper(better)
	}
	return better
}

// replaceWord puts better in the place of each whole word that folds to word.
func replaceWord(text, word, better string) string {
	var b strings.Builder
	for text != "" {
		begin := strings.IndexFunc(text, isWordRune)
		if begin < 0 {
			break
		}
		b.WriteString(text[:begin])
		text = text[begin:]
		end := strings.IndexFunc(text, func(r rune) bool { return !isWordRune(r) })
		if end < 0 {
			end = len(text)
		}
		if fold(normal(text[:end])) == word {
			b.WriteString(cased(text[:end], better))
		} else {
			b.WriteString(text[:end])
		}
		text = text[end:]
	}
	return b.String() + text
}
