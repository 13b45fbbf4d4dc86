package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// presetLines are the presets of orders as a reader of the catalogue is told of them.
func presetLines(t *testing.T, w *catalogtest.World) []string {
	t.Helper()
	d, err := w.Catalog.BySlug(t.Context(), actor.Actor{}, "orders")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range d.Presets {
		line := p.Name + ": " + strings.Join(catalog.ScopeNames(p.Offered()), " ")
		if gone := p.Withdrawn(); len(gone) > 0 {
			line += " without " + strings.Join(catalog.ScopeNames(gone), " ")
		}
		out = append(out, line)
	}
	return out
}

func addPresets(t *testing.T, w *catalogtest.World, all ...catalog.PresetInput) []catalog.Preset {
	t.Helper()
	for _, in := range all {
		if err := w.Catalog.AddPreset(t.Context(), w.Staff, w.API, in); err != nil {
			t.Fatal(err)
		}
	}
	d, err := w.Catalog.ByID(t.Context(), w.Staff, w.API)
	if err != nil {
		t.Fatal(err)
	}
	return d.Presets
}

// K5: what publishers put together is told in the order that they gave it, and a scope that was withdrawn is left out.
func TestPresetsStandInTheirOrderWithoutWithdrawnScopes(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		all := addPresets(t, w,
			catalog.PresetInput{Name: "Report", Purpose: "Reads.", ScopeIDs: []db.ID{w.Read}},
			catalog.PresetInput{Name: "Shop", Purpose: "Sells.", ScopeIDs: []db.ID{w.Write, w.Read, w.Read}},
			catalog.PresetInput{Name: "Import", Purpose: "Writes.", ScopeIDs: []db.ID{w.Write}})

		if err := w.Catalog.MovePreset(t.Context(), w.Staff, w.API, all[2].ID, all[1].ID); err != nil {
			t.Fatal(err)
		}
		if err := w.Catalog.WithdrawScope(t.Context(), w.Staff, w.API, w.Write); err != nil {
			t.Fatal(err)
		}

		want := []string{"Report: orders:read", "Import:  without orders:write", "Shop: orders:read without orders:write"}
		if diff := cmp.Diff(want, presetLines(t, w)); diff != "" {
			t.Error(diff)
		}
		if err := w.Catalog.ChangePreset(t.Context(), w.Staff, w.API, all[1].ID, catalog.PresetInput{Name: "Shop", Purpose: "Sells.", ScopeIDs: []db.ID{w.Read, w.Write}}); !fault.Is(err, fault.Invalid) {
			t.Error("a withdrawn scope was taken:", err)
		}
		if err := w.Catalog.ChangePreset(t.Context(), w.Staff, w.API, all[1].ID, catalog.PresetInput{Name: "Shop", Purpose: "Sells.", ScopeIDs: []db.ID{w.Read}}); err != nil {
			t.Error(err)
		}
		if err := w.Catalog.DeletePreset(t.Context(), w.Staff, w.API, all[2].ID); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"Report: orders:read", "Shop: orders:read"}, presetLines(t, w)); diff != "" {
			t.Error(diff)
		}
	})
}

// Two who change one preset, or its place, at once do not undo each other unseen.
func TestStaleChangeOfAPresetIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		all := addPresets(t, w,
			catalog.PresetInput{Name: "Report", Purpose: "Reads.", ScopeIDs: []db.ID{w.Read}},
			catalog.PresetInput{Name: "Shop", Purpose: "Sells.", ScopeIDs: []db.ID{w.Read, w.Write}})
		seen := db.WithVersion(t.Context(), all[0].UpdatedAt)
		clock.Advance(time.Second)
		first := catalog.PresetInput{Name: "Reports", Purpose: "Reads.", ScopeIDs: []db.ID{w.Read}}
		if err := w.Catalog.ChangePreset(seen, w.Staff, w.API, all[0].ID, first); err != nil {
			t.Fatal(err)
		}
		if err := w.Catalog.MovePreset(t.Context(), w.Staff, w.API, all[1].ID, all[0].ID); err != nil {
			t.Fatal(err)
		}

		for what, err := range map[string]error{
			"change": w.Catalog.ChangePreset(seen, w.Staff, w.API, all[0].ID, catalog.PresetInput{Name: "Other", Purpose: "Reads.", ScopeIDs: []db.ID{w.Write}}),
			"delete": w.Catalog.DeletePreset(seen, w.Staff, w.API, all[0].ID),
			"move":   w.Catalog.MovePreset(t.Context(), w.Staff, w.API, all[1].ID, all[0].ID),
		} {
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", what, err)
			}
		}

		if diff := cmp.Diff([]string{"Shop: orders:read orders:write", "Reports: orders:read"}, presetLines(t, w)); diff != "" {
			t.Error(diff)
		}
	})
}

// Z2, Z5: presets are of one API, with its scopes alone, and only who may publish changes them.
func TestPresetIsChangedByPublishersOfItsAPIAlone(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		all := addPresets(t, w, catalog.PresetInput{Name: "Report", Purpose: "Reads.", ScopeIDs: []db.ID{w.Read}})
		other := w.AddAPI("stock", catalog.Input{Name: "Stock", DataDomain: "customer", Visibility: catalog.Public})
		in := catalog.PresetInput{Name: "Mine", Purpose: "Reads.", ScopeIDs: []db.ID{w.Read}}

		for what, c := range map[string]struct {
			err  error
			want fault.Kind
		}{
			"scope of another API":  {w.Catalog.AddPreset(t.Context(), w.Staff, other, in), fault.Invalid},
			"preset of another API": {w.Catalog.ChangePreset(t.Context(), w.Staff, other, all[0].ID, in), fault.NotFound},
			"support adds":          {w.Catalog.AddPreset(t.Context(), w.Support, w.API, in), fault.Forbidden},
			"a developer changes":   {w.Catalog.ChangePreset(t.Context(), w.Owner, w.API, all[0].ID, in), fault.Forbidden},
			"a developer moves":     {w.Catalog.MovePreset(t.Context(), w.Owner, w.API, all[0].ID, db.NewID()), fault.Forbidden},
			"a developer deletes":   {w.Catalog.DeletePreset(t.Context(), w.Owner, w.API, all[0].ID), fault.Forbidden},
			"same name":             {w.Catalog.AddPreset(t.Context(), w.Staff, w.API, catalog.PresetInput{Name: "REPORT", Purpose: "Reads.", ScopeIDs: []db.ID{w.Read}}), fault.Invalid},
			"no scope":              {w.Catalog.AddPreset(t.Context(), w.Staff, w.API, catalog.PresetInput{Name: "Empty", Purpose: "Nothing."}), fault.Invalid},
			"no purpose":            {w.Catalog.AddPreset(t.Context(), w.Staff, w.API, catalog.PresetInput{Name: "Why", ScopeIDs: []db.ID{w.Read}}), fault.Invalid},
			"two lines":             {w.Catalog.AddPreset(t.Context(), w.Staff, w.API, catalog.PresetInput{Name: "Two", Purpose: "One.\nTwo.", ScopeIDs: []db.ID{w.Read}}), fault.Invalid},
		} {
			if !fault.Is(c.err, c.want) {
				t.Errorf("%s: %v", what, c.err)
			}
		}

		if diff := cmp.Diff([]string{"Report: orders:read"}, presetLines(t, w)); diff != "" {
			t.Error(diff)
		}
	})
}
