package catalog_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/catalog"
)

func TestARefusalWithoutAReasonLeavesApproveAtItsDefaults(t *testing.T) {
	w := newWorld(t)
	path := "/admin/requests/" + w.Request(w.Trusted, w.Read, w.Write).ID.Show(catalog.AccessPrefix)
	before := ticked(w.staff.Get(path).Body)

	page := w.staff.Post(path+"/refuse", form("reason", " "))
	narrowed := w.staff.Post(path+"/approve", form("scopes", w.Read.Show(catalog.ScopePrefix)))

	wantStatus(t, "no reason", page.Status, 422)
	if n := ticked(page.Body); before != 3 || n != before {
		t.Errorf("%d boxes and plans chosen, were %d", n, before)
	}
	wantStatus(t, "no plan", narrowed.Status, 422)
	if n := ticked(narrowed.Body); n != 1 {
		t.Errorf("a failed approval keeps what was ticked: %d", n)
	}
}

// ticked counts the scopes and the plan that stand chosen.
func ticked(body string) int {
	_, body, _ = strings.Cut(body, `id="approve"`)
	return strings.Count(body, " checked") + strings.Count(body, " selected")
}
