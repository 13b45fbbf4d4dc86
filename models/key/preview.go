package key

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// Ability is what a key can do: one that there is, or one that Create would make.
type Ability struct {
	Environment string
	Domain      string
	ExpiresAt   *time.Time
	Scopes      []Choice
	Bounds      Bounds
	Limits      []Limit          // of the plans
	Refused     *Refusal         // nil when nothing could be found
	Rules       policy.Effective // of a key that is not made yet
}

// Refusal is one call that the key is refused, as the judge of all calls says. Either Method and Path say which, or Scope does.
type Refusal struct {
	API, APIName, Method, Path, Scope string
	Address                           string // where it comes from, when that is why
	Environment                       string // which it is made in, when that is why
	Code                              keyring.Code
}

// Preview tells what a key would be able to do. It makes and changes nothing. A name is not asked for; what else is wrong with the wish is
// an Invalid fault beside an Ability that tells of the rest. Faults: NotFound, Forbidden, Conflict as for Create.
func (s *Store) Preview(ctx context.Context, a actor.Actor, r CreateRequest) (Ability, error) {
	g, now := s.db.Read(ctx), s.db.Now()
	app, err := appToMakeIn(g, now, a, r.AppID)
	if err != nil {
		return Ability{}, err
	}
	offered, err := choices(g, app.ID)
	if err != nil {
		return Ability{}, err
	}
	n, wrong := draft(g, now, r, app, offered)
	if wrong = withoutName(wrong); wrong != nil && !fault.Is(wrong, fault.Invalid) {
		return Ability{}, wrong
	}
	out := Ability{Environment: n.environment, Domain: n.domain, ExpiresAt: n.expiry.ExpiresAt, Scopes: n.scopes, Bounds: n.bounds, Rules: n.rules}
	if out.Limits, err = limitsAt(g, now, app.ID, apisOf(n.scopes), n.environment); err != nil {
		return Ability{}, err
	}
	if out.Refused, err = refusalOf(ctx, g, now, out, offered); err != nil {
		return Ability{}, err
	}
	return out, wrong
}

// withoutName leaves the problems of the name out: it does not matter for what a key can do.
func withoutName(err error) error {
	f := fault.As(err)
	if f == nil || f.Kind != fault.Invalid {
		return err
	}
	return fault.Problems(slices.DeleteFunc(slices.Clone(f.Problems), func(p fault.Problem) bool { return p.Field == "name" })).Err()
}

// Ability tells what a key that there is can do now. The caller has found it through Get or GetAny.
func (s *Store) Ability(ctx context.Context, d Detail) (Ability, error) {
	g, now := s.db.Read(ctx), s.db.Now()
	offered, err := choices(g, d.AppID)
	if err != nil {
		return Ability{}, err
	}
	out := Ability{Environment: d.Environment, Domain: d.DataDomain, ExpiresAt: d.EndsAt(), Bounds: d.Bounds, Limits: d.Limits}
	for _, one := range d.Grants {
		if i := slices.IndexFunc(offered, func(c Choice) bool { return c.ScopeID == one.ScopeID }); i >= 0 && one.Standing(now) == GrantHolds {
			out.Scopes = append(out.Scopes, offered[i])
		}
	}
	out.Refused, err = refusalOf(ctx, g, now, out, offered)
	return out, err
}

// refusalOf looks for one call that the key is refused, the most telling first: a route of its APIs whose scope it lacks, where something is
// changed before where something is read; a scope of its APIs; a route or scope of another API of the app; the other environment; a network. Each is put to
// keyring.Decide, which judges all calls, and counts only when that refuses it.
func refusalOf(ctx context.Context, g *gorm.DB, now time.Time, a Ability, offered []Choice) (*Refusal, error) {
	if len(offered) == 0 {
		return nil, nil
	}
	apis, err := loadAPIs(g, apisOf(offered))
	if err != nil {
		return nil, err
	}
	scopes, err := scopeNames(g, apisOf(offered))
	if err != nil {
		return nil, err
	}
	j := judge{ctx: ctx, now: now, apis: apis, names: apiNames(offered)}
	j.facts = a.facts(apis)
	j.request = a.request()
	for _, mine := range []bool{true, false} {
		for _, api := range apis {
			if slices.ContainsFunc(a.Scopes, func(c Choice) bool { return keyring.ID(c.APIID) == api.ID }) != mine {
				continue
			}
			if err := api.Compile(); err != nil {
				return nil, err
			}
			if r := j.firstRefused(api, scopes[db.ID(api.ID)], mine); r != nil {
				return r, nil
			}
		}
	}
	return j.elsewhere(a), nil
}

type judge struct {
	ctx     context.Context //nolint:containedctx // for the length of one call
	now     time.Time
	apis    []*keyring.API
	names   map[keyring.ID]string
	facts   *keyring.Facts
	request keyring.Request // one that comes from where the key may be used
}

func apiNames(offered []Choice) map[keyring.ID]string {
	out := map[keyring.ID]string{}
	for _, c := range offered {
		out[keyring.ID(c.APIID)] = c.APIName
	}
	return out
}

// changing puts what changes something before what reads.
var changing = []string{"DELETE", "POST", "PUT", "PATCH", "GET"}

