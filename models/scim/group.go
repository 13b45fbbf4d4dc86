package scim

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// GroupRoles are the roles that owners can let a group give, weakest first: never owner (Z5).
var GroupRoles = []string{permission.Viewer, permission.Developer, permission.Admin}

// Team is what a directory says of a group: Members are ids of its users.
type Team struct {
	DisplayName string
	ExternalID  string
	Members     []db.ID
}

// Group is a group of a directory. It gives a role where owners have said which.
type Group struct {
	ID             db.ID
	OrganizationID db.ID
	DisplayName    string
	ExternalID     string
	Role           string // "" for none
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Members        []Ref `gorm:"-"`
}

// Team is what the directory said last.
func (g Group) Team() Team {
	t := Team{DisplayName: g.DisplayName, ExternalID: g.ExternalID}
	for _, m := range g.Members {
		t.Members = append(t.Members, m.ID)
	}
	return t
}

const (
	memberRefs  = "SELECT gm.group_id AS of, s.id, s.user_name AS name FROM scim_group_members gm JOIN scim_users s ON s.id = gm.scim_id "
	groupSelect = "SELECT g.id, g.organization_id, g.display_name, g.external_id, g.role, g.created_at, g.updated_at FROM scim_groups g WHERE g.organization_id = ? "
)

// Groups lists the directory's groups, the oldest first, without their members.
func (s *Store) Groups(ctx context.Context, a actor.Actor, w Which) ([]Group, error) {
	var rows []Group
	where, args := "", []any{a.OrganizationID}
	switch w.Attribute {
	case "id":
		id, ok := w.idOf(GroupPrefix)
		if !ok {
			return nil, nil
		}
		where, args = "AND g.id = ? ", append(args, id)
	case "displayname":
		where, args = "AND g.name_key = ? ", append(args, strings.ToLower(w.Text))
	case "externalid":
		where, args = "AND g.external_id = ? ", append(args, w.Text)
	}
	if len(args) > 1 && w.unfit() {
		return nil, nil
	}
	err := s.db.Read(ctx).Raw(groupSelect+where+"ORDER BY g.id LIMIT ?", append(args, MaxGroups)...).Scan(&rows).Error
	return rows, err
}

// WithMembers adds their members to groups of the directory.
func (s *Store) WithMembers(ctx context.Context, a actor.Actor, rows []Group) error {
	for part := range slices.Chunk(rows, 100) {
		ids := make([]db.ID, len(part))
		for i, g := range part {
			ids[i] = g.ID
		}
		var refs []Ref
		if err := s.db.Read(ctx).Raw(memberRefs+"WHERE gm.group_id IN ? AND s.organization_id = ? ORDER BY s.id", ids, a.OrganizationID).Scan(&refs).Error; err != nil {
			return err
		}
		by := refsBy(refs)
		for i := range part {
			part[i].Members = by[part[i].ID]
		}
	}
	return nil
}

// Group reads one with its members. Faults: NotFound.
func (s *Store) Group(ctx context.Context, a actor.Actor, id db.ID) (Group, error) {
	return groupOf(s.db.Read(ctx), a.OrganizationID, id)
}

func groupOf(q *gorm.DB, organizationID, id db.ID) (Group, error) {
	var rows []Group
	if err := q.Raw(groupSelect+"AND g.id = ?", organizationID, id).Scan(&rows).Error; err != nil {
		return Group{}, err
	}
	if len(rows) == 0 {
		return Group{}, fault.Missing()
	}
	err := q.Raw(memberRefs+"WHERE gm.group_id = ? ORDER BY s.id", id).Scan(&rows[0].Members).Error
	return rows[0], err
}

func (t *Team) check() error {
	var p fault.Problems
	t.DisplayName, t.ExternalID = strings.TrimSpace(t.DisplayName), strings.TrimSpace(t.ExternalID)
	p.Check(t.DisplayName != "", "displayName", "Enter a name.")
	for _, f := range []struct{ name, text string }{{"displayName", t.DisplayName}, {"externalId", t.ExternalID}} {
		p.Check(utf8.RuneCountInString(f.text) <= maxText, f.name, "Use at most %d characters.", maxText)
		p.Check(audit.Clean(f.text) == f.text, f.name, "Use letters, digits, signs and spaces: this name holds characters that can’t be shown.")
	}
	slices.SortFunc(t.Members, func(x, y db.ID) int { return slices.Compare(x[:], y[:]) })
	t.Members = slices.Compact(t.Members)
	return p.Err()
}

func groupEvent(act audit.Act, g Group, details map[string]string) audit.Event {
	if details == nil {
		details = map[string]string{}
	}
	details["name"] = g.DisplayName
	return audit.Event{Act: act, TargetKind: "directory_group", TargetID: g.ID, OrganizationID: g.OrganizationID, Details: details}
}

func groupTaken() error { return taken("Another group of this directory has this displayName.") }

