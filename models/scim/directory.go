package scim

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// DefaultRoles are what owners can choose for people whose groups give no role.
var DefaultRoles = []string{permission.Viewer, permission.Developer}

// Directory is how the directory of an organization stands.
type Directory struct {
	Proven      bool // the organization has proven a domain
	DefaultRole string
	Tokens      []Token // the newest first: those that live, and those that ended within the last 90 days
	Ending      *Token  // with which it stops soon, or has stopped; nil: none
	Groups      []Sized
	People      int // whom the directory manages
	Active      int // of them members
}

// Sized is a group with how many are in it.
type Sized struct {
	Group
	Size int
}

const shownFor = 90 * day

// Directory reads it all. Faults: NotFound, Forbidden below owner.
func (s *Store) Directory(ctx context.Context, a actor.Actor, organizationID db.ID) (Directory, error) {
	q := s.db.Read(ctx)
	if err := manages(q, a, organizationID); err != nil {
		return Directory{}, err
	}
	now := s.db.Now()
	d := Directory{DefaultRole: permission.Viewer}
	if err := q.Raw(tokenRows+"AND COALESCE(t.revoked_at, t.expires_at) > ? ORDER BY t.id DESC LIMIT 50", now, now, organizationID, now.Add(-shownFor)).Scan(&d.Tokens).Error; err != nil {
		return d, err
	}
	var facts struct {
		Domains, People, Active int
		Role                    *string
	}
	if err := q.Raw(`SELECT (SELECT COUNT(*) FROM domains WHERE organization_id = ? AND proven_at IS NOT NULL) AS domains, (SELECT COUNT(*) FROM scim_users WHERE organization_id = ?) AS people,
		(SELECT COUNT(*) FROM scim_users s JOIN members m ON m.organization_id = s.organization_id AND m.user_id = s.user_id WHERE s.organization_id = ?) AS active,
		(SELECT default_role FROM scim_directories WHERE organization_id = ?) AS role`, organizationID, organizationID, organizationID, organizationID).Scan(&facts).Error; err != nil {
		return d, err
	}
	d.Proven, d.People, d.Active = facts.Domains > 0, facts.People, facts.Active
	if facts.Role != nil {
		d.DefaultRole = *facts.Role
	}
	var err error
	if d.Ending, err = endingOf(q, now, organizationID); err != nil {
		return d, err
	}
	err = q.Raw(`SELECT g.id, g.organization_id, g.display_name, g.external_id, g.role, g.created_at, g.updated_at, (SELECT COUNT(*) FROM scim_group_members m WHERE m.group_id = g.id) AS size
		FROM scim_groups g WHERE g.organization_id = ? ORDER BY g.name_key LIMIT ?`, organizationID, MaxGroups).Scan(&d.Groups).Error
	return d, err
}

// SetDefaultRole says as what people come who are in no group that gives a role. It changes nobody who is there. Faults: NotFound, Forbidden below owner, Invalid about
// "role".
func (s *Store) SetDefaultRole(ctx context.Context, a actor.Actor, organizationID db.ID, role string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := manages(tx.DB, a, organizationID); err != nil {
			return err
		}
		if !slices.Contains(DefaultRoles, role) {
			return fault.BadField("role", "Choose a role of the list.")
		}
		if _, err := tx.Run(`INSERT INTO scim_directories (organization_id, default_role, created_at, updated_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (organization_id) DO UPDATE SET default_role = excluded.default_role, updated_at = excluded.updated_at`, organizationID, role, tx.Now, tx.Now); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.DirectoryRoleSet, TargetKind: "organization", TargetID: organizationID, OrganizationID: organizationID, Details: map[string]string{"role": role}})
		return nil
	})
}

// SetGroupRole says which role a group gives, "" for none, and gives it to who is in it at once. Faults: NotFound, Forbidden below owner, Invalid about "role".
func (s *Store) SetGroupRole(ctx context.Context, a actor.Actor, organizationID, id db.ID, role string) (Group, error) {
	var g Group
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := org.LockMembers(tx, organizationID); err != nil {
			return err
		}
		if err := manages(tx.DB, a, organizationID); err != nil {
			return err
		}
		var err error
		if g, err = groupOf(tx.DB, organizationID, id); err != nil {
			return err
		}
		if role != "" && !slices.Contains(GroupRoles, role) {
			return fault.BadField("role", "Choose a role of the list.")
		}
		if role == g.Role {
			return nil
		}
		if _, err := tx.Run("UPDATE scim_groups SET role = ?, updated_at = ? WHERE id = ?", role, tx.Now, id); err != nil {
			return err
		}
		audit.Record(tx, a, groupEvent(audit.DirectoryGroupRoleSet, g, map[string]string{"role": role}))
		g.Role = role
		return s.settleAll(tx, a, organizationID, g.Team().Members)
	})
	return g, err
}

// OwnGroup reads a group for an owner. Faults: NotFound, Forbidden below owner.
func (s *Store) OwnGroup(ctx context.Context, a actor.Actor, organizationID, id db.ID) (Group, error) {
	q := s.db.Read(ctx)
	if err := manages(q, a, organizationID); err != nil {
		return Group{}, err
	}
	return groupOf(q, organizationID, id)
}

// Works reports whether a token opens something now, given how its directory stands.
func (d Directory) Works(t Token, now time.Time) bool { return t.Living(now) && t.Held && d.Proven }
