package faults_test

import (
	"context"
	"crypto/rand"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// unknownKey has the form of a key, and is none.
var unknownKey = func() string {
	text, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	if err != nil {
		panic(err)
	}
	return text.Reveal()
}()

// adminPassword is that of the company's admin.
const adminPassword = "a long enough sentence"

// dialects are the databases that a fault is tried on, where it can happen to both.
var dialects = []string{"sqlite", "postgres"}

// A company is an installation that was set up: an admin, an API "orders" with a gateway that asks about it, and a customer whose program makes keys. What is
// done here to its database is done beside the processes that serve it.
type company struct {
	testing.TB
	url   string
	dir   string // of the SQLite database
	db    *db.DB
	store handlers.Stores

	admin   account.User
	owner   actor.Actor
	ownerIs account.User
	app     org.App
	plan    db.ID // of orders
	orders  catalog.API
	manager string   // text of a key that makes and revokes keys
	gateway string   // of one that asks about others
	key     key.Made // may orders:read
	revoked string   // of one that was revoked
}

// newCompany sets one up in a fresh database of the dialect.
func newCompany(t testing.TB, dialect string) *company {
	t.Helper()
	dir := t.TempDir()
	if dialect == "postgres" {
		return companyAt(t, dbtest.PostgresURL(t), dir)
	}
	return companyAt(t, "sqlite:"+filepath.Join(dir, "gatehouse.db"), dir)
}

// companyAt is newCompany in the empty database at url.
func companyAt(t testing.TB, url, dir string) *company {
	t.Helper()
	_, err := rig.Binary() // so that no start of a process waits for it
	if err != nil {
		t.Fatal(err)
	}
	bounded(t)
	c := &company{TB: t, url: url, dir: dir, db: dbtest.Open(t, url, nil)}
	settings, err := config.Load(func(name string) (string, bool) {
		value, ok := map[string]string{"GATEHOUSE_ADDR": "127.0.0.1:8080", "GATEHOUSE_USAGE_SPOOL_MB": "0", "GATEHOUSE_STAFF_FACTOR": "optional"}[name]
		return value, ok
	})
	c.must(err)
	root, err := secret.Parse(usagetest.Secret, "")
	c.must(err)
	c.db.SetCursorKey(root.Key(secret.LabelCursor))
	house, err := handlers.Build(t.Context(), handlers.Options{DB: c.db, Root: root, Settings: settings, Replica: "test"})
	c.must(err)
	c.store = house.Stores
	c.setUp(house)
	return c
}

func (c *company) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *company) run(query string, args ...any) {
	c.Helper()
	c.must(c.db.Tx(context.Background(), func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }))
}

// number is what a query for one number gives.
func (c *company) number(query string, args ...any) (n int64) {
	c.Helper()
	c.must(c.db.Read(context.Background()).Raw(query, args...).Row().Scan(&n))
	return n
}

func (c *company) setUp(house *handlers.House) {
	c.Helper()
	ctx, s := c.Context(), c.store
	code, err := house.SetupCode(ctx)
	c.must(err)
	c.admin, err = s.Staff.SetUp(ctx, webtest.ActorOf(account.User{}), code, staff.Setup{
		Name: "Ada Admin", Email: "ada@company.example", Password: adminPassword, Company: "Company", Portal: "Company Developers", Language: "en", TimeZone: "UTC",
	})
	c.must(err)
	a := webtest.ActorOf(c.admin)
	publishers, err := s.Catalog.Publishers(ctx, a)
	c.must(err)
	c.orders, err = s.Catalog.Create(ctx, a, catalog.Input{Slug: "orders", Name: "Orders", PublisherID: publishers[0].ID, Summary: "Orders", DataDomain: "customer", Visibility: catalog.Public}, catalog.VersionInput{Name: "v1", State: "live"})
	c.must(err)
	c.must(s.Catalog.AddScope(ctx, a, c.orders.ID, catalog.ScopeInput{Name: "orders:read", Sentence: "Read orders"}))
	c.must(s.Catalog.AddPlan(ctx, a, c.orders.ID, catalog.PlanInput{Name: "Free", RateRequests: 100, RatePeriodSeconds: 60, Burst: 100}))
	c.run("UPDATE plans SET rate_requests = 1000000, rate_period_seconds = 1, burst = 1000000") // so many that nobody is refused for their number
	rules := policy.Default()
	rules.KeysPerApp = new(policy.MaxKeysPerApp)
	c.must(s.Policy.Save(ctx, a, policy.Source{Kind: policy.Installation}, rules))
	gateway, err := s.Key.CreateGatewayKey(ctx, a, c.orders.ID, s.Key.NewFormToken(a, key.GatewayPurpose(c.orders.ID)))
	c.must(err)
	c.gateway = gateway.Secret.Reveal()

	c.ownerIs = webtest.Person(c, c.db, "olga@customer.example", "")
	c.owner = webtest.ActorOf(c.ownerIs)
	o, err := s.Org.Create(ctx, c.owner, org.Input{Name: "Customer"})
	c.must(err)
	c.app, err = s.Org.CreateApp(ctx, c.owner, o.ID, org.AppInput{Name: "Shop"})
	c.must(err)
	c.plan = c.grant("orders", "orders:read")
	c.grant("portal", "keys:read", "keys:write", "apps:read", "apps:write")
	c.manager = c.make("Manager", key.Pair{API: "orders", Scope: "orders:read"}, key.Pair{API: "portal", Scope: "keys:read"}, key.Pair{API: "portal", Scope: "keys:write"},
		key.Pair{API: "portal", Scope: "apps:read"}, key.Pair{API: "portal", Scope: "apps:write"}).Secret.Reveal()
	c.key = c.make("Worker", key.Pair{API: "orders", Scope: "orders:read"})
	gone := c.make("Gone", key.Pair{API: "orders", Scope: "orders:read"})
	c.revoke(gone.Key.ID)
	c.revoked = gone.Secret.Reveal()
}

