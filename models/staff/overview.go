package staff

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Overview is how the portal stands: what waits, and how many there are.
type Overview struct {
	Users, Organizations, Apps int64
	APIs                       int64 // but for the portal's own
	WaitingRequests            int64
	WaitingUsers               int64 // signed up, waiting to be let in
	WaitingMails, FailedMails  int64
	Unreached                  int64 // organizations whose letters reach nobody
}

const overview = `SELECT
	(SELECT COUNT(*) FROM users WHERE deleted_at IS NULL) AS users,
	(SELECT COUNT(*) FROM organizations WHERE deleted_at IS NULL) AS organizations,
	(SELECT COUNT(*) FROM apps WHERE deleted_at IS NULL) AS apps,
	(SELECT COUNT(*) FROM apis WHERE NOT is_portal) AS apis,
	(SELECT COUNT(*) FROM access WHERE state = 'requested') AS waiting_requests,
	(SELECT COUNT(*) FROM users WHERE approved_at IS NULL AND deleted_at IS NULL) AS waiting_users,
	(SELECT COUNT(*) FROM mails WHERE state = 'waiting') AS waiting_mails,
	(SELECT COUNT(*) FROM mails WHERE state = 'failed') AS failed_mails,
	(SELECT COUNT(*) FROM organizations o WHERE ` + org.Unreached + ") AS unreached"

// Overview counts. Faults: Forbidden for who is not staff.
func (s *Store) Overview(ctx context.Context, a actor.Actor) (Overview, error) {
	if !permission.Staff(a.StaffRole, permission.StaffUsersRead) {
		return Overview{}, fault.Lacking(string(permission.StaffUsersRead), "")
	}
	var o Overview
	err := s.db.Read(ctx).Raw(overview, org.UnreachedArgs(s.db.Now())...).Scan(&o).Error
	return o, err
}

// Waiting is one access request that waits for a decision.
type Waiting struct {
	ID           db.ID
	App          string
	Organization string
	API          string
	Plan         string
	Purpose      string
	CreatedAt    time.Time
}

// WaitingRequests are the oldest requests that wait, at most five.
func (s *Store) WaitingRequests(ctx context.Context, a actor.Actor) ([]Waiting, error) {
	if !permission.Staff(a.StaffRole, permission.StaffRequestsRead) {
		return nil, fault.Lacking(string(permission.StaffRequestsRead), "")
	}
	var rows []Waiting
	err := s.db.Read(ctx).Raw(`SELECT access.id, apps.name AS app, organizations.name AS organization, apis.name AS api, plans.name AS plan, access.purpose, access.created_at
		FROM access JOIN apps ON apps.id = access.app_id JOIN organizations ON organizations.id = apps.organization_id
		JOIN apis ON apis.id = access.api_id JOIN plans ON plans.id = access.plan_id
		WHERE access.state = 'requested' ORDER BY access.created_at LIMIT 5`).Scan(&rows).Error
	return rows, err
}
