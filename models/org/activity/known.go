package activity

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// known is what the organization knows of those that events name.
type known struct {
	names       map[db.ID]string // of what is its own now: members, keys, apps, access, itself
	former      map[db.ID]bool   // users who were members
	formerNames map[db.ID]string
	staff       map[db.ID]bool
	sharers     map[string]string // names of organizations by whose shares something was done, by id as facts show it
}

// ownQueries name what is the organization's now. Each takes its id, and the ids asked for.
var ownQueries = []string{
	"SELECT u.id, u.name FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND u.deleted_at IS NULL AND u.id IN ?",
	"SELECT k.id, k.name FROM keys k JOIN apps a ON a.id = k.app_id WHERE a.organization_id = ? AND a.deleted_at IS NULL AND k.id IN ?",
	"SELECT a.id, a.name FROM apps a WHERE a.organization_id = ? AND a.deleted_at IS NULL AND a.id IN ?",
	"SELECT x.id, p.name || ' · ' || a.name AS name FROM access x JOIN apps a ON a.id = x.app_id JOIN apis p ON p.id = x.api_id WHERE a.organization_id = ? AND a.deleted_at IS NULL AND x.id IN ?",
	"SELECT o.id, o.name FROM organizations o WHERE o.id = ? AND o.id IN ?",
}

// formerQuery finds those who were members: the log itself tells of their going.
const formerQuery = `SELECT u.id, u.name FROM users u WHERE u.id IN ? AND EXISTS
	(SELECT 1 FROM audit_events e WHERE e.organization_id = ? AND e.target_id = u.id AND e.act IN ?)`

func (s *Store) known(ctx context.Context, organization db.ID, entries []audit.Entry) (known, error) {
	k := known{names: map[db.ID]string{}, former: map[db.ID]bool{}, formerNames: map[db.ID]string{}, staff: map[db.ID]bool{}, sharers: map[string]string{}}
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
	for _, query := range ownQueries {
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
	return k, k.readSharers(g, entries)
}

// readSharers names the organizations that did something by a share: they took it, so that the organization knows their names.
func (k known) readSharers(g *gorm.DB, entries []audit.Entry) error {
	var ids []db.ID
	for _, e := range entries {
		if id, err := db.ParseID(org.Prefix, e.Facts["with"]); err == nil && e.Facts["share"] != "" {
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
	if err := g.Raw("SELECT id, name FROM organizations WHERE id IN ? AND deleted_at IS NULL", ids).Scan(&rows).Error; err != nil {
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