// grant gives the customer's app access with scopes, and returns the plan.
func (c *company) grant(slug string, scopes ...string) db.ID {
	c.Helper()
	d, err := c.store.Catalog.BySlug(c.Context(), c.owner, slug)
	c.must(err)
	in := catalog.RequestInput{AppID: c.app.ID, PlanID: d.Plans[0].ID, Purpose: "To test"}
	for _, one := range d.Scopes {
		if slices.Contains(scopes, one.Name) {
			in.ScopeIDs = append(in.ScopeIDs, one.ID)
		}
	}
	_, err = c.store.Catalog.Request(c.Context(), c.owner, slug, in)
	c.must(err)
	return in.PlanID
}

// person adds somebody with a password.
func (c *company) person(email, password string) account.User {
	c.Helper()
	u := webtest.Person(c, c.db, email, "")
	sealed, err := c.store.Account.HashPassword(c.Context(), u.ID, password)
	c.must(err)
	c.run("UPDATE users SET password_sealed = ? WHERE id = ?", sealed, u.ID)
	return u
}

// make has the customer make a key.
func (c *company) make(name string, pairs ...key.Pair) key.Made {
	c.Helper()
	made, err := c.store.Key.Create(c.Context(), c.owner, key.CreateRequest{
		Token: c.store.Key.NewFormToken(c.owner, key.CreatePurpose()), AppID: c.app.ID, Environment: "live", Name: name, Pairs: pairs,
	})
	c.must(err)
	return made
}

// worker makes one more key like c.key.
func (c *company) worker(name string) key.Made {
	c.Helper()
	return c.make(name, key.Pair{API: "orders", Scope: "orders:read"})
}

// revoke revokes a key of the customer's beside the processes: they learn of it from the feed of changes.
func (c *company) revoke(id db.ID) {
	c.Helper()
	c.must(c.store.Key.Revoke(context.Background(), c.owner, id, "a drill"))
}

// A process is a running gatehouse with a listener for its edge.
type process struct {
	*rig.Process
	edge string // host:port
	env  map[string]string
}

// env are the settings of a process over the company's database; change is laid over them. Its data folder is its own, unless change names one.
func (c *company) env(change map[string]string) map[string]string {
	c.Helper()
	edge, err := rig.FreeAddress()
	c.must(err)
	addr, err := rig.FreeAddress()
	c.must(err)
	env := map[string]string{"GATEHOUSE_DATABASE_URL": c.url, "GATEHOUSE_SECRET": usagetest.Secret, "GATEHOUSE_EDGE_ADDR": edge, "GATEHOUSE_ADDR": addr, "GATEHOUSE_DRAIN": "0s"}
	maps.Copy(env, change)
	if env["GATEHOUSE_DATA_DIR"] == "" {
		env["GATEHOUSE_DATA_DIR"] = c.TempDir()
	}
	return env
}

// start starts a process, until the test ends.
func (c *company) start(change map[string]string) *process {
	c.Helper()
	p := c.startIn(c.env(change))
	c.Cleanup(p.Kill)
	return p
}

func (c *company) startIn(env map[string]string) *process {
	c.Helper()
	p, err := rig.Start(rig.Options{Env: env})
	c.must(err)
	return &process{p, env["GATEHOUSE_EDGE_ADDR"], env}
}

// ready reports whether the process says that it is.
func (p *process) ready() bool {
	answer, err := http.Get(p.URL + "/readyz") //nolint:noctx // a test's question
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// command runs a command of the program over the company's database; it fails the test when the command does.
func (c *company) command(arguments ...string) string {
	c.Helper()
	env := c.env(nil)
	said, err := rig.RunOnce(context.Background(), env, arguments...)
	if err != nil {
		c.Fatalf("gatehouse %s: %v: %s", strings.Join(arguments, " "), err, said)
	}
	return strings.TrimSpace(said)
}

// sound fails the test unless the database is whole and so is the audit log.
func (c *company) sound() {
	c.Helper()
	if c.db.Dialect == db.SQLite {
		var verdict string
		c.must(c.db.Read(context.Background()).Raw("PRAGMA integrity_check").Row().Scan(&verdict))
		if verdict != "ok" {
			c.Errorf("the database: %s", verdict)
		}
	}
	c.Log(c.command("audit", "verify"))
}
