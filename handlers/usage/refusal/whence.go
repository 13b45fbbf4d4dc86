package refusal

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	views "github.com/gatehouse-dev/gatehouse/views/usage"
)

// Where the links of what is behind a refusal lead.
type place uint8

const (
	nowhere place = iota
	keyItself
	appItself
	apiItself
	apiRoutes // for staff; to others the API's page tells its routes
	keyRules  // what policies say
)

// origin is a sentence that needs no argument, and where its link leads.
type origin struct {
	words string
	at    place
}

// origins say of each cause what set the value that the check refused by. What needs more than a sentence is in whence.
var origins = map[keyring.Cause]origin{
	keyring.ForeignKey:            {text.N("A rule of this portal: whoever asks hears only of keys whose app has access to one of its APIs."), nowhere},
	keyring.KeyRevoked:            {text.N("The key itself: its page says who revoked it, and why."), keyItself},
	keyring.OverlapOver:           {text.N("The time that was chosen when the key was rotated."), keyItself},
	keyring.AppDeleted:            {text.N("The app: its keys ended with it."), nowhere},
	keyring.OrganizationDeleted:   {text.N("The organization: its keys ended with it."), nowhere},
	keyring.PersonDeleted:         {text.N("The account: its keys ended with it."), nowhere},
	keyring.KeySuspended:          {text.N("A suspension by the company, of this key alone."), keyItself},
	keyring.AppSuspended:          {text.N("A suspension by the company, of the app: it stops all of its keys."), appItself},
	keyring.OrganizationSuspended: {text.N("A suspension by the company, of the organization: it stops all of its keys."), keyItself},
	keyring.PersonSuspended:       {text.N("A suspension by the company, of the account: it stops all of its keys."), keyItself},
	keyring.GrantSuspended:        {text.N("A suspension by the company, of the app’s access to this API."), appItself},
	keyring.OriginUntold:          {text.N("The key’s own setting: the origins that it may be used from."), keyItself},
	keyring.OriginElsewhere:       {text.N("The key’s own setting: the origins that it may be used from."), keyItself},
	keyring.EnvironmentOther:      {text.N("The key’s environment, which was chosen when it was made."), keyItself},
	keyring.EnvironmentAbsent:     {text.N("The environments of the API."), apiItself},
	keyring.NoAccess:              {text.N("The scopes that were chosen for the key."), keyItself},
	keyring.AccessOver:            {text.N("The app’s access to the API."), appItself},
	keyring.DomainOther:           {text.N("The data domain of the API: a key never reaches two of them."), apiItself},
	keyring.VersionRetired:        {text.N("The API’s version, which its publisher retired."), apiItself},
	keyring.ScopeMissing:          {text.N("The question itself: whoever asked named the scope."), keyItself},
	keyring.MethodMalformed:       {text.N("A rule of HTTP: methods are told apart by capital letters."), nowhere},
	keyring.RouteUndeclared:       {text.N("A setting of the API: it refuses routes that it has not declared."), apiRoutes},
	keyring.KeyRate:               {text.N("The key’s own setting: the limit that it was given."), keyItself},
}

// whence tells what set the value by which the check refused: a plan, the app's access, the API's rule, a policy or the key's own setting, with a link where
// the reader may see it. Nil where there is nothing to tell, or not to this reader (D3).
func (s *situation) whence(ctx context.Context) *views.Remedy {
	found, known := origins[s.cause]
	switch s.cause {
	case keyring.RouteScopeMissing:
		return s.leading(ctx, text.T(ctx, "The API’s rule for the route %s.", s.seen.Route), apiRoutes)
	case keyring.KeyExpired:
		return s.lifetime(ctx)
	case keyring.KeyPaused:
		return s.pause(ctx)
	case keyring.AddressUntold, keyring.AddressElsewhere:
		return s.networks(ctx)
	case keyring.KeyRate:
		if s.own {
			return s.leading(ctx, s.allowing(ctx, text.T(ctx, found.words)), found.at)
		}
	case keyring.MonthUsedUp, keyring.DayUsedUp, keyring.QuotaHeld, keyring.QuotaTooSmall, keyring.PlanRate, keyring.RateTooSmall, keyring.NothingGranted:
		return s.plan(ctx)
	}
	if !known || !s.own && !ofAPI[s.cause] {
		return nil
	}
	return s.leading(ctx, text.T(ctx, found.words), found.at)
}

// ofAPI are the causes that lie with the API, which its publisher may know.
var ofAPI = map[keyring.Cause]bool{keyring.EnvironmentAbsent: true, keyring.VersionRetired: true, keyring.MethodMalformed: true, keyring.RouteUndeclared: true, keyring.ScopeMissing: true}

// leading is a sentence with the link of a place, as far as this reader has one.
func (s *situation) leading(ctx context.Context, words string, at place) *views.Remedy {
	r := &views.Remedy{Text: words}
	switch {
	case at == apiRoutes && s.root == admin && !s.apiID.IsZero():
		r.Label, r.Href = text.T(ctx, "See its routes"), admin+"/apis/"+s.apiID.Show(catalog.Prefix)+"/routes"
	case (at == apiItself || at == apiRoutes) && s.slug != "":
		r.Label, r.Href = text.T(ctx, "See the API"), s.apiHref()
	case !s.own:
	case at == keyItself && !s.keyID.IsZero():
		r.Label, r.Href = text.T(ctx, "Open the key"), s.root+"/keys/"+s.keyID.Show(key.IDPrefix)
	case at == appItself && !s.appID.IsZero():
		r.Label, r.Href = text.T(ctx, "Open the app"), appHref(s.root, s)
	case at == keyRules && s.root == admin:
		r.Label, r.Href = text.T(ctx, "See the policies"), admin+"/policy"
	case at == keyRules:
		r.Label, r.Href = text.T(ctx, "See the policies"), console+"/policies"
	}
	return r
}

