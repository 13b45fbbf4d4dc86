package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// presets gives orders two presets.
func (w *world) presets(t *testing.T) []catalog.Preset {
	t.Helper()
	for _, in := range []catalog.PresetInput{{Name: "Reporting", Purpose: "Reads orders for a report.", ScopeIDs: []db.ID{w.Read}}, {Name: "Shop", Purpose: "Sells things.", ScopeIDs: []db.ID{w.Read, w.Write}}} {
		if err := w.Catalog.AddPreset(t.Context(), w.Staff, w.API, in); err != nil {
			t.Fatal(err)
		}
	}
	return w.detail(t).Presets
}

func (w *world) presetPath(p catalog.Preset) string {
	return w.api("/presets/" + p.ID.Show(catalog.PresetPrefix))
}

// hidden is the value of a hidden field of a page.
func hidden(t *testing.T, p webtest.Page, name string) string {
	t.Helper()
	_, rest, _ := strings.Cut(p.Body, `name="`+name+`" value="`)
	value, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("no field %s in %s", name, p.Body)
	}
	return value
}

// Publishers see their presets in order with what each leaves out; support reads them and is offered no act.
func TestPresetsPageShowsWhatEachTicks(t *testing.T) {
	w := newWorld(t)
	has(t, w.staff.Get(w.api("/presets")), "No preset yet")
	all := w.presets(t)
	if err := w.Catalog.WithdrawScope(t.Context(), w.Staff, w.API, w.Write); err != nil {
		t.Fatal(err)
	}

	page := w.staff.Get(w.api("/presets"))

	has(t, page, "Reporting", "Reads orders for a report.", "Left out because withdrawn: orders:write", "Offered in part", "Move preset Shop up", "Add preset")
	if strings.Contains(page.Body, "Move preset Reporting up") || strings.Contains(w.support.Get(w.api("/presets")).Body, "Change preset") {
		t.Error("an act is offered that can’t be done")
	}
	has(t, w.staff.Get(w.presetPath(all[1])), "Withdrawn. It leaves the preset when you save.", "Sells things.")
	wantStatus(t, "no such preset", w.staff.Get(w.presetPath(catalog.Preset{ID: db.NewID()})).Status, 404)
	wantStatus(t, "form for support", w.support.Get(w.presetPath(all[1])).Status, 403)
}

// Two publishers at one preset: the second is told what the first saved, keeps what they typed, and decides.
func TestStaleFormOfAPresetTellsWhatItIsNow(t *testing.T) {
	w := newWorld(t)
	all := w.presets(t)
	path, scope := w.presetPath(all[0]), w.Read.Show(catalog.ScopePrefix)
	mine := func(seen string) webtest.Page {
		return w.staff.Post(path, form("preset", "My reports", "purpose", "Mine.", "scopes", scope, "seen", seen))
	}
	old := hidden(t, w.staff.Get(path), "seen")
	w.Clock.Advance(time.Minute)
	wantStatus(t, "the first", w.staff.Post(path, form("preset", "Their reports", "purpose", "Theirs.", "scopes", scope, "seen", old)).Status, 303)

	second := mine(old)

	wantStatus(t, "the second", second.Status, 409)
	has(t, second, "Somebody changed this preset", "It is now: Their reports. Theirs. Scopes: orders:read.", `value="My reports"`)
	for what, gone := range map[string]webtest.Page{"wrong too": mine("x"), "deleted": w.staff.Post(path+"/delete", form("seen", old)), "nothing seen": w.staff.Post(path+"/delete", form())} {
		wantStatus(t, what, gone.Status, 409)
	}
	wantStatus(t, "moved from a place it has not", w.staff.Post(path+"/up", form("above", all[1].ID.Show(catalog.PresetPrefix))).Status, 409)
	wantStatus(t, "once more", mine(hidden(t, second, "seen")).Status, 303)
	has(t, w.staff.Get(w.api("/presets")), "My reports")
}

// Developers read on an API's page, and in its Markdown, which presets it has; one of which nothing is left is not shown.
func TestPageOfAnAPIShowsItsPresets(t *testing.T) {
	w := newWorld(t)
	w.presets(t)
	if err := w.Catalog.AddPreset(t.Context(), w.Staff, w.API, catalog.PresetInput{Name: "Import", Purpose: "Writes.", ScopeIDs: []db.ID{w.Write}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Catalog.WithdrawScope(t.Context(), w.Staff, w.API, w.Write); err != nil {
		t.Fatal(err)
	}

	for _, path := range []string{"/apis/orders", "/apis/orders.md"} {
		page := w.Visitor().Get(path)
		has(t, page, "Presets", "Reporting", "Reads orders for a report.", "Shop")
		if strings.Contains(page.Body, "orders:write") || strings.Contains(page.Body, "Import") {
			t.Errorf("%s tells of what was withdrawn", path)
		}
	}
}
