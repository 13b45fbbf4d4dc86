package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// C13: never by default, never without an end, and told to verification and audit.
func TestReportOnlyModeIsSetWithAnEndAndEndsByItself(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ctx := t.Context()
		read := func() catalog.Detail {
			d, err := w.Catalog.ByID(ctx, w.Staff, w.API)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		if read().ReportsOnly(clock.Now()) {
			t.Fatal("by default")
		}
		_, before := w.Changes(0)

		wantKind(t, "without an end", w.Catalog.SetReportOnly(ctx, w.Staff, w.API, forDays(0, true)), fault.Invalid)
		wantKind(t, "for too long", w.Catalog.SetReportOnly(ctx, w.Staff, w.API, forDays(365, true)), fault.Invalid)
		wantKind(t, "unsure", w.Catalog.SetReportOnly(ctx, w.Staff, w.API, forDays(7, false)), fault.Invalid)
		for who, a := range map[string]actor.Actor{"owner": w.Owner, "support": w.Support, "nobody": {}} {
			wantKind(t, who, w.Catalog.SetReportOnly(ctx, a, w.API, forDays(7, true)), fault.Forbidden)
			wantKind(t, who+" ends", w.Catalog.EndReportOnly(ctx, a, w.API, ""), fault.Forbidden)
		}
		if _, now := w.Changes(0); now != before {
			t.Error("something changed")
		}
		if err := w.Catalog.SetReportOnly(ctx, w.Staff, w.API, forDays(7, true)); err != nil {
			t.Fatal(err)
		}

		kinds, _ := w.Changes(before)
		if kinds[string(change.API)] != 1 || len(kinds) != 1 || !read().ReportsOnly(clock.Now()) || read().ReportsOnly(clock.Now().AddDate(0, 0, 7)) {
			t.Error(kinds, read().ReportOnlyUntil)
		}
		if n := events(t, w, audit.APIReportOnly); n != 1 {
			t.Error("audit:", n)
		}
		clock.Advance(7 * 24 * time.Hour)
		if read().ReportsOnly(clock.Now()) {
			t.Error("it goes on")
		}
	})
}

func TestReportOnlyModeEndsAtOnceAndWithTheAPI(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ctx := t.Context()
		set := func() {
			t.Helper()
			if err := w.Catalog.SetReportOnly(ctx, w.Staff, w.API, forDays(30, true)); err != nil {
				t.Fatal(err)
			}
		}
		on := func() bool {
			d, err := w.Catalog.ByID(ctx, w.Staff, w.API)
			if err != nil {
				t.Fatal(err)
			}
			return d.ReportsOnly(clock.Now())
		}
		set()

		if err := w.Catalog.EndReportOnly(ctx, w.Staff, w.API, ""); err != nil || on() {
			t.Error("ended:", err, on())
		}
		if n := events(t, w, audit.APIReportOnlyEnd); n != 1 {
			t.Error("audit:", n)
		}
		set()
		if err := w.Catalog.Retire(ctx, w.Staff, w.API, "Orders"); err != nil || on() {
			t.Error("retired:", err, on())
		}
		wantKind(t, "a retired one", w.Catalog.SetReportOnly(ctx, w.Staff, w.API, forDays(1, true)), fault.Conflict)
		portal, err := w.Catalog.BySlug(ctx, w.Staff, "portal")
		if err != nil {
			t.Fatal(err)
		}
		wantKind(t, "the portal's own", w.Catalog.SetReportOnly(ctx, w.Staff, portal.ID, forDays(1, true)), fault.Conflict)
	})
}

func forDays(days int, sure bool) catalog.ReportOnly {
	return catalog.ReportOnly{Environments: catalog.Environments, Days: days, Sure: sure}
}

