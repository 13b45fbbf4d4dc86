package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
	"github.com/gatehouse-dev/gatehouse/models/staff"
)

const (
	companyName = "Northwind"
	portalName  = "Northwind Developers"
)

func (p person) email() string { return p.handle + "@" + p.domain }

// plotPeople lets everybody join, and the companies be founded.
func (f *filler) plotPeople() {
	f.happens(f.at(people[0].joined, 8), "set-up", f.setUp)
	for _, p := range people[1:] {
		f.happens(f.at(p.joined, 8.2), "join "+p.handle, func(ctx context.Context) error { return f.join(ctx, p) })
	}
	for _, c := range companies {
		f.happens(f.at(c.made, 9), "found "+c.handle, func(ctx context.Context) error { return f.found(ctx, c) })
	}
	colleagues := []member{{"jonas", permission.Admin}, {"priya", permission.Admin}, {"sofia", permission.Viewer}, {"tomas", permission.Viewer}, {"ingrid", permission.Viewer}}
	for _, m := range colleagues {
		f.plotMember("northwind", m)
	}
	for _, c := range companies {
		for _, m := range c.members {
			f.plotMember(c.handle, m)
		}
	}
	for _, p := range people {
		f.plotVisits(p)
	}
}

func (f *filler) setUp(ctx context.Context) error {
	first := people[0]
	code, err := f.staff.NewSetupCode(ctx)
	if err != nil {
		return err
	}
	u, err := f.staff.SetUp(ctx, actor.Actor{Address: addressOf(first.handle), RequestID: "req_demo00000"}, code, staff.Setup{
		Name: first.name, Email: first.email(), Password: Password, Company: companyName, Portal: portalName, Language: first.language, TimeZone: first.zone,
	})
	if err != nil {
		return err
	}
	f.users[first.handle] = u
	// Everybody has the same password: hashed once, and sealed for each, which takes no time.
	sealed, err := one[string](ctx, f.db, "SELECT password_sealed FROM users WHERE id = ?", u.ID)
	if err != nil {
		return err
	}
	if f.phc, err = f.sealer.Open(sealed, u.ID.String()); err != nil {
		return err
	}
	if f.companies["northwind"], err = one[db.ID](ctx, f.db, "SELECT id FROM organizations WHERE kind = 'company'"); err != nil {
		return err
	}
	return f.rememberPersonal(ctx, first.handle)
}

func (f *filler) rememberPersonal(ctx context.Context, handle string) error {
	id, err := one[db.ID](ctx, f.db, "SELECT id FROM organizations WHERE personal_user_id = ?", f.users[handle].ID)
	f.companies[handle] = id
	return err
}

func (f *filler) join(ctx context.Context, p person) error {
	err := f.db.Tx(ctx, func(tx *db.Tx) error {
		id := db.NewID()
		u, err := f.accounts.AddUser(tx, account.NewUser{
			ID: id, Email: p.email(), Name: p.name, Language: p.language, TimeZone: p.zone, PasswordSealed: f.sealer.Seal(f.phc, id.String()),
		})
		if err != nil {
			return err
		}
		f.users[p.handle] = u
		audit.Record(tx, f.as(p.handle), audit.Event{Act: audit.UserSignedUp, TargetKind: "user", TargetID: u.ID, Personal: map[string]string{"email": u.Email}})
		return nil
	})
	if err != nil {
		return err
	}
	if p.staff != "" {
		if err := f.accounts.SetStaffRole(ctx, f.as("mira"), f.users[p.handle].ID, p.staff); err != nil {
			return err
		}
		u := f.users[p.handle]
		u.StaffRole = p.staff
		f.users[p.handle] = u
	}
	return f.rememberPersonal(ctx, p.handle)
}

func (f *filler) found(ctx context.Context, c company) error {
	o, err := f.orgs.Create(ctx, f.as(c.owner), org.Input{Name: c.name, TechnicalEmail: c.technical})
	f.companies[c.handle] = o.ID
	return err
}

// plotMember lets somebody become a member on the day after they joined, or after the company was founded.
func (f *filler) plotMember(company string, m member) {
	joined := 0
	for _, p := range people {
		if p.handle == m.handle {
			joined = p.joined
		}
	}
	f.happens(f.at(joined, 9.5), "member "+m.handle, func(ctx context.Context) error {
		return f.db.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", f.companies[company], f.users[m.handle].ID, m.role, tx.Now)
			return err
		})
	})
}

