package forum

import (
	"context"
	"html"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// What stands in the database where somebody took back what others built on: a title, and the Markdown of a post. Readers get it in their language.
var (
	goneTitle = text.N("Deleted by its author")
	goneBody  = text.N("Deleted by its author.")
)

// Leave does with the posts of somebody whose account is being deleted what they chose. What was never shown goes in any case: posts that wait or were rejected, and such
// changes of those that stand, with what staff hid in their history. all: the rest goes, too, with its history and the votes for it. Where others wrote below, and in
// threads of others, the place stays and a sentence stands there; a question to which nobody else wrote goes whole. What they said as staff is the company's, and stays.
func (s *Store) Leave(tx *db.Tx, user db.ID, all bool) error {
	var threads []db.ID
	err := tx.Raw(`SELECT DISTINCT p.question_id FROM posts p WHERE p.author_id = ? AND p.deleted_at IS NULL AND (? OR p.state <> 'published' OR p.revisions > 0) ORDER BY p.question_id`,
		user, all).Scan(&threads).Error
	if err != nil {
		return err
	}
	for _, id := range threads {
		if err := leaveThread(tx, id, user, all); err != nil {
			return err
		}
	}
	return nil
}

func leaveThread(tx *db.Tx, id, user db.ID, all bool) error {
	q, err := lockQuestion(tx, id)
	if err != nil {
		return err
	}
	var posts []Post
	if err := tx.Raw("SELECT * FROM posts WHERE question_id = ? AND author_id = ? AND deleted_at IS NULL ORDER BY created_at, id", id, user).Scan(&posts).Error; err != nil {
		return err
	}
	for _, p := range posts {
		whole := p.Kind == PostQuestion && goes(p, all)
		if whole {
			if whole, err = alone(tx, q, p); err != nil {
				return err
			}
		}
		if whole {
			if _, err := tx.Run("DELETE FROM votes WHERE post_id IN (SELECT id FROM posts WHERE question_id = ?)", q.ID); err != nil {
				return err
			}
			if err := erase(tx, q, p); err != nil {
				return err
			}
			break
		}
		if err := leavePost(tx, q, p, all); err != nil {
			return err
		}
	}
	return Settle(tx, id)
}

// goes reports whether the text of a post goes with its author.
func goes(p Post, all bool) bool { return p.State != Published || (all && !p.ByStaff) }

// alone reports whether nobody else wrote to a question, and no other one was merged into it or it into another one: then no thread loses its beginning.
func alone(tx *db.Tx, q Question, p Post) (bool, error) {
	others, err := answered(tx.DB, q, p)
	if err != nil || others || q.MergedInto != nil {
		return false, err
	}
	n, err := number(tx.DB, "SELECT COUNT(*) FROM questions WHERE merged_into = ?", q.ID)
	return n == 0, err
}

func leavePost(tx *db.Tx, q Question, p Post, all bool) error {
	if !goes(p, all) {
		if _, err := tx.Run("DELETE FROM post_revisions WHERE post_id = ? AND (state <> 'published' OR hidden_at IS NOT NULL)", p.ID); err != nil {
			return err
		}
		_, err := tx.Run("UPDATE posts SET pending_revision = NULL WHERE id = ?", p.ID)
		return err
	}
	if err := withdraw(tx, q, p); err != nil || p.Kind == PostQuestion || p.State == Published {
		return err
	}
	_, err := tx.Run("UPDATE posts SET body = '', html = '', deleted_at = ? WHERE id = ?", tx.Now, p.ID)
	return err
}

// withdraw puts the sentence in place of a post, and of the title when it is the question's own, and deletes its history and its votes. An answer without its text solves nothing. What waited for
// approval has nothing left to approve.
func withdraw(tx *db.Tx, q Question, p Post) error {
	for _, s := range []string{"DELETE FROM post_revisions WHERE post_id = ?", "DELETE FROM votes WHERE post_id = ?"} {
		if _, err := tx.Run(s, p.ID); err != nil {
			return err
		}
	}
	_, err := tx.Run(`UPDATE posts SET body = ?, html = ?, renderer_version = ?, state = CASE WHEN state = 'pending' THEN 'rejected' ELSE state END, pending_revision = NULL, revisions = 0, edited_at = ?,
		updated_at = ? WHERE id = ?`, goneBody, goneHTML(goneBody), markdown.RendererVersion, tx.Now, tx.Now, p.ID)
	if err != nil {
		return err
	}
	if err := countVotes(tx, p); err != nil {
		return err
	}
	if p.Kind != PostQuestion {
		_, err := tx.Run("UPDATE questions SET accepted_post_id = NULL, accepted_at = NULL WHERE id = ? AND accepted_post_id = ?", q.ID, p.ID)
		return err
	}
	_, err = tx.Run("UPDATE questions SET title = ?, slug = 'deleted', app_id = NULL, state = CASE WHEN state = 'pending' THEN 'rejected' ELSE state END WHERE id = ?", goneTitle, q.ID)
	return err
}

func goneHTML(sentence string) string { return "<p>" + html.EscapeString(sentence) + "</p>\n" }

// inWords puts what stands for a text that was taken back into the reader's language.
func (p *Post) inWords(ctx context.Context) {
	switch {
	case p.Body == goneBody:
		p.Body = text.T(ctx, goneBody)
		p.HTML = goneHTML(p.Body)
	case p.HTML == goneHTML(goneBody): // read without its Markdown
		p.HTML = goneHTML(text.T(ctx, goneBody))
	}
}

func (q *Question) inWords(ctx context.Context) {
	if q.Title == goneTitle {
		q.Title = text.T(ctx, goneTitle)
	}
}

// inWords is that of the posts of a page with what stands under them.
func (t *Thread) inWords(ctx context.Context) {
	said := append([]Said{t.Post}, t.Answers...)
	for i := range said {
		said[i].inWords(ctx)
		for j := range said[i].Comments {
			said[i].Comments[j].inWords(ctx)
		}
	}
	t.Post, t.Answers = said[0], said[1:]
}
