package org

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// New owners of one organization that its other owners are told of: who makes and unmakes them writes no mail without end (L7).
const (
	ownerLetters = 20
	ownerWindow  = 24 * time.Hour
)

const otherOwners = `SELECT u.id, u.email, u.language, u.time_zone FROM members m JOIN users u ON u.id = m.user_id
	WHERE m.organization_id = ? AND m.role IN ? AND m.user_id <> ? AND ` + Reachable + " ORDER BY m.created_at, u.id LIMIT 20"

// TellOwners mails the other owners of an organization that somebody is one now, whoever made them that: also who did, whose session somebody else may have.
func TellOwners(tx *db.Tx, box *outbox.Outbox, link func(string) string, o Organization, userID db.ID) error {
	var to []Recipient
	if err := tx.Raw(otherOwners, append([]any{o.ID, permission.OrgRoles(permission.OwnersManage), userID}, ReachableArgs(tx.Now)...)...).Scan(&to).Error; err != nil || len(to) == 0 {
		return err
	}
	var who struct{ Name, Email string }
	if err := tx.Raw("SELECT name, email FROM users WHERE id = ?", userID).Scan(&who).Error; err != nil {
		return err
	}
	if told, err := account.TakeTx(tx, "new owners of "+o.ID.String(), ownerLetters, ownerWindow); err != nil || !told { // what is done is done without a letter
		return err
	}
	button := outbox.L("See the organization")
	l := outbox.Letter{
		Kind: "owner_added", Subject: outbox.L("Your organization has another owner"),
		Lines: []outbox.Line{
			outbox.L("%[1]s (%[2]s) is an owner of %[3]s now: they also make owners, transfer and delete it.", who.Name, who.Email, o.Name),
			outbox.L("If that should not be, take the role away and ask why."),
		},
		Button: &button, URL: link("/console/organizations/" + o.ID.Show(Prefix)),
	}
	for _, r := range to {
		l.To, l.UserID, l.Language, l.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
		if err := box.Queue(tx, l); err != nil {
			return err
		}
	}
	return nil
}
