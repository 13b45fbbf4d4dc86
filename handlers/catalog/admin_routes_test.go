package catalog_test

import (
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
