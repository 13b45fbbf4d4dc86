package key

import (
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Limit is what the plan of the app's access lets through at one API that a key was granted, for all keys of the app in its environment.
type Limit struct {
	APIName           string
	PlanName          string
	RateRequests      int64
	RatePeriodSeconds int64
	Burst             int64
	QuotaMonth        *int64 // nil: no quota
	QuotaDay          *int64 // nil: no quota
	UsedMonth         int64  // counted in this UTC month
	UsedDay           int64  // counted on this UTC day
}

// limits reads the limits at the APIs at which the app has access.
func (s *Store) limits(g *gorm.DB, d *Detail) error {
	var apis []db.ID
	for _, one := range d.Grants {
		apis = append(apis, one.APIID)
	}
	var err error
	d.Limits, err = limitsAt(g, s.db.Now(), d.AppID, apis, d.Environment)
	return err
}

// limitsAt reads what the plans of an app's access to these APIs let through in an environment.
func limitsAt(g *gorm.DB, now time.Time, app db.ID, apis []db.ID, environment string) ([]Limit, error) {
	if len(apis) == 0 {
		return nil, nil
	}
	month, _ := keyring.Month(now)
	day, _ := keyring.Day(now)
	var out []Limit
	err := g.Raw(`SELECT p.name AS api_name, l.name AS plan_name, l.rate_requests, l.rate_period_seconds, l.burst, l.quota_month, l.quota_day, COALESCE(q.used, 0) AS used_month, COALESCE(t.used, 0) AS used_day
		FROM access x JOIN apis p ON p.id = x.api_id JOIN plans l ON l.id = x.plan_id
		LEFT JOIN quota_counters q ON q.app_id = x.app_id AND q.api_id = x.api_id AND q.environment = ? AND q.period_start = ?
		LEFT JOIN quota_days t ON t.app_id = x.app_id AND t.api_id = x.api_id AND t.environment = ? AND t.day = ?
		WHERE x.app_id = ? AND x.state IN ('approved', 'suspended') AND x.api_id IN ? ORDER BY p.name`,
		environment, month, environment, day, app, apis).Scan(&out).Error
	return out, err
}

// Stopper is what stops a key from outside: the access, app, organization or owner with that id, and what staff wrote about it.
type Stopper struct {
	ID     db.ID
	Reason string
	Until  *time.Time
}

// stopper reads what stops the key; nothing when nothing does, or when it is deleted.
func (s *Store) stopper(g *gorm.DB, d *Detail) error {
	state := d.State(s.db.Now())
	if state.Name != Stopped {
		return nil
	}
	var rows []Stopper
	var err error
	switch state.Cause {
	case OwnerStopped:
		err = g.Raw("SELECT u.id, u.suspended_reason AS reason, u.suspended_until AS until FROM users u JOIN organizations o ON o.personal_user_id = u.id WHERE o.id = ?", d.OrganizationID).Scan(&rows).Error
	case OrganizationStopped:
		err = g.Raw("SELECT id, suspended_reason AS reason, suspended_until AS until FROM organizations WHERE id = ?", d.OrganizationID).Scan(&rows).Error
	case AppStopped:
		err = g.Raw("SELECT id, suspended_reason AS reason, suspended_until AS until FROM apps WHERE id = ?", d.AppID).Scan(&rows).Error
	case AccessSuspended, AccessEnded: // what a wider access took the place of ended too, and is none of this
		err = g.Raw(`SELECT x.id, CASE WHEN x.state = 'approved' THEN '' ELSE x.reason END AS reason, x.suspended_until AS until FROM access x
			WHERE x.app_id = ? AND x.api_id IN (SELECT g.api_id FROM key_grants g WHERE g.key_id = ?)
			AND (x.state IN ('approved', 'suspended') OR (x.state = 'ended' AND x.reason <> 'widened'))
			ORDER BY CASE x.state WHEN 'suspended' THEN 0 WHEN 'ended' THEN 1 ELSE 2 END, x.updated_at DESC LIMIT 1`, d.AppID, d.ID).Scan(&rows).Error
	}
	if err == nil && len(rows) == 1 {
		d.StoppedBy = &rows[0]
	}
	return err
}
