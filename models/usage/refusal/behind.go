package refusal

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// Behind is what set the value by which a check refused, as it stands now: it may have changed since the call.
type Behind struct {
	Plan   string // of the app's access to the API, in force or the last; "" for none
	PlanID db.ID
	// Paused is why the key is paused; "" when a person paused it, or nothing does.
	Paused string
	Policy policy.Source // whose rule it was, with Days; no Kind when no policy had a part in it
	Days   int           // of the rule, where it has any
	Rate   Rate          // of the plan, or the key's own, that is kept to; zero where no rate has a part in it
	// Address is where the API is in the key's environment; "" where it is not, or the environment was not the reason.
	Address string
	Holds   []string // what the key holds: API's slug, slash and scope
	// Of a revoked key, as far as the reader may know it: who revoked it, or that staff did; and the reason that was typed.
	RevokedBy      string
	RevokedByStaff bool
	RevokedReason  string
}

// Rate is how often may be called.
type Rate struct {
	Requests, Period int // Period in seconds
	Burst            int // at once; 0 where it is not told apart
}

// Behind finds what is behind a cause, of a key as its reader has read it; staff are told names that others are not. It costs a query where there is
// something to find, else nothing.
func (s *Store) Behind(ctx context.Context, k key.Detail, api db.ID, cause keyring.Cause, staff bool) (b Behind, err error) {
	for _, g := range k.Grants {
		b.Holds = append(b.Holds, g.API+"/"+g.Scope)
	}
	switch cause {
	case keyring.KeyRevoked:
		b.RevokedBy, b.RevokedByStaff = k.RevokedFor(staff)
		b.RevokedReason = k.RevokedReason
	case keyring.KeyRate:
		b.Rate = Rate{Requests: k.Bounds.Rate.Requests, Period: k.Bounds.Rate.Period}
	case keyring.EnvironmentOther:
		return b, s.db.Read(ctx).Raw("SELECT COALESCE(MAX(base_url), '') FROM api_environments WHERE api_id = ? AND environment = ?", api, k.Environment).Row().Scan(&b.Address)
	case keyring.MonthUsedUp, keyring.DayUsedUp, keyring.QuotaHeld, keyring.QuotaTooSmall, keyring.PlanRate, keyring.RateTooSmall, keyring.NothingGranted:
		return b, s.plan(ctx, &b, k.AppID, api)
	case keyring.KeyPaused:
		if k.PausedAt != nil {
			b.Paused = k.PausedCause
		}
		return b, s.policy(ctx, &b, k, b.Paused)
	case keyring.KeyExpired:
		return b, s.policy(ctx, &b, k, policy.Life)
	case keyring.AddressElsewhere, keyring.AddressUntold:
		return b, s.policy(ctx, &b, k, policy.Networks)
	}
	return b, nil
}

// BehindOf is Behind for a refusal as its reader sees it: nothing where they may not see the key, or it is gone.
func (s *Store) BehindOf(ctx context.Context, v View, r *Refusal) (Behind, error) {
	if _, judged := r.Judged(); !judged || !r.Own || r.KeyID.IsZero() {
		return Behind{}, nil
	}
	get := s.keys.Get
	if v.Everything {
		get = s.keys.GetAny
	}
	k, err := get(ctx, v.Actor, r.KeyID)
	if fault.Is(err, fault.NotFound) {
		return Behind{}, nil
	} else if err != nil {
		return Behind{}, err
	}
	return s.Behind(ctx, k, r.APIID, r.Why(), v.Everything)
}

// plan is that of the access which verification goes by.
func (s *Store) plan(ctx context.Context, b *Behind, app, api db.ID) error {
	var rows []struct {
		ID                                     db.ID
		Name                                   string
		RateRequests, RatePeriodSeconds, Burst int
	}
	err := s.db.Read(ctx).Raw(`SELECT n.id, n.name, n.rate_requests, n.rate_period_seconds, n.burst FROM access y JOIN plans n ON n.id = y.plan_id WHERE y.app_id = ? AND y.api_id = ? AND y.state IN ('approved', 'suspended', 'ended')
		ORDER BY CASE WHEN y.state = 'ended' THEN 1 ELSE 0 END, y.updated_at DESC, y.id LIMIT 1`, app, api).Scan(&rows).Error
	if len(rows) > 0 {
		b.Plan, b.PlanID = rows[0].Name, rows[0].ID
		b.Rate = Rate{Requests: rows[0].RateRequests, Period: rows[0].RatePeriodSeconds, Burst: rows[0].Burst}
	}
	return err
}

// policy is the rule that holds for the key, whether the key keeps it or not.
func (s *Store) policy(ctx context.Context, b *Behind, k key.Detail, rule string) error {
	switch rule {
	case policy.Idle, policy.Age, policy.Networks, policy.Life:
	default:
		return nil
	}
	now := s.db.Now()
	book, err := policy.Load(s.db.Read(ctx), now)
	if err != nil {
		return err
	}
	held := book.Held(k.Subject(), k.CreatedAt)
	switch rule {
	case policy.Idle:
		b.Policy, b.Days = held.Idle.Source, held.Idle.Value
	case policy.Age:
		b.Policy, b.Days = held.Rotate.Source, held.Rotate.Value
	case policy.Life:
		if held.Max.Value > 0 {
			b.Policy, b.Days = held.Max.Source, held.Max.Value
		}
	case policy.Networks:
		if held.Networks.On {
			b.Policy = held.Networks.Source
		}
	}
	return nil
}
