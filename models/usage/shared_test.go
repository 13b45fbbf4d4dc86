package usage_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// lent is Northwind, whose app Shop has a test key and a live one with calls and a refusal, and Strangers with people of each role.
type lent struct {
	*keytest.World
	t          *testing.T
	shares     *share.Store
	usage      *usage.Store
	refusals   *refusal.Store
	test, live db.ID
	people     map[string]actor.Actor // of Strangers, by role
}

func newLent(t *testing.T, d *db.DB, clock *dbtest.Clock) *lent {
	t.Helper()
	w := &lent{World: keytest.New(t, d, clock), t: t, usage: usage.NewStore(d)}
	w.shares = share.NewStore(share.Options{DB: d, Outbox: w.Outbox, Link: func(p string) string { return keytest.Base + p }})
	w.refusals = refusal.NewStore(d, w.Keys)
	w.test, w.live = w.key("test"), w.key("live")
	w.Count(w.live, "VALID", 7)
	calls := refusal.NewRecorder(d, nil)
	calls.Put(refusal.Record{
		RequestID: "req_0000000000000abc", At: clock.Now(), Key: keyring.ID(w.live), App: keyring.ID(w.App), Org: keyring.ID(w.Org), API: keyring.ID(w.API), Environment: keyring.Live,
		Door: refusal.Authz, Code: "PAUSED", Cause: keyring.KeyPaused, Status: 401, Method: "GET", Path: "/orders", Address: "192.0.2.7",
	})
	if err := calls.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.people = map[string]actor.Actor{"owner": w.Stranger}
	for _, role := range []string{"viewer", "developer", "admin"} {
		a := w.Person("s"+role, "")
		w.Join(w.Strangers, a, role)
		w.people[role] = a
	}
	return w
}

