package account

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

const maxReason = 500

// Suspend stops a user until a time, or until Unsuspend when until is nil: sessions end at once, and the keys of the personal organization stop.
// Faults: Forbidden, also for staff whose role goes beyond the actor's own, NotFound, Invalid about "reason" or "until", Conflict for oneself and for the last admin.
func (s *Store) Suspend(ctx context.Context, a actor.Actor, id db.ID, reason string, until *time.Time) error {
	if err := allowed(a, permission.StaffUsersManage); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	var p fault.Problems
	p.Check(reason != "", "reason", "Say why: the user reads it.")
	p.Check(utf8.RuneCountInString(reason) <= maxReason, "reason", "Use at most %d characters.", maxReason)
	p.Check(until == nil || until.After(s.db.Now()), "until", "Choose a day that is not over.")
	if err := p.Err(); err != nil {
		return err
	}
	if id == a.UserID {
		return fault.New(fault.Conflict, "You can’t suspend yourself.")
	}
	return s.onUser(db.Urgent(ctx), id, func(tx *db.Tx, u User) error {
		if err := staffrole.Reached(tx, a, u.StaffRole); err != nil {
			return err
		}
		if err := adminStays(tx, id); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE users SET suspended_at = ?, suspended_until = ?, suspended_reason = ?, updated_at = ? WHERE id = ?", tx.Now, until, audit.Clean(reason), tx.Now, id); err != nil {
			return err
		}
		e := audit.Event{Act: audit.UserSuspended, TargetKind: "user", TargetID: id, Details: map[string]string{}, Personal: map[string]string{"reason": reason}}
		if until != nil {
			e.Details["until"] = until.UTC().Format(time.RFC3339)
		}
		audit.Record(tx, a, e)
		if err := endSessions(tx, id, db.ID{}); err != nil {
			return err
		}
		if err := s.outbox.Queue(tx, s.letterSuspended(ctx, u, reason, until)); err != nil {
			return err
		}
		return stopKeys(tx, id)
	})
}

// Unsuspend lets a suspended user in again. Faults: Forbidden, also for staff whose role goes beyond the actor's own, NotFound, Conflict when the user is not suspended.
func (s *Store) Unsuspend(ctx context.Context, a actor.Actor, id db.ID) error {
	if err := allowed(a, permission.StaffUsersManage); err != nil {
		return err
	}
	return s.onUser(ctx, id, func(tx *db.Tx, u User) error {
		if err := staffrole.Reached(tx, a, u.StaffRole); err != nil {
			return err
		}
		if u.SuspendedAt == nil {
			return fault.New(fault.Conflict, "This user is not suspended.")
		}
		if _, err := tx.Run("UPDATE users SET suspended_at = NULL, suspended_until = NULL, suspended_reason = '', updated_at = ? WHERE id = ?", tx.Now, id); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserUnsuspended, TargetKind: "user", TargetID: id})
		return stopKeys(tx, id)
	})
}

// Approve lets in a user who waits for it, and mails that. Faults: Forbidden, NotFound, Conflict when the user does not wait.
func (s *Store) Approve(ctx context.Context, a actor.Actor, id db.ID) error {
	if err := allowed(a, permission.StaffUsersManage); err != nil {
		return err
	}
	return s.onUser(ctx, id, func(tx *db.Tx, u User) error {
		if u.ApprovedAt != nil {
			return fault.New(fault.Conflict, "This user is approved already.")
		}
		if _, err := tx.Run("UPDATE users SET approved_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, id); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserApproved, TargetKind: "user", TargetID: id})
		return s.outbox.Queue(tx, s.letterApproved(ctx, u))
	})
}

// EndSessionsOf signs a user out everywhere, at once (S4). Faults: Forbidden, also for staff whose role goes beyond the actor's own, NotFound.
func (s *Store) EndSessionsOf(ctx context.Context, a actor.Actor, id db.ID) error {
	if err := allowed(a, permission.StaffUsersManage); err != nil {
		return err
	}
	return s.onUser(db.Urgent(ctx), id, func(tx *db.Tx, u User) error {
		if err := staffrole.Reached(tx, a, u.StaffRole); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.SessionsEnded, TargetKind: "user", TargetID: id})
		return shutOut(tx, id, db.ID{})
	})
}

