package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// plotApps lets the companies make their apps and ask for access.
func (f *filler) plotApps() {
	for _, p := range programs {
		f.happens(f.at(p.made, 10), "app "+p.handle, func(ctx context.Context) error {
			app, err := f.orgs.CreateApp(ctx, f.as(p.by), f.companies[p.org], org.AppInput{Name: p.name, Description: p.description, HomepageURL: p.homepage})
			f.apps[p.handle] = app.ID
			return err
		})
	}
	for i, r := range requests {
		name := fmt.Sprintf("%s asks for %s", r.app, r.api)
		f.happens(f.at(r.asked, 11), name, func(ctx context.Context) error { return f.ask(ctx, i) })
		switch r.fate {
		case "approved":
			f.happens(f.at(r.asked-1, 9), name+": approve", func(ctx context.Context) error { return f.approve(ctx, i) })
		case "refused":
			f.happens(f.at(r.asked-1, 9), name+": refuse", func(ctx context.Context) error { return f.apis.Refuse(ctx, f.as(r.by), f.access[i], r.reason) })
		case "withdrawn":
			f.happens(f.at(r.asked-1, 9), name+": withdraw", func(ctx context.Context) error {
				return f.apis.Withdraw(ctx, f.as(ownerOf(r.app)), f.access[i])
			})
		}
		if r.later.what != "" {
			f.happens(f.at(r.later.ago, 15), name+": "+r.later.what, func(ctx context.Context) error { return f.stopAccess(ctx, i) })
		}
	}
}

// ownerOf is who made an app, who may ask for access too.
func ownerOf(app string) string {
	for _, p := range programs {
		if p.handle == app {
			return p.by
		}
	}
	return ""
}

func (f *filler) ask(ctx context.Context, i int) error {
	r := requests[i]
	s := f.products[r.api]
	x, err := f.apis.Request(ctx, f.as(ownerOf(r.app)), r.api, catalog.RequestInput{
		AppID: f.apps[r.app], PlanID: s.plans[r.plan], ScopeIDs: s.scopeIDs(r.scopes), Purpose: r.purpose, AgreesTerms: true,
	})
	f.access[i] = x.ID
	return err
}

func (s *shelved) scopeIDs(names string) []db.ID {
	var ids []db.ID
	for _, name := range strings.Fields(names) {
		ids = append(ids, s.scopes[name])
	}
	return ids
}

func (f *filler) approve(ctx context.Context, i int) error {
	r := requests[i]
	s := f.products[r.api]
	return f.apis.Approve(ctx, f.as(r.by), f.access[i], catalog.Approval{ScopeIDs: s.scopeIDs(r.scopes), PlanID: s.plans[r.plan]})
}

func (f *filler) stopAccess(ctx context.Context, i int) error {
	later := requests[i].later
	if later.what == "ended" {
		return f.apis.End(ctx, f.as(later.by), f.access[i], later.reason)
	}
	return f.apis.Suspend(ctx, f.as(later.by), f.access[i], org.Suspension{Reason: later.reason, Until: until(f.clock.now, later.days)})
}
