package org

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Roles are the roles of members, weakest first.
var Roles = []string{permission.Viewer, permission.Developer, permission.Admin, permission.Owner}

// Of letters to one member about their role in one organization: who changes it to and fro writes no mail without end (L7).
const (
	roleLetters = 10
	roleWindow  = 24 * time.Hour
)

// ByID reads an organization that is not deleted. Who may see it is the caller's to check. Faults: NotFound.
func ByID(q *gorm.DB, id db.ID) (Organization, error) { return read(q, id) }

// LockMembers lets one transaction at a time, until its commit, change who belongs to an organization and as what: of two owners who go at once one
// stays (Z5). SQLite has one writer anyway.
func LockMembers(tx *db.Tx, organizationID db.ID) error {
	return lockRow(tx, "SELECT 1 FROM organizations WHERE id = ? FOR UPDATE", organizationID)
}

// OwnerStays refuses to let the last owner who can sign in go or step down, and the last who can while the provider of the organization's domain is away. The caller holds LockMembers. Faults: Conflict.
func OwnerStays(tx *db.Tx, organizationID, leaving db.ID) error {
	others, err := count(tx.DB, `SELECT COUNT(*) FROM members m JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
		AND NOT (u.suspended_at IS NOT NULL AND (u.suspended_until IS NULL OR u.suspended_until > ?)) WHERE m.organization_id = ? AND m.role = ? AND m.user_id <> ?`,
		tx.Now, organizationID, permission.Owner, leaving)
	if err == nil && others == 0 {
		return fault.New(fault.Conflict, "An organization keeps at least one owner, and this is the last. Make somebody else an owner first, or delete the organization.")
	}
	if err != nil {
		return err
	}
	return account.WayStays(tx, organizationID, leaving)
}

// Member reads one member whose role the actor may change, or the actor. Faults: NotFound, Forbidden.
func (s *Store) Member(ctx context.Context, a actor.Actor, organizationID, userID db.ID) (Member, error) {
	return changeable(s.db.Read(ctx), a, organizationID, userID)
}

// changeable is a member whose role the actor may change: admins that of all below owner, owners everybody's, and all their own.
func changeable(q *gorm.DB, a actor.Actor, organizationID, userID db.ID) (Member, error) {
	if _, err := Require(q, a, organizationID, permission.OrgRead); err != nil {
		return Member{}, err
	}
	var rows []Member
	err := q.Raw(`SELECT m.user_id, u.name, u.email, m.role, m.created_at FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.organization_id = ? AND m.user_id = ? AND u.deleted_at IS NULL`, organizationID, userID).Scan(&rows).Error
	if err != nil {
		return Member{}, err
	}
	if len(rows) == 0 {
		return Member{}, fault.Missing()
	}
	if a.SignedIn() && a.UserID == userID {
		return rows[0], nil
	}
	needs := permission.MembersManage
	if rows[0].Role == permission.Owner {
		needs = permission.OwnersManage
	}
	_, err = Require(q, a, organizationID, needs)
	return rows[0], err
}

// MayGive are the roles that the actor can give to a member, weakest first: never one above the actor's own (Z5).
func MayGive(actorRole string, m Member, self bool) []string {
	most := slices.Index(Roles, actorRole)
	switch {
	case permission.Org(actorRole, permission.OwnersManage):
	case permission.Org(actorRole, permission.MembersManage) && m.Role != permission.Owner:
	case self:
		most = slices.Index(Roles, m.Role)
	default:
		return nil
	}
	return Roles[:most+1]
}

// SetRole gives a member another role, which holds from their next request on (Z7). The member is told, unless they did it themselves, and of
// a new owner the others are. Whoever calls has asked for a fresh proof to make one (A14). Faults: NotFound,
// Forbidden for a member or a role above the actor's own, Invalid about "role", Conflict for the last owner and personal organizations.
func (s *Store) SetRole(ctx context.Context, a actor.Actor, organizationID, userID db.ID, role string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error { return s.SetRoleTx(tx, a, organizationID, userID, role) })
}

// SetRoleTx is SetRole as a part of a transaction.
func (s *Store) SetRoleTx(tx *db.Tx, a actor.Actor, organizationID, userID db.ID, role string) error {
	if err := LockMembers(tx, organizationID); err != nil {
		return err
	}
	m, err := changeable(tx.DB, a, organizationID, userID)
	if err != nil {
		return err
	}
	if !slices.Contains(Roles, role) {
		return fault.BadField("role", "Choose a role of the list.")
	}
	own, err := memberRole(tx.DB, a, organizationID)
	if err != nil {
		return err
	}
	self := a.SignedIn() && a.UserID == userID
	if !slices.Contains(MayGive(own, m, self), role) {
		return fault.Lacking(string(giverOf(role)), organizationID.Show(Prefix))
	}
	o, err := read(tx.DB, organizationID)
	if err != nil {
		return err
	}
	if o.Kind == Personal {
		return fault.New(fault.Conflict, "This is a personal organization, which has one owner.")
	}
	return s.setRole(tx, a, o, m, role)
}

// giverOf is what it takes to give a role: owners alone make owners.
func giverOf(role string) permission.Name {
	if role == permission.Owner {
		return permission.OwnersManage
	}
	return permission.MembersManage
}

