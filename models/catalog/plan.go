package catalog

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// Plan is what an app may use of an API, and whether that needs approval. Limits count by app, API and environment.
type Plan struct {
	ID                db.ID
	APIID             db.ID `gorm:"column:api_id"`
	Name              string
	Summary           string
	RateRequests      int64
	RatePeriodSeconds int64
	Burst             int64
	QuotaMonth        *int64 // calls a UTC month; nil: no quota
	QuotaDay          *int64 // calls a UTC day; nil: no quota
	NeedsApproval     bool
	RetiredAt         *time.Time
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// PlanInput is what staff says of a plan.
type PlanInput struct {
	Name              string
	Summary           string
	RateRequests      int64
	RatePeriodSeconds int64
	Burst             int64
	QuotaMonth        int64 // 0: no quota
	QuotaDay          int64 // 0: no quota
	NeedsApproval     bool
}

const (
	mostRequests = 10_000_000
	mostQuota    = 1_000_000_000_000
)

func (in *PlanInput) check() error {
	var p fault.Problems
	in.Name = org.CheckName(&p, "plan", in.Name)
	in.Summary = org.CheckText(&p, "summary", in.Summary, 200)
	p.Check(in.RateRequests >= 1 && in.RateRequests <= mostRequests, "rate_requests", "Enter a whole number from 1 to 10,000,000.")
	p.Check(in.RatePeriodSeconds >= 1 && in.RatePeriodSeconds <= 86400, "rate_period", "Choose a period.")
	p.Check(in.Burst >= 1 && in.Burst <= mostRequests, "burst", "Enter a whole number from 1 to 10,000,000.")
	p.Check(in.QuotaMonth >= 0 && in.QuotaMonth <= mostQuota, "quota_month", "Enter a whole number, or leave it empty for no quota.")
	p.Check(in.QuotaDay >= 0 && in.QuotaDay <= mostQuota, "quota_day", "Enter a whole number, or leave it empty for no quota.")
	p.Check(in.QuotaMonth <= 0 || in.QuotaDay <= in.QuotaMonth, "quota_day", "A day’s quota is at most the month’s.")
	return p.Err()
}

// quota is what stands in the row: null for none.
func quota(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// AddPlan adds a plan. Faults: Forbidden, NotFound, Conflict, Invalid.
func (s *Store) AddPlan(ctx context.Context, a actor.Actor, apiID db.ID, in PlanInput) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		if err := in.check(); err != nil {
			return err
		}
		_, err := insertPlan(tx, a, api, in)
		return err
	})
}

func insertPlan(tx *db.Tx, a actor.Actor, api API, in PlanInput) (db.ID, error) {
	id := db.NewID()
	if _, err := tx.Run(`INSERT INTO plans (id, api_id, name, summary, rate_requests, rate_period_seconds, burst, quota_month, quota_day, needs_approval, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, api.ID, in.Name, in.Summary, in.RateRequests, in.RatePeriodSeconds, in.Burst, quota(in.QuotaMonth), quota(in.QuotaDay), in.NeedsApproval, tx.Now, tx.Now); err != nil {
		return id, taken(err, "plan", "This API has or had a plan of that name.")
	}
	audit.Record(tx, a, audit.Event{Act: audit.PlanAdded, TargetKind: "api", TargetID: api.ID, OrganizationID: api.PublisherID, Details: map[string]string{"plan": in.Name}})
	return id, nil
}

// ChangePlan sets a plan; whoever is on it has its new limits at once. Faults: Forbidden, NotFound, Conflict, Invalid.
func (s *Store) ChangePlan(ctx context.Context, a actor.Actor, apiID, planID db.ID, in PlanInput) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		if _, err := planOf(tx, apiID, planID); err != nil {
			return err
		}
		if err := in.check(); err != nil {
			return err
		}
		if _, err := tx.Run(`UPDATE plans SET name = ?, summary = ?, rate_requests = ?, rate_period_seconds = ?, burst = ?, quota_month = ?, quota_day = ?, needs_approval = ?, updated_at = ? WHERE id = ?`,
			in.Name, in.Summary, in.RateRequests, in.RatePeriodSeconds, in.Burst, quota(in.QuotaMonth), quota(in.QuotaDay), in.NeedsApproval, tx.Now, planID); err != nil {
			return taken(err, "plan", "This API has or had a plan of that name.")
		}
		audit.Record(tx, a, audit.Event{Act: audit.PlanChanged, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"plan": in.Name}})
		return recordAppsOf(tx, "SELECT DISTINCT app_id FROM access WHERE plan_id = ? AND state IN ('approved', 'suspended')", planID)
	})
}

// planOf reads a plan of the API that is not retired. Faults: NotFound.
func planOf(tx *db.Tx, apiID, planID db.ID) (Plan, error) {
	return one[Plan](tx.DB, "SELECT * FROM plans WHERE id = ? AND api_id = ? AND retired_at IS NULL", planID, apiID)
}

// RetirePlan takes a plan out of the choice. Apps on it are moved to the plan moveTo, or keep its limits when that is zero. Faults: Forbidden,
// NotFound, Conflict, Invalid.
func (s *Store) RetirePlan(ctx context.Context, a actor.Actor, apiID, planID, moveTo db.ID) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		plan, err := planOf(tx, apiID, planID)
		if err != nil {
			return err
		}
		details := map[string]string{"plan": plan.Name}
		if !moveTo.IsZero() {
			to, err := planOf(tx, apiID, moveTo)
			if err != nil || moveTo == planID {
				return fault.BadField("move_to", "Choose another plan of this API.")
			}
			details["moved to"] = to.Name
			if err := recordAppsOf(tx, "SELECT DISTINCT app_id FROM access WHERE plan_id = ? AND state IN ('approved', 'suspended')", planID); err != nil {
				return err
			}
			if _, err := tx.Run("UPDATE access SET plan_id = ?, updated_at = ? WHERE plan_id = ? AND state IN ('approved', 'suspended', 'requested')", moveTo, tx.Now, planID); err != nil {
				return err
			}
		}
		audit.Record(tx, a, audit.Event{Act: audit.PlanRetired, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: details})
		_, err = tx.Run("UPDATE plans SET retired_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, planID)
		return err
	})
}

// recordAppsOf tells verification that the access of each app of a query changed.
func recordAppsOf(tx *db.Tx, query string, args ...any) error {
	var ids []db.ID
	if err := tx.Raw(query, args...).Scan(&ids).Error; err != nil {
		return err
	}
	for _, id := range ids {
		change.Record(tx, change.Access, id)
	}
	return nil
}
