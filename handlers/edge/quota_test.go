package edge_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// quotas is the key of an app with those quotas, live and at the API orders.
func (w *world) quotasOf(month, day int64) string {
	return w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Quota, f.Reach.Grants[0].Access.QuotaDay = month, day
	}))
}

func (w *world) cost(key, cost string) answer {
	return w.verify(`{"key":"` + key + `","api":"orders","scopes":["orders:read"],"cost":` + cost + `}`)
}

func TestDayAndMonthAreNamedApart(t *testing.T) { // L5
	w := newWorld(t)
	key := w.quotasOf(100, 2)

	first, second, third := w.ask(key), w.ask(key), w.ask(key)
	asked := w.cost(key, "1")

	if first.Header.Get("RateLimit") != `"month";r=99;t=820800, "day";r=1;t=43200` || first.Header.Get("RateLimit-Policy") != `"month";q=100;w=2592000, "day";q=2;w=86400` {
		t.Error(first.Header)
	}
	if second.Status != 200 || third.Status != 429 || third.code() != "QUOTA_EXCEEDED" || third.Header.Get("Retry-After") != "43200" || !strings.Contains(third.Body, "this day") {
		t.Error(second.Status, third.Status, third.Header, third.Body)
	}
	quotas, _ := asked.JSON["quotas"].(map[string]any)
	month, _ := quotas["month"].(map[string]any)
	day, _ := quotas["day"].(map[string]any)
	if month["remaining"] != 98.0 || day["remaining"] != 0.0 || day["warning"] != 100.0 || !same(asked.JSON["quota"], day) || month["warning"] != nil {
		t.Error(asked.Body)
	}
	w.advance(12 * time.Hour)
	w.poll()
	if d := w.ask(key); d.Status != 200 {
		t.Error("a new day begins with a new quota", d.Status)
	}
}

func TestQuotasWarnAtEightyAndAHundredPercent(t *testing.T) {
	w := newWorld(t)
	key := w.quotasOf(10, 0)
	var warned []string
	for range 11 {
		warned = append(warned, w.ask(key).Header.Get("X-Gatehouse-Quota-Warning"))
	}
	asked := w.cost(key, "1")

	if got := strings.Join(warned, " "); strings.TrimSpace(got) != "month=80 month=80 month=100 month=100" || len(got)-len(strings.TrimSpace(got)) != 7 {
		t.Errorf("%q", warned)
	}
	if quota, _ := asked.JSON["quota"].(map[string]any); quota["warning"] != 100.0 || asked.JSON["quotas"] != nil {
		t.Error(asked.Body)
	}
}

func TestRoutesCostWhatTheirRuleSays(t *testing.T) {
	w := newWorld(t)
	w.apis = func() []*keyring.API {
		apis := w.catalogue()
		apis[1].Rules[0].Cost = 5
		return apis
	}
	w.commit(func() {}, keyring.Change{Kind: keyring.KindAPI, ID: w.orders})
	key := w.quotasOf(100, 0)
	route := func(cost string) answer {
		return w.verify(`{"key":"` + key + `","api":"orders","method":"GET","path":"/v2/orders"` + cost + `}`)
	}

	refused := w.verify(`{"key":"` + key + `","api":"orders","method":"POST","path":"/v2/orders"}`)
	byGateway := w.ask(key, func(r *http.Request) {
		r.Header.Set("X-Forwarded-Method", "GET")
		r.Header.Set("X-Forwarded-Uri", "/v2/orders")
	})
	byRoute, said, asking := route(""), route(`,"cost":2`), route(`,"cost":0`)

	left := func(a answer) any { q, _ := a.JSON["quota"].(map[string]any); return q["remaining"] }
	if refused.code() != "INSUFFICIENT_SCOPE" || !strings.HasPrefix(byGateway.Header.Get("RateLimit"), `"month";r=95;`) {
		t.Error(refused.Body, byGateway.Header)
	}
	if left(byRoute) != 90.0 || byRoute.JSON["cost"] != 5.0 || left(said) != 88.0 || left(asking) != 88.0 {
		t.Error(byRoute.Body, said.Body, asking.Body)
	}
}

func TestACostThatNeverPassesIsToldAsSuch(t *testing.T) {
	w := newWorld(t)
	limited := w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 60, Period: time.Minute, Burst: 5}
		f.Reach.Grants[0].Access.Quota = 100
	}))
	small := w.quotasOf(0, 3)

	above, above2, fits := w.cost(limited, "6"), w.cost(small, "4"), w.cost(limited, "5")

	for _, a := range []answer{above, above2} {
		if a.JSON["valid"] != false || a.JSON["too_costly"] != true || a.JSON["retry_after_ms"] != nil {
			t.Error(a.Body)
		}
	}
	if above.code() != "RATE_LIMITED" || above2.code() != "QUOTA_EXCEEDED" || fits.code() != "VALID" || fits.JSON["too_costly"] != nil {
		t.Error(above.code(), above2.code(), fits.Body)
	}
	if quota, _ := fits.JSON["quota"].(map[string]any); quota["remaining"] != 95.0 {
		t.Error("the refused call was charged to the quota", fits.Body)
	}
}
