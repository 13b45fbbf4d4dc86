package handlers_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// world is the whole house over a database: an admin with one API, and two developers who know nothing of each other, each with all that a
// developer can have.
type world struct {
	*testing.T
	house      *handlers.House
	site       *webtest.Site
	db         *db.DB
	clock      *dbtest.Clock
	admin      account.User
	mine, them tenant
}

// tenant is a developer with one of everything.
type tenant struct {
	user     account.User
	org      db.ID
	app      org.App
	access   db.ID
	key      key.Row
	session  db.ID
	factor   db.ID
	identity db.ID
	browser  db.ID
	asked    forum.Question // for the tenant's organization alone
	answer   db.ID          // to it
	invited  db.ID          // an invitation to them into the company's organization
	team     db.ID          // an organization of theirs with others
	domain   db.ID          // that it claims
	share    db.ID          // of the app, with that organization
	refused  string         // request id of a refused call with the key
	ids      []string       // as pages and forms show them
}

// serve builds the house over d and serves it.
func serve(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	return serveWith(t, d, clock, nil)
}

// serveWith is serve with some settings.
func serveWith(t *testing.T, d *db.DB, clock *dbtest.Clock, with map[string]string) *world {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	settings, err := config.Load(func(name string) (string, bool) {
		value, ok := map[string]string{"GATEHOUSE_ADDR": addr, "GATEHOUSE_USAGE_SPOOL_MB": "0", "GATEHOUSE_STAFF_FACTOR": "optional"}[name]
		if set, has := with[name]; has {
			return set, true
		}
		return value, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	root, err := secret.Open(filepath.Join(t.TempDir(), "secret"), "")
	if err != nil {
		t.Fatal(err)
	}
	d.SetCursorKey(root.Key(secret.LabelCursor))
	h, err := handlers.Build(t.Context(), handlers.Options{DB: d, Root: root, Settings: settings, Replica: "test"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h.Portal)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return &world{T: t, house: h, db: d, clock: clock, site: webtest.Visit(t, "http://"+addr, d, clock)}
}

// inhabit sets the portal up and fills it.
func (w *world) inhabit() {
	w.Helper()
	ctx := context.Background()
	code, err := w.house.SetupCode(ctx)
	w.ok(err)
	w.admin, err = w.house.Stores.Staff.SetUp(ctx, webtest.ActorOf(account.User{}), code, staff.Setup{
		Name: "Ada Admin", Email: "ada@company.example", Password: "a long enough sentence", Company: "Company", Portal: "Company Developers", Language: "en", TimeZone: "UTC",
	})
	w.ok(err)
	api := w.api()
	w.mine, w.them = w.tenant("mine@example.com", api), w.tenant("them@example.com", api)
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// api is a public API with a scope and a plan that grants at once.
func (w *world) api() catalog.API {
	w.Helper()
	ctx, a, s := context.Background(), webtest.ActorOf(w.admin), w.house.Stores.Catalog
	publishers, err := s.Publishers(ctx, a)
	w.ok(err)
	api, err := s.Create(ctx, a, catalog.Input{Slug: "orders", Name: "Orders", PublisherID: publishers[0].ID, Summary: "Orders", DataDomain: "customer", Visibility: catalog.Public}, catalog.VersionInput{Name: "v1", State: "live"})
	w.ok(err)
	w.ok(s.AddScope(ctx, a, api.ID, catalog.ScopeInput{Name: "orders:read", Sentence: "See orders"}))
	w.ok(s.AddPlan(ctx, a, api.ID, catalog.PlanInput{Name: "Free", RateRequests: 100, RatePeriodSeconds: 60, Burst: 100}))
	return api
}

func (w *world) tenant(email string, api catalog.API) tenant {
	w.Helper()
	ctx, s := context.Background(), w.house.Stores
	t := tenant{user: w.site.Person(email, "")}
	a := webtest.ActorOf(t.user)
	t.org = webtest.PersonalOrg(w, w.db, t.user.ID)
	var err error
	t.app, err = s.Org.CreateApp(ctx, a, t.org, org.AppInput{Name: "App of " + email})
	w.ok(err)
	detail, err := s.Catalog.BySlug(ctx, a, api.Slug)
	w.ok(err)
	access, err := s.Catalog.Request(ctx, a, api.Slug, catalog.RequestInput{AppID: t.app.ID, PlanID: detail.Plans[0].ID, ScopeIDs: []db.ID{detail.Scopes[0].ID}, Purpose: "To test"})
	w.ok(err)
	t.access = access.ID
	made, err := s.Key.Create(ctx, a, key.CreateRequest{
		Token: s.Key.NewFormToken(a, key.CreatePurpose()), AppID: t.app.ID, Environment: "live", Name: "Key of " + email,
		Pairs: []key.Pair{{API: api.Slug, Scope: "orders:read"}}, Expiry: key.Expiry{Days: 30},
	})
	w.ok(err)
	t.key = made.Key
	t.factor, t.identity, t.browser = db.NewID(), db.NewID(), db.NewID()
	w.ok(w.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', ?, ?, ?)", t.factor, t.user.ID, "App of "+email, tx.Now, tx.Now)
		if err == nil {
			_, err = tx.Run("INSERT INTO identities (id, user_id, issuer, subject, address, created_at) VALUES (?, ?, 'https://login.example.com', ?, ?, ?)", t.identity, t.user.ID, email, email, tx.Now)
		}
		if err == nil {
			_, err = tx.Run("INSERT INTO devices (id, user_id, digest, last_seen_at, created_at) VALUES (?, ?, ?, ?, ?)", t.browser, t.user.ID, []byte(email), tx.Now, tx.Now)
		}
		return err
	}))
	w.site.As(t.user)
	sessions, err := s.Account.Sessions(ctx, a)
	w.ok(err)
	t.session = sessions[0].ID
	t.asked, err = s.Forum.Ask(ctx, a, forum.Draft{Title: "A private question of " + email, Body: "What nobody else may read.", Visibility: forum.Organization, OrganizationID: t.org})
	w.ok(err)
	answer, err := s.Forum.Answer(ctx, a, t.asked.ID, forum.Reply{Body: "What I found out myself."})
	w.ok(err)
	t.answer = answer.ID
	company, err := s.Catalog.Publishers(ctx, webtest.ActorOf(w.admin))
	w.ok(err)
	invited, err := s.Invitation.Invite(ctx, webtest.ActorOf(w.admin), company[0].ID, invitation.Input{Email: email, Role: "viewer"})
	w.ok(err)
	t.invited = invited.ID
	team, err := s.Org.Create(ctx, a, org.Input{Name: "Team of " + email})
	w.ok(err)
	claimed, err := s.Domain.Claim(ctx, a, team.ID, "example.org")
	w.ok(err)
	t.team, t.domain = team.ID, claimed.ID
	t.share = w.lend(t.user, t.app.ID, t.user, team.ID, actor.Rights...)
	t.refused = "req_" + strings.TrimPrefix(t.key.ID.Show("key"), "key_")[10:]
	calls := refusal.NewRecorder(w.db, nil)
	calls.Put(refusal.Record{
		RequestID: t.refused, At: w.db.Now(), Key: keyring.ID(t.key.ID), App: keyring.ID(t.app.ID), Org: keyring.ID(t.org), API: keyring.ID(api.ID), Publisher: keyring.ID(api.PublisherID),
		Environment: keyring.Live, Door: refusal.Authz, Code: "PAUSED", Cause: keyring.KeyPaused, Status: 401, Method: "GET", Path: "/orders",
	})
	w.ok(calls.Flush(ctx))
	t.ids = []string{t.asked.ID.String(), t.answer.String(), t.org.String(), t.app.ID.String(), t.access.String(), t.key.ID.String(), t.session.String(), t.factor.String(), t.identity.String(), t.user.ID.String(), t.invited.String(), t.team.String(), t.domain.String(), t.share.String(), t.browser.String()}
	return t
}

// lend shares an app with an organization of somebody's, who accepts.
func (w *world) lend(by account.User, app db.ID, with account.User, receiver db.ID, rights ...actor.Right) db.ID {
	w.Helper()
	ctx, s := context.Background(), w.house.Stores.Share
	offer, err := s.Offer(ctx, webtest.ActorOf(by), app, share.Input{Receiver: receiver.Show(org.Prefix), Rights: rights, Reason: "What they do together", EndsOn: w.clock.Now().AddDate(0, 0, 90).Format(share.DayLayout)})
	w.ok(err)
	_, err = s.Accept(ctx, webtest.ActorOf(with), offer.ID)
	w.ok(err)
	return offer.ID
}

// idFor is the id of t's that belongs in a path parameter, in the form that pages show; "" when the parameter names nothing of a tenant's.
func (t tenant) idFor(path string) (param, id string) {
	for _, p := range []struct{ under, param, id string }{
		{"/console/account/sessions/", ":session", t.session.Show("session")},
		{"/console/account/browsers/", ":browser", t.browser.Show("brw")},
		{"/console/account/security/factors/", ":factor", t.factor.Show("factor")},
		{"/console/account/identities/", ":identity", t.identity.Show("idn")},
		{"/console/shares/", ":share", t.share.Show("shr")},
		{"/console/keys/", ":key", t.key.ID.Show("key")},
		{"/console/organizations/:id/domains/", ":domain", t.domain.Show("dom")},
		{"/console/organizations/", ":id", t.org.Show("org")},
		{"/console/invitations/", ":id", t.invited.Show("inv")},
		{"/console/apps/", ":id", t.app.ID.Show("app")},
		{"/console/access/", ":id", t.access.Show("acc")},
		{"/console/access/", ":access", t.access.Show("acc")},
		{"/console/refusals/", ":request", t.refused},
		{"/forum/q/", ":id", t.asked.ID.Show(forum.Prefix)},
		{"/forum/posts/", ":id", t.answer.Show(forum.PostPrefix)},
	} {
		if strings.HasPrefix(path, p.under) && strings.Contains(path, p.param) {
			return p.param, p.id
		}
	}
	return "", ""
}

var changing = regexp.MustCompile(`req_[0-9a-z]+|nonce="[^"]*"|/static/[^"]*|[a-z]+_[0-9a-hjkmnp-tv-z]{26}|` + regexp.QuoteMeta("form_token") + `" value="[^"]*"`)

// normal is a page without what differs on each request, so that two refusals can be compared.
func normal(p webtest.Page) string {
	return fmt.Sprint(p.Status, p.Location, changing.ReplaceAllString(p.Body, "…"))
}

// rowsOf is every row of the database that names one of the ids, but for what reading a page writes.
func (w *world) rowsOf(ids []string) string {
	w.Helper()
	var all []string
	for _, table := range w.tables() {
		rows, err := w.db.Rows(context.Background(), "SELECT * FROM "+table)
		w.ok(err)
		columns, err := rows.Columns()
		w.ok(err)
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			w.ok(rows.Scan(into...))
			if line := text(values); containsAny(line, ids) {
				all = append(all, table+" "+line)
			}
		}
		w.ok(rows.Err())
		w.ok(rows.Close())
	}
	sort.Strings(all)
	return strings.Join(all, "\n")
}

func text(values []any) string {
	var b strings.Builder
	for _, v := range values {
		if raw, ok := v.([]byte); ok {
			v = base64.StdEncoding.EncodeToString(raw)
		}
		fmt.Fprintf(&b, "%v|", v)
	}
	return b.String()
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

func (w *world) tables() []string {
	w.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if w.db.Dialect == db.Postgres {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	var names []string
	w.ok(w.db.Read(context.Background()).Raw(query).Scan(&names).Error)
	return names
}
