package catalog

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// ReportOnlyDays are for how many days report-only mode can be set.
var ReportOnlyDays = []int{1, 7, 14, 30}

// Environments are the two, live first.
var Environments = []string{EnvLive, EnvTest}

// ReportsUntil is when report-only mode ends in an environment, or did; nil where it was never set, or was ended by hand.
func (a API) ReportsUntil(environment string) *time.Time {
	own := a.ReportOnlyLiveUntil
	if environment == EnvTest {
		own = a.ReportOnlyTestUntil
	}
	if own == nil || a.ReportOnlyUntil != nil && own.Before(*a.ReportOnlyUntil) {
		return a.ReportOnlyUntil
	}
	return own
}

// ReportsIn are the environments in which the API's refusals are passed over at now.
func (a API) ReportsIn(now time.Time) (in []string) {
	for _, e := range Environments {
		if until := a.ReportsUntil(e); until != nil && now.Before(*until) {
			in = append(in, e)
		}
	}
	return in
}

// ReportsOnly reports whether the API's refusals are passed over at now in any environment.
func (a API) ReportsOnly(now time.Time) bool { return len(a.ReportsIn(now)) > 0 }

// ReportOnly says where and for how long refusals are to be passed over.
type ReportOnly struct {
	Environments []string // some of Environments; others keep what they have
	Days         int      // from now on: one of ReportOnlyDays
	Sure         bool     // the actor has read what that means
}

// SetReportOnly has gateways let calls of the API through that are refused, marked: so an API with callers is brought under guard step by step. It ends by
// itself, so that it can't be forgotten. Faults: Forbidden, NotFound, Invalid, Conflict for the portal's own API and for a retired one.
func (s *Store) SetReportOnly(ctx context.Context, a actor.Actor, id db.ID, in ReportOnly) error {
	return s.manage(ctx, a, id, func(tx *db.Tx, api API) error {
		if api.IsPortal {
			return fault.New(fault.Conflict, "The portal guards its own API, always.")
		}
		if err := in.check(); err != nil {
			return err
		}
		until := tx.Now.AddDate(0, 0, in.Days)
		audit.Record(tx, a, audit.Event{
			Act: audit.APIReportOnly, TargetKind: "api", TargetID: id, OrganizationID: api.PublisherID,
			Details: map[string]string{"slug": api.Slug, "days": strconv.Itoa(in.Days), "until": until.UTC().Format(time.RFC3339), "environments": strings.Join(in.Environments, " ")},
		})
		return api.reportUntil(tx, in.Environments, &until)
	})
}

func (in *ReportOnly) check() error {
	var p fault.Problems
	known := len(in.Environments) > 0
	for _, e := range in.Environments {
		known = known && slices.Contains(Environments, e)
	}
	p.Check(known, "environment", "Choose an environment.")
	p.Check(slices.Contains(ReportOnlyDays, in.Days), "days", "Choose for how long.")
	p.Check(in.Sure, "sure", "Confirm that every request to this API goes through meanwhile.")
	return p.Err()
}

// reportUntil writes an end for some environments, nil for none. One end for both stands where the version before looks for it.
func (a API) reportUntil(tx *db.Tx, environments []string, until *time.Time) error {
	ends := map[string]*time.Time{}
	for _, e := range a.ReportsIn(tx.Now) {
		ends[e] = a.ReportsUntil(e)
	}
	for _, e := range environments {
		ends[e] = until
	}
	live, test := ends[EnvLive], ends[EnvTest]
	var both *time.Time
	if live != nil && test != nil && live.Equal(*test) {
		both, live, test = live, nil, nil
	}
	_, err := tx.Run("UPDATE apis SET report_only_until = ?, report_only_live_until = ?, report_only_test_until = ?, updated_at = ? WHERE id = ?", both, live, test, tx.Now, a.ID)
	return err
}

// errRefuses takes back a transaction that would end what has ended.
var errRefuses = errors.New("catalog: refusals refuse already")

// EndReportOnly has the API's refusals refuse again, at once, in an environment, or in both for "", also on a full disk (REL-8). It does nothing where they do
// already. Faults: as SetReportOnly.
func (s *Store) EndReportOnly(ctx context.Context, a actor.Actor, id db.ID, environment string) error {
	err := s.manage(db.Urgent(ctx), a, id, func(tx *db.Tx, api API) error {
		ended := api.ReportsIn(tx.Now)
		if environment != "" {
			ended = slices.DeleteFunc(ended, func(e string) bool { return e != environment })
		}
		if len(ended) == 0 {
			return errRefuses // and writes nothing: the room that is kept for what is urgent is small
		}
		audit.Record(tx, a, audit.Event{
			Act: audit.APIReportOnlyEnd, TargetKind: "api", TargetID: id, OrganizationID: api.PublisherID, Details: map[string]string{"slug": api.Slug, "environments": strings.Join(ended, " ")},
		})
		return api.reportUntil(tx, ended, nil)
	})
	if errors.Is(err, errRefuses) {
		return nil
	}
	return err
}

// Reporting lists the APIs whose refusals are passed over now, by name. Faults: Forbidden.
func (s *Store) Reporting(ctx context.Context, a actor.Actor) ([]API, error) {
	if err := org.RequireStaff(a, permission.StaffAPIsRead); err != nil {
		return nil, err
	}
	now := s.db.Now()
	var rows []API
	err := s.db.Read(ctx).Raw("SELECT * FROM apis WHERE report_only_until > ? OR report_only_live_until > ? OR report_only_test_until > ? ORDER BY LOWER(name), id LIMIT 100", now, now, now).Scan(&rows).Error
	return rows, err
}
