package keyring_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// id makes an id that is spread as a UUID is.
func id(n int) keyring.ID {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return keyring.ID(sum[:16])
}

func digest(n int) keyring.Digest {
	return keyring.Digest(sha256.Sum256(fmt.Appendf(nil, "key %d", n)))
}

const (
	orderAPI = 1 + iota
	staffAPI
	foreignAPI
	publisher
	stranger
	appID
	orgID
	userID
	keyID
	accessID
	staffAccessID
)

// key returns the facts of a key in good standing: everything may be altered.
func key() *keyring.Facts {
	return &keyring.Facts{
		ID: id(keyID), Name: "Checkout worker", Environment: keyring.Live,
		App: &keyring.App{ID: id(appID), Name: "Northwind shop", Org: &keyring.Org{ID: id(orgID), Name: "Northwind", User: id(userID)}},
		Reach: &keyring.Reach{Domain: "customer", Grants: []keyring.Grant{{
			Access: &keyring.Access{ID: id(accessID), API: id(orderAPI), Publisher: id(publisher), State: keyring.AccessActive},
			Scopes: []string{"orders:read", "orders:write"},
		}}},
		Extra: &keyring.Extra{},
	}
}

func api() *keyring.API {
	return &keyring.API{
		ID: id(orderAPI), Slug: "orders", Publisher: id(publisher), Domain: "customer", Live: true, RefuseUndeclared: true,
		Rules: []keyring.Rule{
			{Method: "GET", Template: "/v2/orders", Scope: "orders:read"},
			{Method: "GET", Template: "/v2/orders/{id}", Scope: "orders:read"},
			{Method: "POST", Template: "/v2/orders", Scope: "orders:write"},
			{Method: "DELETE", Template: "/v2/orders/{id}", Scope: "orders:delete"},
			{Method: "GET", Template: "/v2/orders/export", Scope: "orders:export"},
			{Method: "GET", Template: "/v2/health"},
			{Method: "GET", Template: "/v1/orders", Scope: "orders:read", Retired: true},
		},
	}
}

func compiled(t testing.TB, a *keyring.API) *keyring.API {
	t.Helper()
	if err := a.Compile(); err != nil {
		t.Fatal(err)
	}
	return a
}

func path(t testing.TB, target string) keyring.Path {
	t.Helper()
	p, err := keyring.Canonical(target)
	if err != nil {
		t.Fatalf("%q: %v", target, err)
	}
	return p
}

// world is a database in memory, with a change feed, that can be held up.
type world struct {
	mu    sync.Mutex
	now   time.Time
	keys  map[keyring.Digest]*keyring.Facts
	apis  []func() *keyring.API
	feed  []keyring.Change
	loads int
	fail  error
	// afterRead runs, without the lock, between reading a key and returning it.
	afterRead func()
}

func newWorld() *world {
	return &world{now: start, keys: map[keyring.Digest]*keyring.Facts{}, apis: []func() *keyring.API{api}}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// commit changes the database and writes the feed, as one transaction does.
func (w *world) commit(change func(), feed ...keyring.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	w.feed = append(w.feed, feed...)
}

func (w *world) loaded() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loads
}

