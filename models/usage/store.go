// Package usage keeps how often keys were verified: counted in memory by each process, flushed each second, rolled up by minute, hour and
// day, and read by the pages. A count is of verifications, let through and refused alike; the code tells them apart.
package usage

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Store reads usage.
type Store struct {
	db   *db.DB
	keep Keep
}

// NewStore returns the store over d.
func NewStore(d *db.DB) *Store { return &Store{d, Keep{}.or()} }

// Span is how far back a page looks.
type Span string

// The spans.
const (
	Hour       Span = "1h"
	Day        Span = "24h"
	Week       Span = "7d"
	Month      Span = "30d"
	ThreeMonth Span = "90d"
)

// Spans are all spans, shortest first.
var Spans = []Span{Hour, Day, Week, Month, ThreeMonth}

// ParseSpan reads a span; what is none is a day.
func ParseSpan(text string) Span {
	for _, s := range Spans {
		if string(s) == text {
			return s
		}
	}
	return Day
}

// window is the time that a span covers at now: equal steps, the last of which is still running, over rows of one grain.
type window struct {
	from  time.Time
	step  time.Duration
	steps int
	grain grain
}

// grain is which of the tables of counts is read.
type grain int

const (
	minutes grain = iota
	hours
	days
)

// table of a grain.
func (g grain) table() string { return [...]string{"usage_minutes", "usage_hours", "usage_days"}[g] }

// from is the table of a grain with what it is a count of.
func (g grain) from() string {
	return [...]string{
		" FROM usage_minutes u JOIN usage_series s ON s.id = u.series_id",
		" FROM usage_hours u JOIN usage_series s ON s.id = u.series_id",
		" FROM usage_days u JOIN usage_series s ON s.id = u.series_id",
	}[g]
}

// windowOf lays a span back from now. Steps end on full minutes, hours, quarters of a day and days, in UTC.
func windowOf(s Span, now time.Time) window {
	w := map[Span]window{
		Hour: {step: time.Minute, steps: 60, grain: minutes}, Day: {step: time.Hour, steps: 24, grain: hours}, Week: {step: 6 * time.Hour, steps: 28, grain: hours},
		Month: {step: 24 * time.Hour, steps: 30, grain: days}, ThreeMonth: {step: 24 * time.Hour, steps: 90, grain: days},
	}[s]
	w.from = now.UTC().Truncate(w.step).Add(-time.Duration(w.steps-1) * w.step)
	return w
}

// View says whose usage is looked at, and which part of it. The zero filter fields take everything.
type View struct {
	Actor actor.Actor
	// Everything looks over all organizations: for staff with staff:usage:read.
	Everything bool
	// Share looks at the app that it opens to the actor, and at nothing else; it stands before Everything.
	Share db.ID

	Org, App, Key, API db.ID
	Environment, Code  string
	Span               Span
}

// where is the condition on s (a series) at now and its arguments. Without Everything and Share the reader's memberships stand in it, so that nothing of
// others can be counted whatever the filter says. Fault: Forbidden for Everything without the permission.
func (v View) where(now time.Time) (string, []any, error) {
	query, args := " WHERE 1 = 1", []any{}
	if !v.Share.IsZero() {
		shared, with := v.Actor.Shared(v.Share, actor.ReadUsage, now)
		query, args = " WHERE s.app_id IN "+shared, with
	} else if v.Everything {
		if !v.Actor.Trusted() && !permission.Staff(v.Actor.StaffRole, permission.StaffUsageRead) {
			return "", nil, fault.Lacking(string(permission.StaffUsageRead), "")
		}
	} else {
		members, arg := v.Actor.Members()
		query = " WHERE s.organization_id IN (SELECT m.organization_id FROM " + members + " m WHERE m.role IN ?)"
		args = append(args, arg, permission.OrgRoles(permission.UsageRead))
		unseen, hidden := v.Actor.Hidden()
		query += " AND s.app_id NOT IN " + unseen
		args = append(args, hidden...)
		if v.Actor.Environment != "" {
			v.Environment = v.Actor.Environment
		}
	}
	add := func(set bool, condition string, arg any) {
		if set {
			query += condition
			args = append(args, arg)
		}
	}
	add(!v.Org.IsZero(), " AND s.organization_id = ?", v.Org)
	add(!v.App.IsZero(), " AND s.app_id = ?", v.App)
	add(!v.Key.IsZero(), " AND s.key_id = ?", v.Key)
	add(!v.API.IsZero(), " AND s.api_id = ?", v.API)
	add(v.Environment != "", " AND s.environment = ?", v.Environment)
	switch v.Code {
	case "":
	case Refused:
		query += " AND s.code <> 'VALID' AND NOT " + passedOver
	case Passed:
		query += " AND " + passedOver
	default:
		add(true, " AND s.code = ?", v.Code)
	}
	return query, args, nil
}

// Refused, as the code of a View, takes every refusal; Passed takes every call that would have been refused, and was let through since its API is in
// report-only mode.
const (
	Refused = "refused"
	Passed  = "passed"
)

// passedOver is true of a series s of calls that Passed takes; goodCode of the text of a code under which calls were let through.
const passedOver = "s.code LIKE '" + keyring.PassedPrefix + "%'"

func goodCode(code string) bool {
	return code == "VALID" || strings.HasPrefix(code, keyring.PassedPrefix)
}

// CallsByKey counts the verifications of each key since a time, by UTC days from the day of since on. A key without any is absent.
func (s *Store) CallsByKey(ctx context.Context, ids []db.ID, since time.Time) (map[db.ID]int64, error) {
	out := make(map[db.ID]int64, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		KeyID db.ID
		Calls int64
	}
	err := s.db.Read(ctx).Raw(`SELECT s.key_id, CAST(SUM(u.calls) AS bigint) AS calls FROM usage_days u JOIN usage_series s ON s.id = u.series_id
		WHERE s.key_id IN ? AND u.at >= ? GROUP BY s.key_id`, ids, since.UTC().Truncate(24*time.Hour)).Scan(&rows).Error
	for _, r := range rows {
		out[r.KeyID] = r.Calls
	}
	return out, err
}