// plotVisits lets somebody sign in: when they were here last, and some times before.
func (f *filler) plotVisits(p person) {
	last := f.now.Add(-time.Duration(20+hashOf("visit "+p.handle)%200) * time.Minute)
	if p.idle > 0 {
		last = f.at(p.idle, 7+float64(hashOf("visit "+p.handle)%10))
	}
	if joined := f.at(p.joined, 8.5); last.Before(joined) {
		last = joined
	}
	visits := []time.Time{last}
	for n := 1; n <= 2; n++ {
		if earlier := last.AddDate(0, 0, -3*n-int(hashOf(p.handle)%5)); earlier.After(f.at(p.joined, 9)) {
			visits = append(visits, earlier)
		}
	}
	for _, v := range visits {
		f.happens(v, "visit "+p.handle, func(ctx context.Context) error { return f.visit(ctx, p.handle) })
	}
	if hashOf("typo "+p.handle)%5 == 0 {
		f.happens(last.Add(-30*time.Second), "typo "+p.handle, func(ctx context.Context) error { return f.typo(ctx, p.handle) })
	}
}

func (f *filler) visit(ctx context.Context, handle string) error {
	return f.db.Tx(ctx, func(tx *db.Tx) error {
		id := f.users[handle].ID
		audit.Record(tx, f.as(handle), audit.Event{Act: audit.UserSignedIn, TargetKind: "user", TargetID: id})
		_, err := tx.Run("UPDATE users SET last_signed_in_at = ? WHERE id = ?", tx.Now, id)
		return err
	})
}

func (f *filler) typo(ctx context.Context, handle string) error {
	return f.db.Tx(ctx, func(tx *db.Tx) error {
		a := actor.Actor{Kind: actor.Anonymous, Address: addressOf(handle), RequestID: f.as(handle).RequestID}
		audit.Record(tx, a, audit.Event{Act: audit.UserSignInFailed, TargetKind: "user", TargetID: f.users[handle].ID, Result: audit.Refused})
		return nil
	})
}

// plotStaff lets staff set the portal and the policy, and stop what has to be stopped.
func (f *filler) plotStaff() {
	f.happens(f.at(199, 10), "portal", func(ctx context.Context) error {
		return f.staff.SetPortal(ctx, f.as("mira"), setting.Portal{Name: portalName, Footer: "Northwind is a made-up company: the demo of Gatehouse."})
	})
	f.happens(f.at(198, 10), "policy", func(ctx context.Context) error {
		return f.setPolicy(ctx, "mira", policy.Source{Kind: policy.Installation}, policy.Rules{DefaultDays: new(90), MaxDays: new(365), NeverAllowed: new(true), KeysPerApp: new(20)})
	})
	f.happens(f.at(60, 15), "policy", func(ctx context.Context) error {
		return f.setPolicy(ctx, "jonas", policy.Source{Kind: policy.Installation}, policy.Rules{DefaultDays: new(90), MaxDays: new(365), NeverAllowed: new(false), KeysPerApp: new(20)})
	})
	f.happens(f.at(14, 13), "suspend organization", func(ctx context.Context) error {
		return f.orgs.SuspendOrganization(ctx, f.as("mira"), f.companies["harbourview"], org.Suspension{Reason: "Invoices of three months are open. Write to accounts@northwind.example."})
	})
	f.happens(f.at(11, 13), "suspend app", func(ctx context.Context) error {
		return f.orgs.SuspendApp(ctx, f.as("jonas"), f.apps["labels"], org.Suspension{Reason: "The printer asks for the same label every second. Send us the fixed version.", Until: until(f.clock.now, 30)})
	})
	f.happens(f.at(10, 13), "suspend user", func(ctx context.Context) error {
		return f.accounts.Suspend(ctx, f.as("mira"), f.users["yuki"].ID, "Points were sold on an auction site.", nil)
	})
	for day := Days - 1; day >= 0; day-- {
		at := f.at(day, 6)
		if at.After(f.now) {
			at = f.now
		}
		f.happens(at, fmt.Sprintf("notices %d days ago", day), f.enforcement.Enforce)
		f.happens(at, fmt.Sprintf("digests %d days ago", day), f.notices.Run)
	}
}

// policyNotice is how many days of notice the company's admins give.
const policyNotice = 14

// setPolicy changes somebody's rules, with a notice where it hits keys.
func (f *filler) setPolicy(ctx context.Context, who string, of policy.Source, r policy.Rules) error {
	id, err := f.policies.Propose(ctx, f.as(who), of, r)
	if err != nil || id.IsZero() {
		return err
	}
	return f.policies.Confirm(ctx, f.as(who), id, policyNotice)
}

func until(now time.Time, days int) *time.Time {
	if days == 0 {
		return nil
	}
	end := now.AddDate(0, 0, days)
	return &end
}
