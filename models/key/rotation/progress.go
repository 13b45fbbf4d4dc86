package rotation

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Quiet is for how long nothing must have presented the old key before retiring it is proposed.
const Quiet = time.Hour

// hourly is the longest overlap so far that is shown by hours, and not by days.
const hourly = 2 * day

// Progress is how far a rotation is.
type Progress struct {
	Pair
	MayManage bool
	Step      time.Duration // an hour or a day
	Points    []Point       // from the rotation until now or the end of the overlap, oldest first, none left out
	OldCalls  int64         // in that time, let through or not
	NewCalls  int64
	OldSeen   *time.Time // when the old key was last presented, let through or not, as far as it is known; nil: not since the rotation
	Networks  []key.NetworkUse
	TooLate   int64 // calls with the old key that were refused since it stopped
}

// Point is one step. A day is one of the reader's zone.
type Point struct {
	At       time.Time // its beginning
	Old, New int64     // calls, let through or not
}

// Runs reports whether the old key still works by itself.
func (p Progress) Runs(now time.Time) bool { return p.Old.Living(now) }

// SilentSince is since when nothing presented the old key: at the earliest since the rotation, because what came before tells nothing of
// who has the new one.
func (p Progress) SilentSince() time.Time {
	since := p.RotatedAt()
	for _, at := range []*time.Time{p.OldSeen, p.Old.LastUsedAt} {
		if at != nil && at.After(since) {
			since = *at
		}
	}
	return since
}

// Progress reads the rotation that a key, the old or the new one, belongs to; of a key that is both, the one that replaces it. Days are those of zone.
// Faults: NotFound, also for a key without a rotation, or one that was undone.
func (s *Store) Progress(ctx context.Context, a actor.Actor, id db.ID, zone *time.Location) (Progress, error) {
	d, err := s.keys.Get(ctx, a, id)
	if err != nil {
		return Progress{}, err
	}
	if d.Successor == nil {
		if d.Predecessor == nil || d.RotationUndoneAt != nil {
			return Progress{}, fault.Missing()
		}
		if d, err = s.keys.Get(ctx, a, d.Predecessor.ID); err != nil {
			return Progress{}, err
		}
	}
	if d.Successor == nil || d.OverlapEndsAt == nil { // undone between the two readings
		return Progress{}, fault.Missing()
	}
	p := Progress{Pair: Pair{d.Row, *d.Successor}, MayManage: d.MayManage}
	for _, n := range d.Networks {
		if n.LastUsedAt.After(p.RotatedAt()) {
			p.Networks = append(p.Networks, n)
		}
	}
	if err := s.traffic(ctx, &p, zone); err != nil {
		return Progress{}, err
	}
	return p, s.seen(ctx, &p)
}

// traffic fills in the steps.
func (s *Store) traffic(ctx context.Context, p *Progress, zone *time.Location) error {
	from, to := p.RotatedAt(), s.db.Now()
	if end := p.Old.EndsAt(); end.Before(to) {
		to = *end
	}
	p.Step, p.Points = steps(from, to, zone)
	var rows []struct {
		KeyID db.ID
		At    time.Time
		Code  string
		Calls int64
	}
	err := s.db.Read(ctx).Raw(`SELECT s.key_id, u.at, s.code, CAST(SUM(u.calls) AS bigint) AS calls FROM usage_series s JOIN usage_hours u ON u.series_id = s.id
		WHERE s.key_id IN ? AND u.at >= ? GROUP BY s.key_id, u.at, s.code`, []db.ID{p.Old.ID, p.New.ID}, from.Truncate(time.Hour)).Scan(&rows).Error
	for _, r := range rows {
		if r.KeyID == p.Old.ID && r.Code == "EXPIRED" {
			p.TooLate += r.Calls
			continue
		}
		i := place(p.Points, r.At)
		if r.At.After(to) || i < 0 {
			continue
		}
		if r.KeyID == p.Old.ID {
			p.Points[i].Old += r.Calls
			p.OldCalls += r.Calls
		} else {
			p.Points[i].New += r.Calls
			p.NewCalls += r.Calls
		}
	}
	return err
}

// steps cuts the time from the rotation on into hours, or into days of the zone.
func steps(from, to time.Time, zone *time.Location) (time.Duration, []Point) {
	var out []Point
	if to.Sub(from) <= hourly {
		for at := from.Truncate(time.Hour); !at.After(to); at = at.Add(time.Hour) {
			out = append(out, Point{At: at})
		}
		return time.Hour, out
	}
	y, m, d := from.In(zone).Date()
	for at := time.Date(y, m, d, 0, 0, 0, 0, zone); !at.After(to); at = at.AddDate(0, 0, 1) {
		out = append(out, Point{At: at})
	}
	return day, out
}

// place is the step in which an hour lies: the last that does not begin after it. The first takes what was counted in the hour of the rotation.
func place(points []Point, at time.Time) int {
	i, exact := slices.BinarySearchFunc(points, at, func(p Point, at time.Time) int { return p.At.Compare(at) })
	if exact {
		return i
	}
	return max(i-1, min(len(points), 1)-1)
}

// seen finds when the old key was last presented: to the minute, or to the hour when that is longer ago than minutes are kept.
func (s *Store) seen(ctx context.Context, p *Progress) error {
	for _, query := range []string{
		"SELECT u.at FROM usage_series s JOIN usage_minutes u ON u.series_id = s.id WHERE s.key_id = ? AND u.at >= ? ORDER BY u.at DESC LIMIT 1",
		"SELECT u.at FROM usage_series s JOIN usage_hours u ON u.series_id = s.id WHERE s.key_id = ? AND u.at >= ? ORDER BY u.at DESC LIMIT 1",
	} {
		var found []time.Time
		if err := s.db.Read(ctx).Raw(query, p.Old.ID, p.RotatedAt()).Scan(&found).Error; err != nil || len(found) > 0 {
			if err == nil {
				p.OldSeen = &found[0]
			}
			return err
		}
	}
	return nil
}
