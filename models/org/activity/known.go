package activity

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// known is what the organization knows of those that events name.
type known struct {
	names       map[db.ID]string // of what is its own now: members, keys, apps, access, domains, shares, what its directory has, itself
	former      map[db.ID]bool   // users who were members
	formerNames map[db.ID]string
	staff       map[db.ID]bool
	sharers     map[string]string // names of organizations with which it shares or shared something, by id as facts show it
	shared      map[string]string // names of its apps by the shares of them, by the share's id as facts show it
}

// ownQueries name what is the organization's now. Each takes its id, and the ids asked for.
var ownQueries = []string{
	"SELECT u.id, u.name FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND u.deleted_at IS NULL AND u.id IN ?",
	"SELECT k.id, k.name FROM keys k JOIN apps a ON a.id = k.app_id WHERE a.organization_id = ? AND a.deleted_at IS NULL AND k.id IN ?",
	"SELECT a.id, a.name FROM apps a WHERE a.organization_id = ? AND a.deleted_at IS NULL AND a.id IN ?",
	"SELECT x.id, p.name || ' · ' || a.name AS name FROM access x JOIN apps a ON a.id = x.app_id JOIN apis p ON p.id = x.api_id WHERE a.organization_id = ? AND a.deleted_at IS NULL AND x.id IN ?",
	"SELECT o.id, o.name FROM organizations o WHERE o.id = ? AND o.id IN ?",
	"SELECT d.id, d.name FROM domains d WHERE d.organization_id = ? AND d.id IN ?",
	"SELECT s.id, a.name FROM app_shares s JOIN apps a ON a.id = s.app_id WHERE ? IN (s.lender_id, s.receiver_id) AND s.ended_at IS NULL AND a.deleted_at IS NULL AND s.id IN ?",
	"SELECT t.id, t.name FROM scim_tokens t WHERE t.organization_id = ? AND t.id IN ?",
	"SELECT g.id, g.display_name AS name FROM scim_groups g WHERE g.organization_id = ? AND g.id IN ?",
}

// invitationsQuery names open invitations by the addresses to which they went: for who may see those.
const invitationsQuery = "SELECT i.id, i.email AS name FROM invitations i WHERE i.organization_id = ? AND i.id IN ?"

// formerQuery finds those who were members: the log itself tells of their going.
const formerQuery = `SELECT u.id, u.name FROM users u WHERE u.id IN ? AND EXISTS
	(SELECT 1 FROM audit_events e WHERE e.organization_id = ? AND e.target_id = u.id AND e.act IN ?)`

func (s *Store) known(ctx context.Context, a actor.Actor, organization db.ID, entries []audit.Entry) (known, error) {
	k := known{names: map[db.ID]string{}, former: map[db.ID]bool{}, formerNames: map[db.ID]string{}, staff: map[db.ID]bool{}, sharers: map[string]string{}, shared: map[string]string{}}
	if len(entries) == 0 {
		return k, nil
	}
	ids := idsOf(entries)
	type named struct {
		ID   db.ID
		Name string
	}
	var rows []named
	g := s.db.Read(ctx)
	queries := ownQueries
	if _, err := org.Require(g, a, organization, permission.MembersManage); err == nil && !a.Program() { // addresses are for people alone
		queries = append(slices.Clone(queries), invitationsQuery)
	}
	for _, query := range queries {
		rows = nil
		if err := g.Raw(query, organization, ids).Scan(&rows).Error; err != nil {
			return k, fmt.Errorf("activity: names: %w", err)
		}
		for _, r := range rows {
			k.names[r.ID] = r.Name
		}
	}
	rows = nil
	if err := g.Raw(formerQuery, ids, organization, []audit.Act{audit.MemberRemoved, audit.MemberLeft}).Scan(&rows).Error; err != nil {
		return k, fmt.Errorf("activity: former members: %w", err)
	}
	for _, r := range rows {
		k.former[r.ID], k.formerNames[r.ID] = true, r.Name
	}
	var staff []db.ID
	if err := g.Raw("SELECT id FROM users WHERE id IN ? AND staff_role <> ''", ids).Scan(&staff).Error; err != nil {
		return k, fmt.Errorf("activity: staff: %w", err)
	}
	for _, id := range staff {
		k.staff[id] = true
	}
	if err := k.readShared(g, organization, entries); err != nil {
		return k, err
	}
	return k, k.readSharers(g, organization, entries)
}

// sharedQuery names the organization's own apps by their shares, also by those that ended.
const sharedQuery = "SELECT s.id, a.name FROM app_shares s JOIN apps a ON a.id = s.app_id WHERE a.deleted_at IS NULL AND a.organization_id = ? AND s.id IN ?"

// readShared names the apps of the shares by which something was done: to the lender, since to the receiver the share itself is what it was done to.
func (k known) readShared(g *gorm.DB, organization db.ID, entries []audit.Entry) error {
	var ids []db.ID
	for _, e := range entries {
		if id, err := db.ParseID(share.Prefix, e.Facts["share"]); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []struct {
		ID   db.ID
		Name string
	}
	if err := g.Raw(sharedQuery, organization, ids).Scan(&rows).Error; err != nil {
		return fmt.Errorf("activity: apps of shares: %w", err)
	}
	for _, r := range rows {
		k.shared[r.ID.Show(share.Prefix)] = r.Name
	}
	return nil
}

// sharersQuery names organizations: those by whose shares something was done, since they took them, and those with which a share was accepted. An offer alone
// tells nobody whether whom it names exists.
const sharersQuery = `SELECT o.id, o.name FROM organizations o WHERE o.deleted_at IS NULL AND (o.id IN ? OR o.id IN ? AND EXISTS (SELECT 1 FROM app_shares s
	WHERE s.accepted_at IS NOT NULL AND (s.lender_id = ? AND s.receiver_id = o.id OR s.receiver_id = ? AND s.lender_id = o.id)))`

// readSharers names the organizations that events tell of besides.
func (k known) readSharers(g *gorm.DB, organization db.ID, entries []audit.Entry) error {
	acted, told := []db.ID{{}}, []db.ID{{}} // never empty
	for _, e := range entries {
		id, err := db.ParseID(org.Prefix, e.Facts["with"])
		switch {
		case err != nil:
		case e.Facts["share"] != "":
			acted = append(acted, id)
		default:
			told = append(told, id)
		}
	}
	if len(acted)+len(told) == 2 {
		return nil
	}
	var rows []struct {
		ID   db.ID
		Name string
	}
	if err := g.Raw(sharersQuery, acted, told, organization, organization).Scan(&rows).Error; err != nil {
		return fmt.Errorf("activity: organizations of shares: %w", err)
	}
	for _, r := range rows {
		k.sharers[r.ID.Show(org.Prefix)] = r.Name
	}
	return nil
}

// idsOf are those who did something and what it was done to, each once.
func idsOf(entries []audit.Entry) []db.ID {
	seen := map[db.ID]bool{}
	var ids []db.ID
	for _, e := range entries {
		for _, id := range []*db.ID{e.ActorID, e.TargetID} {
			if id != nil && !seen[*id] {
				seen[*id] = true
				ids = append(ids, *id)
			}
		}
	}
	return ids
}
