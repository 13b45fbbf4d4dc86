package handover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
)

// offers has somebody offer Contoso the app.
func (w *world) offers(a actor.Actor) share.Share {
	w.t.Helper()
	s, err := w.sharing().Offer(context.Background(), a, w.Shop, share.Input{
		Receiver: w.Contoso.Show(org.Prefix), Rights: []actor.Right{actor.RotateAll}, Reason: "They look after it", EndsOn: w.clock.Now().AddDate(0, 0, 30).Format(share.DayLayout),
	})
	w.ok(err)
	return s
}

// shares has somebody share the app with Contoso, which accepts it.
func (w *world) shares(a actor.Actor) share.Share {
	w.t.Helper()
	s := w.offers(a)
	_, err := w.sharing().Accept(context.Background(), w.Other, s.ID)
	w.ok(err)
	return s
}

func (w *world) sharing() *share.Store {
	return share.NewStore(share.Options{DB: w.DB, Outbox: w.box, Link: func(p string) string { return "https://portal.example" + p }})
}

// opened tells what a share opens to somebody: that a key is seen, that it is rotated, or nothing. Staff are told the same of them.
func (w *world) opened(a actor.Actor, s share.Share, keyID db.ID) string {
	w.t.Helper()
	ctx, out := context.Background(), "nothing"
	_, see := w.keys.Shared(ctx, a, s.ID)
	_, rotate := w.keys.SharedKey(ctx, a, s.ID, keyID)
	switch {
	case see == nil && rotate == nil:
		out = "rotates"
	case see == nil && fault.Is(rotate, fault.Forbidden):
		out = "sees"
	case !fault.Is(see, fault.NotFound) || !fault.Is(rotate, fault.NotFound):
		w.t.Error(see, rotate)
	}
	for right, has := range map[actor.Right]bool{actor.ReadKeys: out != "nothing", actor.RotateAll: out == "rotates"} {
		all, args := actor.SharedByAll(right, w.clock.Now())
		if n := w.count("SELECT COUNT(*) FROM "+all+" g WHERE g.user_id = ?", append(args, a.UserID)...); (n == 1) != has {
			w.t.Error("staff is told otherwise of", right, n, out)
		}
	}
	return out
}

// Z5, Z7, K6: who goes while the organization shares apps keeps no way to keys by another one, in which they are or will be, whatever their role was at the end: they may have shared them
// before. The others are told what is shared, once somebody goes or steps down who could share it.
func TestWhoGoesReachesNothingByAShare(t *testing.T) {
	lower := func(w *world, by actor.Actor, role string) {
		w.ok(w.Org.SetRole(w.t.Context(), by, w.North, w.admin.UserID, role))
	}
	leave := func(w *world) { w.ok(w.store.Leave(w.t.Context(), w.admin, w.North)) }
	remove := func(w *world) { w.ok(w.store.Remove(w.t.Context(), w.Owner, w.North, w.admin.UserID)) }
	for name, goes := range map[string]func(w *world){
		"an admin is removed":               remove,
		"an admin leaves":                   leave,
		"an admin steps down, then leaves":  func(w *world) { lower(w, w.admin, "viewer"); leave(w) },
		"an admin is lowered, then removed": func(w *world) { lower(w, w.Owner, "developer"); remove(w) },
		"an admin is invited again as viewer": func(w *world) {
			leave(w)
			w.exec("DELETE FROM domain_barred")
			w.Join(w.North, w.admin, "viewer")
			leave(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				made := w.make(w.developer, "Deploy").Key.ID
				s := w.offers(w.admin)

				goes(w)
				w.Join(w.Contoso, w.admin, "admin") // where they were not before, or nobody knew
				_, err := w.sharing().Accept(t.Context(), w.admin, s.ID)
				w.ok(err)

				if them, others := w.opened(w.admin, s, made), w.opened(w.Other, s, made); them != "nothing" || others != "rotates" {
					t.Error(them, others)
				}
				if mails := w.mails("shares_remain"); len(mails) != 1 || !strings.Contains(mails[0], "nora.north@") || !strings.Contains(mails[0], "Shop") {
					t.Error(mails)
				}
			})
		})
	}
}

