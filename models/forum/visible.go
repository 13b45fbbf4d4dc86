package forum

import (
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Visible is the condition under which a reader may read question q: the one and only place that says so, for pages, lists, feeds, twins,
// search and mails. Its arguments are VisibleArgs. Staff with staff:questions:read read all that is not deleted. Others read what is public, or
// of an organization of theirs, and about no API or one that is open to them; and of that only what is published and not hidden, unless they
// asked it themselves. A merged question is visible like any other: its page leads on, lists leave it out.
const Visible = `(q.deleted_at IS NULL AND (? = 1 OR (
	((q.state = 'published' AND q.hidden_at IS NULL) OR q.asker_id = ?)
	AND (q.visibility = 'public' OR EXISTS (SELECT 1 FROM members qm JOIN organizations qo ON qo.id = qm.organization_id
		WHERE qm.organization_id = q.organization_id AND qm.user_id = ? AND qo.deleted_at IS NULL))
	AND (q.api_id IS NULL OR EXISTS (SELECT 1 FROM apis x WHERE x.id = q.api_id AND ` + catalog.Open + `)))))`

// VisibleArgs are the arguments of Visible for a reader. A recipient of a mail is a reader too: make an actor of them.
func VisibleArgs(a actor.Actor) []any {
	all, user := readerArgs(a)
	return append([]any{all, user, a.Membership("qm")}, catalog.VisibleArgs(a)...)
}

func readerArgs(a actor.Actor) (all int, user db.ID) {
	if readsAll(a) {
		all = 1
	}
	if a.SignedIn() {
		user = a.UserID
	}
	return all, user
}

func readsAll(a actor.Actor) bool {
	return a.Trusted() || (a.SignedIn() && permission.Staff(a.StaffRole, permission.StaffQuestionsRead))
}

// shownPost is the condition under which a reader of its question reads post p. Its arguments are shownArgs: staff read all but what was
// deleted, others what is published and not hidden, and their own. A comment is read by whoever reads the answer under which it stands: it may quote what was hidden.
const shownPost = `(p.deleted_at IS NULL AND (? = 1 OR p.author_id = ? OR (p.state = 'published' AND p.hidden_at IS NULL AND (p.parent_id IS NULL OR EXISTS (SELECT 1 FROM posts pa
	WHERE pa.id = p.parent_id AND pa.deleted_at IS NULL AND (pa.author_id = ? OR (pa.state = 'published' AND pa.hidden_at IS NULL)))))))`

func shownArgs(a actor.Actor) []any {
	all, user := readerArgs(a)
	return []any{all, user, user}
}

// answersFor reports whether what the actor writes is the company's word.
func answersFor(a actor.Actor) bool {
	return a.SignedIn() && permission.Staff(a.StaffRole, permission.StaffQuestionsAnswer)
}

func moderates(a actor.Actor) bool {
	return a.SignedIn() && permission.Staff(a.StaffRole, permission.StaffQuestionsModerate)
}

// shownToAll is the condition under which everybody who reads its question reads post p.
const shownToAll = follow.ShownPost
