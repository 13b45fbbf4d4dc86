package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

func slugs(rows []catalog.Listed) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.Slug)
	}
	return out
}

func TestEachReaderSeesWhatIsMeantForThem(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		w.AddAPI("inside", catalog.Input{Name: "Inside", DataDomain: "customer", Visibility: catalog.SignedIn})
		w.AddAPI("secret", catalog.Input{Name: "Secret", DataDomain: "customer", Visibility: catalog.Invited, InvitedIDs: []db.ID{w.Contoso}})
		draft := w.AddAPI("draft", catalog.Input{Name: "Draft", DataDomain: "customer", Visibility: catalog.Public, PublisherID: w.North})
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE api_versions SET state = 'draft' WHERE api_id = ?", draft)
			return err
		})
		want := map[string][]string{
			"nobody": {"orders", "portal"}, "owner": {"draft", "inside", "orders", "portal"}, "invited": {"inside", "orders", "secret", "portal"},
			"staff": {"draft", "inside", "orders", "secret", "portal"},
		}

		for who, a := range map[string]actor.Actor{"nobody": {}, "owner": w.Owner, "invited": w.Other, "staff": w.Support} {
			rows, err := w.Catalog.Visible(t.Context(), a, "")
			if err != nil || !slices.Equal(slugs(rows), want[who]) {
				t.Errorf("%s: %v %v", who, slugs(rows), err)
			}
			for _, slug := range []string{"draft", "inside", "orders", "secret", "portal"} {
				_, err := w.Catalog.BySlug(t.Context(), a, slug)
				if seen := slices.Contains(want[who], slug); seen != (err == nil) || (!seen && !fault.Is(err, fault.NotFound)) {
					t.Errorf("%s at %s: %v", who, slug, err)
				}
			}
		}
		found, err := w.Catalog.Visible(t.Context(), w.Other, "SECR")
		if err != nil || !slices.Equal(slugs(found), []string{"secret"}) {
			t.Error(slugs(found), err)
		}
	})
}

func TestInvitedAPIIsRequestedByInvitedOrganizationsAlone(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		id := w.AddAPI("secret", catalog.Input{Name: "Secret", DataDomain: "customer", Visibility: catalog.Invited, InvitedIDs: []db.ID{w.Contoso}})
		w.Join(w.Contoso, w.Owner, "viewer")
		d, err := w.Catalog.ByID(t.Context(), w.Staff, id)
		if err != nil {
			t.Fatal(err)
		}

		_, err = w.Catalog.Request(t.Context(), w.Owner, "secret", catalog.RequestInput{AppID: w.Shop, PlanID: d.Plans[0].ID, ScopeIDs: []db.ID{d.Scopes[0].ID}, Purpose: "Through the back door."})

		wantKind(t, "an app of another organization", err, fault.Invalid)
	})
}

