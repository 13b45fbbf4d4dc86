package policy

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// Store keeps the rules. Safe for concurrent use.
type Store struct{ db *db.DB }

// NewStore makes a store.
func NewStore(d *db.DB) *Store { return &Store{d} }

func may(a actor.Actor, p permission.Name) bool {
	return a.Trusted() || a.SignedIn() && permission.Staff(a.StaffRole, p)
}

// Book reads all rules, for staff. Faults: Forbidden.
func (s *Store) Book(ctx context.Context, a actor.Actor) (Book, error) {
	if !may(a, permission.StaffPolicyRead) {
		return Book{}, fault.Lacking(string(permission.StaffPolicyRead), "")
	}
	return Load(s.db.Read(ctx), s.db.Now())
}

// put writes what a subject says, and records it. The installation's rules are written to the setting too, where a program of before reads them.
func put(tx *db.Tx, a actor.Actor, s Source, before, after Rules, details map[string]string) error {
	event := audit.Event{Act: audit.PolicyChanged, TargetKind: "policy", TargetID: s.ID, Details: map[string]string{
		"subject": string(s.Kind), "before": before.Facts(), "after": after.Facts(),
	}}
	if s.Kind == Organization {
		event.OrganizationID = s.ID
	}
	for k, v := range details {
		event.Details[k] = v
	}
	audit.Record(tx, a, event)
	for _, rule := range Tightens(after, before) { // nobody is held to what they were told of a rule that is looser now
		if _, err := tx.Run("DELETE FROM key_policy_dues WHERE subject_kind = ? AND subject_id = ? AND rule = ?", s.Kind, s.ID, rule); err != nil {
			return err
		}
	}
	if after.Empty() {
		_, err := tx.Run("DELETE FROM key_policies WHERE subject_kind = ? AND subject_id = ?", s.Kind, s.ID)
		return err
	}
	_, err := tx.Run(`INSERT INTO key_policies (subject_kind, subject_id, default_days, max_days, never_allowed, idle_days, rotate_days, keys_per_app, networks, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subject_kind, subject_id) DO UPDATE SET default_days = excluded.default_days, max_days = excluded.max_days,
		never_allowed = excluded.never_allowed, idle_days = excluded.idle_days, rotate_days = excluded.rotate_days, keys_per_app = excluded.keys_per_app,
		networks = excluded.networks, updated_at = excluded.updated_at`,
		s.Kind, s.ID, after.DefaultDays, after.MaxDays, after.NeverAllowed, after.IdleDays, after.RotateDays, after.KeysPerApp, after.Networks, tx.Now)
	if err != nil || s.Kind != Installation {
		return err
	}
	return setting.Put(tx, settingName, old{*after.DefaultDays, *after.MaxDays, !after.forbidsNever(), *after.KeysPerApp})
}
