package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/staff"
)

// world is the whole house, with two organizations that know nothing of each other.
type world struct {
	testing.TB
	house      *handlers.House
	db         *db.DB
	clock      *dbtest.Clock
	url        string
	admin      account.User
	mine, them tenant
	doc        *openapi.Document
	contract   *openapi3.T
	seen       map[string]bool // operations that were answered with success
}

// tenant is an organization with an app that may use orders and the portal's own API.
type tenant struct {
	owner  actor.Actor
	org    db.ID
	app    org.App
	access db.ID
	key    key.Row
	text   string // of a live key that holds every scope of the portal's but keys:verify, and orders:read
}

// managing are the scopes of the management API.
var managing = []string{"apps:read", "apps:write", "keys:read", "keys:write", "access:read", "access:write", "usage:read", "policies:read", "leaks:read", "audit:read"}

func newWorld(t testing.TB, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	settings, err := config.Load(func(name string) (string, bool) {
		value, ok := map[string]string{"GATEHOUSE_ADDR": addr, "GATEHOUSE_USAGE_SPOOL_MB": "0", "GATEHOUSE_STAFF_FACTOR": "optional"}[name]
		return value, ok
	})
	w := &world{TB: t, db: d, clock: clock, url: "http://" + addr, seen: map[string]bool{}}
	w.ok(err)
	root, err := secret.Open(filepath.Join(t.TempDir(), "secret"), "")
	w.ok(err)
	d.SetCursorKey(root.Key(secret.LabelCursor))
	w.house, err = handlers.Build(t.Context(), handlers.Options{DB: d, Root: root, Settings: settings, Replica: "test"})
	w.ok(err)
	server := httptest.NewUnstartedServer(w.house.Portal)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	w.doc, err = openapi.Portal()
	w.ok(err)
	w.contract, err = openapi3.NewLoader().LoadFromData(w.doc.JSON)
	w.ok(err)
	w.inhabit()
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) inhabit() {
	w.Helper()
	ctx := w.Context()
	code, err := w.house.SetupCode(ctx)
	w.ok(err)
	w.admin, err = w.house.Stores.Staff.SetUp(ctx, webtest.ActorOf(account.User{}), code, staff.Setup{
		Name: "Ada Admin", Email: "ada@company.example", Password: "a long enough sentence", Company: "Company", Portal: "Company Developers", Language: "en", TimeZone: "UTC",
	})
	w.ok(err)
	a, s := webtest.ActorOf(w.admin), w.house.Stores.Catalog
	publishers, err := s.Publishers(ctx, a)
	w.ok(err)
	api, err := s.Create(ctx, a, catalog.Input{Slug: "orders", Name: "Orders", PublisherID: publishers[0].ID, Summary: "Orders", DataDomain: "customer", Visibility: catalog.Public}, catalog.VersionInput{Name: "v1", State: "live"})
	w.ok(err)
	for _, name := range []string{"orders:read", "orders:write"} {
		w.ok(s.AddScope(ctx, a, api.ID, catalog.ScopeInput{Name: name, Sentence: "May " + name}))
	}
	w.ok(s.AddPlan(ctx, a, api.ID, catalog.PlanInput{Name: "Free", RateRequests: 100, RatePeriodSeconds: 60, Burst: 100}))
	portal, err := s.BySlug(ctx, a, "portal")
	w.ok(err)
	// So many calls as tests make are let through.
	w.run("UPDATE plans SET rate_requests = 1000000, burst = 1000000 WHERE api_id = ?", portal.ID)
	w.mine, w.them = w.tenant("mine@example.com", "Mine"), w.tenant("them@example.com", "Them")
}

func (w *world) run(query string, args ...any) {
	w.Helper()
	w.ok(w.db.Tx(w.Context(), func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }))
}

func (w *world) tenant(email, name string) tenant {
	w.Helper()
	ctx, s := w.Context(), w.house.Stores
	a := webtest.ActorOf(webtest.Person(w, w.db, email, ""))
	o, err := s.Org.Create(ctx, a, org.Input{Name: name})
	w.ok(err)
	app, err := s.Org.CreateApp(ctx, a, o.ID, org.AppInput{Name: name + " shop"})
	w.ok(err)
	t := tenant{owner: a, org: o.ID, app: app}
	t.access = w.grant(t, "orders", "orders:read", "orders:write")
	w.grant(t, "portal", managing...)
	made := w.make(t, "live", append(portalPairs(managing...), key.Pair{API: "orders", Scope: "orders:read"})...)
	t.key, t.text = made.Key, made.Secret.Reveal()
	return t
}

func portalPairs(scopes ...string) []key.Pair {
	var out []key.Pair
	for _, s := range scopes {
		out = append(out, key.Pair{API: "portal", Scope: s})
	}
	return out
}

