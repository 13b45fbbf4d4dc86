package catalog_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

func each(t *testing.T, body func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(t, catalogtest.New(t, d), clock) })
}

func wantKind(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

func TestPlanWithoutApprovalGrantsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		_, before := w.Changes(0)

		x := w.Request(w.Open, w.Read)

		kinds, _ := w.Changes(before)
		if x.State != catalog.Approved || !slices.Equal(w.InForce(), []string{"orders:read"}) || kinds["access"] != 1 || kinds["api"] != 1 {
			t.Fatal(x.State, w.InForce(), kinds)
		}
	})
}

func TestApprovalIsWaitedFor(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		x := w.Request(w.Trusted, w.Read, w.Write)
		if x.State != catalog.Requested || len(w.InForce()) != 0 || !slices.Contains(w.Mails("ada.admin@example.com"), "access_requested") {
			t.Fatal(x.State, w.InForce(), w.Mails("ada.admin@example.com"))
		}
		_, err := w.Catalog.Request(t.Context(), w.Owner, "orders", catalog.RequestInput{AppID: w.Shop, PlanID: w.Open, ScopeIDs: []db.ID{w.Read}, Purpose: "Again."})
		wantKind(t, "a second request", err, fault.Conflict)

		err = w.Catalog.Approve(t.Context(), w.Staff, x.ID, catalog.Approval{ScopeIDs: []db.ID{w.Read}, PlanID: w.Open})

		row, readErr := w.Catalog.OneAccess(t.Context(), w.Owner, x.ID)
		if err != nil || readErr != nil || row.State != catalog.Approved || row.PlanID != w.Open || row.DeciderName != "Ada Admin" ||
			!slices.Equal(w.InForce(), []string{"orders:read"}) || !slices.Contains(w.Mails("nora.north@example.com"), "access_approved") {
			t.Fatal(err, readErr, row, w.InForce())
		}
	})
}

func TestSensitiveScopeWaitsWhateverThePlan(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		if x := w.Request(w.Open, w.Write); x.State != catalog.Requested {
			t.Fatal(x.State)
		}
	})
}

func TestLaterRequestWidens(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		first := w.Request(w.Open, w.Read)
		second := w.Request(w.Trusted, w.Write)

		err := w.Catalog.Approve(t.Context(), w.Staff, second.ID, catalog.Approval{ScopeIDs: []db.ID{w.Write}, PlanID: w.Trusted})

		old, _ := w.Catalog.OneAccess(t.Context(), w.Owner, first.ID)
		if err != nil || old.State != catalog.Ended || !slices.Equal(w.InForce(), []string{"orders:read", "orders:write"}) {
			t.Fatal(err, old.State, w.InForce())
		}
		third := w.Request(w.Open, w.Write) // held already, and the plan needs no approval
		if third.State != catalog.Approved || len(w.InForce()) != 2 {
			t.Fatal(third.State, w.InForce())
		}
	})
}

// A plan without approval gives nothing back that staff took away
func TestAfterStaffEndedAccessStaffDecide(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		w.Request(w.Open, w.Read)
		wider := w.Request(w.Open, w.Read) // widened: nothing of it was taken away
		if wider.State != catalog.Approved {
			t.Fatal(wider.State)
		}
		if err := w.Catalog.End(t.Context(), w.Staff, wider.ID, "Misused."); err != nil {
			t.Fatal(err)
		}

		again := w.Request(w.Open, w.Read)

		if again.State != catalog.Requested || len(w.InForce()) != 0 {
			t.Fatal(again.State, w.InForce())
		}
		if err := w.Catalog.Approve(t.Context(), w.Staff, again.ID, catalog.Approval{ScopeIDs: []db.ID{w.Read}, PlanID: w.Open}); err != nil {
			t.Fatal(err)
		}
		if wider := w.Request(w.Open, w.Read); wider.State != catalog.Approved {
			t.Error("staff gave it back, so the plan decides again:", wider.State)
		}
	})
}

func TestTwoDecisionsAtOnceGrantOnce(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		w.Request(w.Open, w.Read)
		x := w.Request(w.Trusted, w.Write)
		var wg sync.WaitGroup
		errs := make([]error, 8)

		for i := range errs {
			wg.Add(1)
			go func() {
				defer wg.Done()
				if i%4 == 3 {
					errs[i] = w.Catalog.Refuse(context.Background(), w.Staff, x.ID, "No.")
					return
				}
				errs[i] = w.Catalog.Approve(context.Background(), w.Staff, x.ID, catalog.Approval{ScopeIDs: []db.ID{w.Write}, PlanID: w.Trusted})
			}()
		}
		wg.Wait()

		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
		if mails := w.Mails("nora.north@example.com"); won != 1 || len(mails) != 1 || len(w.InForce()) == 0 {
			t.Fatal(won, mails, w.InForce())
		}
	})
}