func (w *lent) key(environment string) db.ID {
	w.t.Helper()
	made, err := w.Keys.Create(context.Background(), w.Developer, key.CreateRequest{
		Token: w.Keys.NewFormToken(w.Developer, key.CreatePurpose()), AppID: w.App, Environment: environment, Name: environment, Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Expiry: key.Expiry{Days: 60},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return made.Key.ID
}

func (w *lent) offer(rights ...actor.Right) share.Share {
	w.t.Helper()
	s, err := w.shares.Offer(context.Background(), w.Admin, w.App, share.Input{Receiver: w.Strangers.Show(org.Prefix), Rights: rights, Reason: "They look after the shop", EndsOn: w.Clock.Now().AddDate(0, 0, 30).Format(share.DayLayout)})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// opens says what a share opens to somebody: usage, refusals, keys, and which keys they could rotate. It changes nothing.
func (w *lent) opens(a actor.Actor, id db.ID) string {
	w.t.Helper()
	ctx := context.Background()
	var out []string
	_, total, err := w.usage.Series(ctx, usage.View{Actor: a, Share: id, Span: usage.Day})
	if err != nil {
		w.t.Fatal(err)
	}
	if total.All() == 7 {
		out = append(out, "usage")
	}
	if b, err := w.usage.Breakdowns(ctx, usage.View{Actor: a, Share: id, Span: usage.Day}, 10); err != nil || len(b.Keys) > 0 || len(b.Refused) > 0 {
		w.t.Errorf("the usage names keys: %+v %v", b, err)
	}
	page, err := w.refusals.List(ctx, refusal.View{Actor: a, Share: id}, db.PageRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range page.Rows {
		if r.KeyName != "" || r.KeyHint != "" || !r.KeyID.IsZero() || r.Address != "" || r.APIName != "Orders" || r.MayManageKey {
			w.t.Errorf("a refusal tells more than what was refused: %+v", r)
		}
		out = append(out, "refusals")
	}
	if keys, err := w.Keys.Shared(ctx, a, id); err == nil && len(keys) == 2 {
		out = append(out, "keys")
	} else if !fault.Is(err, fault.NotFound) || len(keys) > 0 {
		w.t.Errorf("%v %v", keys, err)
	}
	for _, k := range []struct {
		name string
		id   db.ID
	}{{"test", w.test}, {"live", w.live}} {
		if _, err := w.Keys.SharedKey(ctx, a, id, k.id); err == nil {
			out = append(out, "rotate "+k.name)
		}
	}
	return strings.Join(out, ", ")
}

// Z2, Z5, Z7, B1-22: whatever rights a share has, and whatever the role, it opens exactly these; people of nobody's, members of the lender and programs get nothing by it.
func TestAShareOpensExactlyItsRights(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newLent(t, d, clock)
		program := actor.Actor{Kind: actor.Key, KeyID: db.NewID(), OrganizationID: w.Strangers}
		nobody := w.Person("nobody", "")
		for bits := 1; bits < 1<<len(actor.Rights); bits++ {
			var rights []actor.Right
			for i, r := range actor.Rights {
				if bits&(1<<i) != 0 {
					rights = append(rights, r)
				}
			}
			s := w.offer(rights...)
			for role, a := range w.people {
				if got := w.opens(a, s.ID); got != "" {
					t.Fatalf("an offer of %v opens %q to %s", rights, got, role)
				}
			}
			if _, err := w.shares.Accept(t.Context(), w.people["admin"], s.ID); err != nil {
				t.Fatal(err)
			}
			has := func(r actor.Right) bool { return slices.Contains(rights, r) }
			for role, a := range w.people {
				var want []string
				if has(actor.ReadUsage) {
					want = append(want, "usage", "refusals")
				}
				if role != "viewer" {
					if has(actor.ReadKeys) || has(actor.RotateTest) || has(actor.RotateAll) {
						want = append(want, "keys")
					}
					if has(actor.RotateTest) || has(actor.RotateAll) {
						want = append(want, "rotate test")
					}
					if has(actor.RotateAll) {
						want = append(want, "rotate live")
					}
				}
				if diff := cmp.Diff(strings.Join(want, ", "), w.opens(a, s.ID)); diff != "" {
					t.Errorf("%v opens to %s:\n%s", rights, role, diff)
				}
				if _, err := w.Keys.Get(t.Context(), a, w.test); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s reads the key's own page: %v", role, err)
				}
				if _, err := w.Keys.Rotate(t.Context(), a, w.test, key.RotateRequest{Token: w.Keys.NewFormToken(a, key.RotatePurpose(w.test))}); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s rotates without the share: %v", role, err)
				}
			}
			for name, a := range map[string]actor.Actor{"program": program, "nobody": nobody, "visitor": {}, "the lender's owner": w.Owner} {
				if got := w.opens(a, s.ID); got != "" {
					t.Errorf("%v opens %q to %s", rights, got, name)
				}
			}
			if _, err := w.shares.End(t.Context(), w.people["owner"], s.ID); err != nil {
				t.Fatal(err)
			}
			for role, a := range w.people {
				if got := w.opens(a, s.ID); got != "" {
					t.Errorf("ended, %v opens %q to %s", rights, got, role)
				}
			}
		}
	})
}

