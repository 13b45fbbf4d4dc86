package refusal_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

func (w *world) ask(a actor.Actor, change func(*refusal.Question)) (refusal.Answer, error) {
	w.t.Helper()
	path, err := keyring.Canonical("/v2/orders")
	if err != nil {
		w.t.Fatal(err)
	}
	q := refusal.Question{Key: w.key, API: w.Orders, Method: "GET", Path: path, At: w.clock.Now()}
	if change != nil {
		change(&q)
	}
	return w.store.Ask(bg, a, q)
}

func TestQuestionIsAnsweredAsVerificationWould(t *testing.T) { // issue 5, Explain
	each(t, func(t *testing.T, w *world) {
		w.Run("UPDATE plans SET quota_day = 100, quota_month = 1000 WHERE api_id = ?", w.Orders)
		w.Run("UPDATE keys SET expires_at = ? WHERE id = ?", w.clock.Now().Add(24*time.Hour), w.key)
		day := w.clock.Now().UTC().Truncate(24 * time.Hour)
		w.Run("INSERT INTO quota_days (app_id, api_id, environment, day, used) VALUES (?, ?, 'live', ?, 90)", w.App, w.Orders, day)

		fine, err := w.ask(w.Person, nil)
		if err != nil || !fine.Allowed() || fine.Seen.Day.Remaining != 9 || fine.Seen.Month.Remaining != 999 || fine.Key.Name != "Worker" {
			t.Fatalf("%v %+v", err, fine)
		}
		for name, c := range map[string]struct {
			change func(*refusal.Question)
			want   keyring.Cause
		}{
			"a scope":       {func(q *refusal.Question) { q.Method = "POST" }, keyring.RouteScopeMissing},
			"later":         {func(q *refusal.Question) { q.At = q.At.Add(48 * time.Hour) }, keyring.KeyExpired},
			"an API":        {func(q *refusal.Question) { q.API = w.People }, keyring.NoAccess},
			"environment":   {func(q *refusal.Question) { q.Environment = keyring.Test }, keyring.EnvironmentOther},
			"somebody else": {func(q *refusal.Question) { q.API = w.Portal }, keyring.ForeignKey},
		} {
			if got, err := w.ask(w.Person, c.change); err != nil || got.Cause != c.want {
				t.Errorf("%s: %v because of %v, want %v (%v)", name, got.Code, got.Cause, c.want, err)
			}
		}
		w.Run("UPDATE keys SET networks = '10.0.0.0/8' WHERE id = ?", w.key)
		inside, _ := w.ask(w.Person, func(q *refusal.Question) { q.Address = netip.MustParseAddr("10.1.2.3") })
		outside, _ := w.ask(w.Person, func(q *refusal.Question) { q.Address = netip.MustParseAddr("192.0.2.1") })
		if !inside.Allowed() || outside.Cause != keyring.AddressElsewhere {
			t.Error(inside.Code, outside.Cause)
		}
		w.Run("UPDATE quota_days SET used = 100")
		if got, _ := w.ask(w.Person, func(q *refusal.Question) { q.Address = netip.MustParseAddr("10.1.2.3") }); got.Cause != keyring.DayUsedUp {
			t.Error(got.Code, got.Cause)
		}
	})
}

func TestAskingChargesNothing(t *testing.T) { // L5
	each(t, func(t *testing.T, w *world) {
		w.Run("UPDATE plans SET rate_requests = 1, rate_period_seconds = 3600, burst = 1 WHERE api_id = ?", w.Orders)
		rates := ratelimit.NewLocal(64)
		w.store.Limited(rates)
		for range 5 {
			if got, err := w.ask(w.Person, nil); err != nil || !got.Allowed() || got.Seen.Rate == nil {
				t.Fatalf("%v %+v", err, got.Decision)
			}
		}

		ring := w.Ring()
		request := keyring.Request{Method: "GET", Cost: 1}
		request.Path, _ = keyring.Canonical("/v2/orders")
		d := keyring.Decide(bg, w.clock.Now(), w.Facts(ring, w.text), w.API(ring, "orders"), &request, keyring.Limits{Rates: rates})
		after, _ := w.ask(w.Person, nil)

		if !d.Allowed() || after.Cause != keyring.PlanRate {
			t.Error("asking took the call:", d.Code, "or a call is not seen:", after.Cause)
		}
	})
}

func TestNobodyAsksAboutKeysOfOthers(t *testing.T) { // Z1
	each(t, func(t *testing.T, w *world) {
		_, foreign := w.ask(w.Stranger, nil)
		_, publisher := w.ask(w.gate, nil)
		_, everything := w.ask(w.Person, func(q *refusal.Question) { q.Everything = true })
		staff, err := w.ask(w.Staff, func(q *refusal.Question) { q.Everything = true })

		if !fault.Is(foreign, fault.NotFound) || !fault.Is(publisher, fault.NotFound) || !fault.Is(everything, fault.Forbidden) {
			t.Error(foreign, publisher, everything)
		}
		if err != nil || !staff.Allowed() {
			t.Error("control:", err, staff.Code)
		}
	})
}
