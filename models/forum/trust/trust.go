// Package trust says how far an account is trusted in the forum, from what it did at the portal: address verified, app made, key used, age. It holds the limits of
// new accounts and knows what looks like spam. Everything is counted in the database, so limits hold across replicas.
package trust

import (
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

// Judge decides whether the actor may post, and whether it shows at once. Call it in the transaction that writes the post, before writing. Staff, the program
// itself and established accounts are not limited. Faults: Forbidden for who is kept from posting or has no verified address, RateLimited for too many
// posts, Invalid (field body) for too many links.
func Judge(tx *db.Tx, a actor.Actor, p Post) (Verdict, error) {
	if exempt(a) {
		return Verdict{}, nil
	}
	s, err := standingOf(tx, a.UserID)
	if err != nil {
		return Verdict{}, err
	}
	if err := s.refuse(tx); err != nil {
		return Verdict{}, err
	}
	rung := s.Rung(tx.Now)
	if rung == Established {
		return Verdict{}, nil
	}
	done, err := countPosts(tx, a.UserID)
	if err != nil {
		return Verdict{}, err
	}
	limits := LimitsOf(rung)
	if err := limits.refuse(done, p); err != nil {
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
	return s.refuse(tx)
}

func exempt(a actor.Actor) bool {
	return a.Trusted() || permission.Staff(a.StaffRole, permission.StaffQuestionsAnswer) || permission.Staff(a.StaffRole, permission.StaffQuestionsModerate)
}

// refuse tells who may not post at all why, and until when.
func (s Standing) refuse(tx *db.Tx) error {
	switch {
	case s.DeletedAt != nil:
		return fault.Denied()
	case s.EmailVerifiedAt == nil:
		return fault.New(fault.Forbidden, "Verify your mail address before you write here.")
	case !s.Blocked(tx.Now):
		return nil
	case s.PostingBlockedUntil == nil:
		return &fault.Error{Kind: fault.Forbidden, Code: "POSTING_BLOCKED", Key: "Staff keep you from posting until they lift it. Reason: %s", Args: []any{s.PostingBlockedReason}}
	}
	return &fault.Error{
		Kind: fault.Forbidden, Code: "POSTING_BLOCKED", Key: "Staff keep you from posting until %[1]s. Reason: %[2]s",
		Args: []any{text.DateTime(tx.Context(), *s.PostingBlockedUntil), s.PostingBlockedReason},
	}
}

// judge looks for signs of spam. Accounts whose keys made calls are believed unless several signs meet in one post.
func judge(rung Rung, done counts, own, links []string, p Post) Verdict {
	called := rung >= Called
	switch {
	case p.Honey != "":
		return Verdict{true, WhyHoney}
	case done.Rejected > 0:
		return Verdict{true, WhyRejected}
	case p.Edit && len(added(offsite("", p.Before, p.Host), links)) > 0 && !called:
		return Verdict{true, WhyAdded}
	case !p.Edit && len(links) > 0 && !called, len(links) > manyLinks:
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
