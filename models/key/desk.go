package key

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Desk is how one organization of a person stands, for the console's first page.
type Desk struct {
	OrganizationID db.ID
	Apps           int64
	Keys           int64 // that could be used now
	Made           int64 // ever
	Used           int64 // of those ever used
	Expiring       int64 // soon: within ExpiresSoon
	Access         int64 // in force
	Waiting        int64 // requests
	Unowned        int64 // keys for which nobody answers any more
}

// Desks counts for each organization of the actor in one query. Somebody who is not signed in has none.
func (s *Store) Desks(ctx context.Context, a actor.Actor) (map[db.ID]Desk, error) {
	now := s.db.Now()
	var rows []Desk
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	err := s.db.Read(ctx).Raw(`WITH visible AS (SELECT va.* FROM `+members+` vm JOIN apps va ON va.organization_id = vm.organization_id AND va.id NOT IN `+unseen+`)
		SELECT m.organization_id,
		(SELECT COUNT(*) FROM visible apps WHERE apps.organization_id = m.organization_id AND apps.deleted_at IS NULL) AS apps,
		(SELECT COUNT(*)`+rowTables+" WHERE o.id = m.organization_id AND a.id IN (SELECT id FROM visible) AND "+living+" AND k.paused_at IS NULL AND NOT "+suspendedNow+" AND NOT "+stoppedNow+`) AS keys,
		(SELECT COUNT(*) FROM keys k JOIN visible apps ON apps.id = k.app_id WHERE apps.organization_id = m.organization_id) AS made,
		(SELECT COUNT(*) FROM keys k JOIN visible apps ON apps.id = k.app_id WHERE apps.organization_id = m.organization_id AND k.last_used_at IS NOT NULL) AS used,
		(SELECT COUNT(*) FROM keys k JOIN visible apps ON apps.id = k.app_id WHERE apps.organization_id = m.organization_id AND apps.deleted_at IS NULL
			AND k.revoked_at IS NULL AND k.overlap_ends_at IS NULL AND k.expires_at > ? AND k.expires_at <= ?) AS expiring,
		(SELECT COUNT(*) FROM access x JOIN visible apps ON apps.id = x.app_id WHERE apps.organization_id = m.organization_id AND apps.deleted_at IS NULL AND x.state = 'approved') AS access,
		(SELECT COUNT(*) FROM access x JOIN visible apps ON apps.id = x.app_id WHERE apps.organization_id = m.organization_id AND apps.deleted_at IS NULL AND x.state = 'requested') AS waiting,
		(SELECT COUNT(*) FROM keys k JOIN visible a ON a.id = k.app_id WHERE a.organization_id = m.organization_id AND a.deleted_at IS NULL AND `+living+" AND "+OrphanedSQL+`) AS unowned
		FROM `+members+` m JOIN organizations o ON o.id = m.organization_id WHERE o.deleted_at IS NULL`,
		slices.Concat([]any{arg}, hidden, []any{now, now, now, now, now, now, now, now, now.Add(ExpiresSoon), now, now, arg})...).Scan(&rows).Error
	out := make(map[db.ID]Desk, len(rows))
	for _, r := range rows {
		out[r.OrganizationID] = r
	}
	return out, err
}

// Count counts keys over all organizations, for staff: those that work now, and those of them that expire soon. Faults: Forbidden.
func (s *Store) Count(ctx context.Context, a actor.Actor) (active, soon int64, err error) {
	if !mayStaff(a, permission.StaffKeysRead) {
		return 0, 0, fault.Lacking(string(permission.StaffKeysRead), "")
	}
	now := s.db.Now()
	working := "SELECT COUNT(*)" + rowTables + " WHERE " + living + " AND k.paused_at IS NULL AND NOT " + suspendedNow + " AND NOT " + stoppedNow
	args := []any{now, now, now, now, now, now, now}
	if err = s.db.Read(ctx).Raw(working, args...).Scan(&active).Error; err != nil {
		return 0, 0, err
	}
	err = s.db.Read(ctx).Raw(working+" AND k.overlap_ends_at IS NULL AND k.expires_at <= ?", append(args, now.Add(ExpiresSoon))...).Scan(&soon).Error
	return active, soon, err
}
