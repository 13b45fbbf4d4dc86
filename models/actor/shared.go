package actor

import (
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Right is what a share lets the people of another organization do with an app.
type Right string

// The rights of shares. Who may rotate keys reads them, and who may rotate all rotates those of test.
const (
	ReadUsage  Right = "usage:read"       // how the app's keys are used, and what was refused
	ReadKeys   Right = "keys:read"        // which keys it has and how they stand, never their texts
	RotateTest Right = "keys:rotate_test" // replace a test key by a new one, which is shown to who does it
	RotateAll  Right = "keys:rotate_all"
)

// Rights are all rights, the least first.
var Rights = []Right{ReadUsage, ReadKeys, RotateTest, RotateAll}

// The tables that Shared and SharedAll stand for, in parts: what is selected comes first, then the members of the receiver stand between the first two; a
// right is the last.
const (
	sharedFrom = ` FROM app_shares sh JOIN apps sa ON sa.id = sh.app_id AND sa.organization_id = sh.lender_id
		JOIN organizations sl ON sl.id = sh.lender_id JOIN organizations sr ON sr.id = sh.receiver_id JOIN `
	sharedWhere = ` sm ON sm.organization_id = sh.receiver_id WHERE sm.role IN ? AND sh.accepted_at IS NOT NULL AND sh.ended_at IS NULL AND sh.ends_at > ?
		AND sa.deleted_at IS NULL AND sl.deleted_at IS NULL AND sr.deleted_at IS NULL
		AND NOT (sl.suspended_at IS NOT NULL AND (sl.suspended_until IS NULL OR sl.suspended_until > ?)) AND NOT (sr.suspended_at IS NOT NULL AND (sr.suspended_until IS NULL OR sr.suspended_until > ?))
		AND NOT EXISTS (SELECT 1 FROM users su WHERE su.id = sl.personal_user_id AND (su.deleted_at IS NOT NULL OR su.suspended_at IS NOT NULL AND (su.suspended_until IS NULL OR su.suspended_until > ?)))
		AND NOT EXISTS (SELECT 1 FROM domain_barred sb WHERE sb.organization_id = sh.lender_id AND sb.user_id = sm.user_id)
		AND NOT EXISTS (SELECT 1 FROM members sw WHERE sw.organization_id = sh.lender_id AND sw.user_id = sm.user_id AND sw.role NOT IN ?)`
	sharedOf = ` AND NOT (sl.factor_from IS NOT NULL AND sl.factor_from <= ? AND NOT EXISTS (SELECT 1 FROM factors sf WHERE sf.user_id = ? AND sf.confirmed_at IS NOT NULL))
		AND sa.id NOT IN `
	sharedNothing = "(SELECT sh.app_id FROM app_shares sh WHERE sh.id = ? AND FALSE)"
)

// hiddenFromMember is hiddenFromUser for the members sm that Shared reads.
var hiddenFromMember = strings.Replace(hiddenFromUser, "?", "sm.user_id", 1)

// sharedRights are the column of each right, the permission that the reader's role in the receiver has to have, and the one that it has to have in the lender of who is a member
// there, too: what their role there keeps from them, a share doesn't give back, or an admin could share apps with an organization of their own and outlive the role by it.
var sharedRights = map[Right]struct {
	column       string
	needs, there permission.Name
}{
	ReadUsage: {" AND sh.usage_read", permission.UsageRead, permission.UsageRead}, ReadKeys: {" AND sh.keys_read", permission.KeysMake, permission.KeysRead},
	RotateTest: {" AND sh.rotate_test", permission.KeysMake, permission.KeysManageAll}, RotateAll: {" AND sh.rotate_all", permission.KeysMake, permission.KeysManageAll},
}

// Shared is SQL for the id of the app that a share opens to the actor at now with a right, and its arguments: none, unless it was accepted and has not ended, the app
// is still the lender's, neither organization is deleted or suspended, the actor is a member of the receiver whose role suffices, as a member of the lender too, is not barred there, and has a second factor if the lender requires one. It is the one place that says who
// reaches an app of others: a store that a share opens names the right it needs and says "<app's id> IN " and this; all that does not is closed. A program reaches
// no app of others, and neither does who is kept out of it as a member of the lender.
func (a Actor) Shared(share db.ID, r Right, now time.Time) (table string, args []any) {
	if _, known := sharedRights[r]; !a.SignedIn() || !known {
		return sharedNothing, []any{share}
	}
	opened, given := a.shared(r, now)
	return "(SELECT sh.app_id" + opened + " AND sh.id = ?)", append(given, share)
}

// SharedAll is SQL for the ids of all shares of which Shared says that they open their app to the actor with a right, and its arguments.
func (a Actor) SharedAll(r Right, now time.Time) (table string, args []any) {
	if _, known := sharedRights[r]; !a.SignedIn() || !known {
		return sharedNothing, []any{db.ID{}}
	}
	opened, given := a.shared(r, now)
	return "(SELECT sh.id" + opened + ")", given
}

func (a Actor) shared(r Right, now time.Time) (table string, args []any) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	factor := now // the lender's policy, which people of others keep too
	if a.Factor {
		factor = time.Time{} // no policy began before
	}
	right := sharedRights[r]
	return sharedFrom + members + sharedWhere + sharedOf + unseen + right.column, append([]any{arg, permission.OrgRoles(right.needs), now, now, now, now, permission.OrgRoles(right.there), factor, a.UserID}, hidden...)
}

// SharedByAll is SQL for the table (share_id, app_id, receiver, ends_at, user_id, role, asks_factor) of everybody to whom Shared opens an app at now with a right, and its
// arguments. asks_factor is true where lender or receiver require a second factor: to who has none the share opens nothing.
func SharedByAll(r Right, now time.Time) (table string, args []any) {
	right := sharedRights[r]
	table = "(SELECT sh.id AS share_id, sh.app_id, sr.name AS receiver, sh.ends_at, sm.user_id, sm.role, (COALESCE(sl.factor_from <= ?, FALSE) OR COALESCE(sr.factor_from <= ?, FALSE)) AS asks_factor" +
		sharedFrom + "members" + sharedWhere + " AND sa.id NOT IN " + hiddenFromMember + right.column + ")"
	return table, []any{now, now, permission.OrgRoles(right.needs), now, now, now, now, permission.OrgRoles(right.there)}
}
