package catalog

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// ReportOnlyDays are for how many days report-only mode can be set.
var ReportOnlyDays = []int{1, 7, 14, 30}

// ReportsOnly reports whether the API's refusals are passed over at now.
func (a API) ReportsOnly(now time.Time) bool {
	return a.ReportOnlyUntil != nil && now.Before(*a.ReportOnlyUntil)
}

// SetReportOnly has gateways let calls of the API through that are refused, marked, for days from now on, one of ReportOnlyDays: so an API with callers
// is brought under guard step by step. It ends by itself, so that it can't be forgotten. Sure says that the actor has read what that means. Faults:
// Forbidden, NotFound, Invalid, Conflict for the portal's own API and for a retired one.
func (s *Store) SetReportOnly(ctx context.Context, a actor.Actor, id db.ID, days int, sure bool) error {
	return s.manage(ctx, a, id, func(tx *db.Tx, api API) error {
		if api.IsPortal {
			return fault.New(fault.Conflict, "The portal guards its own API, always.")
		}
		var p fault.Problems
		known := false
		for _, d := range ReportOnlyDays {
			known = known || d == days
		}
		p.Check(known, "days", "Choose for how long.")
		p.Check(sure, "sure", "Confirm that every request to this API goes through meanwhile.")
		if err := p.Err(); err != nil {
			return err
		}
		until := tx.Now.AddDate(0, 0, days)
		audit.Record(tx, a, audit.Event{
			Act: audit.APIReportOnly, TargetKind: "api", TargetID: id, OrganizationID: api.PublisherID,
			Details: map[string]string{"slug": api.Slug, "days": strconv.Itoa(days), "until": until.UTC().Format(time.RFC3339)},
		})
		_, err := tx.Run("UPDATE apis SET report_only_until = ?, updated_at = ? WHERE id = ?", until, tx.Now, id)
		return err
	})
}

// EndReportOnly has the API's refusals refuse again, at once. It does nothing when they do already. Faults: as SetReportOnly.
func (s *Store) EndReportOnly(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.manage(ctx, a, id, func(tx *db.Tx, api API) error {
		if !api.ReportsOnly(tx.Now) {
			return nil
		}
		audit.Record(tx, a, audit.Event{Act: audit.APIReportOnlyEnd, TargetKind: "api", TargetID: id, OrganizationID: api.PublisherID, Details: map[string]string{"slug": api.Slug}})
		_, err := tx.Run("UPDATE apis SET report_only_until = NULL, updated_at = ? WHERE id = ?", tx.Now, id)
		return err
	})
}
