package refusal

import (
	"context"
	"net/netip"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Question is a call that somebody thinks of.
type Question struct {
	Key         db.ID
	API         db.ID
	Environment keyring.Environment // 0: that of the key
	Scopes      []string            // that the asker names
	Method      string              // with Path; both may be empty
	Path        keyring.Path
	Address     netip.Addr
	Origin      string
	At          time.Time
	Everything  bool // any key: for staff with staff:keys:read
}

// Answer is what would become of it.
type Answer struct {
	keyring.Explanation
	Key     key.Detail
	APISlug string
	Facts   bool // false: verification does not know the key (any more)
	// NoRoute is set where the question names neither route nor scope and the API has rules: a gateway that asks so is refused before any key is judged.
	NoRoute bool
	Behind  Behind
}

// Ask answers whether the call would be allowed, by the function that verification decides by, of the facts as they stand in the database and the limits as
// they are used at present. Nothing is charged or counted. Faults: NotFound for a key that the actor may not see, and for an API that is none or that the actor must not know of; Forbidden
// for Everything without the permission.
func (s *Store) Ask(ctx context.Context, a actor.Actor, q Question) (answer Answer, err error) {
	if q.Everything {
		answer.Key, err = s.keys.GetAny(ctx, a, q.Key)
	} else {
		answer.Key, err = s.keys.Get(ctx, a, q.Key)
	}
	if err != nil {
		return answer, err
	}
	if err := s.mayKnow(ctx, a, q, answer.Key.AppID); err != nil {
		return answer, err
	}
	loader := s.keys.Loader()
	facts, err := loader.LoadByID(ctx, q.Key)
	if err != nil {
		return answer, err
	}
	api, err := loader.LoadAPI(ctx, q.API)
	if err != nil {
		return answer, err
	}
	if _, err := keyring.NewCatalogue([]*keyring.API{api}); err != nil { // compiles it
		return answer, err
	}
	if q.Environment == 0 {
		q.Environment, _ = keyring.ParseEnvironment(answer.Key.Environment)
	}
	request := keyring.Request{
		Environment: q.Environment, IP: q.Address, Origin: q.Origin, Scopes: q.Scopes, Method: q.Method, Path: q.Path, Cost: 1, CostByRoute: true,
	}
	quotas, err := s.used(ctx, facts, api)
	if err != nil {
		return answer, err
	}
	answer.Explanation = keyring.Explain(ctx, quotas.now, q.At, facts, api, &request, keyring.Limits{Rates: s.rates, Quotas: quotas})
	answer.APISlug, answer.Facts = api.Slug, facts != nil
	answer.NoRoute = q.Method == "" && len(q.Scopes) == 0 && (api.RefuseUndeclared || len(api.Rules) > 0)
	answer.Behind, err = s.Behind(ctx, answer.Key, q.API, answer.Cause, q.Everything)
	return answer, err
}

// mayKnow fails with NotFound for an API that the actor must not know of, as for none.
func (s *Store) mayKnow(ctx context.Context, a actor.Actor, q Question, app db.ID) error {
	if q.Everything {
		return nil
	}
	var n int64
	err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM apis x WHERE x.id = ? AND "+knownToApp, append(append([]any{q.API}, catalog.VisibleArgs(a)...), app)...).Row().Scan(&n)
	if err == nil && n == 0 {
		err = fault.Missing()
	}
	return err
}

// used are the quotas of an app as all processes have stored them, within the last second or two.
type used struct {
	now            time.Time
	OfMonth, OfDay int64
}

func (s *Store) used(ctx context.Context, f *keyring.Facts, api *keyring.API) (u used, err error) {
	if u.now = s.db.Now(); f == nil {
		return u, nil
	}
	month, _ := keyring.Month(u.now)
	day, _ := keyring.Day(u.now)
	app, at, environment := db.ID(f.App.ID), db.ID(api.ID), f.Environment.String()
	err = s.db.Read(ctx).Raw(`SELECT
		COALESCE((SELECT used FROM quota_counters WHERE app_id = ? AND api_id = ? AND environment = ? AND period_start = ?), 0) AS of_month,
		COALESCE((SELECT used FROM quota_days WHERE app_id = ? AND api_id = ? AND environment = ? AND day = ?), 0) AS of_day`,
		app, at, environment, month, app, at, environment, day).Row().Scan(&u.OfMonth, &u.OfDay)
	return u, err
}

// Take implements keyring.Quotas: it tells what is left, and takes nothing.
func (u used) Take(_ time.Time, _ ratelimit.Key, limits keyring.QuotaLimits, _ int) keyring.QuotaState {
	_, nextMonth := keyring.Month(u.now)
	_, nextDay := keyring.Day(u.now)
	return keyring.QuotaState{
		Month: keyring.Quota{Limit: limits.Month, Remaining: max(0, limits.Month-u.OfMonth), ResetsAt: nextMonth.UnixNano()},
		Day:   keyring.Quota{Limit: limits.Day, Remaining: max(0, limits.Day-u.OfDay), ResetsAt: nextDay.UnixNano()},
	}
}

// Return implements keyring.Quotas.
func (used) Return(time.Time, ratelimit.Key, int) {}
