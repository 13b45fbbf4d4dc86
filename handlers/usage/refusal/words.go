package refusal

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	views "github.com/gatehouse-dev/gatehouse/views/usage"
)

var codeNames = map[string]string{
	"NOT_FOUND": text.N("Unknown key"), "REVOKED": text.N("Revoked"), "EXPIRED": text.N("Expired"), "PAUSED": text.N("Paused"), "SUSPENDED": text.N("Suspended"),
	"FORBIDDEN_IP": text.N("Network not allowed"), "FORBIDDEN_ORIGIN": text.N("Origin not allowed"), "WRONG_ENVIRONMENT": text.N("Wrong environment"),
	"WRONG_API": text.N("No access to the API"), "INSUFFICIENT_SCOPE": text.N("Scope missing"), "QUOTA_EXCEEDED": text.N("Quota used up"), "RATE_LIMITED": text.N("Rate limit"),
	"VALID": text.N("Let through"), "MISSING_KEY": text.N("No key"), "BAD_REQUEST": text.N("Not to be judged"), "GATEWAY_UNAUTHENTICATED": text.N("Gateway not known"),
	"UNAUTHENTICATED": text.N("Asker’s key not valid"), "FORBIDDEN": text.N("Asker may not verify keys"), "INVALID": text.N("Question not valid"), "KEY_IN_URL": text.N("Key in an address"),
	"UNAVAILABLE": text.N("Could not be judged"),
}

func codeWords(ctx context.Context, code string) string {
	if name, ok := codeNames[code]; ok {
		return text.T(ctx, name)
	}
	return code
}

// situation is a refusal that was, or would be, with what its reader may do about it.
type situation struct {
	code                  keyring.Code
	cause                 keyring.Cause
	seen                  keyring.Seen
	at                    time.Time
	address, origin, root string
	own                   bool // the reader is of the key's organization, or staff
	keyID, appID          db.ID
	slug                  string // of the API
	apiID                 db.ID
	manage, access        bool // may manage the key; may request access
	behind                refusal.Behind
}

// whys say what made the check refuse.
var whys = map[keyring.Cause]string{
	keyring.UnknownKey: text.N("No key of this text is known here."), keyring.ForeignKey: text.N("The key works, but its app has no access to any API of whoever asked. To them it is an unknown key."),
	keyring.AppDeleted: text.N("The app of the key was deleted."), keyring.OrganizationDeleted: text.N("The organization of the key was deleted."),
	keyring.PersonDeleted: text.N("The account of the person whose key it is was deleted."), keyring.KeyPaused: text.N("The key is paused."),
	keyring.KeySuspended: text.N("The company suspended the key."), keyring.AppSuspended: text.N("The company suspended the app of the key."),
	keyring.OrganizationSuspended: text.N("The company suspended the organization of the key."), keyring.PersonSuspended: text.N("The company suspended the account of the person whose key it is."),
	keyring.GrantSuspended: text.N("The company suspended the app’s access to this API."),
	keyring.AddressUntold:  text.N("The key is bound to networks, and whoever asked did not tell the caller’s address."),
	keyring.OriginUntold:   text.N("The key is bound to origins, and the call told none."), keyring.EnvironmentAbsent: text.N("The API has no such environment as the key is for."),
	keyring.NoAccess: text.N("The key has no scope of this API."), keyring.AccessOver: text.N("The app’s access to this API has ended, or the API was retired."),
	keyring.VersionRetired: text.N("The route belongs to a version of the API that was retired."),
	keyring.NothingGranted: text.N("No scope of the key at this API is left: each was withdrawn, or taken out of the app’s access."), keyring.MethodMalformed: text.N("The method is not written in capital letters."),
	keyring.RouteUndeclared: text.N("No declared route of the API fits method and path, and the API refuses what it has not declared."),
	keyring.MonthUsedUp:     text.N("The app’s calls of this month are used up."), keyring.DayUsedUp: text.N("The app’s calls of this day are used up."),
	keyring.QuotaHeld: text.N("What was left of the quota was held for other calls of that moment."), keyring.PlanRate: text.N("The app called more often than its plan allows."),
	keyring.KeyRate: text.N("The key was used more often than the limit of its own allows."),
}

