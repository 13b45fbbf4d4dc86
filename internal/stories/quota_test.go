package stories_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// guarded is what Gatehouse says to a gateway about a call of the Orders API.
func (s *stage) guarded(t *testing.T, gatewayKey, method string, k madeKey) (status int, told http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL+"/v1/authz?api=orders&env=live", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Gatehouse-Token": gatewayKey, "X-Forwarded-Method": method, "X-Forwarded-Uri": "/v2/orders", "X-Forwarded-For": "127.0.0.1", "Authorization": "Bearer " + k.secret,
	} {
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header
}

// quotaStage has a plan of one call a second, ten at once and 25 a day, and a route that costs five.
func quotaStage(t *testing.T, dialect string, k kind) (s *stage, gatewayKey string) {
	t.Helper()
	w := newWorld(t, dialect)
	s = &stage{world: w, admin: newClerk(t, w.URL, "admin"), dev: newBrowser(t, w.URL, "developer", k), app: "Order tracker"}
	w.setUp(s.admin)
	s.api = ordersAPI(newService(t))
	s.api.plan, s.api.rules = "", "GET /v2/orders orders:read\nPOST /v2/orders orders:write 5"
	w.publish(s.admin, s.api)
	s.admin.follow("Plans")
	for field, value := range map[string]string{"Name": "Daily", "Calls": "60", "Period": "a minute", "Burst": "10", "Daily quota": "25"} {
		s.admin.fill(field, value)
	}
	s.admin.press("Add plan")
	s.admin.see("60 calls a minute, up to 10 at once. 25 calls a day in all.")
	gatewayKey, file := w.connect(s.admin, s.api)
	s.gate = newGateway(t, file)
	w.join(s.dev, "Dev Patel", devMail)
	w.makeApp(s.dev, s.app)
	w.request(s.dev, s.app, s.api, "Daily", "orders:read", "orders:write")
	s.dev.see("Approved")
	return s, gatewayKey
}

// R8, L5: an app comes to the end of its rate and of its day. It is told in headers, its people by mail and on pages, before and when; what is used outlives
// the process.
func TestQuotaOfADayIsToldBeforeItIsUsedUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect, letter string
		kind            kind
	}{"with scripts": {"SQLite", "A quota is used up", kind{}}, "without scripts": {"PostgreSQL", "80 percent of a quota are used", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			s, gatewayKey := quotaStage(t, c.dialect, c.kind)
			k := s.makeKey(s.dev, s.app, "Till", "Live", "orders:read", "orders:write")
			places := func(left, warning string) { // waits for the rate, and while the quota is shared with a process that was killed
				t.Helper()
				var status int
				var told http.Header
				s.dev.await("an order to be placed", func() bool { status, told = s.guarded(t, gatewayKey, "POST", k); return status == 200 })
				if !strings.Contains(told.Get("Ratelimit"), `"day";r=`+left+";") || told.Get("X-Gatehouse-Quota-Warning") != warning {
					t.Errorf("not %s left: %v", left, told)
				}
			}
			places("20", "")
			places("15", "")

			status, told := s.guarded(t, gatewayKey, "POST", k)

			wait, _ := strconv.Atoi(told.Get("Retry-After"))
			if status != 429 || told.Get("X-Gatehouse-Code") != "RATE_LIMITED" || wait < 1 || wait > 5 || !strings.Contains(told.Get("Ratelimit-Policy"), `"default";q=10;w=10, "day";q=25;w=86400`) {
				t.Errorf("ten at once are used up: %d %v", status, told)
			}
			s.kill()
			s.start()
			places("10", "") // of the rate all is there, for it is kept in memory; of the day what was
			places("5", "day=80")
			s.dev.await("the page to tell of the mark", func() bool {
				s.dev.open("/console/usage")
				return s.dev.sees("20 of 25 calls of this day. It begins anew on")
			})
			s.dev.follow("Open the app")
			s.dev.see("25 calls a day", "80% used, 5 left", "Begins anew")
			if c.letter != "A quota is used up" {
				s.warned(t, c.letter)
			}

			places("0", "day=100")
			status, told = s.guarded(t, gatewayKey, "GET", k)
			wait, _ = strconv.Atoi(told.Get("Retry-After"))
			if status != 429 || told.Get("X-Gatehouse-Code") != "QUOTA_EXCEEDED" || wait < 1 || wait > 86400 || !strings.Contains(told.Get("Ratelimit"), `"day";r=0;t=`+strconv.Itoa(wait)) {
				t.Errorf("beyond the quota: %d %v", status, told)
			}
			s.answers(t, k, 429, "QUOTA_EXCEEDED") // through the gateway
			s.dev.await("the page to tell that it is used up", func() bool {
				s.dev.open(k.page)
				return s.dev.sees("today 25 of 25")
			})
			if c.letter == "A quota is used up" {
				s.warned(t, c.letter)
			}
		})
	}
}

// warned waits for a letter about the quota: they go out by the minute.
func (s *stage) warned(t *testing.T, about string) {
	t.Helper()
	var text string
	for range 5 { // as patient as five steps
		if await(t.Context(), func() bool {
			for _, m := range s.inbox.Mails() {
				if len(m.To) > 0 && m.To[0] == devMail && strings.Contains(m.Subject, about) {
					text = m.Text
				}
			}
			return text != ""
		}) {
			break
		}
	}
	if !strings.Contains(text, "of 25") || !strings.Contains(text, "begins anew") {
		t.Errorf("of %q the letter says %q", about, text)
	}
}
