package stories_test

import (
	"strings"
	"testing"
)

// C13, D8: an API with callers is brought under guard step by step: staff lets refused calls through for a week, sees which they were, and ends that; then they
// are refused. The pages have no scripts.
func TestAnAPIWithCallersIsBroughtUnderGuardStepByStep(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"SQLite", "PostgreSQL"} {
		t.Run(dialect, func(t *testing.T) {
			w := newWorld(t, dialect)
			admin, orders := newClerk(t, w.URL, "admin"), ordersAPI(newService(t))
			w.setUp(admin)
			w.publish(admin, orders)
			_, file := w.connect(admin, orders)
			gate := newGateway(t, file)
			if before := call(t, "GET", gate+"/v2/orders", "a token of its own"); before.status != 401 || before.code != "NOT_FOUND" {
				t.Fatal("by default it guards:", before)
			}

			admin.follow("Connect")
			admin.follow("Set report-only mode")
			admin.tick("7 days")
			admin.press("Begin report-only mode")
			admin.see("Confirm that every request to this API goes through meanwhile.")
			admin.tick("Every request to this API goes through meanwhile, also one without a key")
			admin.press("Begin report-only mode")
			admin.see("Report-only until")

			passed := call(t, "GET", gate+"/v2/orders", "a token of its own")
			if passed.status != 200 || !strings.Contains(passed.body, `"app":""`) || !strings.Contains(passed.body, "a token of its own") {
				t.Error("its caller is to go on as before, and as nobody:", passed)
			}
			if !await(t.Context(), func() bool {
				admin.open("/admin/usage?code=passed")
				return admin.sees("Would be refused: Unknown key")
			}) {
				t.Error("what would have been refused is not counted")
			}

			admin.open("/admin/apis")
			admin.see("Report-only")
			admin.follow(orders.name)
			admin.follow("Connect")
			admin.follow("Change or end it")
			admin.press("End report-only mode")
			admin.see("Report-only mode has ended. Refusals refuse.")

			if after := call(t, "GET", gate+"/v2/orders", "a token of its own"); after.status != 401 || after.code != "NOT_FOUND" {
				t.Error("ended, it guards from the next call on:", after)
			}
		})
	}
}