func (s *situation) why(ctx context.Context) string {
	n := &s.seen
	switch s.cause {
	case 0:
		return "" // not told to this reader: the title says as much as the answer did
	case keyring.KeyRevoked:
		switch {
		case s.behind.RevokedBy != "":
			return text.T(ctx, "The key was revoked on %[1]s by %[2]s.", moment(ctx, n.RevokedAt), s.behind.RevokedBy)
		case s.behind.RevokedByStaff:
			return text.T(ctx, "The key was revoked on %s by the portal’s staff.", moment(ctx, n.RevokedAt))
		}
		return text.T(ctx, "The key was revoked on %s.", moment(ctx, n.RevokedAt))
	case keyring.KeyExpired:
		return text.T(ctx, "The key ended on %s.", moment(ctx, n.EndsAt))
	case keyring.OverlapOver:
		return text.T(ctx, "The key was rotated, and the time in which the old one still worked ended on %s.", moment(ctx, n.EndsAt))
	case keyring.AddressElsewhere:
		return text.T(ctx, "The call came from %s, which is in none of the networks that the key is bound to.", s.address)
	case keyring.OriginElsewhere:
		return text.T(ctx, "The call came from the origin %s, which is none of those that the key is bound to.", s.origin)
	case keyring.EnvironmentOther:
		return text.T(ctx, "The key is for the environment %[1]s, and %[2]s was asked for.", environment(ctx, n.Environment), otherEnvironment(ctx, n.Environment))
	case keyring.DomainOther:
		return text.T(ctx, "The key and the API belong to different data domains.")
	case keyring.ScopeMissing, keyring.RouteScopeMissing:
		if n.Missing == "" {
			break
		}
		if s.cause == keyring.RouteScopeMissing {
			return text.T(ctx, "The route %[1]s needs the scope %[2]s, which the key does not have.", n.Route, n.Missing)
		}
		return text.T(ctx, "Whoever asked wants the scope %s, which the key does not have.", n.Missing)
	case keyring.QuotaTooSmall, keyring.RateTooSmall:
		return text.T(ctx, "The call costs %s, which is more than the limit holds when nothing is used.", text.Number(ctx, n.Cost))
	}
	return text.T(ctx, whys[s.cause])
}

func environmentWord(ctx context.Context, name string) string {
	if name == "test" {
		return text.T(ctx, "Test")
	}
	return text.T(ctx, "Live")
}

// otherEnvironment is the one of the two that name is not.
func otherEnvironment(ctx context.Context, name string) string {
	if name == "test" {
		return text.T(ctx, "Live")
	}
	return text.T(ctx, "Test")
}

func environment(ctx context.Context, name string) string {
	if name == "" {
		return "–"
	}
	return environmentWord(ctx, name)
}