// Z5
func TestOnlyStaffWhoMayPublishChangesAnAPI(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		ctx := t.Context()
		in := catalog.Input{Slug: "mine", Name: "Mine", PublisherID: w.North, DataDomain: "customer", Visibility: catalog.Public}
		d, err := w.Catalog.ByID(ctx, w.Support, w.API)
		if err != nil {
			t.Fatal(err)
		}
		for who, a := range map[string]actor.Actor{"owner": w.Owner, "support": w.Support, "nobody": {}} {
			for what, err := range map[string]error{
				"create":       errOf(w.Catalog.Create(ctx, a, in, catalog.VersionInput{Name: "v1", State: catalog.Live})),
				"change":       w.Catalog.Change(ctx, a, w.API, in),
				"terms":        w.Catalog.SetTerms(ctx, a, w.API, "x"),
				"version":      w.Catalog.AddVersion(ctx, a, w.API, catalog.VersionInput{Name: "v3", State: catalog.Live}),
				"version mend": w.Catalog.ChangeVersion(ctx, a, w.API, d.Versions[0].ID, catalog.Retired, nil),
				"environment":  w.Catalog.SetEnvironment(ctx, a, w.API, catalog.Environment{Environment: "live"}),
				"scope":        w.Catalog.AddScope(ctx, a, w.API, catalog.ScopeInput{Name: "a:b", Sentence: "x"}),
				"scope mend":   w.Catalog.ChangeScope(ctx, a, w.API, w.Read, catalog.ScopeInput{Sentence: "x"}),
				"withdraw":     w.Catalog.WithdrawScope(ctx, a, w.API, w.Read),
				"rules":        errOf(w.Catalog.AddRules(ctx, a, w.API, db.ID{}, "GET /x orders:read")),
				"rule gone":    w.Catalog.RemoveRule(ctx, a, w.API, d.Rules[0].ID),
				"plan":         w.Catalog.AddPlan(ctx, a, w.API, catalog.PlanInput{Name: "x", RateRequests: 1, RatePeriodSeconds: 1, Burst: 1}),
				"plan mend":    w.Catalog.ChangePlan(ctx, a, w.API, w.Open, catalog.PlanInput{Name: "x", RateRequests: 1, RatePeriodSeconds: 1, Burst: 1}),
				"plan gone":    w.Catalog.RetirePlan(ctx, a, w.API, w.Open, db.ID{}),
				"retire":       w.Catalog.Retire(ctx, a, w.API, "Orders"),
			} {
				wantKind(t, who+" "+what, err, fault.Forbidden)
			}
		}
		after, err := w.Catalog.ByID(ctx, w.Support, w.API)
		if err != nil || len(after.Rules) != 3 || len(after.Scopes) != 2 || after.Name != "Orders" {
			t.Error("something changed", err)
		}
	})
}

func TestInputOfAnAPIIsChecked(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t, dbtest.NewClock()))
	good := catalog.Input{Slug: "stock", Name: "Stock", PublisherID: w.Company, DataDomain: "customer", Visibility: catalog.Public}
	version := catalog.VersionInput{Name: "v1", State: catalog.Live}
	var personal db.ID
	w.Tx(func(tx *db.Tx) error {
		personal = db.NewID()
		_, err := tx.Run("INSERT INTO organizations (id, kind, personal_user_id, name, created_at, updated_at) VALUES (?, 'personal', ?, 'x', ?, ?)", personal, w.Owner.UserID, tx.Now, tx.Now)
		return err
	})
	for field, bend := range map[string]func(in *catalog.Input, v *catalog.VersionInput){
		"slug":        func(in *catalog.Input, _ *catalog.VersionInput) { in.Slug = "Stock--x" },
		"name":        func(in *catalog.Input, _ *catalog.VersionInput) { in.Name = strings.Repeat("x", 81) },
		"publisher":   func(in *catalog.Input, _ *catalog.VersionInput) { in.PublisherID = personal },
		"data_domain": func(in *catalog.Input, _ *catalog.VersionInput) { in.DataDomain = "" },
		"visibility":  func(in *catalog.Input, _ *catalog.VersionInput) { in.Visibility = "all" },
		"description": func(in *catalog.Input, _ *catalog.VersionInput) { in.Description = strings.Repeat("[", 5000) },
		"version":     func(_ *catalog.Input, v *catalog.VersionInput) { v.Name = "v 1" },
		"state":       func(_ *catalog.Input, v *catalog.VersionInput) { v.State = "alive" },
	} {
		in, v := good, version
		bend(&in, &v)
		_, err := w.Catalog.Create(t.Context(), w.Staff, in, v)
		if f := fault.As(err); f == nil || f.Kind != fault.Invalid || !slices.ContainsFunc(f.Problems, func(p fault.Problem) bool { return p.Field == field }) {
			t.Errorf("%s: %v", field, err)
		}
	}
	_, err := w.Catalog.Create(t.Context(), w.Staff, catalog.Input{Slug: "orders", Name: "Twice", PublisherID: w.Company, DataDomain: "customer", Visibility: catalog.Public}, version)
	wantKind(t, "a slug that is taken", err, fault.Invalid)
}

