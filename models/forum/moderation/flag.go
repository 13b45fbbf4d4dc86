package moderation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// Reasons of a flag.
const (
	Spam       = "spam"
	Abuse      = "abuse"
	Secret     = "secret"
	WrongPlace = "wrong_place"
	Other      = "other"
)

// Reasons are the reasons of a flag, in the order of the form.
var Reasons = []string{Spam, Abuse, Secret, WrongPlace, Other}

// Most flags of one account in an hour and in a day.
const (
	FlagsAnHour = 10
	FlagsADay   = 30
)

// Flag reports a post to staff. Each reader has one flag a post: doing it again does nothing, and new is false (F7). Faults: Unauthenticated, NotFound, Conflict for
// one's own post, Forbidden for who is kept from posting, RateLimited, Invalid (reason, words).
func (s *Store) Flag(ctx context.Context, a actor.Actor, postID db.ID, reason, words string) (fresh bool, err error) {
	if !a.SignedIn() {
		return false, fault.New(fault.Unauthenticated, "Sign in to go on.")
	}
	var p fault.Problems
	words = org.CheckText(&p, "words", words, MaxReason)
	p.Check(slices.Contains(Reasons, reason), "reason", "Choose what is wrong with it.")
	p.Check(reason != Other || words != "", "words", "Say in a few words what is wrong.")
	if err := p.Err(); err != nil {
		return false, err
	}
	q, post, err := s.forum.PostFor(ctx, a, postID)
	if err != nil {
		return false, err
	}
	if post.Mine {
		return false, fault.New(fault.Conflict, "You wrote this yourself. Change or delete it instead.")
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		fresh = false
		if err := trust.May(tx, a); err != nil {
			return err
		}
		n, err := tx.Run(`INSERT INTO flags (id, question_id, post_id, flagger_id, reason, words, state, created_at) VALUES (?, ?, ?, ?, ?, ?, 'open', ?) ON CONFLICT (post_id, flagger_id) DO NOTHING`,
			db.NewID(), q.ID, postID, a.UserID, reason, words, tx.Now)
		if err != nil || n == 0 {
			return err
		}
		fresh = true
		audit.Record(tx, a, postEvent(audit.FlagRaised, q.Question, post.Post, map[string]string{"reason": reason}))
		return flagLimits(tx, a)
	})
	return fresh, err
}

// flagLimits refuses the flag that was just written when it is one too many.
func flagLimits(tx *db.Tx, a actor.Actor) error {
	var c struct{ Hour, Day int64 }
	err := tx.Raw("SELECT COALESCE(SUM(CASE WHEN created_at > ? THEN 1 ELSE 0 END), 0) AS hour, COUNT(*) AS day FROM flags WHERE flagger_id = ? AND created_at > ?",
		tx.Now.Add(-time.Hour), a.UserID, tx.Now.Add(-24*time.Hour)).Scan(&c).Error
	switch {
	case err != nil:
		return err
	case moderates(a) == nil:
		return nil
	case c.Hour > FlagsAnHour:
		return fault.Later(time.Hour, "You flagged %d posts in an hour. Go on a little later.", FlagsAnHour)
	case c.Day > FlagsADay:
		return fault.Later(24*time.Hour, "You flagged %d posts in a day. Go on tomorrow.", FlagsADay)
	}
	return nil
}

// Flagged is a post with open flags, as the queue shows it: by the oldest of them.
type Flagged struct {
	ID          db.ID // of the oldest open flag
	QuestionID  db.ID
	PostID      db.ID
	Reason      string
	Words       string
	State       string
	CreatedAt   time.Time
	FlaggerName string
	Flags       int64 // open ones of the post
	Kind        string
	Body        string
	AuthorID    db.ID
	AuthorName  string
	AuthorRole  string
	Title       string
	Slug        string
	Hidden      bool // already
}

// Path is where the post stands.
func (f Flagged) Path() string { return "/forum/posts/" + f.PostID.Show(forum.PostPrefix) }

