package domain_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// unbinds has links that restore an address take people out of the organizations whose rule they get out of.
func (w *bound) unbinds() {
	link := func(p string) string { return "https://portal.example" + p }
	w.accounts.UnbindBy(handover.NewStore(handover.Options{DB: w.DB, Outbox: w.Outbox, Link: link}).UnbindTx)
}

// lastToken is the token of the newest letter of a kind.
func (w *bound) lastToken(kind string) string {
	w.t.Helper()
	_, l, err := w.Outbox.Read(context.Background(), w.DB, w.lastMail(kind))
	w.ok(err)
	_, token, _ := strings.Cut(l.URL, "token=")
	return token
}

// moves changes somebody's address, and is the token of the link that restores the one from before.
func (w *bound) moves(a actor.Actor, to string) string {
	w.t.Helper()
	s, err := w.signIn(a)
	w.ok(err)
	a.SessionID, a.Address = s.ID, stranger().Address
	w.ok(w.accounts.RequestEmail(context.Background(), a, to, good))
	w.ok(w.accounts.ConfirmEmail(context.Background(), a, w.lastToken("change_address")))
	return w.lastToken("address_changed")
}

func (w *bound) elsewhere(a actor.Actor, address string) {
	w.run("UPDATE users SET email = ? WHERE id = ?", address, a.UserID)
}

// A14, Z7: an address that is taken back is no way around a provider that lets somebody go, and whoever stole an account can't keep it by a domain of their own.
func TestAnUndoneAddressLeadsOutOfTheOrganizationWhoseRuleItLeaves(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.unbinds()
		w.bind()
		eve := w.Person("Eve Else", "")
		w.elsewhere(eve, "eve@mail.example")
		w.password(eve)
		w.Join(w.North, eve, "developer")
		w.Join(w.Contoso, eve, "viewer")
		undo := w.moves(eve, "eve@example.com")

		w.ok(w.accounts.UndoEmail(t.Context(), stranger(), undo))

		if w.address(eve) != "eve@mail.example" || w.role(eve, w.North) != "" || w.role(eve, w.Contoso) != "viewer" {
			t.Error(w.address(eve), w.role(eve, w.North), w.role(eve, w.Contoso))
		}
		_, l, err := w.Outbox.Read(t.Context(), w.DB, w.lastMail("reset_password"))
		w.ok(err)
		if !tells(l, "no longer a member") || w.mails("member_unbound") != 2 { // owner and admin
			t.Error(l.Lines, w.mails("member_unbound"))
		}
		_, err = w.accounts.Reset(t.Context(), stranger(), w.lastToken("reset_password"), "umbrella quiet mountain tide")
		w.ok(err)
		_, _, err = w.accounts.SignIn(t.Context(), stranger(), "eve@mail.example", "umbrella quiet mountain tide", account.Browser{})
		w.ok(err)
	})
}

func tells(l outbox.Letter, words string) bool {
	for _, line := range l.Lines {
		if strings.Contains(line.Key, words) {
			return true
		}
	}
	return false
}

// Z5: who stays where they are: whom the rule spares anyway, who is bound by the same organization as before, a last owner, and all while no rule holds.
func TestAnUndoneAddressTakesNobodyElseOut(t *testing.T) {
	for name, c := range map[string]struct {
		role   string
		before func(w *bound, eve actor.Actor)
	}{
		"an owner with a factor": {"owner", func(w *bound, eve actor.Actor) { w.factor(eve) }},
		"the last owner": {"owner", func(w *bound, _ actor.Actor) {
			w.run("DELETE FROM members WHERE organization_id = ? AND user_id = ?", w.North, w.Owner.UserID)
		}},
		"the provider is not there": {"developer", func(w *bound, _ actor.Actor) { w.offer() }},
		"bound by its other domain": {"developer", func(w *bound, _ actor.Actor) {
			w.offer(northwind, domain.Provider{Name: "mails", Label: "Mails", Domains: []string{"mail.example"}})
			d := w.proven("mail.example")
			w.ok(w.store.SetProvider(context.Background(), w.Owner, w.North, d.ID, "mails", "developer"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachBound(t, func(t *testing.T, w *bound) {
				w.unbinds()
				w.bind()
				eve := w.Person("Eve Else", "")
				w.elsewhere(eve, "eve@mail.example")
				w.password(eve)
				w.Join(w.North, eve, c.role)
				undo := w.moves(eve, "eve@example.com")
				c.before(w, eve)

				w.ok(w.accounts.UndoEmail(t.Context(), stranger(), undo))

				if w.role(eve, w.North) != c.role || w.address(eve) != "eve@mail.example" || w.mails("member_unbound") != 0 {
					t.Error(w.role(eve, w.North), w.address(eve), w.mails("member_unbound"))
				}
			})
		})
	}
}
