package scim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

// Z7, S4: out means out, whoever went first: who left before does not come back by their address or by an invitation from before, and their sessions end.
func TestWhoLeftFirstIsOutWhenTheDirectorySaysSo(t *testing.T) {
	const ann = "ann@northwind.example"
	for name, out := range map[string]func(w *world, at string){
		"inactive": func(w *world, at string) {
			w.patch(at, `{"op":"replace","path":"active","value":false}`).is("inactive", 200, "")
		},
		"removed": func(w *world, at string) { w.remove(at).is("removed", 204, "") },
		"added as inactive": func(w *world, at string) {
			w.run("DELETE FROM scim_users")
			w.post("/Users", `{"userName":"`+ann+`","active":false}`).is("added", 201, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				at := "/Users/" + w.person(ann)
				u := w.user(ann)
				a := actor.Actor{Kind: actor.User, UserID: u.ID}
				link := func(p string) string { return p }
				domains := domain.NewStore(domain.Options{DB: w.DB, Outbox: w.Outbox, Link: link})
				w.run("UPDATE domains SET join_role = 'developer'")
				w.run("DELETE FROM members WHERE user_id = ?", u.ID) // they left
				invited, err := invitation.NewStore(invitation.Options{DB: w.DB, Outbox: w.Outbox, Link: link}).Invite(t.Context(), w.Owner, w.North, invitation.Input{Email: ann, Role: "admin"})
				w.ok(err)
				browser := w.site.As(u)
				in := browser.Get("/console/organizations/" + w.North.Show("org") + "/directory").Status

				out(w, at)

				_, open, err := domains.Joinable(t.Context(), a)
				w.ok(err)
				_, joined := domains.Join(t.Context(), a, w.North)
				_, accepted := invitation.NewStore(invitation.Options{DB: w.DB, Outbox: w.Outbox, Link: link}).Accept(t.Context(), a, invited.ID)
				if open || !fault.Is(joined, fault.NotFound) || !fault.Is(accepted, fault.NotFound) || w.role(ann) != "" {
					t.Error(open, joined, accepted, w.role(ann))
				}
				if n := w.count("SELECT COUNT(*) FROM sessions WHERE user_id = ?", u.ID); n != 0 || in == 401 {
					t.Error(n, "sessions", in)
				}
			})
		})
	}
}

// L7: each token writes to all who manage the organization.
func TestTokensOfADirectoryAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		once := func() error {
			token, _, err := w.store.MakeToken(ctx, w.Owner, w.North, scim.NewToken{Name: "Entra", Days: 365})
			if err == nil {
				_, err = w.store.RevokeToken(ctx, w.Owner, w.North, token.ID)
			}
			return err
		}
		for range 9 { // the world made one
			w.ok(once())
		}

		refused := once()
		w.clock.Advance(24 * time.Hour)

		if !fault.Is(refused, fault.RateLimited) {
			t.Error(refused)
		}
		w.ok(once())
	})
}

// K1: a key that was pasted into an address is kept nowhere, in whatever letters.
func TestAKeyIsNoAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		at := "/Users/" + w.person("ann@northwind.example")

		w.post("/Users", `{"userName":"`+w.token+`@northwind.example"}`).is("added", 400, "invalidValue")
		w.put(at, `{"userName":"`+w.token+`@northwind.example","active":true}`).is("renamed", 400, "invalidValue")

		like := "%" + strings.ToLower(w.token[8:20]) + "%"
		if n := w.count("SELECT (SELECT COUNT(*) FROM users WHERE email LIKE ?) + (SELECT COUNT(*) FROM scim_users WHERE user_name LIKE ?) + (SELECT COUNT(*) FROM audit_personal WHERE value LIKE ?)", like, like, like); n != 0 {
			t.Error(n, "rows hold it")
		}
	})
}
