package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
)

func TestInvitedStaffSetsThePasswordByTheLinkOnce(t *testing.T) {
	each(t, func(w *world) {
		u, link, err := w.store.InviteStaff(w.t.Context(), actor.ForOperator(), "Grace@Example.com", "Grace Hopper", "admin")
		w.must(err)
		token, ok := strings.CutPrefix(link, "https://portal.example/password/reset?token=")
		if !ok || u.Email != "grace@example.com" || u.StaffRole != "admin" {
			w.t.Fatal(link, u)
		}
		_, _, early := w.store.SignIn(w.t.Context(), visitor(), u.Email, good, firefox)
		w.is(early, fault.Unauthenticated)

		w.must(w.reset(token, good))
		again := w.reset(token, other)

		w.is(again, fault.NotFound)
		w.in(u, good)
		w.must(audit.Each(w.t.Context(), w.d, audit.Filter{Act: string(audit.UserInvited)}, func(e audit.Entry) error {
			if e.ActorKind != "operator" || e.Facts["role"] != "admin" || e.Who["email"] != u.Email {
				w.t.Errorf("%+v", e)
			}
			ok = false
			return nil
		}))
		if ok {
			w.t.Error("the log has no event of it (U1)")
		}
	})
}

// A13, Z5
func TestInvitationsHaveTheirLimits(t *testing.T) {
	each(t, func(w *world) {
		admin, support := w.in(w.person("ada@example.com", "admin"), good), w.in(w.person("sam@example.com", "support"), good)
		invite := func(a actor.Actor, email, name, role string) (string, error) {
			_, link, err := w.store.InviteStaff(w.t.Context(), a, email, name, role)
			return link, err
		}

		_, byVisitor := invite(visitor(), "x@example.com", "X", "admin")
		_, bySupport := invite(support, "x@example.com", "X", "auditor")
		_, taken := invite(admin, "sam@example.com", "Sam", "auditor")
		_, wrong := invite(admin, "no address", "", "king")
		link, err := invite(admin, "x@example.com", "X", "auditor")
		w.must(err)
		w.clock.Advance(account.InviteAge + time.Minute)
		late := w.store.ResetLink(w.t.Context(), strings.TrimPrefix(link, "https://portal.example/password/reset?token="))

		w.is(byVisitor, fault.Forbidden)
		w.is(bySupport, fault.Forbidden)
		w.is(taken, fault.Conflict)
		w.is(wrong, fault.Invalid)
		if n := len(fault.As(wrong).Problems); n != 3 {
			w.t.Errorf("%d problems: %v", n, wrong)
		}
		w.is(late, fault.NotFound)
	})
}