// C13: what is tried in test leaves live closed, and each ends for itself. A server of the version before, which knows one end for both, is never told more
// than holds for both.
func TestReportOnlyModeHoldsForTheEnvironmentsThatWereChosen(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ctx := t.Context()
		set := func(days int, environments ...string) {
			t.Helper()
			if err := w.Catalog.SetReportOnly(ctx, w.Staff, w.API, catalog.ReportOnly{Environments: environments, Days: days, Sure: true}); err != nil {
				t.Fatal(err)
			}
		}
		open := func() (string, bool) {
			t.Helper()
			d, err := w.Catalog.ByID(ctx, w.Staff, w.API)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(d.ReportsIn(clock.Now()), " "), d.ReportOnlyUntil != nil && clock.Now().Before(*d.ReportOnlyUntil)
		}
		want := func(what, in string, before bool) {
			t.Helper()
			if got, old := open(); got != in || old != before {
				t.Errorf("%s: open in %q, want %q; the version before sees it: %v", what, got, in, old)
			}
		}
		wantKind(t, "in no environment", w.Catalog.SetReportOnly(ctx, w.Staff, w.API, catalog.ReportOnly{Days: 7, Sure: true}), fault.Invalid)
		wantKind(t, "in an unknown one", w.Catalog.SetReportOnly(ctx, w.Staff, w.API, catalog.ReportOnly{Environments: []string{"stage"}, Days: 7, Sure: true}), fault.Invalid)

		set(14, catalog.EnvTest)
		want("test alone", "test", false)
		set(1, catalog.EnvLive)
		want("with ends of their own", "live test", false)
		clock.Advance(24 * time.Hour)
		want("live has ended", "test", false)
		set(7, catalog.EnvLive, catalog.EnvTest)
		want("both at once", "live test", true)
		if err := w.Catalog.EndReportOnly(ctx, w.Staff, w.API, catalog.EnvLive); err != nil {
			t.Fatal(err)
		}
		want("live was ended", "test", false)
		if rows, err := w.Catalog.Reporting(ctx, w.Support); err != nil || len(rows) != 1 || rows[0].ID != w.API {
			t.Error("those that are open now:", rows, err)
		}
		clock.Advance(7 * 24 * time.Hour)
		want("all have ended", "", false)
		if rows, err := w.Catalog.Reporting(ctx, w.Support); err != nil || len(rows) != 0 {
			t.Error("none is open any more:", rows, err)
		}
		if _, err := w.Catalog.Reporting(ctx, w.Owner); !fault.Is(err, fault.Forbidden) {
			t.Error("who is no staff:", err)
		}
	})
}

func events(t *testing.T, w *catalogtest.World, act audit.Act) (n int) {
	t.Helper()
	if err := w.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM audit_events WHERE act = ?", string(act)).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// REL-8: on a full disk an API that lets everything through can be shut, and shutting it over and over writes once.
func TestReportOnlyModeEndsOnAFullDisk(t *testing.T) {
	clock := dbtest.NewClock()
	d, fill := dbtest.Small(t, clock)
	w := catalogtest.New(t, d)
	if err := w.Catalog.SetReportOnly(t.Context(), w.Staff, w.API, forDays(7, true)); err != nil {
		t.Fatal(err)
	}
	fill()
	_, before := w.Changes(0)

	for range 3 {
		if err := w.Catalog.EndReportOnly(t.Context(), w.Staff, w.API, ""); err != nil {
			t.Fatal(err)
		}
	}

	api, err := w.Catalog.ByID(t.Context(), w.Staff, w.API)
	if kinds, _ := w.Changes(before); err != nil || api.ReportsOnly(clock.Now()) || kinds[string(change.API)] != 1 || events(t, w, audit.APIReportOnlyEnd) != 1 {
		t.Errorf("%v; changes %v; it reports only until %v", err, kinds, api.ReportOnlyUntil)
	}
	if err := w.Catalog.SetReportOnly(t.Context(), w.Staff, w.API, forDays(7, true)); !db.Full(err) {
		t.Error("what stops nothing was written:", err)
	}
}
