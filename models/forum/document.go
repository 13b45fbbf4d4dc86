package forum

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// mostWords bounds the text of one thread in the search index, in bytes. The question and the accepted answer come first.
const mostWords = 100_000

// codeForm is what is found whole: paths, scopes, and codes in capitals.
var codeForm = regexp.MustCompile(`/[A-Za-z0-9_{}][A-Za-z0-9_{}/.-]+|\b[a-z][a-z0-9_-]*:[a-z][a-z0-9_*-]*\b|\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\b[a-z]+(?:_[a-z]+)+\b`)

// putDocument keeps the search index as the question is: its public words, or nothing. open: anybody may read it.
func putDocument(tx *db.Tx, q Question, open bool) error {
	if !q.Shown() || q.MergedInto != nil {
		return index.Remove(tx, index.Question, q.ID.String())
	}
	d, err := document(tx, q, open)
	if err != nil {
		return err
	}
	return index.Put(tx, d)
}

func document(tx *db.Tx, q Question, open bool) (index.Document, error) {
	var words []struct{ Body string }
	err := tx.Raw(`SELECT p.body FROM posts p WHERE p.question_id = ? AND `+shownToAll+`
		ORDER BY CASE WHEN p.kind = 'question' THEN 0 WHEN p.id = ? THEN 1 WHEN p.kind = 'answer' THEN 2 ELSE 3 END, p.votes DESC, p.created_at, p.id LIMIT 200`,
		q.ID, db.Deref(q.AcceptedPostID)).Scan(&words).Error
	if err != nil {
		return index.Document{}, err
	}
	var tags []string
	if err := tx.Raw("SELECT t.name FROM question_tags r JOIN tags t ON t.id = r.tag_id WHERE r.question_id = ? ORDER BY t.name", q.ID).Scan(&tags).Error; err != nil {
		return index.Document{}, err
	}
	solved, err := solvedByAnother(tx, q)
	if err != nil {
		return index.Document{}, err
	}
	var body strings.Builder
	for _, w := range words {
		if body.Len()+len(w.Body) > mostWords {
			break
		}
		body.WriteString(w.Body)
		body.WriteString("\n\n")
	}
	return index.Document{
		Kind: index.Question, Ref: q.ID.String(), Title: q.Title, Body: body.String(), Codes: codesOf(q.Title + "\n" + body.String()), Tags: tags,
		Public: open, Readers: markOf(q), Solved: solved,
	}, nil
}

// solvedByAnother reports whether a question is solved by more than its asker's own word: anybody can answer and accept themselves, and must not go ahead in the search by it.
func solvedByAnother(tx *db.Tx, q Question) (bool, error) {
	if q.AcceptedPostID == nil {
		return false, nil
	}
	n, err := number(tx.DB, "SELECT COUNT(*) FROM posts WHERE id = ? AND (author_id <> ? OR by_staff)", *q.AcceptedPostID, q.AskerID)
	return n > 0, err
}

func codesOf(text string) []string {
	found := codeForm.FindAllString(text, 500)
	slices.Sort(found)
	found = slices.Compact(found)
	return found[:min(len(found), 100)]
}

// EachDocument calls fn with every question that others than its asker may read, in a transaction of its own for each, to make the search index anew.
func (s *Store) EachDocument(ctx context.Context, fn func(*db.Tx, index.Document) error) error {
	return s.EachDocumentAfter(ctx, db.ID{}, fn)
}

// EachDocumentAfter is EachDocument for the questions after an id, in their order.
func (s *Store) EachDocumentAfter(ctx context.Context, last db.ID, fn func(*db.Tx, index.Document) error) error {
	for {
		var ids []db.ID
		err := s.db.Read(ctx).Raw("SELECT id FROM questions WHERE state = 'published' AND hidden_at IS NULL AND deleted_at IS NULL AND merged_into IS NULL AND id > ? ORDER BY id LIMIT 200", last).Scan(&ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := s.db.Tx(ctx, func(tx *db.Tx) error { return documentNow(tx, id, fn) }); err != nil {
				return err
			}
			last = id
		}
	}
}

// documentNow calls fn with a question as it is in this transaction, unless it was hidden, merged or erased since it was listed: its words must not come back.
func documentNow(tx *db.Tx, id db.ID, fn func(*db.Tx, index.Document) error) error {
	q, err := lockQuestion(tx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || !q.Shown() || q.MergedInto != nil {
		return err
	}
	open, err := readable(tx, id, actor.Actor{})
	if err != nil {
		return err
	}
	d, err := document(tx, q, open)
	if err != nil {
		return err
	}
	return fn(tx, d)
}