func (s *situation) lifetime(ctx context.Context) *views.Remedy {
	switch p := s.behind.Policy; {
	case !s.own:
		return nil
	case p.Kind == "" || s.behind.Days == 0:
		return s.leading(ctx, text.T(ctx, "The end that the key was given."), keyItself)
	case p.Kind == policy.Installation:
		return s.leading(ctx, text.T(ctx, "The end that the key was given. This portal’s policy allows %d days at most.", s.behind.Days), keyRules)
	default:
		return s.leading(ctx, text.T(ctx, "The end that the key was given. The policy of %[1]s allows %[2]d days at most.", p.Label(), s.behind.Days), keyRules)
	}
}

func (s *situation) pause(ctx context.Context) *views.Remedy {
	p, days := s.behind.Policy, s.behind.Days
	whole, ruled := p.Kind == policy.Installation, p.Kind != ""
	switch paused := s.behind.Paused; {
	case !s.own:
		return nil
	case paused == key.PausedIdle && whole:
		return s.leading(ctx, text.T(ctx, "This portal’s policy: a key is paused when it is not used for %d days.", days), keyRules)
	case paused == key.PausedIdle && ruled:
		return s.leading(ctx, text.T(ctx, "The policy of %[1]s: a key is paused when it is not used for %[2]d days.", p.Label(), days), keyRules)
	case paused == key.PausedAge && whole:
		return s.leading(ctx, text.T(ctx, "This portal’s policy: a key is paused when it is not rotated after %d days.", days), keyRules)
	case paused == key.PausedAge && ruled:
		return s.leading(ctx, text.T(ctx, "The policy of %[1]s: a key is paused when it is not rotated after %[2]d days.", p.Label(), days), keyRules)
	case paused == key.PausedNetworks && whole:
		return s.leading(ctx, text.T(ctx, "This portal’s policy: a key is paused when it names no networks."), keyRules)
	case paused == key.PausedNetworks && ruled:
		return s.leading(ctx, text.T(ctx, "The policy of %s: a key is paused when it names no networks.", p.Label()), keyRules)
	case paused == key.PausedBulk:
		return s.leading(ctx, text.T(ctx, "The company, which paused it together with others."), keyItself)
	case paused == key.PausedLeak:
		return s.leading(ctx, text.T(ctx, "A report that its text was found where others can read it."), keyItself)
	}
	return s.leading(ctx, text.T(ctx, "The key’s own setting: its page says by whom it was paused."), keyItself)
}

func (s *situation) networks(ctx context.Context) *views.Remedy {
	switch p := s.behind.Policy; {
	case !s.own:
		return nil
	case p.Kind == "":
		return s.leading(ctx, text.T(ctx, "The key’s own setting: the networks that it may be used from."), keyItself)
	case p.Kind == policy.Installation:
		return s.leading(ctx, text.T(ctx, "The key’s own setting: the networks that it may be used from. This portal’s policy asks each key to name some."), keyItself)
	default:
		return s.leading(ctx, text.T(ctx, "The key’s own setting: the networks that it may be used from. The policy of %s asks each key to name some.", p.Label()), keyItself)
	}
}

// plan is behind limits and scopes; a publisher may know of it, but has no page of the app.
func (s *situation) plan(ctx context.Context) *views.Remedy {
	switch name := s.behind.Plan; {
	case !s.own:
		return nil
	case s.cause == keyring.NothingGranted:
		return s.leading(ctx, text.T(ctx, "The scopes that the app’s access to the API holds."), appItself)
	case name == "":
		return s.leading(ctx, s.allowing(ctx, text.T(ctx, "The plan of the app’s access to the API.")), appItself)
	case s.cause == keyring.RateTooSmall:
		return s.leading(ctx, text.T(ctx, "The plan of the app’s access to the API, %s, or the key’s own limit, whichever is less.", name), appItself)
	default:
		return s.leading(ctx, s.allowing(ctx, text.T(ctx, "The plan of the app’s access to the API: %s.", name)), appItself)
	}
}

// allowing is a sentence about a limit, and after it how much that is.
func (s *situation) allowing(ctx context.Context, words string) string {
	number := func(l *keyring.Left) string { return text.Number(ctx, l.Limit) }
	r := s.behind.Rate
	switch {
	case s.cause == keyring.MonthUsedUp && s.seen.Month != nil:
		return words + " " + text.T(ctx, "It allows %s calls a month.", number(s.seen.Month))
	case s.cause == keyring.DayUsedUp && s.seen.Day != nil:
		return words + " " + text.T(ctx, "It allows %s calls a day.", number(s.seen.Day))
	case s.cause != keyring.PlanRate && s.cause != keyring.KeyRate || r.Requests == 0:
		return words
	case r.Burst > 0:
		return words + " " + text.T(ctx, "It allows %[1]s, and %[2]s at once.", rateWords(ctx, r), text.Number(ctx, r.Burst))
	}
	return words + " " + text.T(ctx, "It allows %s.", rateWords(ctx, r))
}

func rateWords(ctx context.Context, r refusal.Rate) string {
	n := text.Number(ctx, r.Requests)
	switch r.Period {
	case 1:
		return text.T(ctx, "%s calls a second", n)
	case 60:
		return text.T(ctx, "%s calls a minute", n)
	case 3600:
		return text.T(ctx, "%s calls an hour", n)
	case 86400:
		return text.T(ctx, "%s calls a day", n)
	}
	return text.T(ctx, "%[1]s calls in %[2]s seconds", n, text.Number(ctx, r.Period))
}