const flaggedColumns = `SELECT f.id, f.question_id, f.post_id, f.reason, f.words, f.state, f.created_at, COALESCE(w.name, '') AS flagger_name,
	(SELECT COUNT(*) FROM flags o WHERE o.post_id = f.post_id AND o.state = 'open') AS flags, p.kind, p.body, p.author_id, u.display_name AS author_name, u.staff_role AS author_role,
	q.title, q.slug, COALESCE(p.hidden_at, CASE WHEN p.kind = 'question' THEN q.hidden_at END) IS NOT NULL AS hidden
	FROM flags f JOIN posts p ON p.id = f.post_id JOIN questions q ON q.id = f.question_id JOIN users u ON u.id = p.author_id LEFT JOIN users w ON w.id = f.flagger_id`

// Flags lists the posts with open flags, the one that waits longest first. Faults: Forbidden.
func (s *Store) Flags(ctx context.Context, a actor.Actor, page db.PageRequest) (db.Page[Flagged], error) {
	if err := reads(a); err != nil {
		return db.Page[Flagged]{}, err
	}
	page.Sort = ""
	return db.List(ctx, s.db, db.Listing[Flagged]{
		Name: "flags", IDExpr: "f.id", ID: func(f Flagged) db.ID { return f.ID }, Default: "created",
		Select: flaggedColumns + ` WHERE f.state = 'open' AND p.deleted_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM flags o WHERE o.post_id = f.post_id AND o.state = 'open' AND (o.created_at < f.created_at OR (o.created_at = f.created_at AND o.id < f.id)))`,
		Sorts: map[string]db.Sort[Flagged]{"created": {Expr: "f.created_at", Value: func(f Flagged) any { return f.CreatedAt }}},
	}, page)
}

// Raised is one flag of a post.
type Raised struct {
	Reason      string
	Words       string
	State       string
	FlaggerName string
	CreatedAt   time.Time
}

// FlagOf reads one flag with all of its post, newest first. Faults: Forbidden, NotFound.
func (s *Store) FlagOf(ctx context.Context, a actor.Actor, id db.ID) (Flagged, []Raised, error) {
	if err := reads(a); err != nil {
		return Flagged{}, nil, err
	}
	f, err := one[Flagged](s.db.Read(ctx), flaggedColumns+" WHERE f.id = ?", id)
	if err != nil {
		return f, nil, err
	}
	var all []Raised
	err = s.db.Read(ctx).Raw(`SELECT f.reason, f.words, f.state, f.created_at, COALESCE(w.name, '') AS flagger_name FROM flags f LEFT JOIN users w ON w.id = f.flagger_id
		WHERE f.post_id = ? ORDER BY f.created_at DESC, f.id DESC LIMIT 100`, f.PostID).Scan(&all).Error
	return f, all, err
}

// Decide ends all open flags of the flag's post. Upheld, the post is hidden for the reason, unless it is hidden already; dismissed, it stays. Faults: Forbidden, NotFound, Conflict
// when somebody decided meanwhile, Invalid (reason).
func (s *Store) Decide(ctx context.Context, a actor.Actor, id db.ID, uphold bool, reason string) error {
	reason = strings.TrimSpace(reason)
	if err := checkReason(reason, uphold); err != nil {
		return err
	}
	f, _, err := s.FlagOf(ctx, a, id)
	if err != nil {
		return err
	}
	return s.onPost(ctx, a, f.PostID, func(tx *db.Tx, q forum.Question, p forum.Post) error {
		state := "dismissed"
		if uphold {
			state = "upheld"
		}
		n, err := tx.Run("UPDATE flags SET state = ?, decided_by = ?, decided_at = ? WHERE post_id = ? AND state = 'open'", state, a.UserID, tx.Now, f.PostID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "Somebody decided this meanwhile.")
		}
		audit.Record(tx, a, postEvent(audit.FlagDecided, q, p, map[string]string{"decision": state}))
		if !uphold {
			return nil
		}
		return hide(tx, a, q, p, reason)
	})
}