// Z7, K6: a share opens nothing from the moment on at which anything that it stands on goes, and what only stopped it ends with that.
func TestAShareOpensNothingWithoutWhatItStandsOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newLent(t, d, clock)
		s := w.offer(actor.ReadUsage, actor.RotateAll)
		if _, err := w.shares.Accept(t.Context(), w.people["owner"], s.ID); err != nil {
			t.Fatal(err)
		}
		a := w.people["developer"]
		all := w.opens(a, s.ID)
		if !strings.Contains(all, "rotate live") {
			t.Fatal(all)
		}
		later := clock.Now().Add(24 * time.Hour)
		for name, c := range map[string]struct {
			stop, resume string
			with         []any
			back         []any
		}{
			"lender suspended":               {"UPDATE organizations SET suspended_at = ?, suspended_until = ? WHERE id = ?", "UPDATE organizations SET suspended_at = NULL, suspended_until = NULL WHERE id = ?", []any{clock.Now(), later, w.Org}, []any{w.Org}},
			"receiver suspended":             {"UPDATE organizations SET suspended_at = ? WHERE id = ?", "UPDATE organizations SET suspended_at = NULL WHERE id = ?", []any{clock.Now(), w.Strangers}, []any{w.Strangers}},
			"removed by the lender":          {"INSERT INTO domain_barred (organization_id, user_id, created_at) VALUES (?, ?, ?)", "DELETE FROM domain_barred WHERE organization_id = ?", []any{w.Org, a.UserID, clock.Now()}, []any{w.Org}},
			"lender deleted":                 {"UPDATE organizations SET deleted_at = ? WHERE id = ?", "UPDATE organizations SET deleted_at = NULL WHERE id = ?", []any{clock.Now(), w.Org}, []any{w.Org}},
			"receiver deleted":               {"UPDATE organizations SET deleted_at = ? WHERE id = ?", "UPDATE organizations SET deleted_at = NULL WHERE id = ?", []any{clock.Now(), w.Strangers}, []any{w.Strangers}},
			"app deleted":                    {"UPDATE apps SET deleted_at = ? WHERE id = ?", "UPDATE apps SET deleted_at = NULL WHERE id = ?", []any{clock.Now(), w.App}, []any{w.App}},
			"app elsewhere":                  {"UPDATE apps SET organization_id = ? WHERE id = ?", "UPDATE apps SET organization_id = ? WHERE id = ?", []any{w.Strangers, w.App}, []any{w.Org, w.App}},
			"no member any more":             {"UPDATE members SET organization_id = ? WHERE user_id = ?", "UPDATE members SET organization_id = ? WHERE user_id = ?", []any{w.Org, a.UserID}, []any{w.Strangers, a.UserID}},
			"the lender requires a factor":   {"UPDATE organizations SET factor_from = ? WHERE id = ?", "UPDATE organizations SET factor_from = NULL WHERE id = ?", []any{clock.Now(), w.Org}, []any{w.Org}},
			"the receiver requires a factor": {"UPDATE organizations SET factor_from = ? WHERE id = ?", "UPDATE organizations SET factor_from = NULL WHERE id = ?", []any{clock.Now(), w.Strangers}, []any{w.Strangers}},
			"the lender's person gone": {
				"UPDATE organizations SET personal_user_id = (SELECT id FROM users WHERE id = ?), deleted_at = ? WHERE id = ?", "UPDATE organizations SET personal_user_id = NULL, deleted_at = NULL WHERE id = ?",
				[]any{w.Ops.UserID, clock.Now(), w.Org},
				[]any{w.Org},
			},
		} {
			w.Run(c.stop, c.with...)
			if got := w.opens(a, s.ID); got != "" {
				t.Errorf("%s: opens %q", name, got)
			}
			w.Run(c.resume, c.back...)
			if got := w.opens(a, s.ID); got != all {
				t.Errorf("after %s: opens %q", name, got)
			}
		}
		w.Run("UPDATE organizations SET factor_from = ? WHERE id = ?", clock.Now(), w.Org)
		proven := a
		proven.Factor = true
		if got := w.opens(proven, s.ID); got != all {
			t.Errorf("with the factor that the lender requires: %q", got)
		}
		w.Run("UPDATE organizations SET factor_from = NULL WHERE id = ?", w.Org)
		w.Join(w.Org, a, "viewer") // a member of both, who rotates nothing there, and whom the lender then keeps out of the app
		if got := w.opens(a, s.ID); got != "usage, refusals, keys" {
			t.Errorf("a member of both: %q", got)
		}
		if err := org.NewStore(org.Options{DB: d, Outbox: w.Outbox}).LimitApp(t.Context(), w.Owner, w.App, true, nil); err != nil {
			t.Fatal(err)
		}
		if got := w.opens(a, s.ID); got != "" {
			t.Errorf("kept out as a member of the lender: opens %q", got)
		}
		if got := w.opens(w.people["admin"], s.ID); got != all {
			t.Errorf("a limited app stays shared: %q", got)
		}
		clock.Set(s.EndsAt.Add(-time.Microsecond))
		if got := w.opens(w.people["admin"], s.ID); !strings.Contains(got, "rotate live") {
			t.Errorf("before its end: %q", got)
		}
		clock.Set(s.EndsAt)
		if got := w.opens(w.people["admin"], s.ID); got != "" {
			t.Errorf("at its end: %q", got)
		}
	})
}

