package key_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
)

// preset makes a preset of orders and returns the value of its button.
func (w *world) preset(name string, position int, scopes ...db.ID) string {
	id, now := db.NewID(), w.Clock.Now()
	w.run("INSERT INTO scope_presets (id, api_id, name, purpose, position, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)", id, w.orders, name, "Does "+name+".", position, now, now)
	for _, s := range scopes {
		w.run("INSERT INTO scope_preset_scopes (preset_id, scope_id) VALUES (?, ?)", id, s)
	}
	return id.Show(catalog.PresetPrefix) + ":orders"
}

func (w *world) scopeNamed(name string) db.ID {
	w.t.Helper()
	var ids []db.ID
	if err := w.DB.Read(bg).Raw("SELECT id FROM scopes WHERE name = ?", name).Scan(&ids).Error; err != nil || len(ids) != 1 {
		w.t.Fatal(name, err)
	}
	return ids[0]
}

// K5: a publisher's preset ticks its scopes as far as the app's access carries them, says what it leaves out and why, and loses nothing of what
// was entered.
func TestPublishersPresetTicksNoMoreThanTheAccessCarries(t *testing.T) {
	w := newWorld(t)
	read, write := w.scopeNamed("orders:read"), w.scopeNamed("orders:write")
	beyond, gone := w.scope(w.orders, "orders:cancel", "Cancel orders"), w.scope(w.orders, "orders:old", "Something old")
	w.run("UPDATE scopes SET withdrawn_at = ? WHERE id = ?", w.Clock.Now(), gone)
	w.preset("Reporting", 2, read, gone)
	shop := w.preset("Shop", 1, write, beyond)
	w.preset("Cancelling", 3, beyond)
	w.preset("Past", 4, gone)
	form := w.newKeyForm("Worker")
	form.Set("networks", "203.0.113.0/24")

	page := w.devs.Get("/console/keys/new?app=" + w.app.Show("app"))
	form.Set("preset", shop)
	taken := w.devs.Post("/console/keys/new", form)
	form.Set("preset", "pre_00000000000000000000000000:orders")
	absent := w.devs.Post("/console/keys/new", form)
	form.Set("preset", strings.Replace(shop, ":orders", ":portal", 1))
	foreign := w.devs.Post("/console/keys/new", form)
	stranger := w.strangers.Post("/console/keys/new", form)

	has(t, page, 200, "Does Reporting.", "Left out, because the API’s publisher withdrew it: orders:old", "Left out, because the app’s access does not carry it: orders:cancel", "<strong translate=\"no\">Cancelling</strong>", `data-set="orders/orders:write"`)
	if strings.Contains(page.Body, "Does Past.") || strings.Index(page.Body, "Does Shop.") > strings.Index(page.Body, "Does Reporting.") || strings.Contains(page.Body, "orders/orders:cancel") {
		t.Error("an empty preset, one out of its order, or more than the access carries")
	}
	has(t, taken, 200, `value="orders/orders:write" checked`, "203.0.113.0/24</textarea>", `value="Worker"`, "Create and cancel orders")
	if strings.Contains(taken.Body, `value="orders/orders:read" checked`) {
		t.Error("what the preset does not hold stays ticked")
	}
	for what, p := range map[string]string{"absent": absent.Body, "of another API": foreign.Body} {
		if !strings.Contains(p, "This preset is not there any more.") || !strings.Contains(p, `value="orders/orders:read" checked`) || !strings.Contains(p, "203.0.113.0/24</textarea>") {
			t.Errorf("%s: something was lost", what)
		}
	}
	if absent.Status != 409 || foreign.Status != 409 || stranger.Status != 404 {
		t.Error(absent.Status, foreign.Status, stranger.Status)
	}
	if list, err := w.keys.ListAll(bg, webtest.ActorOf(w.admin), keys.Filter{}, db.PageRequest{}); err != nil || len(list.Rows) != 0 {
		t.Error("a preset made a key", err)
	}
}

// K5: what is wrong with scopes of two data domains together is said at the tables, at once and after a reload, and a line there leads to what the key can do.
func TestAClashOfDataDomainsIsSaidAtTheTables(t *testing.T) {
	w := newWorld(t)
	staff := w.api("staffing", "Staffing", "staff", false)
	shifts := w.scope(staff, "shifts:read", "See shifts")
	w.access(w.app, staff, shifts)
	form := w.newKeyForm("Worker")
	form["grants"] = []string{"orders/orders:read", "staffing/shifts:read"}

	form.Set("show", "part")
	part := w.devs.Post("/console/keys/new", form)
	form.Set("show", "page")
	page := w.devs.Post("/console/keys/new", form)
	form["grants"] = form["grants"][:1]
	alone := w.devs.Post("/console/keys/new", form)

	for _, p := range []webtest.Page{part, page} {
		has(t, p, 200, `id="brief"`, `<span class="err">A key stays within one data domain.`, "2 scopes ticked.", `href="#ability"`)
	}
	has(t, alone, 200, "1 scope ticked.")
	if strings.Contains(alone.Body, "one data domain") {
		t.Error("one domain clashes with none")
	}
}
