package domain_test

import (
	"context"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
)

func TestWhoHasAVerifiedAddressJoinsIfTheOwnersSaySo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.proven("example.com")
		_, before, err := w.store.Joinable(t.Context(), w.vera)
		w.ok(err)
		_, refused := w.store.Join(t.Context(), w.vera, w.North)
		w.ok(w.store.SetJoinRole(t.Context(), w.Owner, w.North, d.ID, "developer"))
		w.want("a role that is not to be had", w.store.SetJoinRole(t.Context(), w.Owner, w.North, d.ID, "admin"), fault.Invalid)
		_, elsewhere := w.store.Join(t.Context(), w.vera, w.Contoso)
		none := w.role(w.vera, w.North)

		offer, open, err := w.store.Joinable(t.Context(), w.vera)
		w.ok(err)
		var wait sync.WaitGroup
		errs := make([]error, 20)
		for i := range errs {
			wait.Go(func() { _, errs[i] = w.store.Join(context.Background(), w.vera, w.North) })
		}
		wait.Wait()

		joined := 0
		for _, err := range errs {
			if err == nil {
				joined++
			} else {
				w.want("again", err, fault.NotFound)
			}
		}
		w.want("before the owners say so", refused, fault.NotFound)
		w.want("elsewhere", elsewhere, fault.NotFound)
		if before || none != "" || !open || offer.ID != w.North || offer.Name != "Northwind" || offer.Role != "developer" || joined != 1 || w.role(w.vera, w.North) != "developer" {
			t.Error(before, none, open, offer, joined)
		}
	})
}

// Z7, Z8
func TestNobodyElseJoins(t *testing.T) {
	ends := map[string]func(w *world, d domain.Domain){
		"address not verified": func(w *world, _ domain.Domain) {
			w.run("UPDATE users SET email_verified_at = NULL WHERE id = ?", w.vera.UserID)
		},
		"of a sub-domain": func(w *world, _ domain.Domain) {
			w.run("UPDATE users SET email = 'vera@mail.example.com' WHERE id = ?", w.vera.UserID)
		},
		"of a longer name": func(w *world, _ domain.Domain) {
			w.run("UPDATE users SET email = 'vera@badexample.com' WHERE id = ?", w.vera.UserID)
		},
		"suspended": func(w *world, _ domain.Domain) {
			w.ok(w.Org.SuspendOrganization(context.Background(), w.Staff, w.North, org.Suspension{Reason: "x"}))
		},
		"deleted": func(w *world, _ domain.Domain) {
			w.ok(w.Org.Delete(context.Background(), w.Owner, w.North, "Northwind"))
		},
		"removed before": func(w *world, _ domain.Domain) {
			w.run("INSERT INTO domain_barred (organization_id, user_id, created_at) VALUES (?, ?, '2026-01-01')", w.North, w.vera.UserID)
		},
		"domain removed": func(w *world, d domain.Domain) {
			_, err := w.store.Remove(context.Background(), w.Owner, w.North, d.ID)
			w.ok(err)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				d := w.proven("example.com")
				w.ok(w.store.SetJoinRole(t.Context(), w.Owner, w.North, d.ID, "viewer"))
				end(w, d)

				_, open, err := w.store.Joinable(t.Context(), w.vera)
				_, joined := w.store.Join(t.Context(), w.vera, w.North)

				w.want("join", joined, fault.NotFound)
				if err != nil || open || w.role(w.vera, w.North) != "" {
					t.Error(err, open)
				}
			})
		})
	}
}

func (w *world) run(query string, args ...any) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run(query, args...)
		return err
	})
}

func TestTheDomainOfADeletedOrganizationCanBeProvenByAnother(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.proven("example.com")
		theirs := w.claim(w.Other, w.Contoso, "example.com")
		w.publish(theirs)
		_, taken := w.store.Check(t.Context(), w.Other, w.Contoso, theirs.ID)
		w.ok(w.Org.Delete(t.Context(), w.Owner, w.North, "Northwind"))

		nobody := w.of("a@example.com")
		_, err := w.store.Check(t.Context(), w.Other, w.Contoso, theirs.ID)

		w.want("while it is another's", taken, fault.Conflict)
		if err != nil || nobody != (db.ID{}) || w.of("a@example.com") != w.Contoso {
			t.Error(err, nobody)
		}
	})
}
