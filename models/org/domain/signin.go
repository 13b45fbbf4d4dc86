package domain

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Provider is one of the settings, with the domains that the operator lists for it by name. One that speaks for all domains is nobody's own: who left a company keeps
// their account there.
type Provider struct {
	Name    string
	Label   string
	Domains []string
}

const (
	providerSets   = 10 // of an organization in providerWindow: each writes to all who manage it (L7). Ending a rule is never held up
	providerWindow = 24 * time.Hour
)

// LandRoles are the roles as which people who must sign in by a provider join.
var LandRoles = []string{permission.Developer, permission.Viewer}

// ProvidersFor are the providers by which an organization may have the people of its domain sign in.
func (s *Store) ProvidersFor(d Domain) (all []Provider) {
	for _, p := range s.providers {
		if slices.Contains(p.Domains, d.Name) {
			all = append(all, p)
		}
	}
	return all
}

// ProviderOf is the provider by which people with an address at a domain must sign in now; not ok: by any means, also because the settings don't offer it for the domain.
func (s *Store) ProviderOf(d Domain) (Provider, bool) {
	if !d.Proven() || d.Provider == "" {
		return Provider{}, false
	}
	for _, p := range s.ProvidersFor(d) {
		if p.Name == d.Provider {
			return p, true
		}
	}
	return Provider{}, false
}

// Binding is account.BindingOf: by which provider people with an address must sign in.
func (s *Store) Binding(q *gorm.DB, address string, hold bool) (account.Binding, bool, error) {
	if hold && s.db.Dialect == db.Postgres { // whoever changes the rule waits, and then ends the session that begins now; SQLite has one writer at a time
		if err := q.Exec("SELECT 1 FROM domains WHERE name = ? AND proven_at IS NOT NULL FOR SHARE", domainOf(address)).Error; err != nil {
			return account.Binding{}, false, err
		}
	}
	d, ok, err := of(q, address)
	if err != nil || !ok {
		return account.Binding{}, false, err
	}
	p, ok := s.ProviderOf(d)
	return account.Binding{Domain: d.Name, OrganizationID: d.OrganizationID, Provider: p.Name, Label: p.Label}, ok, nil
}

// SetProvider says by which provider people with an address at a domain must sign in, and as what they join by that; "": by any means. Their sessions end, but the
// actor's own, and owners and admins are mailed. One owner at least keeps a way in without the provider. Whoever calls has asked for a fresh proof (A14). Faults: NotFound,
// Forbidden below owner, Invalid about "provider" and "join_role", Conflict for a domain that is not proven and when no owner would keep a way in, RateLimited.
func (s *Store) SetProvider(ctx context.Context, a actor.Actor, organizationID, id db.ID, provider, role string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		d, err := provenOne(tx, a, organizationID, id)
		if err != nil {
			return err
		}
		from := d
		if d.Provider, d.ProviderAwayAt = provider, nil; provider == "" {
			return s.unbind(tx, a, from)
		}
		p, offered := s.ProviderOf(d)
		var wrong fault.Problems
		wrong.Check(offered, "provider", "Choose a provider of the list.")
		wrong.Check(slices.Contains(LandRoles, role), "join_role", "Choose a role of the list.")
		if err := wrong.Err(); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE domains SET provider = ?, join_role = ?, provider_away_at = NULL WHERE id = ?", provider, role, id); err != nil {
			return err
		}
		if err := wayStays(tx, organizationID); err != nil {
			return err
		}
		record(tx, a, audit.DomainProviderSet, d, map[string]string{"from": from.Provider, "to": provider, "role": role})
		if from.Provider == provider && from.ProviderAwayAt == nil {
			return nil
		}
		if ok, err := account.TakeTx(tx, "domain providers of "+organizationID.String(), providerSets, providerWindow); err != nil || !ok {
			if err == nil {
				err = fault.Later(providerWindow, "This was changed often today, and each time all owners and admins get a mail. Wait a day.")
			}
			return err
		}
		if err := account.EndSessionsAt(tx, d.Name, a.SessionID); err != nil {
			return err
		}
		return s.tell(tx, d, outbox.Letter{
			Kind: "domain_provider", Subject: outbox.L("People of your domain now sign in by a provider"),
			Lines: []outbox.Line{
				outbox.L("Everybody with an address at %v signs in by %s from now on, and joins your organization by that. Whoever was signed in was signed out.", d.Name, p.Label),
				outbox.L("Owners who have a second factor can still sign in without it: by their password and the factor, or by a passkey."),
			},
		})
	})
}

