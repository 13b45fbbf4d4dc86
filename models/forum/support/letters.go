package support

import (
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// reachable is the condition under which user u can be written to; without a row of choices the default of the table holds.
const (
	recipients = `SELECT u.id, u.email, u.language, u.time_zone FROM users u LEFT JOIN notice_choices c ON c.user_id = u.id`
	reachable  = ` u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL AND (u.suspended_at IS NULL OR u.suspended_until <= ?)`
)

// tellHanded writes to whom a question was handed and who wants to hear of it, but not to whoever handed it.
func (s *Store) tellHanded(tx *db.Tx, a actor.Actor, q forum.Question, h Hand) error {
	var to []org.Recipient
	err := tx.Raw(recipients+` WHERE `+reachable+` AND u.id <> ? AND COALESCE(c.assignments, TRUE) AND u.staff_role IN ?
		AND (u.id = ? OR u.id IN (SELECT m.user_id FROM support_team_members m WHERE m.team_id = ?)) ORDER BY u.id LIMIT 200`,
		tx.Now, a.UserID, rolesWith(permission.StaffQuestionsRead), h.Person, h.Team).Scan(&to).Error
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

func (s *Store) send(tx *db.Tx, letter outbox.Letter, to []org.Recipient) error {
	for _, r := range to {
		letter.To, letter.UserID, letter.Language, letter.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
		if err := s.outbox.Queue(tx, letter); err != nil {
			return err
		}
	}
	return nil
}
