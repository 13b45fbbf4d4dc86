package stories_test

import (
	"strings"
	"testing"
	"time"
)

// cast are the people of a story, each with a browser of their own.
type cast struct {
	w          *world
	admin, dev person
	quiet      func(allowed ...string)
}

func newCast(t testing.TB, dialect string, k kind) *cast {
	t.Helper()
	w := newWorld(t, dialect)
	admin, dev := newBrowser(t, w.URL, "admin", k), newBrowser(t, w.URL, "developer", k)
	return &cast{w, admin, dev, func(allowed ...string) { admin.quiet(allowed...); dev.quiet(allowed...) }}
}

// The main job, once through: an outside developer gets a scoped key that works, and an admin takes it away.
func TestMainJobOnSQLite(t *testing.T) {
	t.Parallel()
	mainJob(t, newCast(t, "SQLite", kind{}))
}

func TestMainJobOnPostgreSQL(t *testing.T) {
	t.Parallel()
	mainJob(t, newCast(t, "PostgreSQL", kind{dark: true}))
}

func TestMainJobWithoutJavaScript(t *testing.T) {
	mainJob(t, newCast(t, "SQLite", kind{withoutScripts: true}))
}

func TestMainJobByKeyboardAlone(t *testing.T) {
	t.Parallel()
	mainJob(t, newCast(t, "SQLite", kind{keyboard: true}))
}

func mainJob(t *testing.T, c *cast) {
	service := newService(t)
	orders, stock := ordersAPI(service), stockAPI(service)
	c.w.setUp(c.admin)
	c.w.publish(c.admin, orders)
	c.w.publish(c.admin, stock)
	gatewayKey, file := c.w.connect(c.admin, orders)
	_, stockFile := c.w.connect(c.admin, stock)
	ordersGate, stockGate := newGateway(t, file), newGateway(t, stockFile)

	c.w.join(c.dev, "Dev Patel", devMail)
	c.w.makeApp(c.dev, "Order tracker")
	c.w.request(c.dev, "Order tracker", orders, "Growth", "orders:read", "orders:write")
	c.dev.see("Waits for approval")
	c.w.mailTo(adminMail, "Order tracker")
	c.w.approve(c.admin, "Order tracker")
	c.w.mailTo(devMail, "Orders API")
	key := c.w.makeKey(c.dev, "Order tracker", "Tracking page", "Live", "orders:read")
	testKey := c.w.makeKey(c.dev, "Order tracker", "Tracking page, test", "Test", "orders:read")

	callsAreJudged(t, ordersGate, stockGate, key, testKey)
	c.usageShows(t, key)
	c.connected(orders, gatewayKey)
	c.w.findKeyAsStaff(c.admin, key)
	c.w.revoke(c.admin, key)
	after := call(t, "GET", ordersGate+"/v2/orders", key.secret)

	if after.status != 401 || after.code != "REVOKED" {
		t.Errorf("the very next call: %s", after)
	}
	c.w.mailTo(devMail, "revoked")
	c.quiet()
	c.w.scan(t, c.auditCSV(t))
}

// callsAreJudged calls through nginx with a key that may only read orders, and with one for the test environment.
func callsAreJudged(t *testing.T, orders, stock string, key, testKey madeKey) {
	t.Helper()
	for _, c := range []struct {
		method, url, key string
		status           int
		code             string
	}{
		{"GET", orders + "/v2/orders", key.secret, 200, ""},
		{"GET", orders + "/v2/orders/17", key.secret, 200, ""},
		{"GET", orders + "/v2/orders/18", key.secret, 200, ""},
		{"POST", orders + "/v2/orders", key.secret, 403, "INSUFFICIENT_SCOPE"},
		{"GET", stock + "/v1/stock", key.secret, 403, "WRONG_API"},
		{"GET", orders + "/v2/orders", testKey.secret, 403, "WRONG_ENVIRONMENT"},
		{"GET", orders + "/v2/orders", "gk_live_nonsense", 401, "NOT_FOUND"},
	} {
		got := call(t, c.method, c.url, c.key)
		if got.status != c.status || got.code != c.code {
			t.Errorf("%s %s: %s, want %d %s", c.method, c.url, got, c.status, c.code)
		}
		if got.status == 200 && (!strings.Contains(got.body, `"app":"app_`) || !strings.Contains(got.body, `"saw_key":""`)) {
			t.Errorf("the service was told %s", got.body)
		}
	}
}

// usageShows waits for the calls on the usage page of the developer: by route, within two seconds and what a busy machine may take to
// draw the page.
func (c *cast) usageShows(t *testing.T, key madeKey) {
	t.Helper()
	begin := time.Now()
	for !c.dev.sees("/v2/orders/{id}") && time.Since(begin) < 10*time.Second {
		c.dev.open("/console/usage")
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("usage showed the calls after %s", took)
	}
	c.dev.see("/v2/orders orders 2 1", "/v2/orders/{id} orders 2 0", "Scope missing")
	c.dev.open(key.page)
	c.dev.see("Just now")
}

// connected looks whether Connect turned green.
func (c *cast) connected(a api, gatewayKey string) {
	c.admin.open("/admin/apis")
	c.admin.follow(a.name)
	c.admin.follow("Connect")
	c.admin.see("Connected", "Last check seen")
	c.admin.seeNot(gatewayKey)
}

// auditCSV downloads the audit log as an admin does.
func (c *cast) auditCSV(t *testing.T) string {
	t.Helper()
	clerk := newClerk(t, c.w.URL, "admin at the audit log")
	c.w.signIn(clerk, adminMail, adminPassword)
	clerk.open("/admin/audit")
	clerk.follow("CSV")
	return clerk.page.Body
}
