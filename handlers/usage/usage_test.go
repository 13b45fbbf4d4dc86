package usage_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	handler "github.com/gatehouse-dev/gatehouse/handlers/usage"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

type site struct {
	*webtest.Site
	w *usagetest.World
}

func newSite(t *testing.T, d *db.DB, clock *dbtest.Clock) site {
	t.Helper()
	w := usagetest.New(t, d)
	return site{webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		handler.New(k, usage.NewStore(d), quota.NewStore(d, nil, nil)).Routes(r) // sends no mail here
	}), w}
}

func (s site) as(t *testing.T, who actor.Actor) *webtest.Client {
	t.Helper()
	u, err := account.NewStore(account.Options{DB: s.DB}).ByID(t.Context(), who.UserID)
	if err != nil {
		t.Fatal(err)
	}
	return s.As(u)
}

// B1-16, F9
func TestPageAndDownloadShowExactlyTheCalls(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newSite(t, d, clock)
		app := s.w.AddApp(s.w.Org, `=HYPERLINK("https://evil.example")`)
		id, _ := s.w.AddKey(app, "@nightly", s.w.Orders, s.w.OrdersRead)
		s.w.Seed(id, app, s.w.Org, s.w.Orders, "/v2/orders", "VALID", clock.Now(), 1234)
		s.w.Seed(id, app, s.w.Org, s.w.Orders, "/v2/orders", "RATE_LIMITED", clock.Now().Add(-time.Hour), 66)
		mira := s.as(t, s.w.Person)

		page, file := mira.Get("/console/usage"), mira.Get("/console/usage.csv")

		for _, want := range []string{"1,300", "1,234", "66 of 1,300 calls were refused.", "Rate limit", "/v2/orders", "@nightly", "Download CSV"} {
			if page.Status != 200 || !strings.Contains(page.Body, want) {
				t.Errorf("%d: the page lacks %q", page.Status, want)
			}
		}
		rows, err := csv.NewReader(strings.NewReader(file.Body)).ReadAll()
		if err != nil || len(rows) != 3 || !strings.HasPrefix(file.Header.Get("Content-Type"), "text/csv") || !strings.Contains(file.Header.Get("Content-Disposition"), "usage-24h.csv") {
			t.Fatal(err, file)
		}
		want := []string{"2026-11-21T12:00:00Z", "Northwind", `'=HYPERLINK("https://evil.example")`, "'@nightly", id.Show("key"), rows[2][5], "orders", "live", "/v2/orders", "VALID", "1234"}
		if fmt.Sprint(rows[2]) != fmt.Sprint(want) || rows[1][10] != "66" {
			t.Fatalf("%q", rows)
		}
	})
}