// AddGroup makes a group. It gives no role before owners say so. Faults: as AddUser's, Invalid about "members" who are no users of the directory.
func (s *Store) AddGroup(ctx context.Context, a actor.Actor, t Team) (Group, error) {
	var out Group
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := entered(tx, a); err != nil {
			return err
		}
		if err := t.check(); err != nil {
			return err
		}
		if err := changes(tx, a, 1); err != nil {
			return err
		}
		if err := roomFor(tx, "SELECT COUNT(*) FROM scim_groups WHERE organization_id = ?", a.OrganizationID, MaxGroups); err != nil {
			return err
		}
		g := Group{ID: db.NewID(), OrganizationID: a.OrganizationID, DisplayName: t.DisplayName, ExternalID: t.ExternalID, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		_, err := tx.Run("INSERT INTO scim_groups (id, organization_id, display_name, name_key, external_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			g.ID, g.OrganizationID, g.DisplayName, strings.ToLower(g.DisplayName), g.ExternalID, tx.Now, tx.Now)
		if db.Duplicate(err) {
			return groupTaken()
		}
		if err != nil {
			return err
		}
		if err := s.seat(tx, a, g, nil, t.Members); err != nil {
			return err
		}
		audit.Record(tx, a, groupEvent(audit.DirectoryGroupAdded, g, map[string]string{"members_added": strconv.Itoa(len(t.Members))}))
		out, err = groupOf(tx.DB, a.OrganizationID, g.ID)
		return err
	})
	return out, err
}

// seat puts users into a group and takes others out, and gives all of them the role that follows.
func (s *Store) seat(tx *db.Tx, a actor.Actor, g Group, out, in []db.ID) error {
	if err := changes(tx, a, len(in)); err != nil {
		return err
	}
	for part := range slices.Chunk(in, 200) {
		n, err := tx.Run("INSERT INTO scim_group_members (group_id, scim_id) SELECT g.id, s.id FROM scim_groups g JOIN scim_users s ON s.organization_id = g.organization_id WHERE g.id = ? AND s.id IN ?", g.ID, part)
		if err != nil {
			return err
		}
		if int(n) != len(part) {
			return noSuchUser(tx, g.OrganizationID, part)
		}
	}
	for part := range slices.Chunk(out, 200) {
		if _, err := tx.Run("DELETE FROM scim_group_members WHERE group_id = ? AND scim_id IN ?", g.ID, part); err != nil {
			return err
		}
	}
	if len(in) > 0 {
		if err := roomFor(tx, "SELECT COUNT(*) FROM scim_group_members m JOIN scim_groups g ON g.id = m.group_id WHERE g.organization_id = ?", g.OrganizationID, MaxSeats+1); err != nil {
			return err
		}
	}
	if g.Role == "" {
		return nil
	}
	return s.settleAll(tx, a, g.OrganizationID, slices.Concat(in, out))
}

// ChangeGroup has edit change what the directory says of a group, given how it stands; an error of edit changes nothing, and it may be asked more than once. Members
// get or lose the group's role at once. Faults: as AddGroup's, NotFound.
func (s *Store) ChangeGroup(ctx context.Context, a actor.Actor, id db.ID, edit func(Group, *Team) error) (Group, error) {
	var out Group
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := entered(tx, a); err != nil {
			return err
		}
		g, err := groupOf(tx.DB, a.OrganizationID, id)
		if err != nil {
			return err
		}
		t := g.Team()
		if err := edit(g, &t); err != nil {
			return err
		}
		if err := t.check(); err != nil {
			return err
		}
		before := g.Team().Members
		in, gone := without(t.Members, before), without(before, t.Members)
		if t.DisplayName == g.DisplayName && t.ExternalID == g.ExternalID && len(in)+len(gone) == 0 {
			out = g
			return nil
		}
		if t.DisplayName != g.DisplayName || t.ExternalID != g.ExternalID {
			if err := changes(tx, a, 1); err != nil {
				return err
			}
		}
		_, err = tx.Run("UPDATE scim_groups SET display_name = ?, name_key = ?, external_id = ?, updated_at = ? WHERE id = ?", t.DisplayName, strings.ToLower(t.DisplayName), t.ExternalID, tx.Now, id)
		if db.Duplicate(err) {
			return groupTaken()
		}
		if err != nil {
			return err
		}
		if err := s.seat(tx, a, g, gone, in); err != nil {
			return err
		}
		if out, err = groupOf(tx.DB, a.OrganizationID, id); err != nil {
			return err
		}
		audit.Record(tx, a, groupEvent(audit.DirectoryGroupChanged, out, map[string]string{"members_added": strconv.Itoa(len(in)), "members_removed": strconv.Itoa(len(gone))}))
		return nil
	})
	return out, err
}

func without(all, some []db.ID) []db.ID {
	has := make(map[db.ID]bool, len(some))
	for _, id := range some {
		has[id] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(id db.ID) bool { return has[id] })
}

// RemoveGroup ends a group, and the role that it gave; its members stay. Check is asked first. Faults: as ChangeGroup's.
func (s *Store) RemoveGroup(ctx context.Context, a actor.Actor, id db.ID, check func(Group) error) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := entered(tx, a); err != nil {
			return err
		}
		g, err := groupOf(tx.DB, a.OrganizationID, id)
		if err != nil {
			return err
		}
		if err := check(g); err != nil {
			return err
		}
		if err := s.seat(tx, a, g, g.Team().Members, nil); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM scim_groups WHERE id = ?", id); err != nil {
			return err
		}
		audit.Record(tx, a, groupEvent(audit.DirectoryGroupRemoved, g, nil))
		return nil
	})
}
