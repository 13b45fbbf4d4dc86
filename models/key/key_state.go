package key

import "time"

// StateName is the state of a key in one word.
type StateName string

// The states. Where several hold, the one that a person must know first wins, in this order but for Active, which is last.
const (
	Revoked     StateName = "revoked"
	Expired     StateName = "expired" // also a rotated key after its overlap
	Suspended   StateName = "suspended"
	Paused      StateName = "paused"
	Stopped     StateName = "stopped" // by its app, organization or access: Cause says which
	Rotated     StateName = "rotated" // works until its overlap ends
	ExpiringNow StateName = "soon"
	Active      StateName = "active"
)

// Cause says what else stops a key, or for what it is paused.
type Cause string

// The causes of Stopped, widest first.
const (
	Deleted             Cause = "deleted" // app, organization or owner: for ever
	OwnerStopped        Cause = "owner"   // the personal organization's user
	OrganizationStopped Cause = "organization"
	AppStopped          Cause = "app"
	AccessSuspended     Cause = "access_suspended"
	AccessEnded         Cause = "access_ended" // for all that the key was granted
)

// Leaked is the cause of Paused when the key was found where it should not be; other pauses have none.
const Leaked Cause = "leak"

// State is what a key is at a moment. Until is when that ends by itself; zero when it doesn't.
type State struct {
	Name  StateName
	Until time.Time
	Cause Cause
}

// Works reports whether some call with the key can be let through.
func (s State) Works() bool { return s.Name == Active || s.Name == ExpiringNow || s.Name == Rotated }

// State tells the state of the row at now. It needs the row's grants.
func (r Row) State(now time.Time) State {
	switch {
	case r.RevokedAt != nil:
		return State{Name: Revoked}
	case reached(r.EndsAt(), now):
		return State{Name: Expired}
	case inForce(r.SuspendedAt, r.SuspendedUntil, now):
		return State{Name: Suspended, Until: at(r.SuspendedUntil)}
	case r.PausedAt != nil && r.PausedCause == PausedLeak:
		return State{Name: Paused, Cause: Leaked}
	case r.PausedAt != nil:
		return State{Name: Paused}
	}
	if s, stopped := r.stopped(now); stopped {
		return s
	}
	switch {
	case r.OverlapEndsAt != nil:
		return State{Name: Rotated, Until: at(r.EndsAt())}
	case r.ExpiresAt != nil && r.ExpiresAt.Sub(now) <= ExpiresSoon:
		return State{Name: ExpiringNow, Until: *r.ExpiresAt}
	}
	return State{Name: Active}
}

func (r Row) stopped(now time.Time) (State, bool) {
	switch {
	case r.OwnerDeletedAt != nil || r.OrgDeletedAt != nil || r.AppDeletedAt != nil:
		return State{Name: Stopped, Cause: Deleted}, true
	case inForce(r.OwnerSuspendedAt, r.OwnerSuspendedUntil, now):
		return State{Stopped, at(r.OwnerSuspendedUntil), OwnerStopped}, true
	case inForce(r.OrgSuspendedAt, r.OrgSuspendedUntil, now):
		return State{Stopped, at(r.OrgSuspendedUntil), OrganizationStopped}, true
	case inForce(r.AppSuspendedAt, r.AppSuspendedUntil, now):
		return State{Stopped, at(r.AppSuspendedUntil), AppStopped}, true
	}
	if len(r.Grants) == 0 {
		return State{}, false
	}
	suspended := false
	for _, g := range r.Grants {
		switch g.Standing(now) {
		case GrantHolds:
			return State{}, false
		case GrantSuspended:
			suspended = true
		}
	}
	if suspended {
		return State{Name: Stopped, Cause: AccessSuspended}, true
	}
	return State{Name: Stopped, Cause: AccessEnded}, true
}

func at(p *time.Time) time.Time {
	if p == nil {
		return time.Time{}
	}
	return *p
}
