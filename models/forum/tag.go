package forum

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Tag is one tag with how many questions that anybody may read carry it.
type Tag struct {
	ID        db.ID
	Name      string
	Questions int64
}

var tagForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]{0,29}$`)

// CheckTags brings tags into their form (lower case, spaces as hyphens, no two alike) and notes those that have none, and too many.
func CheckTags(p *fault.Problems, field string, tags []string) []string {
	var clean []string
	for _, t := range tags {
		t = strings.Join(strings.Fields(strings.ToLower(strings.TrimPrefix(strings.TrimSpace(t), "#"))), "-")
		if t == "" || slices.Contains(clean, t) {
			continue
		}
		if !tagForm.MatchString(t) {
			p.Add(field, "A tag is at most 30 lower-case letters, digits, dots, plus signs and hyphens, such as rate-limits.")
			return clean
		}
		clean = append(clean, t)
	}
	p.Check(len(clean) <= MaxTags, field, "A question has at most %d tags.", MaxTags)
	return clean
}

// SetTags gives a question these tags and no others. Settle afterwards counts them.
func SetTags(tx *db.Tx, id db.ID, names []string) error {
	q, err := lockQuestion(tx, id)
	if err != nil {
		return err
	}
	if err := count(tx, q, false); err != nil {
		return err
	}
	if _, err := tx.Run("DELETE FROM question_tags WHERE question_id = ?", id); err != nil {
		return err
	}
	names = slices.Sorted(slices.Values(names)) // rows of tags are locked in one order
	for _, name := range names {
		if _, err := tx.Run("INSERT INTO tags (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING", db.NewID(), name, tx.Now); err != nil {
			return err
		}
		if _, err := tx.Run("INSERT INTO question_tags (question_id, tag_id) SELECT ?, id FROM tags WHERE name = ?", id, name); err != nil {
			return err
		}
	}
	return nil
}

// count makes a question count, or not, for its tags.
func count(tx *db.Tx, q Question, counts bool) error {
	if q.Counted == counts {
		return nil
	}
	step := 1
	if !counts {
		step = -1
	}
	if _, err := tx.Run("UPDATE tags SET questions = questions + ? WHERE id IN (SELECT tag_id FROM question_tags WHERE question_id = ?)", step, q.ID); err != nil {
		return err
	}
	_, err := tx.Run("UPDATE questions SET counted = ? WHERE id = ?", counts, q.ID)
	return err
}

// Tags lists tags that stand under a public question, most used first; search looks in their names.
func (s *Store) Tags(ctx context.Context, search string, page db.PageRequest) (db.Page[Tag], error) {
	like := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(strings.TrimSpace(search))) + "%"
	return db.List(ctx, s.db, db.Listing[Tag]{
		Name: "tags/" + search, Select: "SELECT id, name, questions FROM tags WHERE questions > 0 AND name LIKE ? ESCAPE '!'", Args: []any{like},
		IDExpr: "id", ID: func(t Tag) db.ID { return t.ID }, Default: "-questions",
		Sorts: map[string]db.Sort[Tag]{
			"questions": {Expr: "questions", Value: func(t Tag) any { return t.Questions }},
			"name":      {Expr: "name", Value: func(t Tag) any { return t.Name }},
		},
	}, page)
}

// tagsOf reads the tags of questions, by name.
func tagsOf(ctx context.Context, d *db.DB, ids []db.ID) (map[db.ID][]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []struct {
		QuestionID db.ID
		Name       string
	}
	err := d.Read(ctx).Raw("SELECT r.question_id, t.name FROM question_tags r JOIN tags t ON t.id = r.tag_id WHERE r.question_id IN ? ORDER BY t.name", ids).Scan(&rows).Error
	out := make(map[db.ID][]string, len(ids))
	for _, r := range rows {
		out[r.QuestionID] = append(out[r.QuestionID], r.Name)
	}
	return out, err
}
