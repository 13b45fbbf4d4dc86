package org

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Recipient is somebody to write to.
type Recipient struct {
	ID       db.ID
	Email    string
	Language string
	TimeZone string
}

// Locale is ctx as the recipient reads.
func (r Recipient) Locale(ctx context.Context) context.Context {
	zone, err := time.LoadLocation(r.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return text.With(ctx, text.Locale{Language: text.Language(r.Language), Zone: zone})
}

// Moment writes t as the recipient reads.
func (r Recipient) Moment(t time.Time) string {
	return text.DateTime(r.Locale(context.Background()), t)
}

// SignsIn is true of users u who can sign in, as account.User.Active is. Its argument is the moment.
const SignsIn = `(u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL AND u.approved_at IS NOT NULL
	AND NOT (u.suspended_at IS NOT NULL AND (u.suspended_until IS NULL OR u.suspended_until > ?)))`

// Reachable is true of members m, who are the users u, that can sign in, and that their organization lets in: of its things nobody else is told. Its arguments are the
// moment, twice.
const Reachable = "(" + SignsIn + " AND NOT " + actor.MemberShut + ")"

// AppPeople joins apps a with their organizations o and with those members m, who are the users u, that may be told of the app: the Reachable, of a limited app those who
// were let in. Each list of people who are written to about an app or its keys begins with it. Its arguments are those of Reachable.
const AppPeople = " JOIN organizations o ON o.id = a.organization_id JOIN members m ON m.organization_id = o.id JOIN users u ON u.id = m.user_id AND " + Reachable + " AND " + actor.MemberReaches

// Unreached is true of organizations o whose letters reach nobody: none of their Managers is left. Personal ones are left out, and those that are suspended, whose people staff
// knows of. Its arguments are UnreachedArgs.
const Unreached = `(o.kind <> 'personal' AND o.deleted_at IS NULL AND NOT (o.suspended_at IS NOT NULL AND (o.suspended_until IS NULL OR o.suspended_until > ?))
	AND NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = o.id AND (m.role IN ('admin', 'owner') OR u.email = o.technical_email) AND ` + Reachable + "))"

// UnreachedArgs are the arguments of Unreached.
func UnreachedArgs(now time.Time) []any { return []any{now, now, now} }

const (
	managersQuery = `SELECT u.id, u.email, u.language, u.time_zone FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.organization_id = ? AND m.role IN ('admin', 'owner') AND ` + Reachable + " ORDER BY m.created_at, u.id LIMIT 20"
	technicalQuery = `SELECT u.id, u.email, u.language, u.time_zone FROM organizations o JOIN members m ON m.organization_id = o.id JOIN users u ON u.id = m.user_id AND u.email = o.technical_email
		WHERE o.id = ? AND ` + Reachable
	personQuery = "SELECT u.id, u.email, u.language, u.time_zone FROM apps a" + AppPeople + " WHERE a.id = ? AND u.id = ?"
)

// Managers are the owners and admins of an organization that are Reachable, and such a member whose address is its technical one, who stands in for them when there is nobody else;
// at most 21. Where nobody is left, staff is shown that (Unreached).
func Managers(tx *db.Tx, organizationID db.ID) ([]Recipient, error) {
	var all, technical []Recipient
	if err := tx.Raw(managersQuery, organizationID, tx.Now, tx.Now).Scan(&all).Error; err != nil {
		return nil, err
	}
	if err := tx.Raw(technicalQuery, organizationID, tx.Now, tx.Now).Scan(&technical).Error; err != nil {
		return nil, err
	}
	for _, t := range technical {
		if !slices.ContainsFunc(all, func(r Recipient) bool { return r.ID == t.ID }) {
			all = append(all, t)
		}
	}
	return all, nil
}

// PersonOrManagers is who did something with an app, while they may be told of it; when nobody did or they may not, the Managers of its organization.
func PersonOrManagers(tx *db.Tx, organizationID, appID db.ID, userID *db.ID) ([]Recipient, error) {
	if userID != nil {
		var person []Recipient
		if err := tx.Raw(personQuery, tx.Now, tx.Now, appID, *userID).Scan(&person).Error; err != nil || len(person) > 0 {
			return person, err
		}
	}
	return Managers(tx, organizationID)
}

// tellSuspended writes to those who manage the organization; app is "" when all of it is suspended.
func (s *Store) tellSuspended(tx *db.Tx, o Organization, app, reason string) error {
	to, err := Managers(tx, o.ID)
	if err != nil {
		return err
	}
	letter := outbox.Letter{
		Kind: "organization_suspended", Subject: outbox.L("Your organization is suspended"),
		Lines: []outbox.Line{outbox.L("The organization %s is suspended: its keys do not work until that ends.", o.Name), outbox.L("Reason: %s", reason)},
	}
	path := "/console/organizations/" + o.ID.Show(Prefix)
	if app != "" {
		letter.Kind, letter.Subject = "app_suspended", outbox.L("Your app is suspended")
		letter.Lines[0] = outbox.L("The app %s of %s is suspended: its keys do not work until that ends.", app, o.Name)
		path = "/console/apps"
	}
	button := outbox.L("Open the console")
	letter.Button, letter.URL = &button, s.link(path)
	for _, r := range to {
		letter.To, letter.UserID, letter.Language, letter.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
		if err := s.outbox.Queue(tx, letter); err != nil {
			return err
		}
	}
	return nil
}
