package domain

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// JoinRoles are the roles as which people may join by themselves; the empty one: they may not.
var JoinRoles = []string{"", permission.Viewer, permission.Developer}

// SetJoinRole says as what people with a verified address at a domain may join by themselves. Faults: NotFound, Forbidden below owner, Invalid about
// "join_role", Conflict for a domain that is not proven.
func (s *Store) SetJoinRole(ctx context.Context, a actor.Actor, organizationID, id db.ID, role string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		d, err := provenOne(tx, a, organizationID, id)
		if err != nil {
			return err
		}
		if role != "" && role != permission.Viewer && role != permission.Developer {
			return fault.BadField("join_role", "Choose a role of the list.")
		}
		if _, err := tx.Run("UPDATE domains SET join_role = ? WHERE id = ?", role, id); err != nil {
			return err
		}
		record(tx, a, audit.DomainJoinSet, d, map[string]string{"from": d.JoinRole, "to": role})
		return nil
	})
}

func provenOne(tx *db.Tx, a actor.Actor, organizationID, id db.ID) (Domain, error) {
	if err := managing(tx, a, organizationID); err != nil {
		return Domain{}, err
	}
	d, err := one(tx.DB, organizationID, id)
	if err == nil && !d.Proven() {
		return d, fault.New(fault.Conflict, "This domain is not proven.")
	}
	return d, err
}

// Open is an organization that somebody may join by their address.
type Open struct {
	ID     db.ID // of the organization
	Name   string
	Role   string
	Domain string
}

// open finds what may be joined by an address at one domain. Arguments: the domain, now, the user twice. Who was removed has to be invited.
const open = `SELECT o.id, o.name, d.join_role AS role, d.name AS domain FROM domains d
	JOIN organizations o ON o.id = d.organization_id AND o.deleted_at IS NULL
	WHERE d.name = ? AND d.proven_at IS NOT NULL AND d.join_role <> '' AND NOT (o.suspended_at IS NOT NULL AND (o.suspended_until IS NULL OR o.suspended_until > ?))
	AND NOT EXISTS (SELECT 1 FROM members m WHERE m.organization_id = o.id AND m.user_id = ?)
	AND NOT EXISTS (SELECT 1 FROM domain_barred b WHERE b.organization_id = o.id AND b.user_id = ?)`

// joinable is the organization that a user may join by their verified address; not ok: none.
func joinable(q *gorm.DB, now time.Time, userID db.ID) (Open, bool, error) {
	var addresses []string
	if err := q.Raw("SELECT email FROM users WHERE id = ? AND deleted_at IS NULL AND email_verified_at IS NOT NULL", userID).Scan(&addresses).Error; err != nil || len(addresses) == 0 {
		return Open{}, false, err
	}
	name := addresses[0][strings.LastIndexByte(addresses[0], '@')+1:]
	var rows []Open
	if err := q.Raw(open, name, now, userID, userID).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return Open{}, false, err
	}
	return rows[0], true, nil
}

// Joinable is the organization that the actor may join by their verified address; not ok: there is none.
func (s *Store) Joinable(ctx context.Context, a actor.Actor) (Open, bool, error) {
	if !a.SignedIn() {
		return Open{}, false, nil
	}
	return joinable(s.db.Read(ctx), s.db.Now(), a.UserID)
}

// Join makes the actor a member of the organization that they may join by their verified address. Faults: NotFound for any other, Conflict for a full one.
func (s *Store) Join(ctx context.Context, a actor.Actor, organizationID db.ID) (Open, error) {
	var out Open
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if !a.SignedIn() {
			return fault.Missing()
		}
		var ok bool
		var err error
		if out, ok, err = Land(tx, a, a.UserID); err == nil && (!ok || out.ID != organizationID) {
			return fault.Missing() // which also undoes what Land did elsewhere
		}
		return err
	})
	return out, err
}

// Land makes a user a member of the organization that they may join by their verified address, as part of the caller's transaction; not ok: there is none,
// or they are one already. Faults: Conflict for a full organization.
func Land(tx *db.Tx, a actor.Actor, userID db.ID) (Open, bool, error) {
	o, ok, err := joinable(tx.DB, tx.Now, userID)
	if err != nil || !ok {
		return o, false, err
	}
	if err := org.LockMembers(tx, o.ID); err != nil {
		return o, false, err
	}
	if o, ok, err = joinable(tx.DB, tx.Now, userID); err != nil || !ok { // what was so before the lock
		return o, false, err
	}
	var members int64
	if err := tx.Raw("SELECT COUNT(*) FROM members WHERE organization_id = ?", o.ID).Scan(&members).Error; err != nil {
		return o, false, err
	}
	if members >= org.MaxMembers {
		return o, false, fault.New(fault.Conflict, "This organization has %d members, which is the most that one can have.", int(members))
	}
	n, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (organization_id, user_id) DO NOTHING", o.ID, userID, o.Role, tx.Now)
	if err != nil || n == 0 {
		return o, false, err
	}
	audit.Record(tx, a, audit.Event{Act: audit.MemberJoined, TargetKind: "user", TargetID: userID, OrganizationID: o.ID, Details: map[string]string{"role": o.Role, "domain": o.Domain}})
	return o, true, nil
}
