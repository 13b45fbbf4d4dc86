package guide_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse-dev/gatehouse/docs"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// world is a portal with the folder of an operator's own guides.
type world struct {
	*catalogtest.World
	*guide.Store
	t      *testing.T
	clock  *dbtest.Clock
	folder string
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{World: catalogtest.New(t, d), t: t, clock: clock, folder: t.TempDir()}
	for _, sub := range []string{"guides", "tutorials"} {
		if err := os.Mkdir(filepath.Join(w.folder, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.Store = guide.NewStore(guide.Options{DB: d, Library: content.Open(content.Options{Ours: docs.Files, Folder: w.folder, Now: clock.Now})})
	return w
}

func (w *world) write(name, body string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.folder, name), []byte(body), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.clock.Advance(2 * time.Second)
}

// key adds a key of Shop for orders.
func (w *world) key(hint, environment string, scopes ...db.ID) db.ID {
	w.t.Helper()
	id := db.NewID()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run(`INSERT INTO keys (id, app_id, environment, name, prefix, last_four, digest_algorithm, pepper_version, digest, created_at, updated_at) VALUES (?, ?, ?, 'Worker', 'gk_live_', ?, 'hmac-sha256', 'v1', ?, ?, ?)`,
			id, w.Shop, environment, hint, []byte(id.String()), tx.Now, tx.Now)
		for _, s := range scopes {
			if err == nil {
				_, err = tx.Run("INSERT INTO key_grants (key_id, api_id, scope_id) VALUES (?, ?, ?)", id, w.API, s)
			}
		}
		return err
	})
	return id
}

// call counts a verification of a key now.
func (w *world) call(key db.ID, code string) {
	w.t.Helper()
	at := w.clock.Now().Truncate(time.Minute)
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, 'live', '/v2/orders', ?) ON CONFLICT DO NOTHING", key, w.Shop, w.North, w.API, code)
		if err == nil {
			_, err = tx.Run("INSERT INTO usage_minutes (series_id, at, calls) SELECT id, ?, 1 FROM usage_series WHERE key_id = ? AND code = ? ON CONFLICT DO NOTHING", at, key, code)
		}
		if err == nil && code == "VALID" {
			_, err = tx.Run("UPDATE keys SET last_used_at = ? WHERE id = ?", w.clock.Now(), key)
		}
		return err
	})
}

func (w *world) run(query string, args ...any) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err })
}

func (w *world) tutorial(slug string) *content.Page {
	w.t.Helper()
	p := w.Find(content.Tutorial, slug, text.English)
	if p == nil {
		w.t.Fatal(slug, w.Pages().Problems)
	}
	return p
}

// done names the steps that are ticked, in the order of the tutorial.
func (w *world) done(slug string) string {
	w.t.Helper()
	p := w.tutorial(slug)
	ticks, err := w.Progress(w.t.Context(), w.Owner, p, w.Shop)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, s := range p.Steps {
		if _, ok := ticks[s.ID]; ok {
			all = append(all, s.ID)
		}
	}
	return strings.Join(all, " ")
}

func (w *world) want(when, slug, want string) {
	w.t.Helper()
	if got := w.done(slug); got != want {
		w.t.Errorf("%s: %q, want %q", when, got, want)
	}
}

const operators = `---
title: Sell with us
summary: Our own way in.
order: 1
changed: 2026-11-21
apis: [orders]
steps:
  - id: make-a-key
    check: {kind: key_made, api: orders}
  - id: call-orders
    check: {kind: first_call, api: orders, scope: "orders:read"}
  - id: meet-a-refusal
    check: {kind: refusal_understood, api: orders, code: INSUFFICIENT_SCOPE}
  - id: read-the-terms
---
## Make a key

## Call orders

## Meet a refusal

## Read the terms
`

// An operator's own tutorial names its checks in front matter and ticks itself, without a restart.
func TestAnOperatorsTutorialTicksItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.write("tutorials/sell.md", operators)
		w.want("at first", "sell", "")

		other := w.key("aaaa", "live")
		w.want("with a key for nothing", "sell", "")
		k := w.key("bbbb", "live", w.Read)
		w.want("with a key for orders", "sell", "make-a-key")
		w.call(k, "INSUFFICIENT_SCOPE")
		w.want("after a refusal", "sell", "make-a-key")
		w.call(other, "VALID")
		w.want("after a call by a key without the scope, which is a call let through after the refusal", "sell", "make-a-key meet-a-refusal")
		w.call(k, "VALID")
		w.want("after a call", "sell", "make-a-key call-orders meet-a-refusal")

		w.run("DELETE FROM usage_minutes")
		w.run("DELETE FROM usage_series")
		w.run("DELETE FROM key_grants")
		w.want("when what was seen is gone", "sell", "make-a-key call-orders meet-a-refusal")
		if err := w.Mark(t.Context(), w.Owner, w.tutorial("sell"), w.Shop, "read-the-terms", true); err != nil {
			t.Fatal(err)
		}
		w.want("when the last step was ticked by hand", "sell", "make-a-key call-orders meet-a-refusal read-the-terms")
		if err := w.Mark(t.Context(), w.Owner, w.tutorial("sell"), w.Shop, "read-the-terms", false); err != nil {
			t.Fatal(err)
		}
		w.want("and taken back", "sell", "make-a-key call-orders meet-a-refusal")
	})
}

