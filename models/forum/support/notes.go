package support

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// MaxNote is the most characters of a note.
const MaxNote = 10_000

// Note is a text among staff about a question. It is shown at the desk and nowhere else.
type Note struct {
	ID         db.ID
	AuthorName string
	HTML       string `gorm:"column:html"` // safe to show
	CreatedAt  time.Time
}

// WriteNote keeps a note among staff. Faults: those of act, Invalid (body).
func (s *Store) WriteNote(ctx context.Context, a actor.Actor, id db.ID, body string) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error { return writeNote(tx, a, q, body) })
}

func writeNote(tx *db.Tx, a actor.Actor, q forum.Question, body string) error {
	body = strings.ReplaceAll(body, "\r\n", "\n")
	var bad fault.Problems
	checkBody(&bad, body, MaxNote)
	if err := bad.Err(); err != nil {
		return err
	}
	d, err := markdown.Render(body, markdown.Options{Shift: 3, MaxBytes: 4 * MaxNote})
	if err != nil {
		return err
	}
	note := db.NewID()
	audit.Record(tx, a, event(audit.NoteWritten, q, map[string]string{"note": note.Show(NotePrefix)}))
	_, err = tx.Run("INSERT INTO notes (id, question_id, author_id, body, html, created_at) VALUES (?, ?, ?, ?, ?, ?)", note, q.ID, a.UserID, body, d.HTML(), tx.Now)
	return err
}

// notesOf are the notes of a question, oldest first; at most 200, the latest.
func (s *Store) notesOf(ctx context.Context, id db.ID) ([]Note, error) {
	var rows []Note
	err := s.db.Read(ctx).Raw(`SELECT * FROM (SELECT n.id, u.name AS author_name, n.html, n.created_at FROM notes n JOIN users u ON u.id = n.author_id
		WHERE n.question_id = ? ORDER BY n.created_at DESC, n.id DESC LIMIT 200) x ORDER BY created_at, id`, id).Scan(&rows).Error
	return rows, err
}