// remedies are what would make the call pass, with links to where this reader can do it.
func (s *situation) remedies(ctx context.Context) []views.Remedy {
	keyPage := s.root + "/keys/" + s.keyID.Show(key.IDPrefix)
	at := func(words, label, href string) views.Remedy {
		if !s.own || s.root == console && href == "" {
			return views.Remedy{Text: words}
		}
		return views.Remedy{Text: words, Label: label, Href: href}
	}
	managed := func(words, label, href string) views.Remedy {
		switch {
		case s.root == admin:
			return at(words, text.T(ctx, "Open the key"), keyPage)
		case s.manage:
			return at(words, label, href)
		}
		return at(text.T(ctx, "%s Who made the key, or an admin of its organization, can do that.", words), text.T(ctx, "Open the key"), keyPage)
	}
	if !s.own {
		return []views.Remedy{{Text: s.forPublisher(ctx)}}
	}
	switch s.cause {
	case keyring.UnknownKey:
		return []views.Remedy{at(text.T(ctx, "Send the whole text of a key that was made here, with nothing before or after it."), text.T(ctx, "See all keys"), s.root+"/keys")}
	case keyring.ForeignKey, keyring.NoAccess, keyring.AccessOver, keyring.NothingGranted, keyring.ScopeMissing, keyring.RouteScopeMissing:
		return s.getScope(ctx, at)
	case keyring.KeyRevoked, keyring.KeyExpired, keyring.AppDeleted, keyring.OrganizationDeleted, keyring.PersonDeleted:
		return []views.Remedy{s.anew(ctx, text.T(ctx, "This key never works again. Create a new one, and use its text."), at)}
	case keyring.OverlapOver:
		return []views.Remedy{at(text.T(ctx, "Use the key that took its place."), text.T(ctx, "Open the key"), keyPage)}
	case keyring.KeyPaused:
		return []views.Remedy{managed(text.T(ctx, "Resume the key."), text.T(ctx, "Open the key"), keyPage)}
	case keyring.AddressElsewhere:
		return []views.Remedy{managed(text.T(ctx, "Call from one of its networks, or add this one to the key."), text.T(ctx, "Change its networks"), keyPage+"/limits")}
	case keyring.AddressUntold:
		return []views.Remedy{at(text.T(ctx, "Have the gateway tell the caller’s address: X-Forwarded-For, or the field ip of verify."), text.T(ctx, "Read about it"), web.ErrorsPage+"#FORBIDDEN_IP")}
	case keyring.OriginElsewhere, keyring.OriginUntold:
		return []views.Remedy{managed(text.T(ctx, "Call from a page of one of its origins, or add this one to the key."), text.T(ctx, "Change its origins"), keyPage+"/limits")}
	case keyring.EnvironmentOther, keyring.EnvironmentAbsent:
		return s.environmentRemedies(ctx, at)
	case keyring.DomainOther:
		return []views.Remedy{s.anew(ctx, text.T(ctx, "Create a key that has scopes of this API alone."), at)}
	case keyring.VersionRetired, keyring.RouteUndeclared, keyring.MethodMalformed:
		return []views.Remedy{at(text.T(ctx, "Call a route that the API declares, in a version that is not retired."), text.T(ctx, "See the API"), s.apiHref())}
	case keyring.KeyRate:
		return append(s.wait(ctx), managed(text.T(ctx, "Or raise the key’s own limit."), text.T(ctx, "Change its limit"), keyPage+"/limits"))
	case keyring.MonthUsedUp, keyring.DayUsedUp, keyring.PlanRate, keyring.QuotaHeld:
		return append(s.wait(ctx), at(text.T(ctx, "Or choose a plan that allows more."), text.T(ctx, "See the app’s plans"), appHref(s.root, s)))
	case keyring.QuotaTooSmall, keyring.RateTooSmall:
		return []views.Remedy{at(text.T(ctx, "Choose a plan that allows more, or raise the key’s own limit."), text.T(ctx, "See the app’s plans"), appHref(s.root, s))}
	}
	return s.suspended(ctx, at, keyPage)
}

// forPublisher is for who published the API, and has no say over the key (D3).
func (s *situation) forPublisher(ctx context.Context) string {
	switch s.cause {
	case keyring.AddressUntold, keyring.OriginUntold:
		return text.T(ctx, "Have your gateway tell the caller’s address and origin.")
	case keyring.RouteUndeclared, keyring.VersionRetired, keyring.MethodMalformed:
		return text.T(ctx, "The caller must call a route that your API declares; or declare this one.")
	case keyring.MonthUsedUp, keyring.DayUsedUp, keyring.PlanRate, keyring.KeyRate, keyring.QuotaHeld:
		return text.T(ctx, "The caller must wait, or get a plan that allows more.")
	case keyring.UnknownKey:
		return text.T(ctx, "The caller must send a key that was made here and has scopes of your API.")
	}
	return text.T(ctx, "Whoever holds the key can see the reason in the portal, by the same request ID.")
}

type link func(words, label, href string) views.Remedy

func (s *situation) getScope(ctx context.Context, at link) []views.Remedy {
	words := text.T(ctx, "Have the app’s access hold the scope, then create a key with it.")
	switch {
	case s.root == admin:
		return []views.Remedy{at(words, text.T(ctx, "Open the app"), appHref(s.root, s))}
	case s.slug == "":
		return []views.Remedy{at(text.T(ctx, "Request access to the API that you called, then create a key with its scopes."), text.T(ctx, "See all APIs"), "/apis")}
	case !s.access:
		words = text.T(ctx, "Ask an admin of the organization to request the scope for the app, then create a key with it.")
	}
	ask := at(words, text.T(ctx, "See the API"), s.apiHref())
	if s.access && !s.appID.IsZero() {
		ask = at(words, text.T(ctx, "Request access"), s.apiHref()+"/request?app="+s.appID.Show(org.AppPrefix))
	}
	return []views.Remedy{ask, s.anew(ctx, text.T(ctx, "Does the app’s access hold it already? Then create a key with it."), at)}
}

