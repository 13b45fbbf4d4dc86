package key_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// digest is what the edge computes from the text of a key.
func (w *world) digest(made key.Made) keyring.Digest {
	return keyring.Digest(apikey.Sum(w.root.Key(secret.LabelKeyPepper), made.Secret.Reveal()))
}

// decide asks, with facts read anew, whether the key may use scopes at the API.
func (w *world) decide(made key.Made, api string, r keyring.Request) string {
	w.t.Helper()
	facts, err := w.keys.Loader().LoadKey(bg, w.digest(made))
	if err != nil {
		w.t.Fatal(err)
	}
	apis, err := w.keys.Loader().LoadAPIs(bg)
	if err != nil {
		w.t.Fatal(err)
	}
	catalogue, err := keyring.NewCatalogue(apis)
	if err != nil {
		w.t.Fatal(err)
	}
	d := keyring.Decide(bg, w.clock.Now(), facts, catalogue.BySlug(api), &r, keyring.Limits{})
	return d.Code.String()
}

// C13: which environment is open comes from the one end for both, and from those of each.
func TestReportOnlyModeOfEachEnvironmentIsLoaded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		soon, later := clock.Now().Add(time.Hour), clock.Now().Add(2*time.Hour)
		for _, c := range []struct {
			both, live, test *time.Time
			inLive, inTest   bool
		}{{nil, nil, nil, false, false}, {&soon, nil, nil, true, true}, {nil, &soon, nil, true, false}, {nil, nil, &soon, false, true}, {&soon, &later, nil, true, true}} {
			w.run("UPDATE apis SET report_only_until = ?, report_only_live_until = ?, report_only_test_until = ?", c.both, c.live, c.test)

			apis, err := w.keys.Loader().LoadAPIs(bg)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range apis {
				if a.Slug == "orders" && (a.ReportsOnly(clock.Now(), keyring.Live) != c.inLive || a.ReportsOnly(clock.Now(), keyring.Test) != c.inTest) {
					t.Errorf("%+v: %d %d", c, a.ReportOnlyLiveUntil, a.ReportOnlyTestUntil)
				}
				if a.Slug == "portal" && a.ReportsOnly(clock.Now(), keyring.Live) {
					t.Error("the portal's own API is open")
				}
			}
		}
	})
}

var reading = keyring.Request{Scopes: []string{"orders:read"}}

// K7, K6, K4: each cause stops a key, and only as long as it holds
func TestEachCauseStopsAKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made := w.make(w.developer, "Worker", readOrders, writeOrders)
		id, soon := made.Key.ID, clock.Now().Add(time.Hour)
		w.run("UPDATE organizations SET kind = 'ordinary' WHERE id = ?", w.org)

		for _, c := range []struct{ what, stop, undo, want string }{
			{"nothing", "", "", "VALID"},
			{"key revoked", "UPDATE keys SET revoked_at = :now WHERE id = :key", "UPDATE keys SET revoked_at = NULL WHERE id = :key", "REVOKED"},
			{"key expired", "UPDATE keys SET expires_at = :now WHERE id = :key", "UPDATE keys SET expires_at = NULL WHERE id = :key", "EXPIRED"},
			{"overlap over", "UPDATE keys SET overlap_ends_at = :now WHERE id = :key", "UPDATE keys SET overlap_ends_at = NULL WHERE id = :key", "EXPIRED"},
			{"key paused", "UPDATE keys SET paused_at = :now WHERE id = :key", "UPDATE keys SET paused_at = NULL WHERE id = :key", "PAUSED"},
			{"key suspended", "UPDATE keys SET suspended_at = :now, suspended_until = :soon WHERE id = :key", "UPDATE keys SET suspended_until = :now WHERE id = :key", "SUSPENDED"},
			{"app suspended", "UPDATE apps SET suspended_at = :now WHERE id = :app", "UPDATE apps SET suspended_at = NULL WHERE id = :app", "SUSPENDED"},
			{"app deleted", "UPDATE apps SET deleted_at = :now WHERE id = :app", "UPDATE apps SET deleted_at = NULL WHERE id = :app", "REVOKED"},
			{"organization suspended", "UPDATE organizations SET suspended_at = :now WHERE id = :org", "UPDATE organizations SET suspended_at = NULL WHERE id = :org", "SUSPENDED"},
			{"organization deleted", "UPDATE organizations SET deleted_at = :now WHERE id = :org", "UPDATE organizations SET deleted_at = NULL WHERE id = :org", "REVOKED"},
			{"its personal user suspended", "UPDATE users SET suspended_at = :now WHERE id = :user", "UPDATE users SET suspended_at = NULL WHERE id = :user", "SUSPENDED"},
			{"its personal user deleted", "UPDATE users SET deleted_at = :now WHERE id = :user", "UPDATE users SET deleted_at = NULL WHERE id = :user", "REVOKED"},
			{"access suspended", "UPDATE access SET state = 'suspended' WHERE id = :access", "UPDATE access SET state = 'approved' WHERE id = :access", "SUSPENDED"},
			{"access ended", "UPDATE access SET state = 'ended' WHERE id = :access", "UPDATE access SET state = 'approved' WHERE id = :access", "WRONG_API"},
			{"scope withdrawn", "UPDATE scopes SET withdrawn_at = :now WHERE id = :scope", "UPDATE scopes SET withdrawn_at = NULL WHERE id = :scope", "INSUFFICIENT_SCOPE"},
			{"scope taken out of the access", "DELETE FROM access_scopes WHERE scope_id = :scope", "INSERT INTO access_scopes (access_id, scope_id) VALUES (:access, :scope)", "INSUFFICIENT_SCOPE"},
			{"API retired", "UPDATE apis SET retired_at = :now WHERE id = :api", "UPDATE apis SET retired_at = NULL WHERE id = :api", "WRONG_API"},
			{"API versions all retired", "UPDATE api_versions SET state = 'retired' WHERE api_id = :api", "UPDATE api_versions SET state = 'live' WHERE api_id = :api", "WRONG_API"},
		} {
			w.run("UPDATE organizations SET personal_user_id = ? WHERE id = ?", w.owner.UserID, w.org)
			w.named(c.stop, id, soon)
			if got := w.decide(made, "orders", reading); got != c.want {
				t.Errorf("%s: %s, want %s", c.what, got, c.want)
			}
			w.named(c.undo, id, soon)
			if got := w.decide(made, "orders", reading); got != "VALID" {
				t.Errorf("%s is over: %s", c.what, got)
			}
		}
	})
}

