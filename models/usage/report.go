package usage

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Count is verifications by outcome.
type Count struct{ Good, Bad int64 }

// All is their sum.
func (c Count) All() int64 { return c.Good + c.Bad }

// Point is one step of a chart.
type Point struct {
	At time.Time // its beginning
	Count
}

// Series returns the counts of v's span in equal steps, oldest first, none left out; the last step is still running. Total is their sum.
// Fault: Forbidden.
func (s *Store) Series(ctx context.Context, v View) (points []Point, total Count, err error) {
	where, args, err := v.where(s.db.Now())
	if err != nil {
		return nil, total, err
	}
	w := windowOf(v.Span, s.db.Now())
	var rows []struct {
		At         time.Time
		Calls, Bad int64
	}
	query, end := v.chart(w)
	err = s.db.Read(ctx).Raw(query+where+end, append(args, w.from)...).Scan(&rows).Error
	if err != nil {
		return nil, total, err
	}
	points = make([]Point, w.steps)
	for i := range points {
		points[i].At = w.from.Add(time.Duration(i) * w.step)
	}
	for _, r := range rows {
		i := int(r.At.Sub(w.from) / w.step)
		if i < 0 || i >= len(points) { // of a replica whose clock is ahead
			continue
		}
		points[i].Good, points[i].Bad = points[i].Good+r.Calls-r.Bad, points[i].Bad+r.Bad
		total.Good, total.Bad = total.Good+r.Calls-r.Bad, total.Bad+r.Bad
	}
	return points, total, nil
}

// Row is one line of a breakdown. Name and Detail are what people call it, empty when it is gone or there is none.
type Row struct {
	ID     db.ID // of the app, key, API or organization
	Name   string
	Detail string // organization of an app, hint of a key, slug of an API or of a route's API
	Count
}

// Choice is an entry of a filter.
type Choice struct {
	ID   db.ID
	Name string
	Org  string // of an app
}

// mostChoices bounds the entries of one filter (L4); the rest is reached by the links of the tables.
const mostChoices = 200

// Apps are the apps that the reader of v can filter by, by name.
func (s *Store) Apps(ctx context.Context, v View) ([]Choice, error) {
	where, args, err := View{Actor: v.Actor, Everything: v.Everything, Org: v.Org}.where(s.db.Now())
	if err != nil {
		return nil, err
	}
	var rows []Choice
	err = s.db.Read(ctx).Raw(`SELECT a.id, a.name, o.name AS org FROM apps a JOIN organizations o ON o.id = a.organization_id
		WHERE a.id IN (SELECT s.app_id FROM usage_series s`+where+`) ORDER BY o.name, a.name, a.id LIMIT ?`, append(args, mostChoices)...).Scan(&rows).Error
	return rows, err
}

// APIs are the APIs that the reader of v can filter by, by name.
func (s *Store) APIs(ctx context.Context, v View) ([]Choice, error) {
	where, args, err := View{Actor: v.Actor, Everything: v.Everything, Org: v.Org}.where(s.db.Now())
	if err != nil {
		return nil, err
	}
	var rows []Choice
	err = s.db.Read(ctx).Raw(`SELECT p.id, p.name FROM apis p WHERE p.id IN (SELECT s.api_id FROM usage_series s`+where+`) ORDER BY p.name, p.id LIMIT ?`,
		append(args, mostChoices)...).Scan(&rows).Error
	return rows, err
}

// Keys are the keys that the reader of v can filter by: of the app that is filtered by, if any; the ones used last first.
func (s *Store) Keys(ctx context.Context, v View) ([]Choice, error) {
	where, args, err := View{Actor: v.Actor, Everything: v.Everything, Org: v.Org, App: v.App}.where(s.db.Now())
	if err != nil {
		return nil, err
	}
	var rows []Choice
	err = s.db.Read(ctx).Raw(`SELECT k.id, k.name || ' · ' || k.prefix || '…' || k.last_four AS name FROM keys k WHERE k.id IN (SELECT s.key_id FROM usage_series s`+where+
		`) ORDER BY COALESCE(k.last_used_at, k.created_at) DESC, k.id LIMIT ?`, append(args, mostChoices)...).Scan(&rows).Error
	return rows, err
}

// Silent is a key that was used and is no more.
type Silent struct {
	ID             db.ID
	Name, Hint     string
	App, Org       string
	Calls          int64 // in the 7 days before
	LastUsedAt     *time.Time
	OrganizationID db.ID
}

// Figures of NewlySilent.
const (
	silentFor    = 24 * time.Hour
	silentBefore = 7 * 24 * time.Hour
	silentCalls  = 100
)

