// Package trust says how far an account is trusted in the forum, from what it did at the portal: address verified, app made, key used, age. It holds the limits of
// new accounts and knows what looks like spam. Everything is counted in the database, so limits hold across replicas.
package trust

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Post is a text that somebody is about to publish or to change.
type Post struct {
	Question bool   // a new question; else an answer or a comment
	Title    string // of a question
	Body     string // Markdown
	Edit     bool   // of a post that is there already
	Before   string // of an edit: its body until now
	Host     string // of the portal, also as a whole address: links to it count as none
	Honey    string // the form's field that people don't see: filled in by programs alone
}

// Verdict says what becomes of a post.
type Verdict struct {
	Pending bool   // it waits for approval
	Why     string // for staff: which sign of spam it was
}

// The signs of spam.
const (
	WhyHoney    = "honeypot"
	WhyLinks    = "links"
	WhyAdded    = "link_added"
	WhySame     = "near_duplicate"
	WhyBurst    = "burst"
	WhyRejected = "rejected_before"
)

// PostingBlocked is the code of the fault that refuses somebody whom staff keep from posting.
const PostingBlocked = "POSTING_BLOCKED"

// Judge decides whether the actor may post, and whether it shows at once. Call it in the transaction that writes the post, before writing. Staff and the program
// itself are not limited; established accounts only in how much they write. Faults: Forbidden for who is kept from posting or has no verified address, RateLimited for too many
// posts, Invalid (field body) for too many links.
func Judge(tx *db.Tx, a actor.Actor, p Post) (Verdict, error) {
	if exempt(a) {
		return Verdict{}, nil
	}
	s, err := standingOf(tx, a.UserID)
	if err != nil {
		return Verdict{}, err
	}
	if err := s.refuse(tx.Context(), tx.Now); err != nil {
		return Verdict{}, err
	}
	rung := s.Rung(tx.Now)
	done, err := countPosts(tx, a.UserID)
	if err != nil {
		return Verdict{}, err
	}
	limits := LimitsOf(rung)
	if err := limits.refuse(rung, done, p); err != nil || rung == Established {
		return Verdict{}, err
	}
	links := offsite(p.Title, p.Body, p.Host)
	if err := limits.refuseLinks(links); err != nil {
		return Verdict{}, err
	}
	own, err := recentBodies(tx, a.UserID, p)
	if err != nil {
		return Verdict{}, err
	}
	return judge(rung, done, own, links, p), nil
}

// May refuses whoever is kept from posting or has no verified address, for acts that are neither counted nor held back: votes, follows. Faults: Forbidden.
func May(tx *db.Tx, a actor.Actor) error {
	if exempt(a) {
		return nil
	}
	s, err := standingOf(tx, a.UserID)
	if err != nil {
		return err
	}
	return s.refuse(tx.Context(), tx.Now)
}

// MayNow is May for pages, which say beforehand why one can't post: it reads and locks nothing. Faults: Forbidden.
func MayNow(ctx context.Context, d *db.DB, a actor.Actor) error {
	if exempt(a) {
		return nil
	}
	var rows []Standing
	err := d.Read(ctx).Raw("SELECT email_verified_at, deleted_at, posting_blocked_at, posting_blocked_until, posting_blocked_reason FROM users WHERE id = ?", a.UserID).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	return rows[0].refuse(ctx, d.Now())
}

func exempt(a actor.Actor) bool {
	return a.Trusted() || permission.Staff(a.StaffRole, permission.StaffQuestionsAnswer) || permission.Staff(a.StaffRole, permission.StaffQuestionsModerate)
}

// refuse tells who may not post at all why, and until when.
func (s Standing) refuse(ctx context.Context, now time.Time) error {
	switch {
	case s.DeletedAt != nil:
		return fault.Denied()
	case s.EmailVerifiedAt == nil:
		return fault.New(fault.Forbidden, "Verify your mail address before you write here.")
	case !s.Blocked(now):
		return nil
	case s.PostingBlockedUntil == nil:
		return &fault.Error{Kind: fault.Forbidden, Code: PostingBlocked, Key: "Staff keep you from posting until they lift it. Reason: %s", Args: []any{s.PostingBlockedReason}}
	}
	return &fault.Error{
		Kind: fault.Forbidden, Code: PostingBlocked, Key: "Staff keep you from posting until %[1]s. Reason: %[2]s",
		Args: []any{text.DateTime(ctx, *s.PostingBlockedUntil), s.PostingBlockedReason},
	}
}

// judge looks for signs of spam. Links to other sites wait until the account is established, whatever its calls.
func judge(rung Rung, done counts, own, links []string, p Post) Verdict {
	called := rung >= Called // its calls speak for what it says, but not for where it sends people: one free call is quickly made
	switch {
	case p.Honey != "":
		return Verdict{true, WhyHoney}
	case done.Rejected > 0:
		return Verdict{true, WhyRejected}
	case p.Edit && len(added(offsite("", p.Before, p.Host), links)) > 0:
		return Verdict{true, WhyAdded}
	case !p.Edit && len(links) > 0:
		return Verdict{true, WhyLinks}
	case !p.Edit && repeats(p.Body, own):
		return Verdict{true, WhySame}
	case !p.Edit && done.Burst >= burstPosts && !called:
		return Verdict{true, WhyBurst}
	}
	return Verdict{}
}

// NoKey notes a text with an API key in it, however it is wrapped (K1). It is audit.NoKey, where the rooms above forum look for it.
func NoKey(p *fault.Problems, field, text string) { audit.NoKey(p, field, text) }
