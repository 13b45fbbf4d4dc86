package catalog_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

func (w *world) checked(t *testing.T) {
	t.Helper()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE apis SET first_checked_at = ?, last_checked_at = ? WHERE id = ?", tx.Now, tx.Now, w.API)
		return err
	})
}

func (w *world) connecting(t *testing.T, more ...string) url.Values {
	t.Helper()
	in := form("form_token", w.token(t), "environment", "live", "upstream", "http://127.0.0.1:9000", "gatehouse", w.URL)
	for i := 0; i < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	return in
}

func TestConnectNamesItsAPIAndLeadsToTheKeysOfItsGateways(t *testing.T) {
	w := newWorld(t)

	connect, mode, edit := w.staff.Get(w.api("/connect")), w.staff.Get(w.api("/report-only")), w.staff.Get(w.api("/presets/"+w.presets(t)[0].ID.Show("pre")))

	has(t, connect, "<title>Connect Orders", `translate="no"><a href="`+w.api("")+`">Orders</a>`, `<h1 translate="no">Orders</h1>`, "Not connected", "/admin/keys?app=Gateway&amp;owner=", "q=Gateway+for+Orders")
	has(t, mode, "<title>Report-only mode of Orders", `translate="no"><a href="`+w.api("")+`">Orders</a>`)
	has(t, edit, `>Orders</a>`)
}

func TestConnectProposesTheEdgeListenerWhereThereIsOne(t *testing.T) {
	w := newWorld(t)
	without := w.staff.Get(w.api("/connect"))
	w.Pages.Edge = "http://127.0.0.1:9481"

	with := w.staff.Get(w.api("/connect"))

	has(t, without, `value="`+w.URL+`"`)
	has(t, with, `value="http://127.0.0.1:9481"`, "is at http://127.0.0.1:9481; this portal is at "+w.URL)
}

// The base URL is where callers come: once a gateway asks, it is the gateway's own.
func TestConnectNeverHasAGatewayCallItself(t *testing.T) {
	w := newWorld(t)
	w.staff.Post(w.api("/environments"), form("environment", "live", "base_url", "http://127.0.0.1:9311", "example_method", "GET"))
	first := w.staff.Get(w.api("/connect"))

	looped := w.staff.Post(w.api("/connect"), w.connecting(t, "upstream", "http://localhost:9311", "listen", "127.0.0.1:9311"))

	if looped.Status != 422 || strings.Contains(looped.Body, "Copy both now") {
		t.Error("a gateway in front of itself:", looped.Status)
	}
	has(t, looped, "The gateway itself answers there, so it would ask itself without end.")
	w.checked(t)
	second := w.staff.Get(w.api("/connect"))
	if !strings.Contains(first.Body, `value="http://127.0.0.1:9311"`) || strings.Contains(second.Body, `value="http://127.0.0.1:9311"`) {
		t.Error("the service is proposed while nothing asks, and the gateway is not")
	}
	w.staff.Post(w.api("/environments"), form("environment", "live", "base_url", "https://api.example", "example_method", "GET"))
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE apis SET first_checked_at = NULL WHERE id = ?", w.API)
		return err
	})
	if page := w.staff.Get(w.api("/connect")); strings.Contains(page.Body, `value="https://api.example"`) {
		t.Error("a loop by name is proposed")
	}
	has(t, w.staff.Post(w.api("/connect"), w.connecting(t, "upstream", "http://127.0.0.1:9000", "listen", "127.0.0.1:9311")), "Copy both now")
}

// D7, L5: who sends keys across a network unencrypted is told so, before and with the file.
func TestConnectWarnsOfAnAddressOfGatehouseThatIsNotEncrypted(t *testing.T) {
	w := newWorld(t)
	const warning = "would cross the network unencrypted"
	for address, warned := range map[string]bool{"http://gate.internal:8081": true, "https://gate.internal": false, "http://127.0.0.1:8081": false, "http://localhost:8081": false} {
		w.Pages.Edge = address

		form, made := w.staff.Get(w.api("/connect")), w.staff.Post(w.api("/connect"), w.connecting(t, "gatehouse", address))

		if strings.Contains(form.Body, warning) != warned || strings.Contains(made.Body, warning) != warned || !strings.Contains(made.Body, "Copy both now") {
			t.Errorf("%s: warned of it: %v in the form, %v with the file; %d", address, strings.Contains(form.Body, warning), strings.Contains(made.Body, warning), made.Status)
		}
	}
}

// C13: live and test are opened apart, and a page says which is open beside whether a gateway asks.
func TestReportOnlyModeIsSetAndEndedForEachEnvironment(t *testing.T) {
	w := newWorld(t)
	w.checked(t)

	w.staff.Post(w.api("/report-only"), form("environment", "test", "days", "7", "sure", "1"))
	has(t, w.staff.Get(apisPage), "Connected", "Report-only in test")
	has(t, w.staff.Get(w.api("/connect")), "Connected", "Report-only in test", "test alone")
	has(t, w.staff.Get(w.api("/report-only")), `value="test" selected`) // who sets another end opens nothing else
	w.staff.Post(w.api("/report-only"), form("environment", "live", "days", "1", "sure", "1"))
	has(t, w.staff.Get(w.api("/report-only")), "test alone", "live alone", `id="f-end-environment"`, `value="both" selected`)
	w.staff.Post(w.api("/report-only/end"), form("environment", "test"))

	page := w.staff.Get(w.api("/report-only"))
	has(t, page, "live alone", "Report-only in live", `value="live" selected`)
	if strings.Contains(page.Body, "test alone") || strings.Contains(page.Body, `id="f-end-environment"`) {
		t.Error("test is open still, or a choice is offered that is none")
	}
	wantStatus(t, "no environment", w.staff.Post(w.api("/report-only"), form("days", "7", "sure", "1")).Status, 422)
}