func TestDataDomainIsFixedByTheFirstKey(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		in := catalog.Input{Slug: "orders", Name: "Orders", PublisherID: w.Company, DataDomain: "employee", Visibility: catalog.Public}
		if err := w.Catalog.Change(t.Context(), w.Staff, w.API, in); err != nil {
			t.Fatal(err)
		}
		w.Key(w.Shop, "worker", w.API, w.Read)
		in.DataDomain = "customer"

		err := w.Catalog.Change(t.Context(), w.Staff, w.API, in)

		wantKind(t, "another domain", err, fault.Invalid)
	})
}

func TestRouteRulesAreTakenWholeOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		for _, bad := range []string{
			"", "GET /a", "GET /a nope:read", "GET a orders:read", "get2 /a orders:read", "GET /a/{b orders:read", "GET /v2/orders orders:write", "GET /v2/orders/{other} orders:read",
			"GET /a orders:read\nGET /a orders:write", "GET /a?x orders:read", "GET /a/../b orders:read", "GET /ok orders:read\nPOST /a nope:x",
		} {
			n, err := w.Catalog.AddRules(t.Context(), w.Staff, w.API, db.ID{}, bad)
			if n != 0 || !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %d %v", bad, n, err)
			}
		}

		n, err := w.Catalog.AddRules(t.Context(), w.Staff, w.API, db.ID{}, "delete /v2/orders/{id} orders:write\r\n\r\nGET\t/v2/orders/{id}/lines   orders:read\n")

		d, _ := w.Catalog.ByID(t.Context(), w.Staff, w.API)
		if err != nil || n != 2 || len(d.Rules) != 5 {
			t.Fatal(n, err, len(d.Rules))
		}
	})
}

func TestWithdrawalTellsWhichKeysItHits(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		w.Request(w.Open, w.Read)
		id := w.Key(w.Shop, "Checkout worker", w.API, w.Read)
		w.Key(w.Foreign, "Bare", w.API)
		w.Tx(func(tx *db.Tx) error {
			var series int64
			err := tx.Raw("INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, 'live', '/v2/orders', 'VALID') RETURNING id", id, w.Shop, w.North, w.API).Scan(&series).Error
			if err == nil {
				_, err = tx.Run("INSERT INTO usage_hours (series_id, at, calls) VALUES (?, ?, 41)", series, tx.Now)
			}
			return err
		})

		byScope, err1 := w.Catalog.ScopeHits(t.Context(), w.Staff, w.API, w.Read)
		byPlan, err2 := w.Catalog.PlanHits(t.Context(), w.Staff, w.API, w.Open)
		byAPI, err3 := w.Catalog.APIHits(t.Context(), w.Staff, w.API)
		none, err4 := w.Catalog.ScopeHits(t.Context(), w.Staff, w.API, w.Write)

		for what, h := range map[string]catalog.Hits{"scope": byScope, "plan": byPlan, "api": byAPI} {
			if h.Keys != 1 || h.Calls != 41 || len(h.First) != 1 || h.First[0].Name != "Checkout worker" || h.First[0].OrganizationName != "Northwind" || h.First[0].Calls != 41 {
				t.Errorf("%s: %+v", what, h)
			}
		}
		if err1 != nil || err2 != nil || err3 != nil || err4 != nil || none.Keys != 0 {
			t.Error(err1, err2, err3, err4, none)
		}
	})
}

// K7: scope withdrawn
func TestWithdrawnScopeLeavesEveryAccess(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		w.Request(w.Open, w.Read)
		_, before := w.Changes(0)

		err := w.Catalog.WithdrawScope(t.Context(), w.Staff, w.API, w.Read)

		kinds, _ := w.Changes(before)
		if err != nil || len(w.InForce()) != 0 || kinds["api"] != 1 {
			t.Fatal(err, w.InForce(), kinds)
		}
		wantKind(t, "twice", w.Catalog.WithdrawScope(t.Context(), w.Staff, w.API, w.Read), fault.NotFound)
		wantKind(t, "the name again", w.Catalog.AddScope(t.Context(), w.Staff, w.API, catalog.ScopeInput{Name: "orders:read", Sentence: "x"}), fault.Invalid)
	})
}

