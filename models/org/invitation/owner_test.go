package invitation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// toldOwner are those who were told of a new owner, once each a mail.
func (w *world) toldOwner() []string {
	w.t.Helper()
	var all []string
	w.ok(w.DB.Read(w.t.Context()).Raw("SELECT recipient FROM mails WHERE kind = 'owner_added' ORDER BY recipient").Scan(&all).Error)
	return all
}

// A14, Z5: nobody becomes an owner unseen: the owners are told, also whoever made them one, whose session another may have.
func TestOwnersAreToldOfANewOne(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(w *world) error
		told bool
	}{
		"invited": {func(w *world) error {
			i := w.invite(w.Owner, verasAddress, "owner")
			if len(w.toldOwner()) != 0 {
				t.Error("an invitation made nobody an owner yet")
			}
			_, err := w.store.Accept(t.Context(), w.vera, i.ID)
			return err
		}, true},
		"role": {func(w *world) error {
			w.Join(w.North, w.vera, "viewer")
			return w.Org.SetRole(t.Context(), w.Owner, w.North, w.vera.UserID, "owner")
		}, true},
		"transfer": {func(w *world) error {
			w.Join(w.North, w.vera, "admin")
			return w.Org.Transfer(t.Context(), w.Owner, w.North, w.vera.UserID)
		}, true},
		"invited as admin": {func(w *world) error {
			_, err := w.store.Accept(t.Context(), w.vera, w.invite(w.Owner, verasAddress, "admin").ID)
			return err
		}, false},
		"role of an admin": {func(w *world) error {
			w.Join(w.North, w.vera, "viewer")
			return w.Org.SetRole(t.Context(), w.Owner, w.North, w.vera.UserID, "admin")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				second := w.Person("Otto Owner", "")
				w.Join(w.North, second, "owner")

				w.ok(c.act(w))

				want := []string{"nora.north@example.com", "otto.owner@example.com"} // neither Vera nor the admin
				if got := w.toldOwner(); c.told != slices.Equal(got, want) || !c.told && len(got) != 0 {
					t.Error(got)
				}
				if !c.told {
					return
				}
				var ids []db.ID
				w.ok(w.DB.Read(t.Context()).Raw("SELECT id FROM mails WHERE kind = 'owner_added' ORDER BY id").Scan(&ids).Error)
				_, l, err := w.Outbox.Read(t.Context(), w.DB, ids[0])
				w.ok(err)
				if got := strings.Join(l.Lines[0].Args, ","); got != "Vera View,"+verasAddress+",Northwind" {
					t.Error(got)
				}
			})
		})
	}
}

// L7: who makes and unmakes owners again and again writes no mail without end.
func TestNewOwnersWithoutEndAreNotTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Join(w.North, w.vera, "viewer")
		for range 22 {
			w.ok(w.Org.SetRole(t.Context(), w.Owner, w.North, w.vera.UserID, "owner"))
			w.ok(w.Org.SetRole(t.Context(), w.Owner, w.North, w.vera.UserID, "viewer"))
		}

		if n := len(w.toldOwner()); n != 20 {
			t.Error(n)
		}
	})
}

// Z2, Z8: an invitation is there for those who invite, and for nobody else.
func TestAnInvitationIsReadByWhoMayInvite(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.invite(w.Owner, verasAddress, "owner")
		w.Join(w.North, w.vera, "developer")

		got, err := w.store.Get(t.Context(), w.admin, w.North, i.ID)
		_, stranger := w.store.Get(t.Context(), w.Other, w.North, i.ID)
		_, elsewhere := w.store.Get(t.Context(), w.Other, w.Contoso, i.ID)
		_, developer := w.store.Get(t.Context(), w.vera, w.North, i.ID)

		if err != nil || got.Role != "owner" || got.Email != verasAddress {
			t.Error(err, got)
		}
		w.want("a stranger", stranger, fault.NotFound)
		w.want("by way of another organization", elsewhere, fault.NotFound)
		w.want("a developer", developer, fault.Forbidden)
	})
}
