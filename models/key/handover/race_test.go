package handover_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/enforcement"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// waits returns once so many transactions wait for locks; where there is one writer it returns at once.
func (w *world) waits(n int) {
	w.t.Helper()
	for w.DB.Dialect == db.Postgres && w.count("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") < n {
		if err := w.t.Context().Err(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// holding runs body while a transaction holds what the query locks; where there is one writer that is nothing.
func (w *world) holding(query string, arg any, body func()) {
	w.t.Helper()
	if w.DB.Dialect != db.Postgres {
		body()
		return
	}
	held, free, done := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		done <- w.DB.Tx(context.Background(), func(tx *db.Tx) error {
			if err := tx.Exec(query, arg).Error; err != nil {
				return err
			}
			close(held)
			<-free
			return nil
		})
	}()
	select {
	case <-held:
	case err := <-done:
		w.t.Fatal(err)
	}
	body()
	close(free)
	w.ok(<-done)
}

// sec4b F5 (Z2, K2): a developer of the source who rotates a key while its app is moved gets no key of the target.
func TestNobodyOfTheSourceRotatesAKeyThatMovesMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		k := w.make(w.developer, "Deploy").Key
		moved, rotated := make(chan error, 1), make(chan error, 1)
		w.holding("SELECT 1 FROM apps WHERE id = ? FOR UPDATE", w.Shop, func() {
			go func() {
				_, err := w.store.Move(context.Background(), w.admin, w.Shop, w.Contoso)
				moved <- err
			}()
			w.waits(1)
			if w.DB.Dialect != db.Postgres {
				moved <- <-moved
			}
			go func() {
				_, err := w.keys.Rotate(context.Background(), w.developer, k.ID, key.RotateRequest{Token: w.keys.NewFormToken(w.developer, key.RotatePurpose(k.ID)), Expiry: key.Expiry{Days: 30}})
				rotated <- err
			}()
			w.waits(2)
		})

		w.ok(<-moved)
		w.expect("rotated by the source", <-rotated, fault.NotFound)
		if n := w.count("SELECT COUNT(*) FROM keys WHERE app_id = ?", w.Shop); n != 1 {
			t.Error("keys:", n)
		}
	})
}

// sec4b F3 (K4): whoever takes an app out of a policy's reach for the hour of its day, and back, wins no time by it; nor by another organization's policy.
func TestStayingAwayOverTheDayWinsNoTime(t *testing.T) {
	for name, alsoStrict := range map[string]bool{"to one without a policy": false, "to one with a policy of its own": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.both()
				w.exec("UPDATE members SET role = 'owner' WHERE organization_id = ? AND user_id = ?", w.Contoso, w.admin.UserID)
				w.strict(w.Contoso)
				made, err := w.keys.Create(t.Context(), w.developer, key.CreateRequest{
					Token: w.keys.NewFormToken(w.developer, key.CreatePurpose()), AppID: w.Shop, Environment: "live", Name: "Long", Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Expiry: key.Expiry{Days: 365},
				})
				w.ok(err)
				if alsoStrict {
					w.exec("INSERT INTO key_policies (subject_kind, subject_id, networks, updated_at) VALUES ('organization', ?, ?, ?)", w.North, true, w.clock.Now())
				}
				held := enforcement.NewStore(w.DB, w.keys)
				move := func(to db.ID) {
					t.Helper()
					_, err := w.store.Move(t.Context(), w.admin, w.Shop, to)
					w.ok(err)
				}
				move(w.Contoso)
				w.clock.Advance(14*day - time.Hour)
				w.ok(held.Enforce(t.Context()))
				before := w.key(made.Key.ID)
				move(w.North)
				w.clock.Advance(2 * time.Hour)
				w.ok(held.Enforce(t.Context()))
				w.ok(held.Enforce(t.Context())) // what rests is looked at once
				move(w.Contoso)

				k := w.key(made.Key.ID)
				if before.PausedAt != nil || k.PausedAt == nil {
					t.Error(before.PausedAt, k.PausedAt)
				}
				if alsoStrict { // paused where it was on its day; its life waits until it is resumed
					return
				}
				if n := w.count("SELECT COUNT(*) FROM key_policy_dues"); n != 0 || k.ExpiresAt.Sub(k.CreatedAt) > 32*day {
					t.Error("dues:", n, k.ExpiresAt)
				}
			})
		})
	}
}

