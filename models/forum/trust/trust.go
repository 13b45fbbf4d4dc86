// Package trust says how far an account is trusted in the forum, from what it did at the portal: address verified, app made, key used, age. It holds the limits of
// new accounts and knows what looks like spam. Everything is counted in the database, so limits hold across replicas.
package trust

import (
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Post is a text that somebody is about to publish or to change.
type Post struct {
	Question bool   // a new question; else an answer or a comment
	Title    string // of a question
	Body     string // Markdown
	Edit     bool   // of a post that is there already
	Before   string // of an edit: its body until now
	Host     string // of the portal: links to it count as none
	Honey    string // the form's field that people don't see: filled in by programs alone
}

// Verdict says what becomes of a post.
type Verdict struct {
	Pending bool   // it waits for approval
	Why     string // for staff: which sign of spam it was
}

// Judge decides whether the actor may post, and whether it shows at once. Call it in the transaction that writes the post, before writing. Staff, the program
// itself and established accounts are not limited. Faults: Forbidden for who is kept from posting or has no verified address, RateLimited for too many
// posts, Invalid (field body) for too many links.
func Judge(tx *db.Tx, a actor.Actor, p Post) (Verdict, error) {
	return Verdict{}, nil
}

// NoKey notes a text with an API key in it, however it is wrapped (K1). It is audit.NoKey, where the rooms above forum look for it.
func NoKey(p *fault.Problems, field, text string) { audit.NoKey(p, field, text) }