// named runs SQL of the test's own with the world's ids in it.
func (w *world) named(query string, id db.ID, soon time.Time) {
	values := map[string]any{"now": w.clock.Now(), "soon": soon, "key": id, "app": w.app, "org": w.org, "user": w.owner.UserID, "access": w.ordersAccess, "scope": w.ordersRead, "api": w.orders}
	var args []any
	text := ""
	for i := 0; i < len(query); i++ {
		if query[i] != ':' {
			text += query[i : i+1]
			continue
		}
		end := i + 1
		for end < len(query) && query[end] >= 'a' && query[end] <= 'z' {
			end++
		}
		args, text, i = append(args, values[query[i+1:end]]), text+"?", end-1
	}
	if query != "" {
		w.run(text, args...)
	}
}

// K5, B1-7
func TestAKeyDoesWhatItWasGrantedAndNoMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.run("INSERT INTO route_rules (id, api_id, method, path_template, scope_id, created_at) VALUES (?, ?, 'GET', '/v2/orders/{id}', ?, ?)", db.NewID(), w.orders, w.ordersRead, clock.Now())
		w.run("UPDATE apis SET refuses_undeclared = ? WHERE id = ?", true, w.orders)
		made := w.make(w.developer, "Reader")
		path, err := keyring.Canonical("/v2/orders/7")
		if err != nil {
			t.Fatal(err)
		}

		for _, c := range []struct {
			api, want string
			request   keyring.Request
		}{
			{"orders", "VALID", reading},
			{"orders", "INSUFFICIENT_SCOPE", keyring.Request{Scopes: []string{"orders:write"}}},
			{"orders", "WRONG_ENVIRONMENT", keyring.Request{Environment: keyring.Test}},
			{"orders", "VALID", keyring.Request{Method: "GET", Path: path}},
			{"orders", "INSUFFICIENT_SCOPE", keyring.Request{Method: "POST", Path: path}},
			{"people", "WRONG_API", keyring.Request{}},
			{"portal", "WRONG_API", keyring.Request{Scopes: []string{"keys:verify"}}},
		} {
			if got := w.decide(made, c.api, c.request); got != c.want {
				t.Errorf("%s %+v: %s, want %s", c.api, c.request, got, c.want)
			}
		}
		if facts, err := w.keys.Loader().LoadKey(bg, keyring.Digest{1}); facts != nil || err != nil {
			t.Error("an unknown digest", facts, err)
		}
	})
}

func TestFactsCarryPlanAndNames(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made := w.make(w.developer, "Worker", readOrders, verifyKeys)
		w.run("UPDATE keys SET rate_requests = 5, rate_period_seconds = 10, rate_burst = 2, metadata = ? WHERE id = ?", `{"a":1}`, made.Key.ID)

		f, err := w.keys.Loader().LoadKey(bg, w.digest(made))

		if err != nil || f.ID != keyring.ID(made.Key.ID) || f.Name != "Worker" || f.App.Name != "Shop" || f.App.Org.Name != "Northwind" || f.Environment != keyring.Live || f.ExpiresAt != clock.Now().Add(90*day).UnixNano() {
			t.Fatalf("%+v %v", f, err)
		}
		if len(f.Reach.Grants) != 2 || f.Reach.Domain != "customer" || f.Extra.Limit.Requests != 5 || f.Extra.Limit.Burst != 2 || string(f.Extra.Metadata) != `{"a":1}` {
			t.Fatalf("%+v %+v", f.Reach, f.Extra)
		}
		for _, g := range f.Reach.Grants {
			if len(g.Scopes) != 1 || g.Access.Limit.Requests != 100 || g.Access.Limit.Period != time.Minute || g.Access.Publisher != keyring.ID(w.company) {
				t.Errorf("%+v", g)
			}
		}
	})
}