func TestApprovalGivesNothingThatWasNotAskedFor(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		x := w.Request(w.Trusted, w.Read)
		other := w.AddAPI("stock", catalog.Input{Name: "Stock", DataDomain: "customer", Visibility: catalog.Public})
		d, err := w.Catalog.ByID(t.Context(), w.Staff, other)
		if err != nil {
			t.Fatal(err)
		}

		for what, in := range map[string]catalog.Approval{
			"unasked scope":     {ScopeIDs: []db.ID{w.Read, w.Write}, PlanID: w.Trusted},
			"another API":       {ScopeIDs: []db.ID{d.Scopes[0].ID}, PlanID: w.Trusted},
			"another API's":     {ScopeIDs: []db.ID{w.Read}, PlanID: d.Plans[0].ID},
			"nothing":           {PlanID: w.Trusted},
			"a plan of nowhere": {ScopeIDs: []db.ID{w.Read}, PlanID: db.NewID()},
		} {
			wantKind(t, what, w.Catalog.Approve(t.Context(), w.Staff, x.ID, in), fault.Invalid)
		}
		if len(w.InForce()) != 0 {
			t.Fatal("something was granted")
		}
	})
}

// Z5
func TestOnlyThoseWhoMayDecideAndAsk(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		viewer, developer := w.Person("Vera View", ""), w.Person("Dev Eloper", "")
		w.Join(w.North, viewer, "viewer")
		w.Join(w.North, developer, "developer")
		x := w.Request(w.Trusted, w.Read)
		ask := catalog.RequestInput{AppID: w.Shop, PlanID: w.Open, ScopeIDs: []db.ID{w.Read}, Purpose: "Why not."}
		approval := catalog.Approval{ScopeIDs: []db.ID{w.Read}, PlanID: w.Trusted}
		_, viewerAsks := w.Catalog.Request(t.Context(), viewer, "orders", ask)
		_, developerAsks := w.Catalog.Request(t.Context(), developer, "orders", ask)
		_, foreignAsks := w.Catalog.Request(t.Context(), w.Other, "orders", ask)
		_, supportReads := w.Catalog.RequestByID(t.Context(), w.Support, x.ID)

		wantKind(t, "viewer asks", viewerAsks, fault.Forbidden)
		wantKind(t, "developer asks", developerAsks, fault.Forbidden)
		wantKind(t, "foreign asks", foreignAsks, fault.NotFound)
		wantKind(t, "developer withdraws", w.Catalog.Withdraw(t.Context(), developer, x.ID), fault.Forbidden)
		wantKind(t, "foreign withdraws", w.Catalog.Withdraw(t.Context(), w.Other, x.ID), fault.NotFound)
		wantKind(t, "owner approves", w.Catalog.Approve(t.Context(), w.Owner, x.ID, approval), fault.Forbidden)
		wantKind(t, "support approves", w.Catalog.Approve(t.Context(), w.Support, x.ID, approval), fault.Forbidden)
		wantKind(t, "support refuses", w.Catalog.Refuse(t.Context(), w.Support, x.ID, "No."), fault.Forbidden)
		wantKind(t, "support ends", w.Catalog.End(t.Context(), w.Support, x.ID, "No."), fault.Forbidden)
		wantKind(t, "support changes the plan", w.Catalog.ChoosePlan(t.Context(), w.Support, x.ID, w.Open), fault.Forbidden)
		wantKind(t, "owner reads staff's", errOf(w.Catalog.RequestByID(t.Context(), w.Owner, x.ID)), fault.Forbidden)
		if supportReads != nil {
			t.Error("support can't read", supportReads)
		}
	})
}

func errOf[T any](_ T, err error) error { return err }

func TestRefusalNeedsAReasonAndIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		x := w.Request(w.Trusted, w.Read)
		wantKind(t, "no reason", w.Catalog.Refuse(t.Context(), w.Staff, x.ID, " "), fault.Invalid)

		err := w.Catalog.Refuse(t.Context(), w.Staff, x.ID, "Tell us more about the data.")

		row, _ := w.Catalog.OneAccess(t.Context(), w.Owner, x.ID)
		if err != nil || row.State != catalog.Refused || row.Reason != "Tell us more about the data." || !slices.Contains(w.Mails("nora.north@example.com"), "access_refused") {
			t.Fatal(err, row)
		}
		if again := w.Request(w.Trusted, w.Read); again.State != catalog.Requested {
			t.Fatal("no new request after a refusal")
		}
	})
}

func TestWithdrawnRequestCantBeApproved(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		x := w.Request(w.Trusted, w.Read)

		if err := w.Catalog.Withdraw(t.Context(), w.Owner, x.ID); err != nil {
			t.Fatal(err)
		}

		wantKind(t, "approve", w.Catalog.Approve(t.Context(), w.Staff, x.ID, catalog.Approval{ScopeIDs: []db.ID{w.Read}, PlanID: w.Trusted}), fault.Conflict)
		wantKind(t, "withdraw twice", w.Catalog.Withdraw(t.Context(), w.Owner, x.ID), fault.Conflict)
	})
}