func TestRetiredPlanMovesItsApps(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		x := w.Request(w.Open, w.Read)

		err := w.Catalog.RetirePlan(t.Context(), w.Staff, w.API, w.Open, w.Trusted)

		row, _ := w.Catalog.OneAccess(t.Context(), w.Owner, x.ID)
		d, _ := w.Catalog.BySlug(t.Context(), w.Owner, "orders")
		if err != nil || row.PlanID != w.Trusted || row.State != catalog.Approved || len(d.Plans) != 1 {
			t.Fatal(err, row.PlanName, len(d.Plans))
		}
	})
}

func TestRetiredAPIEndsAllAccess(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		in := w.Request(w.Open, w.Read)
		waiting := w.Request(w.Trusted, w.Write)
		wantKind(t, "another name", w.Catalog.Retire(t.Context(), w.Staff, w.API, "orders"), fault.Invalid)

		err := w.Catalog.Retire(t.Context(), w.Staff, w.API, "Orders")

		a, _ := w.Catalog.OneAccess(t.Context(), w.Owner, in.ID)
		b, _ := w.Catalog.OneAccess(t.Context(), w.Owner, waiting.ID)
		d, readErr := w.Catalog.ByID(t.Context(), w.Staff, w.API)
		if err != nil || readErr != nil || a.State != catalog.Ended || b.State != catalog.Refused || d.RetiredAt == nil || d.Versions[0].State != catalog.Retired {
			t.Fatal(err, a.State, b.State, d.API)
		}
		wantKind(t, "its page", errOf(w.Catalog.BySlug(t.Context(), w.Staff, "orders")), fault.NotFound)
		wantKind(t, "a change", w.Catalog.SetTerms(t.Context(), w.Staff, w.API, "x"), fault.Conflict)
		portal, _ := w.Catalog.BySlug(t.Context(), w.Staff, "portal")
		wantKind(t, "the portal's own", w.Catalog.Retire(t.Context(), w.Staff, portal.ID, "Portal API"), fault.Conflict)
	})
}

func TestVersionsGoForwardOnly(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		d, _ := w.Catalog.ByID(t.Context(), w.Staff, w.API)
		v := d.Versions[0].ID
		wantKind(t, "live to draft", w.Catalog.ChangeVersion(t.Context(), w.Staff, w.API, v, catalog.Draft, nil), fault.Invalid)

		err := w.Catalog.ChangeVersion(t.Context(), w.Staff, w.API, v, catalog.Retired, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantKind(t, "back from retired", w.Catalog.ChangeVersion(t.Context(), w.Staff, w.API, v, catalog.Live, nil), fault.Invalid)
		portal, _ := w.Catalog.BySlug(t.Context(), w.Staff, "portal")
		wantKind(t, "a version of another API", w.Catalog.ChangeVersion(t.Context(), w.Staff, portal.ID, v, catalog.Live, nil), fault.NotFound)
	})
}

func TestCurlIsQuotedForTheShell(t *testing.T) {
	e := catalog.Environment{BaseURL: "https://api.example", ExampleMethod: "POST", ExamplePath: "/v2/o?a=1&b=2", ExampleBody: `{"a":"it's"}`}

	got := e.Curl("YOUR_KEY")

	want := "curl -X POST 'https://api.example/v2/o?a=1&b=2' \\\n  -H 'Authorization: Bearer YOUR_KEY' \\\n  -H 'Content-Type: application/json' \\\n  -d '{\"a\":\"it'\\''s\"}'"
	if got != want {
		t.Errorf("%s", got)
	}
}
