package trust

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Limits are what an account on a rung may do. The zero Limits do not limit.
type Limits struct {
	Moment    int64 // posts in ten minutes
	Hour      int64 // posts in an hour
	Day       int64 // posts in a day
	Questions int64 // questions in a day, of those posts
	Edits     int64 // edits in an hour
	Links     int   // to other hosts, in one post
}

// LimitsOf are the limits of a rung. Nobody outside the company is without (L7).
func LimitsOf(r Rung) Limits {
	switch r {
	case Established: // far above what anybody writes by hand: each post is a mail to every follower
		return Limits{Moment: 30, Hour: 100, Day: 300, Questions: 50, Edits: 120}
	case Called:
		return Limits{Moment: 10, Hour: 30, Day: 80, Questions: 20, Edits: 60, Links: 10}
	case Builder:
		return Limits{Moment: 6, Hour: 15, Day: 40, Questions: 10, Edits: 30, Links: 5}
	}
	return Limits{Moment: 4, Hour: 10, Day: 20, Questions: 5, Edits: 15, Links: 2}
}

const (
	momentSpan = 10 * time.Minute
	burstSpan  = time.Minute
	burstPosts = 3                   // that many within burstSpan, and the next waits
	memory     = 30 * 24 * time.Hour // for how long a rejected post is held against its author
)

// counts are what an account posted lately, whatever became of it.
type counts struct {
	Burst, Moment, Hour, Day, Questions, Edits, Rejected int64
}

func countPosts(tx *db.Tx, userID db.ID) (counts, error) {
	var c counts
	now := tx.Now
	err := tx.Raw(`SELECT COALESCE(SUM(CASE WHEN created_at > ? THEN 1 ELSE 0 END), 0) AS burst, COALESCE(SUM(CASE WHEN created_at > ? THEN 1 ELSE 0 END), 0) AS moment,
		COALESCE(SUM(CASE WHEN created_at > ? THEN 1 ELSE 0 END), 0) AS hour, COUNT(*) AS day, COALESCE(SUM(CASE WHEN kind = 'question' THEN 1 ELSE 0 END), 0) AS questions
		FROM posts WHERE author_id = ? AND created_at > ?`,
		now.Add(-burstSpan), now.Add(-momentSpan), now.Add(-time.Hour), userID, now.Add(-24*time.Hour)).Scan(&c).Error
	if err != nil {
		return c, err
	}
	if err := tx.Raw(`SELECT (SELECT COUNT(*) FROM posts WHERE author_id = ? AND created_at > ? AND state = 'rejected')
		+ (SELECT COUNT(*) FROM posts p JOIN post_revisions r ON r.post_id = p.id WHERE p.author_id = ? AND p.updated_at > ? AND r.editor_id = ? AND r.state = 'rejected' AND r.created_at > ?)`,
		userID, now.Add(-memory), userID, now.Add(-memory), userID, now.Add(-memory)).Scan(&c.Rejected).Error; err != nil {
		return c, err
	}
	err = tx.Raw(`SELECT COUNT(*) FROM posts p JOIN post_revisions r ON r.post_id = p.id WHERE p.author_id = ? AND p.updated_at > ? AND r.editor_id = ? AND r.created_at > ?`,
		userID, now.Add(-time.Hour), userID, now.Add(-time.Hour)).Scan(&c.Edits).Error
	return c, err
}

// refuse tells who wrote as much as they may when they can go on. Faults: RateLimited.
func (l Limits) refuse(rung Rung, c counts, p Post) error {
	err := l.over(c, p)
	if f := fault.As(err); f != nil && rung == Established { // no new account: that it is told nothing of
		return fault.Later(f.RetryAfter, "You wrote very much in a short time. Go on a little later.")
	}
	return err
}

func (l Limits) over(c counts, p Post) error {
	if p.Edit {
		if l.Edits > 0 && c.Edits >= l.Edits {
			return fault.Later(time.Hour, "A new account changes at most %d posts in an hour. Go on a little later.", l.Edits)
		}
		return nil
	}
	switch {
	case l.Moment > 0 && c.Moment >= l.Moment:
		return fault.Later(momentSpan, "A new account writes at most %d posts in ten minutes. Go on a little later.", l.Moment)
	case l.Hour > 0 && c.Hour >= l.Hour:
		return fault.Later(time.Hour, "A new account writes at most %d posts in an hour. Go on a little later.", l.Hour)
	case l.Day > 0 && c.Day >= l.Day:
		return fault.Later(24*time.Hour, "A new account writes at most %d posts in a day. Go on tomorrow.", l.Day)
	case p.Question && l.Questions > 0 && c.Questions >= l.Questions:
		return fault.Later(24*time.Hour, "A new account asks at most %d questions in a day. Go on tomorrow.", l.Questions)
	}
	return nil
}

func (l Limits) refuseLinks(links []string) error {
	if l.Links == 0 || len(links) <= l.Links {
		return nil
	}
	return fault.BadField("body", "A new account puts at most %d links to other sites into a post. Take some out.", l.Links)
}
