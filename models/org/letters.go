package org

import (
	"context"
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

// LetIn is true of members m, who are the users u, that can sign in, and that their organization lets in. Its arguments are the moment, twice.
const LetIn = "(" + SignsIn + " AND NOT " + actor.MemberShut + ")"

// Reachable is true of members m, who are the users u, that are told of what happens in their organization: those who are LetIn, and its owners who can sign in while none
// of its owners and admins is LetIn, so that somebody hears of it who can add a second factor. Nobody else is told. Its arguments are ReachableArgs.
const Reachable = "(" + LetIn + " OR m.role = 'owner' AND " + SignsIn + ` AND EXISTS (SELECT 1 FROM organizations lo WHERE lo.id = m.organization_id
	AND NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = lo.id AND m.role IN ('admin', 'owner') AND ` + LetIn + ")))"

// ReachableArgs are the arguments of Reachable.
func ReachableArgs(now time.Time) []any { return []any{now, now, now, now, now} }

// AppPeople joins apps a with their organizations o and with those members m, who are the users u, that may be told of the app: the Reachable, of a limited app those who
// were let in. Each list of people who are written to about an app or its keys begins with it. Its arguments are ReachableArgs.
const AppPeople = " JOIN organizations o ON o.id = a.organization_id JOIN members m ON m.organization_id = o.id JOIN users u ON u.id = m.user_id AND " + Reachable + " AND " + actor.MemberReaches

// Unreached is true of organizations o whose letters reach nobody: none of their Managers is left. Personal ones are left out, and those that are suspended, whose people staff
// knows of. Its arguments are UnreachedArgs.
const Unreached = `(o.kind <> 'personal' AND o.deleted_at IS NULL AND NOT (o.suspended_at IS NOT NULL AND (o.suspended_until IS NULL OR o.suspended_until > ?))
	AND NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = o.id AND (m.role IN ('admin', 'owner') OR u.email = o.technical_email) AND ` + Reachable + "))"

// UnreachedArgs are the arguments of Unreached.
func UnreachedArgs(now time.Time) []any { return append([]any{now}, ReachableArgs(now)...) }

// managersQuery finds the Managers; the technical address first, which is not cut off. seesAll leaves out who may not be told of all of some apps: as one of the organization's, whose app
// it is or was, and as a member of the app's own, of which they may be one, too.
const (
	managersQuery = `SELECT u.id, u.email, u.language, u.time_zone, CASE WHEN m.role IN ('admin', 'owner') THEN 1 ELSE 0 END AS place
		FROM organizations o JOIN members m ON m.organization_id = o.id JOIN users u ON u.id = m.user_id
		WHERE o.id = ? AND (m.role IN ('admin', 'owner') OR u.email = o.technical_email) AND ` + Reachable + seesAll + " ORDER BY place, m.created_at, u.id LIMIT 21"
	seesAll     = " AND NOT EXISTS (SELECT 1 FROM apps a WHERE a.id IN ? AND NOT (" + actor.MemberReaches + " AND " + actor.UserReaches + "))"
	personQuery = "SELECT u.id, u.email, u.language, u.time_zone FROM apps a" + AppPeople + " WHERE a.id = ? AND u.id = ?"
)

// Managers are the owners and admins of an organization that are Reachable, and such a member whose address is its technical one; at most 21. A letter that names apps,
// whosever they are, names them here: to whom one of them is hidden is not among them (Z2). Where nobody is left, staff is shown that (Unreached).
func Managers(tx *db.Tx, organizationID db.ID, apps ...db.ID) ([]Recipient, error) {
	var to []Recipient
	err := tx.Raw(managersQuery, append(append([]any{organizationID}, ReachableArgs(tx.Now)...), apps)...).Scan(&to).Error
	return to, err
}

// PersonOrManagers is who did something with an app, while they may be told of it; when nobody did or they may not, the Managers of its organization who may.
func PersonOrManagers(tx *db.Tx, organizationID, appID db.ID, userID *db.ID) ([]Recipient, error) {
	if userID != nil {
		var person []Recipient
		if err := tx.Raw(personQuery, append(ReachableArgs(tx.Now), appID, *userID)...).Scan(&person).Error; err != nil || len(person) > 0 {
			return person, err
		}
	}
	return Managers(tx, organizationID, appID)
}

// tellSuspended writes to those who manage the organization; app is nil when all of it is suspended.
func (s *Store) tellSuspended(tx *db.Tx, o Organization, app *App, reason string) error {
	var named []db.ID
	if app != nil {
		named = append(named, app.ID)
	}
	to, err := Managers(tx, o.ID, named...)
	if err != nil {
		return err
	}
	letter := outbox.Letter{
		Kind: "organization_suspended", Subject: outbox.L("Your organization is suspended"),
		Lines: []outbox.Line{outbox.L("The organization %s is suspended: its keys do not work until that ends.", o.Name), outbox.L("Reason: %s", reason)},
	}
	path := "/console/organizations/" + o.ID.Show(Prefix)
	if app != nil {
		letter.Kind, letter.Subject = "app_suspended", outbox.L("Your app is suspended")
		letter.Lines[0] = outbox.L("The app %s of %s is suspended: its keys do not work until that ends.", app.Name, o.Name)
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
