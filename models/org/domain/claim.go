package domain

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

const tokenBytes = 24

func record(tx *db.Tx, a actor.Actor, act audit.Act, d Domain, details map[string]string) {
	if details == nil {
		details = map[string]string{}
	}
	details["domain"] = d.Name
	audit.Record(tx, a, audit.Event{Act: act, TargetKind: "domain", TargetID: d.ID, OrganizationID: d.OrganizationID, Details: details})
}

// managing locks an organization whose domains the actor may manage. Faults: NotFound, Forbidden.
func managing(tx *db.Tx, a actor.Actor, organizationID db.ID) error {
	if _, err := org.Require(tx.DB, a, organizationID, permission.DomainsManage); err != nil {
		return err
	}
	return org.LockMembers(tx, organizationID)
}

// Claim notes that an organization says a domain to be its own, which gives nothing until it is proven. Who claims it already gets that claim. Faults:
// NotFound, Forbidden below owner, Invalid about "domain", Conflict for a personal organization and at MaxDomains.
func (s *Store) Claim(ctx context.Context, a actor.Actor, organizationID db.ID, name string) (Domain, error) {
	var out Domain
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := managing(tx, a, organizationID); err != nil {
			return err
		}
		name, err := Canonical(name)
		if err != nil {
			return err
		}
		o, err := org.ByID(tx.DB, organizationID)
		if err != nil {
			return err
		}
		if o.Kind == org.Personal {
			return fault.New(fault.Conflict, "This is a personal organization, which has one member. Create an organization to work together.")
		}
		all, err := list(tx.DB, organizationID)
		if err != nil {
			return err
		}
		for _, d := range all {
			if d.Name == name {
				out = d
				return nil
			}
		}
		if len(all) >= MaxDomains {
			return fault.New(fault.Conflict, "This organization has %d domains, which is the most that one can have.", len(all))
		}
		out = Domain{ID: db.NewID(), OrganizationID: organizationID, Name: name, Token: secret.Token(tokenBytes), CreatedAt: tx.Now}
		if _, err := tx.Run("INSERT INTO domains (id, organization_id, name, token, created_at) VALUES (?, ?, ?, ?, ?)", out.ID, organizationID, name, out.Token, tx.Now); err != nil {
			return err
		}
		record(tx, a, audit.DomainClaimed, out, nil)
		return nil
	})
	return out, err
}

// Remove ends a claim and what its proof gave; members stay, and owners and admins are mailed what stops with it. Whoever calls has asked for a fresh proof (A14): it ends
// the rule by which people sign in. Faults: NotFound, Forbidden below owner.
func (s *Store) Remove(ctx context.Context, a actor.Actor, organizationID, id db.ID) (Domain, error) {
	var out Domain
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := managing(tx, a, organizationID); err != nil {
			return err
		}
		var err error
		if out, err = one(tx.DB, organizationID, id); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM domains WHERE id = ?", id); err != nil {
			return err
		}
		record(tx, a, audit.DomainRemoved, out, nil)
		return s.tellRemoved(tx, a, out)
	})
	return out, err
}

// Check asks DNS for the record now, and notes what it found: a claim whose record is there is proven. Faults: NotFound, Forbidden below owner,
// Conflict when another organization has proven the domain, RateLimited.
func (s *Store) Check(ctx context.Context, a actor.Actor, organizationID, id db.ID) (Domain, error) {
	var d Domain
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := org.Require(tx.DB, a, organizationID, permission.DomainsManage); err != nil {
			return err
		}
		ok, err := account.TakeTx(tx, "domain checks of "+organizationID.String(), maxChecks, window)
		if err != nil {
			return err
		}
		if !ok {
			return fault.Later(window, "Those were many checks in a short time. Try again in an hour; DNS takes its time to tell what changed.")
		}
		d, err = one(tx.DB, organizationID, id)
		return err
	})
	if err != nil {
		return d, err
	}
	return s.note(ctx, a, d, s.dns.look(ctx, d))
}

