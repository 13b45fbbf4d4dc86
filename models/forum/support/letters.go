package support

import (
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// reachable is the condition under which user u can be written to; without a row of choices the default of the table holds.
const (
	recipients = `SELECT u.id, u.email, u.language, u.time_zone FROM users u LEFT JOIN notice_choices c ON c.user_id = u.id`
	reachable  = ` u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL AND (u.suspended_at IS NULL OR u.suspended_until <= ?)`
)

// tellHanded writes to whom a question was handed and who wants to hear of it, but not to whoever handed it.
func (s *Store) tellHanded(tx *db.Tx, a actor.Actor, q forum.Question, h Hand) error {
	roles, err := staffrole.With(tx.DB, permission.StaffQuestionsRead)
	if err != nil {
		return err
	}
	var to []org.Recipient
	err = tx.Raw(recipients+` WHERE `+reachable+` AND u.id <> ? AND COALESCE(c.assignments, TRUE) AND u.staff_role IN ?
		AND (u.id = ? OR u.id IN (SELECT m.user_id FROM support_team_members m WHERE m.team_id = ?)) ORDER BY u.id LIMIT 200`,
		tx.Now, a.UserID, roles, h.Person, h.Team).Scan(&to).Error
	if err != nil {
		return err
	}
	line := outbox.L("%[1]s handed you the question “%[2]s”.", a.Name, q.Title)
	if h.Person.IsZero() {
		line = outbox.L("%[1]s handed your team the question “%[2]s”.", a.Name, q.Title)
	}
	button := outbox.L("Open the question")
	return s.send(tx, outbox.Letter{Kind: "question_assigned", Subject: outbox.L("A question was handed to you"), Lines: []outbox.Line{line}, Button: &button, URL: s.link(Path(q.ID))}, to)
}

// What the mail about a closed question says of the reason.
var closedLines = map[string]string{
	Answered: text.N("It was answered."), Duplicate: text.N("It was asked before."), OutOfScope: text.N("It is not about this portal."),
	NotClear: text.N("It can’t be answered as it is."), NoWord: text.N("It waited for a word of yours that did not come."),
}

// theAsker is whom to write to about a question, as long as they can read the one that the mail leads to, and did not act themselves.
func theAsker(tx *db.Tx, a actor.Actor, q forum.Question, read db.ID) ([]org.Recipient, error) {
	if q.AskerID == a.UserID {
		return nil, nil
	}
	may, err := askerReads(tx, q.AskerID, read)
	if err != nil || !may {
		return nil, err
	}
	var to []org.Recipient
	err = tx.Raw(recipients+" WHERE u.id = ? AND "+reachable, q.AskerID, tx.Now).Scan(&to).Error
	return to, err
}

// tellClosed tells the asker that the question was closed, why, and how to open it again.
func (s *Store) tellClosed(tx *db.Tx, a actor.Actor, q forum.Question, reason string) error {
	to, err := theAsker(tx, a, q, q.ID)
	if err != nil || q.ClosedAt != nil {
		return err
	}
	lines := []outbox.Line{outbox.L("Your question “%s” is closed.", q.Title), outbox.L(closedLines[reason])}
	if q.LockedAt == nil {
		lines = append(lines, outbox.L("If you still need help, write a word under it: that opens it again."))
	}
	button := outbox.L("Open the question")
	return s.send(tx, outbox.Letter{Kind: "question_closed", Subject: outbox.L("Your question is closed"), Lines: lines, Button: &button, URL: s.link(q.Path())}, to)
}

// tellMerged tells the asker where the question went.
func (s *Store) tellMerged(tx *db.Tx, a actor.Actor, q, target forum.Question) error {
	to, err := theAsker(tx, a, q, target.ID)
	if err != nil {
		return err
	}
	lines := []outbox.Line{outbox.L("Your question “%[1]s” was merged into “%[2]s”, which asks the same.", q.Title, target.Title), outbox.L("You follow that one from now on, and its answers are yours too.")}
	button := outbox.L("Open the question")
	return s.send(tx, outbox.Letter{Kind: "question_merged", Subject: outbox.L("Your question was merged into another"), Lines: lines, Button: &button, URL: s.link(target.Path())}, to)
}

func (s *Store) send(tx *db.Tx, letter outbox.Letter, to []org.Recipient) error {
	for _, r := range to {
		letter.To, letter.UserID, letter.Language, letter.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
		if err := s.outbox.Queue(tx, letter); err != nil {
			return err
		}
	}
	return nil
}