// NewlySilent returns the keys in force with at least 100 verifications in the 7 days before the last 24 hours and none in these: a
// program that stopped, perhaps without anybody knowing. Most verifications first. Of v its organization, app, API and environment narrow whose and which verifications are
// counted; a key that goes on elsewhere is not silent. Fault: Forbidden.
func (s *Store) NewlySilent(ctx context.Context, v View, limit int) ([]Silent, error) {
	where, args, err := View{Actor: v.Actor, Everything: v.Everything, Org: v.Org, App: v.App, API: v.API, Environment: v.Environment}.where(s.db.Now())
	if err != nil {
		return nil, err
	}
	now := s.db.Now()
	since := now.Add(-silentFor)
	// Hours tell of all the 24 but the one in which they begin; for that there are minutes. Most keys are in use, which their first series or two say:
	// only what is left after that is counted.
	with := append([]any{}, args...)
	with = append(with, now, now, since, since)
	with = append(append(with, args...), since.Add(-silentBefore), since, silentCalls, limit)
	var rows []Silent
	err = s.db.Read(ctx).Raw(`WITH used AS (SELECT DISTINCT s.key_id FROM usage_series s`+where+`),
		silent AS MATERIALIZED (SELECT e.key_id FROM used e JOIN keys k ON k.id = e.key_id
			WHERE k.revoked_at IS NULL AND k.paused_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) AND (k.overlap_ends_at IS NULL OR k.overlap_ends_at > ?)
			AND NOT EXISTS (SELECT 1 FROM usage_series s2 JOIN usage_hours h ON h.series_id = s2.id WHERE s2.key_id = e.key_id AND h.at >= ?)
			AND NOT EXISTS (SELECT 1 FROM usage_series s2 JOIN usage_minutes m ON m.series_id = s2.id WHERE s2.key_id = e.key_id AND m.at > ?)),
		earlier AS MATERIALIZED (SELECT e.key_id, (SELECT CAST(COALESCE(SUM(u.calls), 0) AS bigint) FROM usage_series s JOIN usage_hours u ON u.series_id = s.id`+where+`
			AND s.key_id = e.key_id AND u.at >= ? AND u.at < ?) AS calls FROM silent e)
		SELECT k.id, k.name, k.prefix || '…' || k.last_four AS hint, a.name AS app, o.name AS org, o.id AS organization_id, b.calls, k.last_used_at
		FROM earlier b JOIN keys k ON k.id = b.key_id JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id
		WHERE b.calls >= ? ORDER BY b.calls DESC, k.id LIMIT ?`, with...).Scan(&rows).Error
	return rows, err
}

// Line is one line of an export: a series in one step.
type Line struct {
	At                          time.Time
	Org, App, Key, Hint, API    string
	Environment, Template, Code string
	Calls                       int64
	KeyID                       db.ID
}

// MostLines bounds an export (L4).
const MostLines = 200_000

// Each calls fn with each line of v, oldest first, and stops at fn's first error. Lines are by minute, hour or day as the span is.
// more reports whether there would have been more than MostLines. Fault: Forbidden, also for a Share: lines name keys, which are another right.
func (s *Store) Each(ctx context.Context, v View, fn func(Line) error) (more bool, err error) {
	if !v.Share.IsZero() {
		return false, fault.New(fault.Forbidden, "A share opens no download of the usage.")
	}
	where, args, err := v.where(s.db.Now())
	if err != nil {
		return false, err
	}
	w := windowOf(v.Span, s.db.Now())
	rows, err := s.db.Rows(ctx, `SELECT u.at, COALESCE(o.name, ''), COALESCE(a.name, ''), s.key_id, COALESCE(k.name, ''), COALESCE(k.prefix || '…' || k.last_four, ''),
		COALESCE(p.slug, ''), s.environment, s.route_template, s.code, u.calls`+w.grain.from()+`
		LEFT JOIN organizations o ON o.id = s.organization_id LEFT JOIN apps a ON a.id = s.app_id LEFT JOIN keys k ON k.id = s.key_id LEFT JOIN apis p ON p.id = s.api_id`+
		where+" AND u.at >= ? ORDER BY u.at, s.id LIMIT ?", append(args, w.from, MostLines+1)...)
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }()
	for n := 0; rows.Next(); n++ {
		if n == MostLines {
			return true, nil
		}
		var l Line
		if err := rows.Scan(&l.At, &l.Org, &l.App, &l.KeyID, &l.Key, &l.Hint, &l.API, &l.Environment, &l.Template, &l.Code, &l.Calls); err != nil {
			return false, err
		}
		if err := fn(l); err != nil {
			return false, err
		}
	}
	return false, rows.Err()
}