// sec4b F3: what is remembered of a day that came while the rule did not reach the key is forgotten in the end.
func TestADayThatRestsIsForgottenInTheEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		w.exec("UPDATE members SET role = 'owner' WHERE organization_id = ? AND user_id = ?", w.Contoso, w.admin.UserID)
		k := w.make(w.developer, "Deploy").Key
		w.strict(w.Contoso)
		held := enforcement.NewStore(w.DB, w.keys)
		for _, to := range []db.ID{w.Contoso, w.North} {
			_, err := w.store.Move(t.Context(), w.admin, w.Shop, to)
			w.ok(err)
		}
		told := w.count("SELECT COUNT(*) FROM key_policy_dues WHERE key_id = ?", k.ID)
		w.clock.Advance(15 * day)
		w.ok(held.Enforce(t.Context()))
		rests := w.count("SELECT COUNT(*) FROM key_policy_dues WHERE key_id = ? AND told = ?", k.ID, policy.DueRests)
		shown, err := w.keys.Countdowns(t.Context(), []key.Row{k})
		w.ok(err)
		w.clock.Advance(policy.DueRemembered)
		w.ok(held.Enforce(t.Context()))
		if left := w.count("SELECT COUNT(*) FROM key_policy_dues"); told == 0 || rests != told || len(shown) != 0 || left != 0 {
			t.Error(told, rests, shown, left)
		}
	})
}

// sec4b F13 (Z2): staff approve for the organization that they read of, and for no other that the app was moved to meanwhile.
func TestStaffApproveForTheOrganizationThatTheyReadOf(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		x := w.Request(w.Trusted, w.Read, w.Write)
		row, err := w.Catalog.RequestByID(t.Context(), w.Staff, x.ID)
		w.ok(err)
		in := catalog.Approval{ScopeIDs: []db.ID{w.Read, w.Write}, PlanID: w.Trusted, OrganizationID: row.OrganizationID}
		moved, approved := make(chan error, 1), make(chan error, 1)
		w.holding("SELECT 1 FROM apps WHERE id = ? FOR UPDATE", w.Shop, func() { // the move is first, the approval begins before it is done
			go func() {
				_, err := w.store.Move(context.Background(), w.admin, w.Shop, w.Contoso)
				moved <- err
			}()
			w.waits(1)
			if w.DB.Dialect != db.Postgres {
				moved <- <-moved
			}
			go func() { approved <- w.Catalog.Approve(context.Background(), w.Staff, x.ID, in) }()
			w.waits(2)
		})

		w.ok(<-moved)
		w.expect("approved for the source", <-approved, fault.Conflict)
		if n := w.count("SELECT COUNT(*) FROM access WHERE id = ? AND state = 'requested'", x.ID); n != 1 {
			t.Error("it waits no more")
		}
		in.OrganizationID = w.Contoso
		w.ok(w.Catalog.Approve(t.Context(), w.Staff, x.ID, in))
	})
}

// sec4b F11 (K4): of two staff who save two previews of one policy at once one is refused, and nothing that was saved is lost.
func TestOfTwoPreviewsOfOnePolicyOneIsSaved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ps, of := policy.NewStore(w.DB), policy.Source{Kind: policy.Organization, ID: w.North}
		w.ok(ps.Save(t.Context(), w.Staff, of, policy.Rules{MaxDays: new(300)}))
		w.make(w.developer, "Deploy")
		var previews []db.ID
		for _, r := range []policy.Rules{{MaxDays: new(300), Networks: new(true)}, {MaxDays: new(30)}} {
			id, err := ps.Propose(t.Context(), w.Staff, of, r)
			w.ok(err)
			previews = append(previews, id)
		}
		out := make([]chan error, 2)
		w.holding("SELECT 1 FROM key_policies WHERE subject_id = ? FOR UPDATE", w.North, func() {
			for i, id := range previews {
				out[i] = make(chan error, 1)
				go func() { out[i] <- ps.Confirm(context.Background(), w.Staff, id, 10) }()
				w.waits(i + 1)
				if w.DB.Dialect != db.Postgres {
					out[i] <- <-out[i]
				}
			}
		})

		w.ok(<-out[0])
		w.expect("the second", <-out[1], fault.Conflict)
		book, err := ps.Book(t.Context(), w.Staff)
		w.ok(err)
		if r := book.Of(of); r.Networks == nil || !*r.Networks {
			t.Error(r.Facts())
		}
	})
}