// Z5, Z7, K6: who is a member of the lender, too, does by a share what their role there lets them, and no more; who never was one does what the share says. Lowering a role of
// somebody who could share apps tells the others, each of the others does not.
func TestAShareGivesNobodyBackWhatTheirRoleTook(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Join(w.Contoso, w.admin, "owner")
		agency := w.Person("Tia Agency", "")
		w.Join(w.Contoso, agency, "developer")
		made, s := w.make(w.developer, "Deploy").Key.ID, w.shares(w.admin)
		for _, step := range []struct {
			role, opens string
			told        int
		}{{"admin", "rotates", 0}, {"developer", "sees", 1}, {"viewer", "sees", 1}, {"admin", "rotates", 1}, {"viewer", "sees", 2}, {"owner", "rotates", 2}, {"admin", "rotates", 2}} {
			w.ok(w.Org.SetRole(t.Context(), w.Owner, w.North, w.admin.UserID, step.role))

			if got, told := w.opened(w.admin, s, made), len(w.mails("shares_remain")); got != step.opens || told != step.told {
				t.Errorf("%s: %s, %d letters", step.role, got, told)
			}
		}
		w.ok(w.Org.SetRole(t.Context(), w.Owner, w.North, w.admin.UserID, "viewer"))
		_, err := w.keys.RotateShared(t.Context(), w.admin, s.ID, made, key.RotateRequest{Token: w.keys.NewFormToken(w.admin, key.SharedRotatePurpose(s.ID, made))})
		w.expect("a viewer of the lender rotates by the share", err, fault.Forbidden)

		w.ok(w.store.Leave(t.Context(), w.developer, w.North))
		if got := w.opened(agency, s, made); got != "rotates" {
			t.Error("somebody of the receiver alone:", got)
		}
	})
}

// Z7, L7: who has nothing shared is barred from nothing by leaving; and roles that go up and down write no mail without end.
func TestLettersOfSharesEndAndNothingSharedBarsNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.ok(w.store.Leave(t.Context(), w.viewer, w.North))
		if n := w.count("SELECT COUNT(*) FROM domain_barred") + len(w.mails("shares_remain")); n != 0 {
			t.Error("barred, or told:", n)
		}
		w.shares(w.admin)
		for range 25 {
			for _, role := range []string{"viewer", "admin"} {
				w.ok(w.Org.SetRole(t.Context(), w.Owner, w.North, w.admin.UserID, role))
			}
		}
		if n := len(w.mails("shares_remain")); n != 20 {
			t.Error("letters:", n)
		}
	})
}

// Z7: whoever goes while they offer a share offers nothing: no share begins of which its maker was not barred.
func TestWhoGoesMeanwhileOffersNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		offered := make(chan error, 1)
		w.Tx(func(tx *db.Tx) error {
			if err := w.store.RemoveTx(tx, w.Owner, w.North, w.admin.UserID); err != nil {
				return err
			}
			go func() {
				_, err := w.sharing().Offer(context.Background(), w.admin, w.Shop, share.Input{
					Receiver: w.Contoso.Show(org.Prefix), Rights: []actor.Right{actor.RotateAll}, Reason: "For later", EndsOn: w.clock.Now().AddDate(0, 0, 30).Format(share.DayLayout),
				})
				offered <- err
			}()
			w.waits(1)
			return nil
		})

		w.expect("offered", <-offered, fault.NotFound)
		if n := w.count("SELECT COUNT(*) FROM app_shares"); n != 0 {
			t.Error("shares:", n)
		}
	})
}

// K6, Z7: an invitation from before is no way back.
func TestAnInvitationDoesNotOutliveAMembership(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		invitations := invitation.NewStore(invitation.Options{DB: w.DB, Outbox: w.box, Link: func(p string) string { return p }})
		ivo := w.Person("Ivo Invited", "")
		_, err := invitations.Invite(t.Context(), w.Owner, w.North, invitation.Input{Email: "ivo.invited@example.com", Role: "admin"})
		w.ok(err)
		_, err = invitations.Invite(t.Context(), w.Owner, w.North, invitation.Input{Email: "other@example.com", Role: "admin"})
		w.ok(err)
		w.Join(w.North, ivo, "viewer") // as the directory does

		w.ok(w.store.Remove(t.Context(), w.Owner, w.North, ivo.UserID))

		mine, err := invitations.Mine(t.Context(), ivo)
		if err != nil || len(mine) != 0 || w.count("SELECT COUNT(*) FROM invitations") != 1 || w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'invitation.revoked'") != 1 {
			t.Error(err, mine)
		}
		w.clock.Advance(time.Minute)
		again, err := invitations.Invite(t.Context(), w.Owner, w.North, invitation.Input{Email: "ivo.invited@example.com", Role: "viewer"})
		w.ok(err)
		_, err = invitations.Accept(t.Context(), ivo, again.ID)
		w.ok(err)
	})
}
