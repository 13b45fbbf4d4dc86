package account

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// limitsSetting is the setting that holds Limits.
const limitsSetting = "session_limits"

// Limits are after how long a session ends: when nothing came from its browser, and in any case. They are never longer than SessionIdle and SessionAbsolute (S3).
type Limits struct {
	IdleMinutes     int `json:"idle_minutes"`
	AbsoluteMinutes int `json:"absolute_minutes"`
}

// The limits that can be set, in minutes; the longest are in force until another is.
var (
	IdleChoices     = []int{5, 10, 15, 30, 60}
	AbsoluteChoices = []int{60, 2 * 60, 4 * 60, 8 * 60, 12 * 60, 24 * 60}
)

// Idle is after how long without a request a session is over.
func (l Limits) Idle() time.Duration { return time.Duration(l.IdleMinutes) * time.Minute }

// Absolute is how long after it began a session is over.
func (l Limits) Absolute() time.Duration { return time.Duration(l.AbsoluteMinutes) * time.Minute }

// over reports whether s has come to its end at now.
func (l Limits) over(s Session, now time.Time) bool {
	return !now.Before(s.ExpiresAt) || now.Sub(s.LastSeenAt) > l.Idle() || now.Sub(s.CreatedAt) >= l.Absolute()
}

// within are limits that hold S3's bounds, whatever somebody wrote into the database: what is none of the choices is the longest.
func (l Limits) within() Limits {
	if !slices.Contains(IdleChoices, l.IdleMinutes) {
		l.IdleMinutes = int(SessionIdle.Minutes())
	}
	if !slices.Contains(AbsoluteChoices, l.AbsoluteMinutes) {
		l.AbsoluteMinutes = int(SessionAbsolute.Minutes())
	}
	return l
}

// SessionLimits are the limits in force. They are read for each request, so that a change holds on the next one, on every replica.
func (s *Store) SessionLimits(ctx context.Context) (Limits, error) { return LimitsOf(ctx, s.db) }

// LimitsOf is SessionLimits of a database.
func LimitsOf(ctx context.Context, d *db.DB) (Limits, error) {
	var l Limits
	_, err := setting.Get(ctx, d, limitsSetting, &l)
	return l.within(), err
}

func limitsTx(tx *db.Tx) (Limits, error) {
	var l Limits
	_, err := setting.GetTx(tx, limitsSetting, &l)
	return l.within(), err
}

// limitsOf reads the setting's value as a query found it; nil when it was never set.
func limitsOf(value *string) (l Limits, err error) {
	if value != nil {
		err = json.Unmarshal([]byte(*value), &l)
	}
	return l.within(), err
}

// SetSessionLimits sets them. A session that is beyond is over at its next request; one that began under a shorter absolute limit still ends by that.
// Faults: Forbidden, Invalid about "idle" or "absolute".
func (s *Store) SetSessionLimits(ctx context.Context, a actor.Actor, l Limits) error {
	if err := allowed(a, permission.StaffPolicyManage); err != nil {
		return err
	}
	var p fault.Problems
	p.Check(slices.Contains(IdleChoices, l.IdleMinutes), "idle", "Choose a time of the list.")
	p.Check(slices.Contains(AbsoluteChoices, l.AbsoluteMinutes), "absolute", "Choose a time of the list.")
	if err := p.Err(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.PortalChanged, TargetKind: "setting", Details: map[string]string{
			"session_idle_minutes": strconv.Itoa(l.IdleMinutes), "session_absolute_minutes": strconv.Itoa(l.AbsoluteMinutes),
		}})
		return setting.Put(tx, limitsSetting, l)
	})
}
