// Package forum is questions and what is said under them: who may read them, who may write, votes, accepted answers, history. What support
// does with a question, who follows it and how it is moderated live in the packages below this folder.
package forum

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Kinds of question.
const (
	KindQuestion = "question"
	KindIdea     = "idea"
	KindBug      = "bug"
)

// Kinds of post.
const (
	PostQuestion = "question" // the body of the question itself
	PostAnswer   = "answer"
	PostComment  = "comment"
)

// Who may read a question, besides what the visibility of its API says.
const (
	Public       = "public"
	Organization = "organization"
)

// States of questions and posts.
const (
	Pending   = "pending" // waits for approval
	Published = "published"
	Rejected  = "rejected"
)

// Whom a question waits on.
const (
	OnUs     = "us"
	OnAsker  = "asker"
	OnNobody = "nobody"
)

// Prefixes of the ids that people see.
const (
	Prefix     = "qst"
	PostPrefix = "pst"
)

// Bounds of what people write (F8, L7).
const (
	MinTitle    = 10
	MaxTitle    = 150
	MaxBody     = 30_000 // characters
	MaxTags     = 5
	MaxComments = 5 // shown under a post on the question's page; the rest has a page of its own
	PagePosts   = 50
)

// Question is one question, idea or bug. Its text is its first post.
type Question struct {
	ID             db.ID
	Kind           string
	Title          string
	Slug           string
	AskerID        db.ID
	Visibility     string
	OrganizationID *db.ID
	APIID          *db.ID `gorm:"column:api_id"`
	AppID          *db.ID
	Source         string
	State          string
	PublicStatus   string
	WaitsOn        string
	AcceptedPostID *db.ID
	AcceptedAt     *time.Time
	Answers        int64
	Votes          int64
	AssigneeID     *db.ID
	TeamID         *db.ID
	EscalatedAt    *time.Time
	ClosedAt       *time.Time
	ClosedReason   string
	WaitingSince   *time.Time
	DueAt          *time.Time
	FirstReplyAt   *time.Time
	FirstReplyBy   *db.ID
	FirstDueAt     *time.Time
	AskedBackAt    *time.Time
	WarnedAt       *time.Time
	LockedAt       *time.Time
	PinnedAt       *time.Time
	HiddenAt       *time.Time
	HiddenReason   string
	MergedInto     *db.ID
	DeletedAt      *time.Time
	Counted        bool
	Version        int64
	LastActivityAt time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Path is the address of the question's page.
func (q Question) Path() string { return Path(q.ID, q.Slug) }

// Path is the address of a question's page. Another slug leads there too.
func Path(id db.ID, slug string) string { return "/forum/q/" + id.Show(Prefix) + "/" + slug }

// Shown reports whether others than its asker and staff may read it, as far as it is up to the question.
func (q Question) Shown() bool {
	return q.State == Published && q.HiddenAt == nil && q.DeletedAt == nil
}

// Post is one text: of a question, an answer or a comment. Comments of the question itself have no ParentID.
type Post struct {
	ID              db.ID
	QuestionID      db.ID
	ParentID        *db.ID
	Kind            string
	AuthorID        db.ID
	ByStaff         bool
	Body            string // Markdown
	HTML            string `gorm:"column:html"` // rendered when saved, safe to show
	RendererVersion int
	Votes           int64
	State           string
	HiddenAt        *time.Time
	HiddenReason    string
	DeletedAt       *time.Time
	EditedAt        *time.Time
	Revisions       int64  // edits, also those that wait or were rejected
	PendingRevision *int64 // number of an edit that waits for approval, while what is published stands; nil for none
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Shown reports whether everybody who may read the question reads this.
func (p Post) Shown() bool { return p.State == Published && p.HiddenAt == nil && p.DeletedAt == nil }

// Row is a question as it is shown: with the public name of its asker and what it is about.
type Row struct {
	Question
	AskerName string
	AskerGone bool // the asker deleted the account
	APIName   string
	APISlug   string
	Tags      []string `gorm:"-"`
}

// SharedApp is the name of the app that the asker shares with staff, for the asker alone; empty for none.
func (s *Store) SharedApp(ctx context.Context, a actor.Actor, q Question) (string, error) {
	if q.AppID == nil || !a.SignedIn() || a.UserID != q.AskerID {
		return "", nil
	}
	var names []string
	err := s.db.Read(ctx).Raw("SELECT name FROM apps WHERE id = ? AND deleted_at IS NULL", *q.AppID).Scan(&names).Error
	return strings.Join(names, ""), err
}

// StopSharing takes back that staff see the asker's app beside the question. Doing it again does nothing. Faults: Unauthenticated, NotFound, Forbidden for who did not ask.
func (s *Store) StopSharing(ctx context.Context, a actor.Actor, id db.ID) (Question, error) {
	var from Question
	err := s.onQuestion(ctx, a, id, func(tx *db.Tx, q Question) error {
		from = q
		if q.AskerID != a.UserID {
			return fault.New(fault.Forbidden, "Only who asked can do that.")
		}
		if q.AppID == nil {
			return nil
		}
		audit.Record(tx, a, audit.Event{Act: audit.QuestionEdited, TargetKind: "question", TargetID: q.ID, OrganizationID: db.Deref(q.OrganizationID), Details: map[string]string{"app": "no longer shared"}})
		_, err := tx.Run("UPDATE questions SET app_id = NULL, updated_at = ? WHERE id = ?", tx.Now, q.ID)
		return err
	})
	return from, err
}

// Said is a post as it is shown: with the public name of its author.
type Said struct {
	Post
	AuthorName string
	AuthorGone bool
	Accepted   bool   `gorm:"-"`
	Voted      bool   `gorm:"-"` // by the reader
	Mine       bool   `gorm:"-"`
	Comments   []Said `gorm:"-"`
	More       int64  `gorm:"-"` // comments beyond those
}