func (j judge) firstRefused(api *keyring.API, scopes []string, mine bool) *Refusal {
	rules := slices.Clone(api.Rules)
	slices.SortStableFunc(rules, func(a, b keyring.Rule) int { return rank(a.Method) - rank(b.Method) })
	for _, rule := range rules {
		path, err := keyring.Canonical(rule.Template)
		if err != nil || rule.Retired || rule.Scope == "" {
			continue
		}
		if code := j.code(api, func(r *keyring.Request) { r.Method, r.Path = rule.Method, path }); refusedFor(code, mine) {
			return &Refusal{API: api.Slug, APIName: j.names[api.ID], Method: rule.Method, Path: rule.Template, Scope: rule.Scope, Code: code}
		}
	}
	for _, scope := range scopes {
		if code := j.code(api, func(r *keyring.Request) { r.Scopes = []string{scope} }); refusedFor(code, mine) {
			return &Refusal{API: api.Slug, APIName: j.names[api.ID], Scope: scope, Code: code}
		}
	}
	return nil
}

// refusedFor reports whether the code is what an example should show: a missing scope at the key's own APIs, no access at others.
func refusedFor(code keyring.Code, mine bool) bool {
	return mine && code == keyring.InsufficientScope || !mine && (code == keyring.WrongAPI || code == keyring.NotFound)
}

func rank(method string) int {
	if i := slices.Index(changing, method); i >= 0 {
		return i
	}
	return len(changing)
}

// code asks the judge; nothing is counted.
func (j judge) code(api *keyring.API, alter func(*keyring.Request)) keyring.Code {
	r := j.request
	alter(&r)
	return keyring.Decide(j.ctx, j.now, j.facts, api, &r, keyring.Limits{}).Code
}

// elsewhere is a refusal of a key that may do all that there is: in the other environment, or from another network.
func (j judge) elsewhere(a Ability) *Refusal {
	for _, api := range j.apis {
		if !slices.ContainsFunc(a.Scopes, func(c Choice) bool { return keyring.ID(c.APIID) == api.ID }) {
			continue
		}
		if len(a.Bounds.Networks) > 0 {
			for _, text := range []string{"198.51.100.7", "203.0.113.7", "192.0.2.7", "2001:db8::7"} {
				if code := j.code(api, func(r *keyring.Request) { r.IP = netip.MustParseAddr(text) }); code == keyring.ForbiddenIP {
					return &Refusal{API: api.Slug, APIName: j.names[api.ID], Address: text, Code: code}
				}
			}
		}
		other := map[string]keyring.Environment{"live": keyring.Test, "test": keyring.Live}[a.Environment]
		if code := j.code(api, func(r *keyring.Request) { r.Environment = other }); other != 0 && code == keyring.WrongEnvironment {
			return &Refusal{API: api.Slug, APIName: j.names[api.ID], Environment: other.String(), Code: code}
		}
	}
	return nil
}

// facts are what verification would know of the key.
func (a Ability) facts(apis []*keyring.API) *keyring.Facts {
	extra := a.Bounds.extra()
	f := &keyring.Facts{App: &keyring.App{Org: &keyring.Org{}}, Reach: &keyring.Reach{Domain: a.Domain}, Extra: &extra}
	f.Environment, _ = keyring.ParseEnvironment(a.Environment)
	for _, api := range apis {
		var scopes []string
		for _, c := range a.Scopes {
			if keyring.ID(c.APIID) == api.ID {
				scopes = append(scopes, c.Scope)
			}
		}
		if len(scopes) > 0 {
			slices.Sort(scopes)
			f.Reach.Grants = append(f.Reach.Grants, keyring.Grant{Access: &keyring.Access{API: api.ID, Publisher: api.Publisher, State: keyring.AccessActive}, Scopes: scopes})
		}
	}
	return f
}

// request comes from where the key may be used, in its environment, so that the refusal is for what was asked.
func (a Ability) request() keyring.Request {
	r := keyring.Request{}
	r.Environment, _ = keyring.ParseEnvironment(a.Environment)
	if len(a.Bounds.Networks) > 0 {
		r.IP = a.Bounds.Networks[0].Addr()
	}
	if len(a.Bounds.Origins) > 0 {
		r.Origin = strings.Replace(a.Bounds.Origins[0], "://*.", "://www.", 1)
	}
	return r
}

// scopeNames reads the scopes of APIs that are not withdrawn, by name.
func scopeNames(g *gorm.DB, apis []db.ID) (map[db.ID][]string, error) {
	var rows []struct {
		APIID db.ID
		Name  string
	}
	out := map[db.ID][]string{}
	err := g.Raw("SELECT api_id, name FROM scopes WHERE api_id IN ? AND withdrawn_at IS NULL ORDER BY name DESC", apis).Scan(&rows).Error // write before read
	for _, r := range rows {
		out[r.APIID] = append(out[r.APIID], r.Name)
	}
	return out, err
}

// LastChoice is what the actor last granted to a key of an app.
type LastChoice struct {
	Name  string // of that key
	Pairs []Pair
}

// LastChoice reads what the actor's newest key of the app holds; no name when there is none. The app must be one that the caller has found through
// Places.
func (s *Store) LastChoice(ctx context.Context, a actor.Actor, appID db.ID) (LastChoice, error) {
	var rows []struct{ Name, API, Scope string }
	err := s.db.Read(ctx).Raw(`SELECT k.name, p.slug AS api, s.name AS scope FROM key_grants g JOIN keys k ON k.id = g.key_id JOIN scopes s ON s.id = g.scope_id JOIN apis p ON p.id = g.api_id
		WHERE k.id = (SELECT id FROM keys WHERE app_id = ? AND created_by = ? ORDER BY created_at DESC, id DESC LIMIT 1) ORDER BY p.slug, s.name`, appID, a.UserID).Scan(&rows).Error
	var out LastChoice
	for _, r := range rows {
		out.Name = r.Name
		out.Pairs = append(out.Pairs, Pair{r.API, r.Scope})
	}
	return out, err
}