// grant gives the tenant's app access.
func (w *world) grant(t tenant, slug string, scopes ...string) db.ID {
	w.Helper()
	s := w.house.Stores.Catalog
	d, err := s.BySlug(w.Context(), t.owner, slug)
	w.ok(err)
	in := catalog.RequestInput{AppID: t.app.ID, PlanID: d.Plans[0].ID, Purpose: "To test"}
	for _, one := range d.Scopes {
		if slices.Contains(scopes, one.Name) {
			in.ScopeIDs = append(in.ScopeIDs, one.ID)
		}
	}
	x, err := s.Request(w.Context(), t.owner, slug, in)
	w.ok(err)
	return x.ID
}

// make has the tenant's owner make a key.
func (w *world) make(t tenant, environment string, pairs ...key.Pair) key.Made {
	w.Helper()
	made, err := w.house.Stores.Key.Create(w.Context(), t.owner, key.CreateRequest{
		Token: w.house.Stores.Key.NewFormToken(t.owner, key.CreatePurpose()), AppID: t.app.ID, Environment: environment, Name: "Manager", Pairs: pairs,
	})
	w.ok(err)
	return made
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// at is a value of the body by its path, such as "key.id" or "data.0.id"; nil when it is not there.
func (r reply) at(path string) any {
	var v any
	if json.Unmarshal(r.body, &v) != nil {
		return nil
	}
	for _, part := range strings.Split(path, ".") {
		switch t := v.(type) {
		case map[string]any:
			v = t[part]
		case []any:
			if part != "0" || len(t) == 0 {
				return nil
			}
			v = t[0]
		default:
			return nil
		}
	}
	return v
}

func (r reply) text(path string) string { s, _ := r.at(path).(string); return s }

// send calls as the holder of a key; body is JSON, "" for none. headers are pairs of name and value.
func (w *world) send(method, path, text, body string, headers ...string) reply {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	w.ok(err)
	if text != "" {
		r.Header.Set("Authorization", "Bearer "+text)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	w.ok(err)
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	w.ok(err)
	out := reply{answer.StatusCode, answer.Header, b}
	w.hold(method, path, out)
	return out
}

// want is send, and asks for a status.
func (w *world) want(status int, method, path, text, body string, headers ...string) reply {
	w.Helper()
	r := w.send(method, path, text, body, headers...)
	if r.status != status {
		w.Fatalf("%s %s %s\nanswered %d, want %d: %s", method, path, body, r.status, status, r.body)
	}
	return r
}

// operation finds what the document has for a call; nil for nothing.
func (w *world) operation(method, path string) *openapi.Operation {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	var found *openapi.Operation
	for i := range w.doc.Operations {
		o := &w.doc.Operations[i]
		other := strings.Split(o.Path, "/")
		fits := o.Method == method && len(parts) == len(other)
		for j := 0; fits && j < len(parts); j++ {
			fits = parts[j] == other[j] || strings.HasPrefix(other[j], "{")
		}
		if fits && (found == nil || !strings.Contains(o.Path, "{")) {
			found = o
		}
	}
	return found
}

// hold checks an answer against the document: status, type, schema, and that nothing is in it that the document does not name (C8).
func (w *world) hold(method, path string, r reply) {
	w.Helper()
	o := w.operation(method, path)
	if o == nil {
		return
	}
	if r.status >= 500 {
		w.Errorf("%s %s answered %d: %s", method, path, r.status, r.body)
	}
	op := w.contract.Paths.Find(o.Path).GetOperation(method)
	answer, kind := op.Responses.Default(), "application/problem+json"
	if r.status < 300 {
		w.seen[o.ID] = true
		answer, kind = op.Responses.Status(r.status), "application/json"
	}
	if answer == nil {
		w.Errorf("%s %s answered %d, which the document does not know", method, path, r.status)
		return
	}
	media := answer.Value.Content[kind]
	if media == nil {
		if len(r.body) > 0 {
			w.Errorf("%s %s answered with a body", method, path)
		}
		return
	}
	if got := r.header.Get("Content-Type"); got != kind {
		w.Errorf("%s %s answered %d as %q: %.200s", method, path, r.status, got, r.body)
		return
	}
	var v any
	w.ok(json.NewDecoder(bytes.NewReader(r.body)).Decode(&v))
	if err := media.Schema.Value.VisitJSON(v, openapi3.MultiErrors()); err != nil {
		w.Errorf("%s %s answered not as documented: %v\n%.600s", method, path, err, r.body)
	}
	if r.status < 300 {
		w.named(o.ID, o.Answer, v)
	}
}

// named tells of members that the schema does not name.
func (w *world) named(where string, s *openapi.Schema, v any) {
	w.Helper()
	if len(s.Alternatives) > 0 {
		if v == nil {
			return
		}
		s = s.Alternatives[0]
	}
	switch t := v.(type) {
	case map[string]any:
		for name, one := range t {
			switch known := s.Property(name); {
			case known != nil:
				w.named(where+"/"+name, known, one)
			case s.Additional == nil && len(s.Properties) > 0:
				w.Errorf("%s/%s is not in the document", where, name)
			}
		}
	case []any:
		for _, one := range t {
			if s.Items != nil {
				w.named(where+"/0", s.Items, one)
			}
		}
	}
}