func (s *situation) apiHref() string {
	if s.slug == "" {
		return "/apis"
	}
	return "/apis/" + s.slug
}

// anew leads to a new key of the app, for who may make one there.
func (s *situation) anew(ctx context.Context, words string, at link) views.Remedy {
	if s.root == admin {
		return views.Remedy{Text: words}
	}
	return at(words, text.T(ctx, "Create a key"), s.newKey(s.seen.Environment))
}

// environmentRemedies are for a key of another environment: where that is, or a key of this one.
func (s *situation) environmentRemedies(ctx context.Context, at link) (all []views.Remedy) {
	other := s.seen.Environment
	if s.cause == keyring.EnvironmentOther {
		other = map[string]string{"live": "test", "test": "live"}[other]
	}
	if s.behind.Address != "" {
		all = append(all, views.Remedy{Text: text.T(ctx, "With this key, call %[1]s: there the API is in the environment %[2]s.", s.behind.Address, environment(ctx, s.seen.Environment))})
	}
	words := text.T(ctx, "Use a key of the other environment.")
	if s.root == admin {
		return append(all, views.Remedy{Text: words})
	}
	return append(all, at(words, text.T(ctx, "Create a key"), s.newKey(other)))
}

// newKey is the form of a key of the same app, in an environment, with what the old one holds and what it lacked.
func (s *situation) newKey(environment string) string {
	if s.appID.IsZero() {
		return s.root + "/keys/new"
	}
	q := url.Values{"app": {s.appID.Show(org.AppPrefix)}}
	if environment == "live" || environment == "test" {
		q.Set("environment", environment)
	}
	q["grants"] = s.grants()
	return s.root + "/keys/new?" + q.Encode()
}

// grants are the scopes of a new key: those of the old one, and what the call needed at its API. Where the old one's are of another data domain, the latter
// alone.
func (s *situation) grants() (all []string) {
	if s.cause != keyring.DomainOther {
		all = append(all, s.behind.Holds...)
	}
	for _, scope := range s.seen.Needed {
		if one := s.slug + "/" + scope; s.slug != "" && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

func (s *situation) wait(ctx context.Context) []views.Remedy {
	if s.seen.RetryAfter <= 0 {
		return []views.Remedy{{Text: text.T(ctx, "Wait, and call less often.")}}
	}
	if wait := int((time.Duration(s.seen.RetryAfter) + time.Second - 1) / time.Second); wait < 3600 {
		words := text.T(ctx, "Wait %d seconds.", wait)
		if wait == 1 {
			words = text.T(ctx, "Wait 1 second.")
		}
		return []views.Remedy{{Text: words}}
	}
	return []views.Remedy{{Text: text.T(ctx, "Wait until %s.", text.DateTime(ctx, s.at.Add(time.Duration(s.seen.RetryAfter)+time.Second-1)))}}
}

func (s *situation) suspended(ctx context.Context, at link, keyPage string) []views.Remedy {
	until := s.seen.SuspendedUntil
	if until != 0 && until != keyring.Forever {
		return []views.Remedy{at(text.T(ctx, "It ends by itself on %s.", moment(ctx, until)), text.T(ctx, "Open the key"), keyPage)}
	}
	return []views.Remedy{at(text.T(ctx, "Only the company can lift it. The key’s page says why."), text.T(ctx, "Open the key"), keyPage)}
}

// checkNames are what each check asks.
var checkNames = map[keyring.Code]string{
	keyring.NotFound: text.N("Is the key known?"), keyring.Revoked: text.N("Is it not revoked?"), keyring.Expired: text.N("Has it not ended?"), keyring.Paused: text.N("Is it not paused?"),
	keyring.Suspended: text.N("Is nothing suspended?"), keyring.ForbiddenIP: text.N("Is the network allowed?"), keyring.ForbiddenOrigin: text.N("Is the origin allowed?"),
	keyring.WrongEnvironment: text.N("Is it the right environment?"), keyring.WrongAPI: text.N("Has it access to the API?"), keyring.InsufficientScope: text.N("Has it the scope of the route?"),
	keyring.QuotaExceeded: text.N("Is the quota not used up?"), keyring.RateLimited: text.N("Is the rate kept?"),
}