func TestARefusalAfterTheLastCallIsNotUnderstoodYet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.write("tutorials/sell.md", operators)
		k := w.key("bbbb", "live", w.Read)

		w.call(k, "VALID")
		clock.Advance(time.Minute)
		w.call(k, "RATE_LIMITED")
		clock.Advance(time.Minute)
		w.call(k, "INSUFFICIENT_SCOPE")
		w.want("a refusal last", "sell", "make-a-key call-orders")

		clock.Advance(time.Minute)
		w.call(k, "VALID")
		w.want("and a call", "sell", "make-a-key call-orders meet-a-refusal")
	})
}

func TestEachCheckSeesWhatHappened(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.write("tutorials/all.md", "---\ntitle: All\nsummary: S\norder: 1\nchanged: 2026-11-21\nsteps:\n"+
			"  - {id: app, check: {kind: app_made}}\n  - {id: test-key, check: {kind: key_made, environment: test}}\n  - {id: access, check: {kind: access_approved, api: orders}}\n"+
			"  - {id: called, check: {kind: first_call}}\n  - {id: rotated, check: {kind: key_rotated}}\n  - {id: silent, check: {kind: old_key_silent, api: orders}}\n  - {id: limits, check: {kind: limits_set, api: orders}}\n---\n## App\n\n## Test key\n\n## Access\n\n## Called\n\n## Rotated\n\n## Silent\n\n## Limits\n")
		w.want("an app", "all", "app")

		old := w.key("old1", "live", w.Read)
		w.want("a live key", "all", "app")
		fresh := w.key("new1", "test", w.Read)
		w.want("a test key", "all", "app test-key")
		id := w.Request(w.Open, w.Read)
		_ = id
		w.want("access", "all", "app test-key access")
		w.call(old, "VALID")
		w.want("a call", "all", "app test-key access called")
		w.run("UPDATE keys SET rotated_from = ?, overlap_ends_at = NULL WHERE id = ?", old, fresh)
		w.run("UPDATE keys SET overlap_ends_at = ? WHERE id = ?", clock.Now().Add(time.Hour), old)
		w.want("a rotation", "all", "app test-key access called rotated")
		clock.Advance(time.Minute)
		w.call(fresh, "VALID")
		w.want("the new key used, the old one still working", "all", "app test-key access called rotated")
		clock.Advance(2 * time.Hour)
		w.want("the overlap over", "all", "app test-key access called rotated silent")
		w.run("UPDATE keys SET networks = '203.0.113.0/24' WHERE id = ?", fresh)
		w.want("a key bound to a network", "all", "app test-key access called rotated silent limits")
	})
}

// Z2: progress is told of one's own apps only, and only who may make keys there ticks by hand.
func TestTicksBelongToTheAppsOfTheirOrganization(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.write("tutorials/sell.md", operators)
		viewer := w.Person("Vic Viewer", "")
		w.Join(w.North, viewer, "viewer")
		p := w.tutorial("sell")

		for name, c := range map[string]struct {
			who  actor.Actor
			app  db.ID
			step string
			kind fault.Kind
		}{
			"a stranger": {w.Other, w.Shop, "read-the-terms", fault.NotFound}, "staff": {w.Staff, w.Shop, "read-the-terms", fault.NotFound}, "nobody": {actor.Actor{}, w.Shop, "read-the-terms", fault.NotFound},
			"no app": {w.Owner, db.NewID(), "read-the-terms", fault.NotFound}, "no step": {w.Owner, w.Shop, "nothing", fault.NotFound}, "a seen step": {w.Owner, w.Shop, "make-a-key", fault.Conflict}, "a viewer": {viewer, w.Shop, "read-the-terms", fault.Forbidden},
		} {
			if err := w.Mark(t.Context(), c.who, p, c.app, c.step, true); !fault.Is(err, c.kind) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Progress(t.Context(), w.Other, p, w.Shop); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if apps, err := w.Apps(t.Context(), actor.Actor{}); err != nil || len(apps) != 0 {
			t.Error(apps, err)
		}
		if _, err := w.Progress(t.Context(), viewer, p, w.Shop); err != nil {
			t.Error(err)
		}
		w.want("nobody ticked", "sell", "")
	})
}