// K7: access suspended or ended
func TestAccessIsSuspendedAndEnded(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		x := w.Request(w.Open, w.Read)
		until := clock.Now().Add(time.Hour)
		_, before := w.Changes(0)

		suspend := w.Catalog.Suspend(t.Context(), w.Staff, x.ID, org.Suspension{Reason: "Too many errors.", Until: &until})

		_, widen := w.Catalog.Request(t.Context(), w.Owner, "orders", catalog.RequestInput{AppID: w.Shop, PlanID: w.Open, ScopeIDs: []db.ID{w.Read}, Purpose: "Now."})
		kinds, _ := w.Changes(before)
		if suspend != nil || len(w.InForce()) != 0 || kinds["access"] != 1 {
			t.Fatal(suspend, w.InForce(), kinds)
		}
		wantKind(t, "widening what is suspended", widen, fault.Conflict)
		clock.Advance(2 * time.Hour)
		if len(w.InForce()) != 1 {
			t.Error("the suspension did not end by itself")
		}
		if err := errors.Join(w.Catalog.Unsuspend(t.Context(), w.Staff, x.ID), w.Catalog.End(t.Context(), w.Staff, x.ID, "Over.")); err != nil {
			t.Fatal(err)
		}
		wantKind(t, "end twice", w.Catalog.End(t.Context(), w.Staff, x.ID, "Over."), fault.Conflict)
		if len(w.InForce()) != 0 {
			t.Error("ended access grants")
		}
	})
}

func TestPlanIsChangedWithoutANewKey(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		x := w.Request(w.Open, w.Read)
		wantKind(t, "a plan with approval", w.Catalog.ChooseOwnPlan(t.Context(), w.Owner, x.ID, w.Trusted), fault.Invalid)

		err := w.Catalog.ChoosePlan(t.Context(), w.Staff, x.ID, w.Trusted)
		back := w.Catalog.ChooseOwnPlan(t.Context(), w.Owner, x.ID, w.Open)

		row, _ := w.Catalog.OneAccess(t.Context(), w.Owner, x.ID)
		if err != nil || back != nil || row.PlanID != w.Open {
			t.Fatal(err, back, row.PlanName)
		}
		wantKind(t, "a foreign access", w.Catalog.ChooseOwnPlan(t.Context(), w.Other, x.ID, w.Open), fault.NotFound)
	})
}

func TestTermsAreAgreedTo(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		if err := w.Catalog.SetTerms(t.Context(), w.Staff, w.API, "Be kind."); err != nil {
			t.Fatal(err)
		}
		in := catalog.RequestInput{AppID: w.Shop, PlanID: w.Open, ScopeIDs: []db.ID{w.Read}, Purpose: "Show orders."}
		_, without := w.Catalog.Request(t.Context(), w.Owner, "orders", in)
		in.AgreesTerms = true

		x, err := w.Catalog.Request(t.Context(), w.Owner, "orders", in)

		wantKind(t, "without agreeing", without, fault.Invalid)
		row, _ := w.Catalog.OneAccess(t.Context(), w.Owner, x.ID)
		if err != nil || row.TermsVersion != 2 || row.TermsAgreedAt == nil || *row.TermsAgreedBy != w.Owner.UserID {
			t.Fatal(err, row)
		}
	})
}

func TestOnlyPublishersAskAboutKeys(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		portal, err := w.Catalog.BySlug(t.Context(), w.Owner, "portal")
		if err != nil {
			t.Fatal(err)
		}
		verify := slices.IndexFunc(portal.Scopes, func(s catalog.Scope) bool { return s.Name == catalog.VerifyScope })
		in := catalog.RequestInput{AppID: w.Shop, PlanID: portal.Plans[0].ID, ScopeIDs: []db.ID{portal.Scopes[verify].ID}, Purpose: "Peek."}

		_, outsider := w.Catalog.Request(t.Context(), w.Owner, "portal", in)
		w.AddAPI("parcels", catalog.Input{Name: "Parcels", PublisherID: w.North, DataDomain: "customer", Visibility: catalog.Public})
		x, publisher := w.Catalog.Request(t.Context(), w.Owner, "portal", in)

		wantKind(t, "no publisher", outsider, fault.Invalid)
		if publisher != nil || x.State != catalog.Approved {
			t.Fatal(publisher, x.State)
		}
	})
}

func TestPurposeIsNeededWhereTheRequestWaits(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		ask := func(plan db.ID, scopes ...db.ID) error {
			_, err := w.Catalog.Request(t.Context(), w.Owner, "orders", catalog.RequestInput{AppID: w.Shop, PlanID: plan, ScopeIDs: scopes, Purpose: " "})
			return err
		}

		wantKind(t, "a plan with approval", ask(w.Trusted, w.Read), fault.Invalid)
		wantKind(t, "a sensitive scope", ask(w.Open, w.Read, w.Write), fault.Invalid)
		if err := ask(w.Open, w.Read); err != nil || !slices.Equal(w.InForce(), []string{"orders:read"}) {
			t.Fatal(err, w.InForce())
		}
	})
}