// unbind lets people sign in by any means again.
func (s *Store) unbind(tx *db.Tx, a actor.Actor, d Domain) error {
	if d.Provider == "" {
		return nil
	}
	if _, err := tx.Run("UPDATE domains SET provider = '', provider_away_at = NULL WHERE id = ?", d.ID); err != nil {
		return err
	}
	record(tx, a, audit.DomainProviderSet, d, map[string]string{"from": d.Provider, "to": ""})
	return s.tell(tx, d, outbox.Letter{
		Kind: "domain_provider_ended", Subject: outbox.L("People of your domain sign in by any means again"),
		Lines: []outbox.Line{
			outbox.L("Nobody with an address at %v has to sign in by a provider any more.", d.Name),
			outbox.L("Who has no password chooses one by “I forgot my password”."),
		},
	})
}

// wayStays refuses a rule after which no owner of the organization could get in without the provider. Faults: Conflict.
func wayStays(tx *db.Tx, organizationID db.ID) error {
	n, err := account.OwnWays(tx.DB, organizationID, db.ID{})
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "No owner could get in while the provider is away. Add a second factor to your account first: with it, owners can always sign in by their password or a passkey.")
	}
	return err
}

// LandBy makes a user who signs in by the provider of their domain a member of the organization that has it, as part of the caller's transaction; it does nothing for
// all others, for members, for who was removed before, and where the organization is full.
func (s *Store) LandBy(tx *db.Tx, a actor.Actor, userID db.ID, provider string) error {
	var addresses []string
	if err := tx.Raw("SELECT email FROM users WHERE id = ? AND deleted_at IS NULL", userID).Scan(&addresses).Error; err != nil || len(addresses) == 0 {
		return err
	}
	if b, ok, err := s.Binding(tx.DB, addresses[0], false); err != nil || !ok || b.Provider != provider {
		return err
	}
	_, _, err := Land(tx, a, userID)
	if fault.Is(err, fault.Conflict) { // they sign in all the same
		err = nil
	}
	return err
}

// NoteProviders notes which providers came and went with the settings that the program starts with, before it lets anybody in: one that was away for a moment was away.
func (s *Store) NoteProviders(ctx context.Context) error { return s.watchProviders(ctx) }

// watchProviders notes which providers of domains the settings don't offer any more, or do again, and tells owners and admins. Nobody is bound to one that is not there; of
// one that is back, the sessions that began meanwhile end.
func (s *Store) watchProviders(ctx context.Context) error {
	var all []Domain
	if err := s.db.Read(ctx).Raw(proven + "AND d.provider <> ''").Scan(&all).Error; err != nil {
		return err
	}
	for _, d := range all {
		if _, here := s.ProviderOf(d); here != (d.ProviderAwayAt == nil) {
			if err := s.noteProvider(ctx, d.OrganizationID, d.ID); err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
	}
	return nil
}

func (s *Store) noteProvider(ctx context.Context, organizationID, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		d, err := one(tx.DB, organizationID, id)
		if err != nil || d.Provider == "" {
			return err
		}
		_, here := s.ProviderOf(d)
		if here {
			n, err := tx.Run("UPDATE domains SET provider_away_at = NULL WHERE id = ? AND provider_away_at IS NOT NULL", id)
			if err != nil || n == 0 {
				return err
			}
			record(tx, actor.ForSystem(), audit.DomainProviderBack, d, map[string]string{"provider": d.Provider})
			if err := account.EndSessionsAt(tx, d.Name, db.ID{}); err != nil {
				return err
			}
			return s.tell(tx, d, outbox.Letter{
				Kind: "domain_provider_back", Subject: outbox.L("The provider of your domain is back"),
				Lines: []outbox.Line{outbox.L("The portal offers the provider for %v again: everybody with an address there signs in by it. Whoever was signed in was signed out.", d.Name)},
			})
		}
		n, err := tx.Run("UPDATE domains SET provider_away_at = ? WHERE id = ? AND provider_away_at IS NULL", tx.Now, id)
		if err != nil || n == 0 {
			return err
		}
		record(tx, actor.ForSystem(), audit.DomainProviderAway, d, map[string]string{"provider": d.Provider})
		return s.tell(tx, d, outbox.Letter{
			Kind: "domain_provider_away", Subject: outbox.L("The provider of your domain is not offered any more"),
			Lines: []outbox.Line{
				outbox.L("The portal’s settings don’t offer the provider for %v any more. Until they do, everybody with an address there signs in by any means.", d.Name),
				outbox.L("Who has no password chooses one by “I forgot my password”."),
			},
		})
	})
}