func TestSamplesStandForTheNewestKeyThatMayWork(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		first := w.key("1111", "live")
		clock.Advance(time.Second)
		revoked := w.key("2222", "live")
		w.run("UPDATE keys SET revoked_at = ? WHERE id = ?", clock.Now(), revoked)

		app, err := w.NewestApp(t.Context(), w.Owner)

		if err != nil || app.ID != w.Shop || app.KeyID != first || app.Hint() != "gk_live_…1111" || app.Name != "Shop" {
			t.Errorf("%+v %v", app, err)
		}
		if none, err := w.NewestApp(t.Context(), w.Staff); err != nil || !none.ID.IsZero() || none.Hint() != "" {
			t.Errorf("%+v %v", none, err)
		}
	})
}

func TestAVoteIsOneAPersonAndStaffReadThoseAgainst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		anybody := actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("192.0.2.1")}
		rate := func(a actor.Actor, helpful bool, words, visitor string) {
			t.Helper()
			clock.Advance(time.Second)
			if err := w.Rate(t.Context(), a, guide.RatingInput{Path: "/guides/keys-and-scopes", Helpful: helpful, Words: words, Visitor: visitor}); err != nil {
				t.Fatal(err)
			}
		}

		rate(w.Owner, true, "", "")
		rate(w.Owner, false, "No word on test keys.", "")
		rate(w.Other, true, "", "")
		rate(anybody, false, "Too long.\x00\x07", "browser")
		rate(anybody, false, "Far too long.", "browser")
		page, err := w.NotHelpful(t.Context(), w.Support, "", db.PageRequest{})

		if err != nil || len(page.Rows) != 2 || page.Rows[0].Words != "Far too long." || page.Rows[1].Words != "No word on test keys." || page.Rows[0].Yes != 1 || page.Rows[0].No != 2 {
			t.Errorf("%+v %v", page.Rows, err)
		}
		if _, err := w.NotHelpful(t.Context(), w.Owner, "", db.PageRequest{}); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
		for words, want := range map[string]bool{strings.Repeat("é", 1000): true, strings.Repeat("é", 1001): false} {
			err := w.Rate(t.Context(), w.Owner, guide.RatingInput{Path: "/guides/x", Words: words})
			if (err == nil) != want {
				t.Error(len(words), err)
			}
		}
	})
}

// L7
func TestRatingsOfOneNetworkAreLimited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var err error
		for i := 0; i < 25 && err == nil; i++ {
			err = w.Rate(t.Context(), actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("192.0.2.7")}, guide.RatingInput{Path: "/guides/x", Visitor: db.NewID().String()})
		}
		elsewhere := w.Rate(t.Context(), actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("198.51.100.7")}, guide.RatingInput{Path: "/guides/x", Visitor: "x"})

		if !fault.Is(err, fault.RateLimited) || fault.As(err).RetryAfter <= 0 || elsewhere != nil {
			t.Error(err, elsewhere)
		}
	})
}

func TestTheSearchIndexFollowsThePages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ours := fstest.MapFS{"guides/one.md": {Data: []byte("---\ntitle: One\nsummary: S\nsection: A\norder: 1\nchanged: 2026-11-20\n---\nThe quagga grazes.\n")}}
		w.Store = guide.NewStore(guide.Options{DB: d, Library: content.Open(content.Options{Ours: ours, Folder: w.folder, Now: clock.Now})})
		find := func(words string) []string {
			t.Helper()
			if err := w.Index(t.Context()); err != nil {
				t.Fatal(err)
			}
			hits, err := index.Find(t.Context(), d, index.Query{Text: words, Kinds: []string{index.Guide, index.Tutorial}, Limit: 5})
			if err != nil {
				t.Fatal(err)
			}
			var refs []string
			for _, h := range hits {
				refs = append(refs, h.Ref)
			}
			slices.Sort(refs)
			return refs
		}
		first := find("quagga")

		w.write("guides/one.md", "---\ntitle: One\nsummary: S\nsection: A\norder: 1\nhidden: true\n---\n")
		w.write("guides/two.md", "---\ntitle: Two\nsummary: S\nsection: A\norder: 1\nchanged: 2026-11-20\n---\nThe quagga rests. The okapi too.\n")
		w.write("guides/two.de.md", "---\ntitle: Zwei\nsummary: S\nsection: A\nchanged: 2026-11-20\n---\nDas Okapi ruht.\n")
		second, third := find("quagga"), find("okapi")

		if strings.Join(first, " ") != "one" || strings.Join(second, " ") != "two" || strings.Join(third, " ") != "two two.de" {
			t.Error(first, second, third)
		}
		if p := w.PageOfRef(content.Guide, "two.de"); p == nil || p.Title != "Zwei" {
			t.Error(p)
		}
		if p := w.PageOfRef(content.Guide, "one"); p != nil {
			t.Error(p)
		}
	})
}