// K6, K10, U2: a key rotated by a share keeps whose it is and what it can do; both organizations' logs name person and share, the lender's people are told.
func TestAKeyRotatedByAShareCanDoNoMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newLent(t, d, clock)
		w.Run("UPDATE keys SET responsible_id = ?, networks = '192.0.2.0/24' WHERE id = ?", w.Other.UserID, w.test)
		s := w.offer(actor.RotateTest)
		if _, err := w.shares.Accept(t.Context(), w.people["owner"], s.ID); err != nil {
			t.Fatal(err)
		}
		w.Mails()
		a := w.people["developer"]
		clock.Advance(40 * 24 * time.Hour / 2)
		request := key.RotateRequest{Token: w.Keys.NewFormToken(a, key.SharedRotatePurpose(s.ID, w.test)), OverlapDays: 3, Expiry: key.Expiry{Days: 365}}

		made, err := w.Keys.RotateShared(t.Context(), a, s.ID, w.test, request)
		if err != nil {
			t.Fatal(err)
		}

		before, _ := w.Keys.GetAny(t.Context(), w.Staff, w.test)
		after, err := w.Keys.GetAny(t.Context(), w.Staff, made.Key.ID)
		if err != nil || !strings.HasPrefix(made.Secret.Reveal(), "gk_test_") {
			t.Fatal(err)
		}
		same := func(d key.Detail) string {
			return fmt.Sprint(d.AppID, d.Environment, d.Name, d.DataDomain, *d.CreatedBy, *d.ResponsibleID, d.Bounds.Networks, d.Grants[0].ScopeID, len(d.Grants))
		}
		if diff := cmp.Diff(same(before), same(after)); diff != "" {
			t.Error(diff)
		}
		if !after.ExpiresAt.Equal(*before.ExpiresAt) || !after.ExpiresAt.After(s.EndsAt) || before.OverlapEndsAt == nil { // it was made for 60 days, of which 40 are left: the share ends before
			t.Errorf("%v %v, want %v", after.ExpiresAt, before.OverlapEndsAt, before.ExpiresAt)
		}
		again, err := w.Keys.RotateShared(t.Context(), a, s.ID, w.test, request)
		if err != nil || !again.Again || again.Key.ID != made.Key.ID {
			t.Errorf("the form sent twice: %+v %v", again, err)
		}
		if letters := keytest.Names(w.Mails()); !slices.Contains(letters, "oth key_rotated_by_share") || !slices.Contains(letters, "ops key_rotated_by_share") {
			t.Error(letters)
		}
		var acts []struct {
			Act            string
			OrganizationID db.ID
			ActorID        db.ID
		}
		if err := d.Read(t.Context()).Raw("SELECT act, organization_id, actor_id FROM audit_events WHERE actor_id = ? AND act IN ('key.rotated', 'share.key_rotated') ORDER BY act", a.UserID).Scan(&acts).Error; err != nil || len(acts) != 2 || acts[0].OrganizationID != w.Org || acts[1].OrganizationID != w.Strangers {
			t.Errorf("%+v %v", acts, err)
		}
		if _, err := w.Keys.Get(t.Context(), a, made.Key.ID); !fault.Is(err, fault.NotFound) {
			t.Error("who rotated it reads its page:", err)
		}
		if _, err := w.shares.End(t.Context(), w.Owner, s.ID); err != nil {
			t.Fatal(err)
		}
		for _, request := range []key.RotateRequest{request, {Token: w.Keys.NewFormToken(a, key.SharedRotatePurpose(s.ID, made.Key.ID))}} {
			if _, err := w.Keys.RotateShared(t.Context(), a, s.ID, made.Key.ID, request); !fault.Is(err, fault.NotFound) {
				t.Error("after the end:", err)
			}
		}
	})
}