func TestFiltersStandInTheAddress(t *testing.T) {
	clock := dbtest.NewClock()
	s := newSite(t, dbtest.SQLite(t, clock), clock)
	worker, _ := s.w.AddKey(s.w.App, "Worker", s.w.Orders, s.w.OrdersRead)
	nightly, _ := s.w.AddKey(s.w.App, "Nightly", s.w.Orders, s.w.OrdersRead)
	s.w.Seed(worker, s.w.App, s.w.Org, s.w.Orders, "/v2/orders", "VALID", clock.Now(), 10)
	s.w.Seed(nightly, s.w.App, s.w.Org, s.w.Orders, "/v2/orders/{id}", "EXPIRED", clock.Now().Add(-10*24*time.Hour), 5)
	mira := s.as(t, s.w.Person)
	refused := func(n, of int) string { return fmt.Sprintf("%d of %d calls were refused.", n, of) }

	for query, want := range map[string]string{
		"":                                    refused(0, 10),
		"?span=30d":                           refused(5, 15),
		"?span=30d&code=EXPIRED":              refused(5, 5),
		"?span=30d&code=refused":              refused(5, 5),
		"?span=30d&key=" + worker.Show("key"): refused(0, 10),
		"?span=30d&environment=test":          refused(0, 0),
		"?span=30d&api=" + s.w.People.Show("api"): refused(0, 0),
		"?span=junk&code=JUNK&key=junk":           refused(0, 10),
		"?org=" + s.w.Publisher.Show("org"):       "No calls yet",
	} {
		if page := mira.Get("/console/usage" + query); page.Status != 200 || !strings.Contains(page.Body, want) {
			t.Errorf("%s: %d, want %q", query, page.Status, want)
		}
	}
	page := mira.Get("/console/usage?span=7d&code=VALID&key=" + worker.Show("key"))
	for _, want := range []string{`href="/console/usage.csv?code=VALID&amp;key=` + worker.Show("key") + `&amp;span=7d"`, `value="VALID" selected`, `href="/console/usage?span=7d"`, `name="span" value="7d"`} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// Z1, Z2
func TestNobodySeesUsageOfOthers(t *testing.T) {
	clock := dbtest.NewClock()
	s := newSite(t, dbtest.SQLite(t, clock), clock)
	id, _ := s.w.AddKey(s.w.App, "Worker", s.w.Orders, s.w.OrdersRead)
	s.w.Seed(id, s.w.App, s.w.Org, s.w.Orders, "/v2/orders", "VALID", clock.Now(), 777)
	support := s.w.AddPerson("sue", "support")

	for _, path := range []string{"/console/usage", "/console/usage.csv", "/admin/usage", "/admin/usage.csv"} {
		if page := s.Visitor().Get(path); page.Status != http.StatusUnauthorized {
			t.Errorf("%s, signed out: %d", path, page.Status)
		}
		for _, query := range []string{"", "?key=" + id.Show("key"), "?app=" + s.w.App.Show("app"), "?org=" + s.w.Org.Show("org")} {
			page := s.as(t, s.w.Stranger).Get(path + query)
			if strings.Contains(page.Body, "777") || strings.Contains(page.Body, "Worker") || strings.HasPrefix(path, "/admin") && page.Status != http.StatusForbidden {
				t.Errorf("%s%s, a stranger: %d", path, query, page.Status)
			}
		}
	}
	for _, path := range []string{"/admin/usage", "/admin/usage.csv"} {
		if page := s.as(t, support).Get(path); page.Status != 200 || !strings.Contains(page.Body, "777") {
			t.Errorf("%s, control: %d", path, page.Status)
		}
	}
}

func TestStaffSeeTopRefusedAndSilentKeys(t *testing.T) {
	clock := dbtest.NewClock()
	s := newSite(t, dbtest.SQLite(t, clock), clock)
	busy, _ := s.w.AddKey(s.w.App, "Busy bee", s.w.Orders, s.w.OrdersRead)
	silent, _ := s.w.AddKey(s.w.App, "Sleeping beauty", s.w.Orders, s.w.OrdersRead)
	s.w.Seed(busy, s.w.App, s.w.Org, s.w.Orders, "/v2/orders", "RATE_LIMITED", clock.Now(), 40)
	s.w.Seed(silent, s.w.App, s.w.Org, s.w.Orders, "/v2/orders", "VALID", clock.Now().Add(-48*time.Hour), 100)
	s.w.Seed(db.ID{}, db.ID{}, db.ID{}, s.w.Orders, "", "NOT_FOUND", clock.Now(), 7)
	root := s.as(t, s.w.Staff)

	page, one := root.Get("/admin/usage"), root.Get("/admin/usage?key="+busy.Show("key"))

	for _, want := range []string{"Most refused keys", "Newly silent keys", "Sleeping beauty", "Busy bee", "Unknown keys", "47 of 47 calls were refused."} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if !strings.Contains(one.Body, "Only the key") || !strings.Contains(one.Body, "40 of 40") {
		t.Error("narrowed to one key:", one.Status)
	}
}

func TestQuotasThatWarnStandAboveTheFigures(t *testing.T) { // L5
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newSite(t, d, clock)
		s.w.Run("UPDATE plans SET quota_day = 100 WHERE api_id = ?", s.w.Orders)
		s.w.Run("INSERT INTO quota_counters (app_id, api_id, environment, period_start, used) VALUES (?, ?, 'live', ?, 90)", s.w.App, s.w.Orders, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
		s.w.Run("INSERT INTO quota_days (app_id, api_id, environment, day, used) VALUES (?, ?, 'live', ?, 90)", s.w.App, s.w.Orders, clock.Now().UTC().Truncate(24*time.Hour))

		own, foreign := s.as(t, s.w.Person).Get("/console/usage"), s.as(t, s.w.Stranger).Get("/console/usage")

		if !strings.Contains(own.Body, "80 percent of a quota are used") || !strings.Contains(own.Body, "90 of 100 calls of this day") {
			t.Error("no warning", own.Body)
		}
		if strings.Contains(foreign.Body, "quota") {
			t.Error("a stranger is told")
		}
	})
}