// D5, K8: the ring of another process sees a revocation by its next poll, that of this one at once
func TestARevocationReachesEveryRing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made := w.make(w.developer, "Worker")
		near, far := keyring.NewRing(w.keys.Loader(), keyring.Options{TTL: time.Minute, Now: clock.Now}), keyring.NewRing(w.keys.Loader(), keyring.Options{TTL: time.Minute, Now: clock.Now})
		d.OnCommit(func(c []db.Change) { near.Apply(key.RingChanges(c)...) })
		revoked := func(r *keyring.Ring) bool {
			f, err := r.Lookup(bg, clock.Now(), w.digest(made))
			if err != nil || f == nil {
				t.Fatal(f, err)
			}
			return f.RevokedAt != 0
		}
		for _, r := range []*keyring.Ring{near, far} {
			if err := r.Poll(bg); err != nil || revoked(r) {
				t.Fatal("not warm", err)
			}
		}

		if err := w.keys.Revoke(bg, w.developer, made.Key.ID, ""); err != nil {
			t.Fatal(err)
		}

		if !revoked(near) || revoked(far) {
			t.Fatal("this process must know, the other can’t yet")
		}
		if err := far.Poll(bg); err != nil || !revoked(far) {
			t.Fatal("the other process does not see it", err)
		}
	})
}

func TestEveryKindOfChangeIsTranslated(t *testing.T) {
	id := db.NewID()
	for kind, want := range map[string]keyring.Kind{
		change.Key: keyring.KindKey, change.KeyCreated: keyring.KindKey, change.App: keyring.KindApp, change.Organization: keyring.KindOrganization,
		change.User: keyring.KindUser, change.Access: keyring.KindApp, change.API: keyring.KindAPI, "of a newer program": keyring.KindAll,
	} {
		got := key.RingChanges([]db.Change{{Seq: 1, Kind: kind, SubjectID: id}})
		if len(got) != 1 || got[0].Kind != want || want != keyring.KindAll && got[0].ID != keyring.ID(id) {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	if got := key.RingChanges([]db.Change{{Kind: change.Session}, {Kind: change.Setting}}); len(got) != 0 {
		t.Error("verification does not depend on these", got)
	}
}

func TestLastUsedAreTheKeysUsedLast(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var made []key.Made
		for i := range 4 {
			made = append(made, w.make(w.developer, fmt.Sprint(i)))
			w.run("UPDATE keys SET last_used_at = ? WHERE id = ?", clock.Now().Add(-time.Duration(i)*10*time.Hour), made[i].Key.ID)
		}

		got, err := w.keys.Loader().LastUsed(bg, 2)

		if want := []keyring.ID{keyring.ID(made[0].Key.ID), keyring.ID(made[1].Key.ID)}; err != nil || !slices.Equal(got, want) {
			t.Fatal(len(got), err)
		}
	})
}

// 4.14, REL-9: the database was restored from a backup, or a standby took over, and knows less than this process has seen.
func TestFeedThatWentBackIsReadAnewFromItsEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made := w.make(w.developer, "Worker")
		far := keyring.NewRing(w.keys.Loader(), keyring.Options{TTL: time.Minute, Now: clock.Now})
		for range 2 {
			if err := far.Poll(bg); err != nil {
				t.Fatal(err)
			}
			if f, err := far.Lookup(bg, clock.Now(), w.digest(made)); err != nil || f == nil || f.Paused {
				t.Fatal(f, err)
			}
		}
		w.run("DELETE FROM changes")
		w.run("UPDATE keys SET paused_at = ? WHERE id = ?", clock.Now(), made.Key.ID)

		err := far.Poll(bg)

		if f, failed := far.Lookup(bg, clock.Now(), w.digest(made)); err != nil || failed != nil || !f.Paused {
			t.Error("what was known before is believed still", err, failed)
		}
		if far.Position() != 0 {
			t.Error("it goes on at", far.Position())
		}
	})
}

// D5: a second process on the same file, such as gatehouse keys revoke, is seen by the next poll.
func TestSecondProcessOnTheSameSQLiteFileIsSeenByPolling(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := newWorld(t, d, clock)
	made := w.make(w.developer, "Worker")
	serving := keyring.NewRing(key.NewLoader(dbtest.Open(t, "sqlite:"+d.Path, clock), w.root.Versions()), keyring.Options{TTL: time.Minute, Now: clock.Now})
	revoked := func() bool {
		f, err := serving.Lookup(bg, clock.Now(), w.digest(made))
		if err != nil || f == nil {
			t.Fatal(f, err)
		}
		return f.RevokedAt != 0
	}
	if err := serving.Poll(bg); err != nil || revoked() {
		t.Fatal("not warm", err)
	}

	if err := w.keys.Revoke(bg, w.developer, made.Key.ID, ""); err != nil {
		t.Fatal(err)
	}
	unseen := revoked()
	if err := serving.Poll(bg); err != nil || unseen || !revoked() {
		t.Error("the poll does not see it", err, unseen)
	}
}