// EndSessionOf ends one session of a user, at once (S4): its browser is a stranger from now on. Faults: Forbidden, also for staff whose role goes beyond the actor's own,
// NotFound, also for the session of somebody else.
func (s *Store) EndSessionOf(ctx context.Context, a actor.Actor, userID, id db.ID) error {
	if err := allowed(a, permission.StaffUsersManage); err != nil {
		return err
	}
	return s.onUser(db.Urgent(ctx), userID, func(tx *db.Tx, u User) error {
		if err := staffrole.Reached(tx, a, u.StaffRole); err != nil {
			return err
		}
		return endSession(tx, a, userID, id)
	})
}

// SetStaffRole gives a staff role, a built-in one or the id of one that admins composed, or takes it with "". The user's sessions end, so that none goes on
// with what the role allowed (S2). Faults: Forbidden, also when the role, or the one that it replaces, goes beyond the actor's own, NotFound, Invalid about
// "role", Conflict for the last admin (Z5) and for who can't sign in.
func (s *Store) SetStaffRole(ctx context.Context, a actor.Actor, id db.ID, role string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error { return s.SetStaffRoleTx(tx, a, id, role) })
}

// SetStaffRoleTx is SetStaffRole as a part of a transaction.
func (s *Store) SetStaffRoleTx(tx *db.Tx, a actor.Actor, id db.ID, role string) error {
	if err := allowed(a, permission.StaffRolesManage); err != nil {
		return err
	}
	u, err := userTx(tx, id)
	if err != nil {
		return err
	}
	if err := staffrole.Given(tx, a, role, u.StaffRole); err != nil {
		return err
	}
	if role != permission.StaffAdmin {
		if err := adminStays(tx, id); err != nil {
			return err
		}
	}
	if role != "" && !u.Active(tx.Now) {
		return fault.New(fault.Conflict, "This user can’t sign in, so a staff role is of no use.")
	}
	n, err := tx.Run("UPDATE users SET staff_role = ?, updated_at = ? WHERE id = ? AND staff_role <> ?", role, tx.Now, id, role)
	if err != nil || n == 0 {
		return err
	}
	audit.Record(tx, a, audit.Event{Act: audit.UserRoleChanged, TargetKind: "user", TargetID: id, Details: map[string]string{"from": u.StaffRole, "to": role}})
	if err := s.outbox.Queue(tx, s.letterRole(tx.Context(), u, role)); err != nil {
		return err
	}
	return endSessions(tx, id, db.ID{})
}

// onUser runs body on a user who is not deleted. Faults: NotFound.
func (s *Store) onUser(ctx context.Context, id db.ID, body func(*db.Tx, User) error) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		u, err := userTx(tx, id)
		if err != nil {
			return err
		}
		return body(tx, u)
	})
}

// userTx reads a user who is not deleted. Faults: NotFound.
func userTx(tx *db.Tx, id db.ID) (User, error) {
	var rows []User
	if err := tx.Raw("SELECT * FROM users WHERE id = ? AND deleted_at IS NULL", id).Scan(&rows).Error; err != nil {
		return User{}, err
	}
	if len(rows) == 0 {
		return User{}, fault.Missing()
	}
	return rows[0], nil
}

// stopKeys lets verification forget what it knows of the user and the personal organization: what follows from the user's state is true
// again on the next request.
func stopKeys(tx *db.Tx, userID db.ID) error {
	org, err := personalOrganization(tx, userID)
	if err != nil {
		return err
	}
	change.Record(tx, change.User, userID)
	if !org.IsZero() {
		change.Record(tx, change.Organization, org)
	}
	return nil
}
