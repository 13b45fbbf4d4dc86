package keyring

import "slices"

// Cause says what of a check made it refuse: finer than the Code, which is all that a caller is told.
type Cause uint8

// The causes, by the code that they belong to. The zero Cause is none.
const (
	UnknownKey Cause = iota + 1 // NOT_FOUND
	ForeignKey
	KeyRevoked // REVOKED
	AppDeleted
	OrganizationDeleted
	PersonDeleted
	KeyExpired // EXPIRED
	OverlapOver
	KeyPaused    // PAUSED
	KeySuspended // SUSPENDED
	AppSuspended
	OrganizationSuspended
	PersonSuspended
	GrantSuspended
	AddressUntold // FORBIDDEN_IP
	AddressElsewhere
	OriginUntold // FORBIDDEN_ORIGIN
	OriginElsewhere
	EnvironmentOther // WRONG_ENVIRONMENT
	EnvironmentAbsent
	NoAccess // WRONG_API
	AccessOver
	DomainOther
	VersionRetired
	NothingGranted // INSUFFICIENT_SCOPE
	ScopeMissing
	RouteScopeMissing
	MethodMalformed
	RouteUndeclared
	MonthUsedUp // QUOTA_EXCEEDED
	DayUsedUp
	QuotaHeld
	QuotaTooSmall
	PlanRate // RATE_LIMITED
	KeyRate
	RateTooSmall
)

var causeNames = [...]string{
	UnknownKey: "unknown_key", ForeignKey: "foreign_key", KeyRevoked: "key_revoked", AppDeleted: "app_deleted", OrganizationDeleted: "organization_deleted",
	PersonDeleted: "person_deleted", KeyExpired: "key_expired", OverlapOver: "overlap_over", KeyPaused: "key_paused", KeySuspended: "key_suspended",
	AppSuspended: "app_suspended", OrganizationSuspended: "organization_suspended", PersonSuspended: "person_suspended", GrantSuspended: "access_suspended",
	AddressUntold: "address_untold", AddressElsewhere: "address_elsewhere", OriginUntold: "origin_untold", OriginElsewhere: "origin_elsewhere",
	EnvironmentOther: "environment_other", EnvironmentAbsent: "environment_absent", NoAccess: "no_access", AccessOver: "access_over", DomainOther: "domain_other",
	VersionRetired: "version_retired", NothingGranted: "nothing_granted", ScopeMissing: "scope_missing", RouteScopeMissing: "route_scope_missing",
	MethodMalformed: "method_malformed", RouteUndeclared: "route_undeclared", MonthUsedUp: "month_used_up", DayUsedUp: "day_used_up", QuotaHeld: "quota_held",
	QuotaTooSmall: "quota_too_small", PlanRate: "plan_rate", KeyRate: "key_rate", RateTooSmall: "rate_too_small",
}

// Causes are all causes, in their order.
func Causes() []Cause {
	all := make([]Cause, 0, len(causeNames)-1)
	for c := UnknownKey; int(c) < len(causeNames); c++ {
		all = append(all, c)
	}
	return all
}

// String is the cause as it is stored and told to programs; "" for none.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return ""
}

// ParseCause is the inverse of String; none for any other text.
func ParseCause(text string) Cause {
	if i := slices.Index(causeNames[1:], text); i >= 0 {
		return Cause(i + 1)
	}
	return 0
}

// CauseOf says why d, which Decide made at now of the rest, is not Valid; none when it is. It is pure.
func CauseOf(now int64, f *Facts, api *API, req *Request, d *Decision) Cause {
	if f == nil {
		return UnknownKey
	}
	switch d.Code {
	case NotFound:
		return ForeignKey
	case Revoked:
		return f.revokedBy()
	case Expired:
		if f.ExpiresAt != 0 && now >= f.ExpiresAt {
			return KeyExpired
		}
		return OverlapOver
	case Paused:
		return KeyPaused
	case Suspended:
		return f.suspendedBy(now, grantAt(f.Reach, api.ID))
	case ForbiddenIP:
		return either(req.IP.IsValid(), AddressElsewhere, AddressUntold)
	case ForbiddenOrigin:
		return either(req.Origin != "", OriginElsewhere, OriginUntold)
	case WrongEnvironment:
		asked := req.Environment
		if asked == 0 {
			asked = Live
		}
		return either(asked == Any || asked == f.Environment, EnvironmentAbsent, EnvironmentOther)
	case WrongAPI:
		return f.barred(api)
	case InsufficientScope:
		return f.lacks(req, d)
	case QuotaExceeded:
		return d.quotaCause()
	case RateLimited:
		return f.rateCause(d)
	}
	return 0
}

func either(first bool, yes, no Cause) Cause {
	if first {
		return yes
	}
	return no
}

func (f *Facts) revokedBy() Cause {
	switch {
	case f.RevokedAt != 0:
		return KeyRevoked
	case f.App.Deleted:
		return AppDeleted
	case f.App.Org.Deleted:
		return OrganizationDeleted
	}
	return PersonDeleted
}

// suspendedBy names the suspension that lasts longest: only its end ends the refusal. Of equals the first one counts.
func (f *Facts) suspendedBy(now int64, grant *Grant) Cause {
	org, access := f.App.Org, int64(0)
	if grant != nil && grant.Access.State == AccessSuspended {
		access = grant.Access.until()
	}
	cause, longest := GrantSuspended, now
	for _, s := range [...]struct {
		until int64
		cause Cause
	}{
		{f.extra().SuspendedUntil, KeySuspended},
		{f.App.SuspendedUntil, AppSuspended},
		{org.SuspendedUntil, OrganizationSuspended},
		{org.UserSuspendedUntil, PersonSuspended},
		{access, GrantSuspended},
	} {
		if s.until > longest {
			cause, longest = s.cause, s.until
		}
	}
	return cause
}

// until is when a suspended access may be used again.
func (a *Access) until() int64 {
	if a.SuspendedUntil == 0 {
		return Forever
	}
	return a.SuspendedUntil
}

func (f *Facts) barred(api *API) Cause {
	grant := grantAt(f.Reach, api.ID)
	switch {
	case grant == nil:
		return NoAccess
	case grant.Access.State == AccessEnded:
		return AccessOver
	case api.Domain != "" && f.Reach.Domain != api.Domain:
		return DomainOther
	}
	return VersionRetired
}

func (f *Facts) lacks(req *Request, d *Decision) Cause {
	switch {
	case len(d.Grant.Scopes) == 0 && !req.Bare:
		return NothingGranted
	case slices.Contains(req.Scopes, d.Missing) && d.Missing != "":
		return ScopeMissing
	case d.Rule != nil:
		return RouteScopeMissing
	case !isMethod(req.Method):
		return MethodMalformed
	}
	return RouteUndeclared
}

func (d *Decision) quotaCause() Cause {
	switch {
	case d.TooCostly:
		return QuotaTooSmall
	case d.Quotas.Elsewhere:
		return QuotaHeld
	case d.ByDay:
		return DayUsedUp
	}
	return MonthUsedUp
}

func (f *Facts) rateCause(d *Decision) Cause {
	if d.TooCostly {
		return RateTooSmall
	}
	plan, own := d.Grant.Access.Limit, f.extra().Limit
	if !own.None() && (plan.None() || own.Capacity() == d.Rate.Limit && plan.Capacity() != d.Rate.Limit) {
		return KeyRate
	}
	return PlanRate
}
