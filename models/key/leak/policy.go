package leak

import (
	"context"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

const policyName = "leak_policy"

// Deed is what the policy does with a leaked key.
type Deed string

// The deeds.
const (
	Revoke Deed = "revoke" // at once
	Pause  Deed = "pause"  // at once; revoked when the notice ends
	Tell   Deed = "tell"   // its people, and no more
)

// Deeds are all of them, the strictest first.
var Deeds = []Deed{Revoke, Pause, Tell}

// Bounds of Policy.NoticeDays.
const (
	MinNoticeDays = 1
	MaxNoticeDays = 90
)

// Policy says what happens to a key that was reported as leaked.
type Policy struct {
	Live       Deed `json:"live"`
	Test       Deed `json:"test"`
	NoticeDays int  `json:"notice_days"` // after which a paused key is revoked
}

// DefaultPolicy stops every leaked key at once, and leaves a week to say that the report was wrong.
var DefaultPolicy = Policy{Live: Pause, Test: Pause, NoticeDays: 7}

// For is what happens to keys of an environment.
func (p Policy) For(environment string) Deed {
	if environment == "test" {
		return p.Test
	}
	return p.Live
}

// Stops reports whether every key that leaks is stopped at once.
func (p Policy) Stops() bool { return p.Live != Tell && p.Test != Tell }

// Policy reads the policy in force.
func (s *Store) Policy(ctx context.Context) (Policy, error) {
	p := DefaultPolicy
	_, err := setting.Get(ctx, s.db, policyName, &p)
	return p, err
}

// SetPolicy changes the policy, for reports from now on. Faults: Forbidden, Invalid (live, test, notice_days).
func (s *Store) SetPolicy(ctx context.Context, a actor.Actor, p Policy) error {
	if !mayStaff(a, permission.StaffLeaksManage) {
		return fault.Lacking(string(permission.StaffLeaksManage), "")
	}
	var bad fault.Problems
	for field, deed := range map[string]Deed{"live": p.Live, "test": p.Test} {
		bad.Check(deed == Revoke || deed == Pause || deed == Tell, field, "Choose what happens to a leaked key.")
	}
	bad.Check(p.NoticeDays >= MinNoticeDays && p.NoticeDays <= MaxNoticeDays, "notice_days", "A notice lasts %[1]d to %[2]d days.", MinNoticeDays, MaxNoticeDays)
	if err := bad.Err(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{
			Act: audit.LeakPolicySet, TargetKind: "setting",
			Details: map[string]string{"live": string(p.Live), "test": string(p.Test), "notice_days": strconv.Itoa(p.NoticeDays)},
		})
		return setting.Put(tx, policyName, p)
	})
}

func mayStaff(a actor.Actor, p permission.Name) bool {
	return a.Trusted() || a.SignedIn() && permission.Staff(a.StaffRole, p)
}
