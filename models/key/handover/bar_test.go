package handover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
)

// shares has somebody share the app with Contoso, which accepts it.
func (w *world) shares(a actor.Actor) share.Share {
	w.t.Helper()
	store := share.NewStore(share.Options{DB: w.DB, Outbox: w.box, Link: func(p string) string { return "https://portal.example" + p }})
	s, err := store.Offer(context.Background(), a, w.Shop, share.Input{
		Receiver: w.Contoso.Show(org.Prefix), Rights: []actor.Right{actor.RotateAll}, Reason: "They look after it", EndsOn: w.clock.Now().AddDate(0, 0, 30).Format(share.DayLayout),
	})
	w.ok(err)
	_, err = store.Accept(context.Background(), w.Other, s.ID)
	w.ok(err)
	return s
}

// Z7, K6: who goes keeps no way to keys by an organization of their own, with which they may have shared them before; and the others are told what is shared.
func TestWhoGoesReachesNothingByAShare(t *testing.T) {
	for name, c := range map[string]struct {
		role  string
		goes  func(w *world) error
		opens bool
		told  int
	}{
		"an admin is removed":    {"admin", func(w *world) error { return w.store.Remove(w.t.Context(), w.Owner, w.North, w.admin.UserID) }, false, 1},
		"an admin leaves":        {"admin", func(w *world) error { return w.store.Leave(w.t.Context(), w.admin, w.North) }, false, 1},
		"a developer is removed": {"developer", func(w *world) error { return w.store.Remove(w.t.Context(), w.Owner, w.North, w.admin.UserID) }, false, 0},
		"a developer leaves":     {"developer", func(w *world) error { return w.store.Leave(w.t.Context(), w.admin, w.North) }, true, 0}, // who could not share it
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.Join(w.Contoso, w.admin, "admin")
				w.make(w.developer, "Deploy")
				s := w.shares(w.admin)
				w.exec("UPDATE members SET role = ? WHERE organization_id = ? AND user_id = ?", c.role, w.North, w.admin.UserID)

				w.ok(c.goes(w))

				_, err := w.keys.Shared(t.Context(), w.admin, s.ID)
				_, others := w.keys.Shared(t.Context(), w.Other, s.ID)
				if (err == nil) != c.opens || others != nil {
					t.Error(err, others)
				}
				if mails := w.mails("shares_remain"); len(mails) != c.told || c.told > 0 && (!strings.Contains(mails[0], "nora.north@") || !strings.Contains(mails[0], "Shop")) {
					t.Error(mails)
				}
			})
		})
	}
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
