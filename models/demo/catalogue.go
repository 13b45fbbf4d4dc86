package demo

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// shelved is an API in the catalogue, with the ids of what belongs to it by name.
type shelved struct {
	product
	id                      db.ID
	versions, scopes, plans map[string]db.ID
}

// plotCatalogue lets Priya's team publish the APIs, and change them later.
func (f *filler) plotCatalogue() {
	for _, p := range products {
		f.happens(f.at(p.made, 10), "publish "+p.Slug, func(ctx context.Context) error { return f.publish(ctx, p) })
	}
	f.happens(f.at(150, 11), "pilot plan", func(ctx context.Context) error {
		return f.apis.AddPlan(ctx, f.as("jonas"), f.products["orders"].id, catalog.PlanInput{Name: "Pilot", Summary: "For the first partners.", RateRequests: 100, RatePeriodSeconds: 60, Burst: 50})
	})
	f.happens(f.at(34, 11), "retire the pilot plan", func(ctx context.Context) error {
		pilot, err := one[db.ID](ctx, f.db, "SELECT id FROM plans WHERE api_id = ? AND name = 'Pilot'", f.products["orders"].id)
		if err != nil {
			return err
		}
		return f.apis.RetirePlan(ctx, f.as("jonas"), f.products["orders"].id, pilot, f.products["orders"].plans["Growth"])
	})
	f.happens(f.at(25, 11), "withdraw reviews:read", func(ctx context.Context) error {
		return f.apis.WithdrawScope(ctx, f.as("jonas"), f.products["catalogue"].id, f.products["catalogue"].scopes["reviews:read"])
	})
	f.happens(f.at(22, 14), "end date of v1", func(ctx context.Context) error {
		end := f.at(-90, 0)
		return f.apis.ChangeVersion(ctx, f.as("jonas"), f.products["orders"].id, f.products["orders"].versions["v1"], catalog.Deprecated, &end)
	})
}

func (f *filler) publish(ctx context.Context, p product) error {
	p.PublisherID = f.companies["northwind"]
	for _, name := range p.invited {
		p.InvitedIDs = append(p.InvitedIDs, f.companies[name])
	}
	api, err := f.apis.Create(ctx, f.as("jonas"), p.Input, p.versions[0])
	if err != nil {
		return err
	}
	s := &shelved{product: p, id: api.ID}
	f.products[p.Slug] = s
	for _, step := range []func(context.Context, *shelved) error{f.addVersions, f.addEnvironments, f.addScopes, f.addPresets, f.addPlans, f.addRules} {
		f.clock.now = f.clock.now.Add(time.Second)
		if err := step(ctx, s); err != nil {
			return err
		}
	}
	return f.connect(ctx, s)
}

func (f *filler) addVersions(ctx context.Context, s *shelved) error {
	for _, v := range s.product.versions[1:] {
		if err := f.apis.AddVersion(ctx, f.as("jonas"), s.id, v); err != nil {
			return err
		}
	}
	var err error
	s.versions, err = f.named(ctx, "SELECT id, name FROM api_versions WHERE api_id = ?", s.id)
	return err
}

func (f *filler) addEnvironments(ctx context.Context, s *shelved) error {
	for _, e := range s.environments {
		if err := f.apis.SetEnvironment(ctx, f.as("jonas"), s.id, e); err != nil {
			return err
		}
	}
	return f.apis.SetTerms(ctx, f.as("jonas"), s.id, s.terms)
}

func (f *filler) addScopes(ctx context.Context, s *shelved) error {
	for _, scope := range s.product.scopes {
		if err := f.apis.AddScope(ctx, f.as("jonas"), s.id, scope); err != nil {
			return err
		}
	}
	var err error
	s.scopes, err = f.named(ctx, "SELECT id, name FROM scopes WHERE api_id = ?", s.id)
	return err
}

func (f *filler) addPresets(ctx context.Context, s *shelved) error {
	for _, p := range s.presets {
		if err := f.apis.AddPreset(ctx, f.as("jonas"), s.id, catalog.PresetInput{Name: p.name, Purpose: p.purpose, ScopeIDs: s.scopeIDs(p.scopes)}); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) addPlans(ctx context.Context, s *shelved) error {
	for _, plan := range s.product.plans {
		if err := f.apis.AddPlan(ctx, f.as("jonas"), s.id, plan); err != nil {
			return err
		}
	}
	var err error
	s.plans, err = f.named(ctx, "SELECT id, name FROM plans WHERE api_id = ?", s.id)
	return err
}

func (f *filler) addRules(ctx context.Context, s *shelved) error {
	for _, r := range s.rules {
		if _, err := f.apis.AddRules(ctx, f.as("jonas"), s.id, s.versions[r.version], r.lines); err != nil {
			return err
		}
	}
	return nil
}

// named reads ids by name.
func (f *filler) named(ctx context.Context, query string, apiID db.ID) (map[string]db.ID, error) {
	var rows []struct {
		ID   db.ID
		Name string
	}
	if err := f.db.Read(ctx).Raw(query, apiID).Scan(&rows).Error; err != nil {
		return nil, err
	}
	out := map[string]db.ID{}
	for _, r := range rows {
		out[r.Name] = r.ID
	}
	return out, nil
}

// connect makes the gateway's key of an API.
func (f *filler) connect(ctx context.Context, s *shelved) error {
	a := f.as("jonas")
	gateway, err := f.keys.CreateGatewayKey(ctx, a, s.id, f.keys.NewFormToken(a, key.GatewayPurpose(s.id)))
	if err != nil {
		return err
	}
	f.made = append(f.made, &made{credential: credential{env: live, name: gateway.Key.Name}, id: gateway.Key.ID, at: f.clock.now})
	return nil
}
