package catalog_test

import (
	"net/url"
	"strings"
	"testing"
)

func TestEveryWrongLineOfRulesIsNamedBesideTheField(t *testing.T) {
	w := newWorld(t)
	before := len(w.detail(t).Rules)

	page := w.staff.Post(w.api("/routes"), form("rules", "GTE /v2/baskets orders:read\nPUT /v2/orders/{id} orders:write\nPOTS /v2/baskets orders:read\nGET /v2/x orders:none"))

	wantStatus(t, "two methods that are none", page.Status, 422)
	_, field, _ := strings.Cut(page.Body, `id="f-rules-error"`)
	field, _, _ = strings.Cut(field, "</p>")
	for _, words := range []string{"Line 1: GTE is not a method; use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.", "Line 3: POTS is not a method", "Line 4: this API has no scope orders:none."} {
		if !strings.Contains(field, words) {
			t.Errorf("no %q beside the field: %q", words, field)
		}
	}
	if n := len(w.detail(t).Rules); n != before {
		t.Error("some lines were taken")
	}
	wantStatus(t, "methods that are", w.staff.Post(w.api("/routes"), form("rules", "query /v2/baskets orders:read\nPROPFIND /v2/baskets orders:read")).Status, 303)
}

func TestARouteCostsWhatItsLineSays(t *testing.T) {
	w := newWorld(t)

	bad := w.staff.Post(w.api("/routes"), form("rules", "GET /v2/reports orders:read 0\nGET /v2/exports orders:read many"))
	good := w.staff.Post(w.api("/routes"), form("rules", "GET /v2/reports orders:read 25\nGET /v2/stock orders:read"))

	wantStatus(t, "costs that are none", bad.Status, 422)
	has(t, bad, "Line 1: the cost is a whole number from 1 to", "Line 2: the cost is a whole number")
	wantStatus(t, "a cost", good.Status, 303)
	costs := map[string]int{}
	for _, r := range w.detail(t).Rules {
		costs[r.PathTemplate] = r.Cost
	}
	if costs["/v2/reports"] != 25 || costs["/v2/stock"] != 1 {
		t.Errorf("%v", costs)
	}
	has(t, w.staff.Get(w.api("/routes")), "Cost", "A route costs more than a plan lets through at once", "GET /v2/reports costs 25, and the burst of the plan Open is 20")
}

func TestAPlanHasADailyQuotaBesideTheMonthlyOne(t *testing.T) {
	w := newWorld(t)
	plan := func(month, day string) url.Values {
		return form("plan", "Daily "+month+day, "rate_requests", "60", "rate_period", "60", "burst", "20", "quota_month", month, "quota_day", day)
	}

	above, zero := w.staff.Post(w.api("/plans"), plan("100", "101")), w.staff.Post(w.api("/plans"), plan("", "0"))
	both, alone := w.staff.Post(w.api("/plans"), plan("3000", "200")), w.staff.Post(w.api("/plans"), plan("", "50"))

	has(t, above, "A day’s quota is at most the month’s.")
	for what, got := range map[string]int{"above the month's": above.Status, "none": zero.Status} {
		wantStatus(t, what, got, 422)
	}
	wantStatus(t, "both", both.Status, 303)
	wantStatus(t, "alone", alone.Status, 303)
	has(t, w.staff.Get(w.api("/plans")), "3,000 calls a month, of them 200 a day.", "50 calls a day in all.")
	for _, p := range w.detail(t).Plans {
		if p.Name != "Daily 3000200" {
			continue
		}
		path := w.api("/plans/" + p.ID.Show("plan"))
		has(t, w.staff.Get(path), `value="200"`)
		wantStatus(t, "changed", w.staff.Post(path, form("plan", p.Name, "rate_requests", "60", "rate_period", "60", "burst", "20", "quota_month", "3000")).Status, 303)
	}
	for _, p := range w.detail(t).Plans {
		if p.Name == "Daily 3000200" && p.QuotaDay != nil {
			t.Error("the daily quota is still there")
		}
	}
}