// GiveRoleTx gives a member below owner a role below owner, as part of the transaction of a caller who holds LockMembers and has found that they may. The member is told.
// Faults: NotFound, Forbidden for an owner and for that role (Z5).
func (s *Store) GiveRoleTx(tx *db.Tx, a actor.Actor, organizationID, userID db.ID, role string) error {
	o, err := read(tx.DB, organizationID)
	if err != nil {
		return err
	}
	m := Member{UserID: userID}
	if m.Role, err = RoleOf(tx.DB, userID, organizationID); err != nil {
		return err
	}
	switch {
	case m.Role == "":
		return fault.Missing()
	case m.Role == permission.Owner || !slices.Contains(Roles, role) || role == permission.Owner || o.Kind == Personal:
		return fault.Denied()
	}
	return s.setRole(tx, a, o, m, role)
}

// Transfer makes another member an owner and the actor an admin, at once. Whoever calls has asked for a fresh proof (A14). Faults: NotFound, Forbidden below owner, Invalid about "member", Conflict for personal
// organizations.
func (s *Store) Transfer(ctx context.Context, a actor.Actor, organizationID, userID db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := LockMembers(tx, organizationID); err != nil {
			return err
		}
		if _, err := Require(tx.DB, a, organizationID, permission.OwnersManage); err != nil {
			return err
		}
		o, err := read(tx.DB, organizationID)
		if err != nil {
			return err
		}
		if o.Kind == Personal {
			return fault.New(fault.Conflict, "This is a personal organization, which has one owner.")
		}
		to, err := changeable(tx.DB, a, organizationID, userID)
		if fault.Is(err, fault.NotFound) || (a.SignedIn() && a.UserID == userID) {
			return fault.BadField("member", "Choose another member of this organization.")
		}
		if err != nil {
			return err
		}
		if err := s.setRole(tx, a, o, to, permission.Owner); err != nil {
			return err
		}
		if a.SignedIn() {
			from, err := changeable(tx.DB, a, organizationID, a.UserID)
			if err != nil {
				return err
			}
			if err := s.setRole(tx, a, o, from, permission.Admin); err != nil {
				return err
			}
		}
		audit.Record(tx, a, audit.Event{Act: audit.OrganizationTransferred, TargetKind: "user", TargetID: userID, OrganizationID: organizationID})
		return nil
	})
}

// setRole writes the role. The caller holds LockMembers.
func (s *Store) setRole(tx *db.Tx, a actor.Actor, o Organization, m Member, role string) error {
	if m.Role == role {
		return nil
	}
	if m.Role == permission.Owner {
		if err := OwnerStays(tx, o.ID, m.UserID); err != nil {
			return err
		}
	}
	if _, err := tx.Run("UPDATE members SET role = ? WHERE organization_id = ? AND user_id = ?", role, o.ID, m.UserID); err != nil {
		return err
	}
	if m.Role == permission.Owner {
		if err := account.EndUnspared(tx, m.UserID); err != nil {
			return err
		}
	}
	audit.Record(tx, a, audit.Event{Act: audit.MemberRoleChanged, TargetKind: "user", TargetID: m.UserID, OrganizationID: o.ID, Details: map[string]string{"from": m.Role, "to": role}})
	if role == permission.Owner {
		if err := TellOwners(tx, s.outbox, s.link, o, m.UserID); err != nil {
			return err
		}
	}
	if err := s.tellMember(tx, a, o, m.UserID, role); err != nil || !Sharer(m.Role) || Sharer(role) {
		return err
	}
	return TellShares(tx, a, s.outbox, s.link, o.ID)
}

// tellMember writes to the member, unless they did it themselves.
func (s *Store) tellMember(tx *db.Tx, a actor.Actor, o Organization, userID db.ID, role string) error {
	if a.SignedIn() && a.UserID == userID {
		return nil
	}
	if told, err := LetterTx(tx, a, userID); err != nil || !told {
		return err
	}
	if told, err := account.TakeTx(tx, "role letters to "+userID.String()+" of "+o.ID.String(), roleLetters, roleWindow); err != nil || !told { // what is done is done without a letter
		return err
	}
	return s.tellRole(tx, o, userID, role)
}

var roleTold = map[string]string{
	permission.Viewer: text.N("You are a viewer of %s now: you see its apps, keys and usage."), permission.Developer: text.N("You are a developer of %s now: you also make keys."),
	permission.Admin: text.N("You are an admin of %s now: you manage its keys, apps, access and members."), permission.Owner: text.N("You are an owner of %s now: you also make owners, transfer and delete it."),
}

func (s *Store) tellRole(tx *db.Tx, o Organization, userID db.ID, role string) error {
	var to []Recipient
	if err := tx.Raw("SELECT id, email, language, time_zone FROM users WHERE id = ? AND deleted_at IS NULL AND email_verified_at IS NOT NULL", userID).Scan(&to).Error; err != nil || len(to) == 0 {
		return err
	}
	button := outbox.L("See the organization")
	return s.outbox.Queue(tx, outbox.Letter{
		Kind: "member_role", To: to[0].Email, UserID: to[0].ID, Language: to[0].Language, TimeZone: to[0].TimeZone,
		Subject: outbox.L("Your role in an organization changed"), Lines: []outbox.Line{outbox.L(roleTold[role], o.Name)},
		Button: &button, URL: s.link("/console/organizations/" + o.ID.Show(Prefix)),
	})
}