// note writes down what DNS said of a claim, as it was when DNS was asked.
func (s *Store) note(ctx context.Context, a actor.Actor, asked Domain, f Finding) (Domain, error) {
	var d Domain
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if tx.Home.Dialect == db.Postgres { // all who claim it: of two who prove it at once one gets it
			if err := tx.Exec("SELECT 1 FROM domains WHERE name = ? ORDER BY id FOR UPDATE", asked.Name).Error; err != nil {
				return err
			}
		}
		var err error
		if d, err = one(tx.DB, asked.OrganizationID, asked.ID); err != nil {
			return err
		}
		d.CheckedAt, d.Finding = &tx.Now, f
		switch {
		case f == Found && !d.Proven():
			err = s.prove(tx, a, &d)
		case f == Found:
			d.MissingSince = nil
		case d.Proven():
			err = s.miss(tx, &d)
		}
		if err != nil {
			return err
		}
		_, err = tx.Run("UPDATE domains SET proven_at = ?, checked_at = ?, finding = ?, missing_since = ?, lost_at = ?, join_role = ?, provider = ?, provider_away_at = ? WHERE id = ?",
			d.ProvenAt, d.CheckedAt, d.Finding, d.MissingSince, d.LostAt, d.JoinRole, d.Provider, d.ProviderAwayAt, d.ID)
		return err
	})
	return d, err
}

// prove gives the domain to the claim's organization, unless another one has it that still is. Faults: Conflict.
func (s *Store) prove(tx *db.Tx, a actor.Actor, d *Domain) error {
	held, taken, err := of(tx.DB, "x@"+d.Name)
	if err != nil {
		return err
	}
	if taken && held.ID != d.ID {
		return fault.New(fault.Conflict, "Another organization has proven this domain. Its owners have to remove it there first.")
	}
	// Of an organization that is deleted: it gets the domain back by proving it again.
	if _, err := tx.Run("UPDATE domains SET proven_at = NULL, lost_at = ?, missing_since = NULL, join_role = '', provider = '', provider_away_at = NULL WHERE name = ? AND proven_at IS NOT NULL AND id <> ?", tx.Now, d.Name, d.ID); err != nil {
		return err
	}
	d.ProvenAt, d.MissingSince, d.LostAt = &tx.Now, nil, nil
	record(tx, a, audit.DomainProven, *d, nil)
	return nil
}

// miss counts the days without the record, tells the owners at the first, and ends the proof when they are over.
func (s *Store) miss(tx *db.Tx, d *Domain) error {
	if d.MissingSince == nil {
		d.MissingSince = &tx.Now
		name, _ := d.Record()
		return s.tell(tx, *d, outbox.Letter{
			Kind: "domain_missing", Subject: outbox.L("A domain’s DNS record is missing"),
			Lines: []outbox.Line{
				outbox.L("The TXT record %v was not found.", name),
				outbox.L("Put it back by %s, or the domain is not your organization’s any more.", d.EndsAt().UTC().Format(time.DateOnly)),
			},
		})
	}
	if tx.Now.Before(d.EndsAt()) {
		return nil
	}
	d.ProvenAt, d.MissingSince, d.LostAt, d.JoinRole, d.Provider, d.ProviderAwayAt = nil, nil, &tx.Now, "", "", nil
	record(tx, actor.ForSystem(), audit.DomainLost, *d, nil)
	return s.tellLost(tx, *d)
}

const (
	batch = 200 // domains that one run looks for
	many  = 8   // at once
)

// Recheck looks for the records of proven domains that were not looked for within Again, and whether the settings still offer the providers of domains. It is a job.
func (s *Store) Recheck(ctx context.Context) error {
	if err := s.watchProviders(ctx); err != nil {
		return err
	}
	var due []Domain
	if err := s.db.Read(ctx).Raw(proven+"AND d.checked_at <= ? ORDER BY d.checked_at LIMIT ?", s.db.Now().Add(-Again), batch).Scan(&due).Error; err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(many)
	for _, d := range due {
		g.Go(func() error {
			_, err := s.note(ctx, actor.ForSystem(), d, s.dns.look(ctx, d))
			if fault.Is(err, fault.NotFound) { // removed meanwhile
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return errors.Join(errors.New("domains are not all looked for"), err)
	}
	return ctx.Err()
}