func (w *world) LoadKey(_ context.Context, d keyring.Digest) (*keyring.Facts, error) {
	w.mu.Lock()
	w.loads++
	f, err, after := w.keys[d], w.fail, w.afterRead
	if f != nil {
		f = deepCopy(f)
	}
	w.mu.Unlock()
	if after != nil {
		after()
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// deepCopy is what a database gives: nothing shared with the next read.
func deepCopy(f *keyring.Facts) *keyring.Facts {
	facts, app, org, reach := *f, *f.App, *f.App.Org, *f.Reach
	app.Org, facts.App, facts.Reach = &org, &app, &reach
	reach.Grants = make([]keyring.Grant, len(f.Reach.Grants))
	for i, g := range f.Reach.Grants {
		access := *g.Access
		reach.Grants[i] = keyring.Grant{Access: &access, Scopes: append([]string(nil), g.Scopes...)}
	}
	return &facts
}

func (w *world) LoadAPIs(context.Context) ([]*keyring.API, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*keyring.API
	for _, make := range w.apis {
		all = append(all, make())
	}
	return all, w.fail
}

func (w *world) Changes(_ context.Context, seq int64) ([]keyring.Change, int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := int64(len(w.feed))
	if w.fail != nil || seq < 0 {
		return nil, last, w.fail
	}
	return append([]keyring.Change(nil), w.feed[seq:]...), last, nil
}

var errDatabase = errors.New("database is gone")

func ring(t testing.TB, w *world, o keyring.Options) *keyring.Ring {
	t.Helper()
	if o.TTL == 0 {
		o.TTL = keyring.DefaultTTL
	}
	o.Now = w.clock
	r := keyring.NewRing(w, o)
	if err := r.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r
}

func poll(t testing.TB, r *keyring.Ring) {
	t.Helper()
	if err := r.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func lookup(t testing.TB, r *keyring.Ring, w *world, d keyring.Digest) *keyring.Facts {
	t.Helper()
	f, err := r.Lookup(context.Background(), w.clock(), d)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func code(t testing.TB, r *keyring.Ring, w *world, d keyring.Digest, scopes ...string) keyring.Code {
	t.Helper()
	c, err := r.Catalogue(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	req := keyring.Request{Scopes: scopes, Cost: 1}
	return keyring.Decide(context.Background(), w.clock(), lookup(t, r, w, d), c.BySlug("orders"), &req, keyring.Limits{}).Code
}

// causes is each thing that stops a key, as product.md (Keys) lists them, with
// the change that its transaction writes to the feed.
func causes() map[string]struct {
	alter  func(*keyring.Facts)
	change keyring.Change
	want   keyring.Code
	scope  string
} {
	type cause = struct {
		alter  func(*keyring.Facts)
		change keyring.Change
		want   keyring.Code
		scope  string
	}
	at := start.UnixNano()
	grant := func(f *keyring.Facts) *keyring.Grant { return &f.Reach.Grants[0] }
	k, a, o := keyring.Change{Kind: keyring.KindKey, ID: id(keyID)}, keyring.Change{Kind: keyring.KindApp, ID: id(appID)}, keyring.Change{Kind: keyring.KindOrganization, ID: id(orgID)}
	u, c, p := keyring.Change{Kind: keyring.KindUser, ID: id(userID)}, keyring.Change{Kind: keyring.KindAccess, ID: id(accessID)}, keyring.Change{Kind: keyring.KindAPI, ID: id(orderAPI)}
	all := map[string]cause{
		"key revoked":            {func(f *keyring.Facts) { f.RevokedAt = at }, k, keyring.Revoked, ""},
		"key expired":            {func(f *keyring.Facts) { f.ExpiresAt = at }, k, keyring.Expired, ""},
		"overlap ended":          {func(f *keyring.Facts) { f.Extra = &keyring.Extra{OverlapEnd: at} }, k, keyring.Expired, ""},
		"key paused":             {func(f *keyring.Facts) { f.Paused = true }, k, keyring.Paused, ""},
		"key suspended":          {func(f *keyring.Facts) { f.Extra = &keyring.Extra{SuspendedUntil: at + 1} }, k, keyring.Suspended, ""},
		"app suspended":          {func(f *keyring.Facts) { f.App.SuspendedUntil = keyring.Forever }, a, keyring.Suspended, ""},
		"app deleted":            {func(f *keyring.Facts) { f.App.Deleted = true }, a, keyring.Revoked, ""},
		"organization suspended": {func(f *keyring.Facts) { f.App.Org.SuspendedUntil = keyring.Forever }, o, keyring.Suspended, ""},
		"organization deleted":   {func(f *keyring.Facts) { f.App.Org.Deleted = true }, o, keyring.Revoked, ""},
		"user suspended":         {func(f *keyring.Facts) { f.App.Org.UserSuspendedUntil = keyring.Forever }, u, keyring.Suspended, ""},
		"user deleted":           {func(f *keyring.Facts) { f.App.Org.UserDeleted = true }, u, keyring.Revoked, ""},
		"access suspended":       {func(f *keyring.Facts) { grant(f).Access.State = keyring.AccessSuspended }, c, keyring.Suspended, ""},
		"access ended":           {func(f *keyring.Facts) { grant(f).Access.State = keyring.AccessEnded }, c, keyring.WrongAPI, ""},
		"access lowered":         {func(f *keyring.Facts) { grant(f).Scopes = []string{"orders:read"} }, c, keyring.InsufficientScope, "orders:write"},
		"scope withdrawn":        {func(f *keyring.Facts) { grant(f).Scopes = []string{"orders:write"} }, p, keyring.InsufficientScope, "orders:read"},
	}
	return maps.Clone(all)
}
