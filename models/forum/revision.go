package forum

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Revision is a text as it once was. Number 1 is how it was first written. State is what became of it: only what was published, and that nobody hid since, is for everybody.
type Revision struct {
	PostID       db.ID
	Number       int64
	Title        string
	Body         string
	HTML         string `gorm:"column:html"` // of an edit that waits, rendered when it was saved
	Tags         string // of a question's edit that waits, with commas
	EditorID     db.ID
	EditorName   string
	EditorGone   bool
	State        string
	HiddenAt     *time.Time
	HiddenReason string
	CreatedAt    time.Time
}

const insertRevision = "INSERT INTO post_revisions (post_id, number, title, body, html, tags, editor_id, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

// keepFirst writes how a post was first written, before its first edit.
func keepFirst(tx *db.Tx, q Question, p Post) error {
	if p.Revisions > 0 {
		return nil
	}
	title := ""
	if p.Kind == PostQuestion {
		title = q.Title
	}
	_, err := tx.Run(insertRevision, p.ID, 1, title, p.Body, "", "", p.AuthorID, p.State, p.CreatedAt)
	return err
}

// addRevision writes a new text of a post in the state that it has in p, and counts it.
func addRevision(tx *db.Tx, a actor.Actor, p Post, in Edit) error {
	title, html, tags := "", "", ""
	if p.State == Pending {
		html = p.HTML
	}
	if p.Kind == PostQuestion {
		title, tags = in.Title, strings.Join(in.Tags, ",")
	}
	if _, err := tx.Run(insertRevision, p.ID, p.Revisions+2, title, in.Body, html, tags, a.UserID, p.State, tx.Now); err != nil {
		return err
	}
	_, err := tx.Run("UPDATE posts SET revisions = revisions + 1, updated_at = ? WHERE id = ?", tx.Now, p.ID)
	return err
}

// writeText makes the text of p that of the post, and of its question when it is the question's own. An edit that waited is over by it.
func writeText(tx *db.Tx, q Question, p Post, in Edit) error {
	if _, err := tx.Run("UPDATE posts SET body = ?, html = ?, renderer_version = ?, state = ?, pending_revision = NULL, edited_at = ?, updated_at = ? WHERE id = ?",
		p.Body, p.HTML, markdown.RendererVersion, p.State, tx.Now, tx.Now, p.ID); err != nil {
		return err
	}
	if p.Kind != PostQuestion {
		return nil
	}
	if _, err := tx.Run("UPDATE questions SET title = ?, slug = ?, state = ? WHERE id = ?", in.Title, slugOf(in.Title), p.State, q.ID); err != nil {
		return err
	}
	return SetTags(tx, q.ID, in.Tags)
}

// Revisions lists how a post was, newest first, for who may read it: at most the last 100. What was never approved, and what staff hid, only its author and staff read. An answer that was never
// edited has none.
func (s *Store) Revisions(ctx context.Context, a actor.Actor, postID db.ID) (Row, Said, []Revision, error) {
	return s.RevisionsBelow(ctx, a, postID, math.MaxInt32, 100)
}

// RevisionsBelow is Revisions from the one before this number on, at most most of them.
func (s *Store) RevisionsBelow(ctx context.Context, a actor.Actor, postID db.ID, below int64, most int) (Row, Said, []Revision, error) {
	q, p, err := s.PostFor(ctx, a, postID)
	if err != nil {
		return q, p, nil, err
	}
	all := 0
	if p.Mine || readsAll(a) {
		all = 1
	}
	var rows []Revision
	err = s.db.Read(ctx).Raw(`SELECT r.*, u.display_name AS editor_name, u.deleted_at IS NOT NULL AS editor_gone FROM post_revisions r JOIN users u ON u.id = r.editor_id
		WHERE r.post_id = ? AND (? = 1 OR (r.state = 'published' AND r.hidden_at IS NULL)) AND r.number < ? ORDER BY r.number DESC LIMIT ?`, postID, all, below, most).Scan(&rows).Error
	return q, p, rows, err
}

// Text is what the form of an edit begins with: for its author the edit of theirs that waits for approval, else what stands. The post is as PostFor gave it.
func (s *Store) Text(ctx context.Context, q Row, p Said) (Edit, error) {
	e := Edit{Title: q.Title, Body: p.Body, Tags: q.Tags, Revisions: p.Revisions}
	if !p.Mine || p.PendingRevision == nil {
		return e, nil
	}
	r, err := s.Waits(ctx, p.Post)
	if err != nil {
		return e, err
	}
	e.Title, e.Body, e.Tags = r.Title, r.Body, r.tags()
	return e, nil
}

// Waits is the edit of a post that waits for approval. It is for its author and staff. Faults: NotFound when none waits.
func (s *Store) Waits(ctx context.Context, p Post) (Revision, error) {
	return one[Revision](s.db.Read(ctx), "SELECT * FROM post_revisions WHERE post_id = ? AND number = ?", p.ID, p.PendingRevision)
}

func (r Revision) tags() []string {
	return strings.FieldsFunc(r.Tags, func(c rune) bool { return c == ',' })
}