// K4, B1-22: what the lender let run out is renewed for no longer than it lent the app.
func TestAKeyRotatedByAShareDoesNotOutliveBoth(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newLent(t, d, clock)
		s := w.offer(actor.RotateTest)
		if _, err := w.shares.Accept(t.Context(), w.people["owner"], s.ID); err != nil {
			t.Fatal(err)
		}
		w.Run("UPDATE keys SET expires_at = ? WHERE id = ?", clock.Now().AddDate(0, 0, 2), w.test)
		w.Run("UPDATE keys SET created_at = ? WHERE id = ?", clock.Now().AddDate(-1, 0, 0), w.test)
		a := w.people["developer"]

		made, err := w.Keys.RotateShared(t.Context(), a, s.ID, w.test, key.RotateRequest{Token: w.Keys.NewFormToken(a, key.SharedRotatePurpose(s.ID, w.test))})
		if err != nil {
			t.Fatal(err)
		}

		after, err := w.Keys.GetAny(t.Context(), w.Staff, made.Key.ID)
		if err != nil || after.ExpiresAt == nil || after.ExpiresAt.After(s.EndsAt) || after.ExpiresAt.Before(s.EndsAt.AddDate(0, 0, -1)) {
			t.Errorf("it ends %v, the share %v: %v", after.ExpiresAt, s.EndsAt, err)
		}
	})
}

// K6, K10: what the lender, a leak or a policy stopped is not brought to life by a share.
func TestAPausedKeyIsNotRotatedByAShare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newLent(t, d, clock)
		s := w.offer(actor.RotateAll)
		if _, err := w.shares.Accept(t.Context(), w.people["owner"], s.ID); err != nil {
			t.Fatal(err)
		}
		w.Run("UPDATE keys SET paused_at = ?, paused_cause = 'leak' WHERE id = ?", clock.Now(), w.test)
		a := w.people["admin"]

		_, err := w.Keys.RotateShared(t.Context(), a, s.ID, w.test, key.RotateRequest{Token: w.Keys.NewFormToken(a, key.SharedRotatePurpose(s.ID, w.test))})

		shown, listed := w.Keys.Shared(t.Context(), a, s.ID)
		offered := slices.ContainsFunc(shown, func(l key.Lent) bool { return l.ID == w.test && l.MayRotate })
		if !fault.Is(err, fault.Conflict) || listed != nil || offered {
			t.Errorf("%v; offered: %v %v", err, offered, listed)
		}
	})
}

// K6: who holds a key of the portal's own API acts for its whole organization, so that no share rotates it.
func TestAKeyThatManagesThePortalIsNotRotatedByAShare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newLent(t, d, clock)
		portal, scope := db.NewID(), db.NewID()
		w.Run("INSERT INTO apis (id, slug, name, publisher_id, data_domain, is_portal, created_at, updated_at) SELECT ?, 'portal', 'Portal', publisher_id, 'customer', TRUE, ?, ? FROM apis WHERE id = ?", portal, clock.Now(), clock.Now(), w.API)
		w.Run("INSERT INTO scopes (id, api_id, name, sentence, created_at) VALUES (?, ?, 'keys:write', 'Manage keys', ?)", scope, portal, clock.Now())
		w.Run("INSERT INTO key_grants (key_id, api_id, scope_id) VALUES (?, ?, ?)", w.test, portal, scope)
		s := w.offer(actor.RotateAll)
		if _, err := w.shares.Accept(t.Context(), w.people["owner"], s.ID); err != nil {
			t.Fatal(err)
		}
		a := w.people["admin"]

		_, err := w.Keys.RotateShared(t.Context(), a, s.ID, w.test, key.RotateRequest{Token: w.Keys.NewFormToken(a, key.SharedRotatePurpose(s.ID, w.test))})

		if !fault.Is(err, fault.Conflict) || w.Row(w.test).OverlapEndsAt != nil {
			t.Error(err)
		}
		keys, err := w.Keys.Shared(t.Context(), a, s.ID)
		if err != nil || len(keys) != 2 {
			t.Fatal(err)
		}
		for _, k := range keys {
			if k.MayRotate != (k.ID == w.live) {
				t.Errorf("%+v", k)
			}
		}
	})
}
