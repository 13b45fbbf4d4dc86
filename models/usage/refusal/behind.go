package refusal

import (
	"context"

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
}

// Behind finds what is behind a cause, of a key as its reader has read it. It costs a query where there is something to find, else nothing.
func (s *Store) Behind(ctx context.Context, k key.Detail, api db.ID, cause keyring.Cause) (b Behind, err error) {
	switch cause {
	case keyring.MonthUsedUp, keyring.DayUsedUp, keyring.QuotaHeld, keyring.QuotaTooSmall, keyring.PlanRate, keyring.RateTooSmall, keyring.NothingGranted:
		return s.plan(ctx, k.AppID, api)
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

// plan is that of the access which verification goes by.
func (s *Store) plan(ctx context.Context, app, api db.ID) (b Behind, err error) {
	var rows []struct {
		ID   db.ID
		Name string
	}
	err = s.db.Read(ctx).Raw(`SELECT n.id, n.name FROM access y JOIN plans n ON n.id = y.plan_id WHERE y.app_id = ? AND y.api_id = ? AND y.state IN ('approved', 'suspended', 'ended')
		ORDER BY CASE WHEN y.state = 'ended' THEN 1 ELSE 0 END, y.updated_at DESC, y.id LIMIT 1`, app, api).Scan(&rows).Error
	if len(rows) > 0 {
		b.Plan, b.PlanID = rows[0].Name, rows[0].ID
	}
	return b, err
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
