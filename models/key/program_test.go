package key_test

import (
	"slices"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// program is the actor of a key of an organization.
func program(made key.Made) actor.Actor {
	return actor.Actor{Kind: actor.Key, KeyID: made.Key.ID, OrganizationID: made.Key.OrganizationID, Environment: made.Key.Environment, Name: made.Key.Name, RequestID: "req_test"}
}

// A program reaches what its organization has, as an admin of it does, and nothing of any other, through every store method that a program calls (Z2).
func TestProgramReachesItsOrganizationAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w, ctx := newWorld(t, d, clock), t.Context()
		mine := w.make(w.developer, "Theirs to manage")
		bot := program(w.make(w.admin, "Bot"))
		foreign := actor.Actor{Kind: actor.Key, KeyID: db.NewID(), OrganizationID: w.foreignOrg, Environment: "live", RequestID: "req_test"}
		orgs := org.NewStore(org.Options{DB: d, Outbox: outbox.New(w.root.Sealer(secret.LabelMail)), Link: func(p string) string { return p }})
		apis := catalog.NewStore(catalog.Options{DB: d, Outbox: outbox.New(w.root.Sealer(secret.LabelMail)), Link: func(p string) string { return p }})

		for name, reach := range map[string]func(actor.Actor) error{
			"key":    func(a actor.Actor) error { _, err := w.keys.Get(ctx, a, mine.Key.ID); return err },
			"rename": func(a actor.Actor) error { return w.keys.Rename(ctx, a, mine.Key.ID, "Renamed") },
			"pause":  func(a actor.Actor) error { return w.keys.Pause(ctx, a, mine.Key.ID) },
			"resume": func(a actor.Actor) error { return w.keys.Resume(ctx, a, mine.Key.ID) },
			"bounds": func(a actor.Actor) error {
				return w.keys.SetBounds(ctx, a, mine.Key.ID, key.BoundsForm{Metadata: "a=b"}, false)
			},
			"rotate": func(a actor.Actor) error {
				_, err := w.keys.Rotate(ctx, a, mine.Key.ID, key.RotateRequest{})
				return err
			},
			"app":    func(a actor.Actor) error { _, err := orgs.App(ctx, a, w.app); return err },
			"change": func(a actor.Actor) error { return orgs.ChangeApp(ctx, a, w.app, org.AppInput{Name: "Shop"}) },
			"new app": func(a actor.Actor) error {
				_, err := orgs.CreateApp(ctx, a, w.org, org.AppInput{Name: "New"})
				return err
			},
			"org":    func(a actor.Actor) error { _, err := orgs.Get(ctx, a, w.org); return err },
			"access": func(a actor.Actor) error { _, err := apis.OneAccess(ctx, a, w.ordersAccess); return err },
			"make": func(a actor.Actor) error {
				_, err := w.keys.Create(ctx, a, key.CreateRequest{AppID: w.app, Environment: "live", Name: "Made", Pairs: []key.Pair{readOrders}})
				return err
			},
			"revoke": func(a actor.Actor) error { return w.keys.Revoke(ctx, a, mine.Key.ID, "") },
		} {
			if err := reach(foreign); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: a key of another organization got %v, want not found", name, err)
			}
			if name == "revoke" || name == "resume" || name == "rotate" || name == "bounds" {
				continue // in the order that a life has, below
			}
			if err := reach(bot); err != nil {
				t.Errorf("%s: a key of the organization got %v", name, err)
			}
		}
		for _, err := range []error{
			w.keys.Resume(ctx, bot, mine.Key.ID), w.keys.SetBounds(ctx, bot, mine.Key.ID, key.BoundsForm{Metadata: "a=b"}, false), w.keys.Revoke(ctx, bot, mine.Key.ID, ""),
		} {
			if err != nil {
				t.Error(err)
			}
		}

		for who, want := range map[*actor.Actor]bool{&bot: true, &foreign: false} {
			keys, err := w.keys.List(ctx, *who, key.Filter{}, db.PageRequest{})
			apps, err2 := orgs.Apps(ctx, *who, org.AppFilter{}, db.PageRequest{})
			access, err3 := apis.Access(ctx, *who, catalog.AccessFilter{}, db.PageRequest{})
			if err != nil || err2 != nil || err3 != nil {
				t.Fatal(err, err2, err3)
			}
			hasKey := slices.ContainsFunc(keys.Rows, func(r key.Row) bool { return r.ID == mine.Key.ID })
			hasApp := slices.ContainsFunc(apps.Rows, func(r org.AppRow) bool { return r.ID == w.app })
			if hasKey != want || hasApp != want || (len(access.Rows) > 0) != want {
				t.Errorf("the lists of a program hold the organization's things: %v %v %v, want %v", hasKey, hasApp, len(access.Rows) > 0, want)
			}
		}
	})
}

// The log names the key that acted (U2).
func TestActOfProgramNamesItsKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		bot := program(w.make(w.admin, "Bot"))
		other := w.make(w.admin, "Other")

		err := w.keys.Pause(t.Context(), bot, other.Key.ID)

		var rows []struct {
			ActorKind string
			ActorID   db.ID
		}
		if err == nil {
			err = d.Read(t.Context()).Raw("SELECT actor_kind, actor_id FROM audit_events WHERE act = 'key.paused'").Scan(&rows).Error
		}
		if err != nil || len(rows) != 1 || rows[0].ActorKind != "key" || rows[0].ActorID != bot.KeyID {
			t.Errorf("the log has %v, %v; want the key %s", rows, err, bot.KeyID)
		}
	})
}

// A key never makes a key that can do more than itself, nor rotates, resumes or opens up one that can.
func TestProgramMakesNoKeyBeyondItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w, ctx := newWorld(t, d, clock), t.Context()
		bot := func(days int, b key.BoundsForm, pairs ...key.Pair) actor.Actor {
			made, err := w.keys.Create(ctx, w.admin, key.CreateRequest{Token: w.token(w.admin), AppID: w.app, Environment: "live", Name: "Bot", Pairs: pairs, Expiry: key.Expiry{Days: days}, Bounds: b})
			if err != nil {
				t.Fatal(err)
			}
			return program(made)
		}
		create := func(a actor.Actor, r key.CreateRequest) (key.Made, error) {
			r.AppID, r.Name = w.app, "Made"
			if r.Environment == "" {
				r.Environment = "live"
			}
			if r.Pairs == nil {
				r.Pairs = []key.Pair{readOrders}
			}
			return w.keys.Create(ctx, a, r)
		}
		plain := bot(30, key.BoundsForm{}, readOrders)
		bound := bot(30, key.BoundsForm{Networks: "203.0.113.0/24", RateRequests: "10", RatePeriod: "60"}, readOrders)
		more := w.make(w.admin, "More", readOrders, writeOrders)

		for name, refused := range map[string]func() error{
			"scope":       func() error { _, err := create(plain, key.CreateRequest{Pairs: []key.Pair{writeOrders}}); return err },
			"domain":      func() error { _, err := create(plain, key.CreateRequest{Pairs: []key.Pair{readPeople}}); return err },
			"environment": func() error { _, err := create(plain, key.CreateRequest{Environment: "test"}); return err },
			"expiry":      func() error { _, err := create(plain, key.CreateRequest{Expiry: key.Expiry{Days: 31}}); return err },
			"networks": func() error {
				_, err := create(bound, key.CreateRequest{Bounds: key.BoundsForm{RateRequests: "10", RatePeriod: "60"}})
				return err
			},
			"wider": func() error {
				_, err := create(bound, key.CreateRequest{Bounds: key.BoundsForm{Networks: "203.0.112.0/20", RateRequests: "10", RatePeriod: "60"}})
				return err
			},
			"rate": func() error {
				_, err := create(bound, key.CreateRequest{Bounds: key.BoundsForm{Networks: "203.0.113.9"}})
				return err
			},
			"rotate": func() error { _, err := w.keys.Rotate(ctx, plain, more.Key.ID, key.RotateRequest{}); return err },
			"outlives": func() error {
				_, err := w.keys.Rotate(ctx, plain, plain.KeyID, key.RotateRequest{Expiry: key.Expiry{Days: 60}})
				return err
			},
			"limits": func() error { return w.keys.SetBounds(ctx, plain, more.Key.ID, key.BoundsForm{Metadata: "a=b"}, true) },
			"itself": func() error { return w.keys.SetBounds(ctx, bound, bound.KeyID, key.BoundsForm{}, true) },
		} {
			if err := refused(); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v, want forbidden", name, err)
			}
		}

		made, err := create(plain, key.CreateRequest{})
		if err != nil || made.Key.ExpiresAt == nil || !made.Key.ExpiresAt.Equal(clock.Now().AddDate(0, 0, 30)) {
			t.Errorf("a key whose end nobody chose: %v, ends %v, want with its maker", err, made.Key.ExpiresAt)
		}
		if _, err := create(bound, key.CreateRequest{Bounds: key.BoundsForm{Networks: "203.0.113.9", RateRequests: "5", RatePeriod: "60"}}); err != nil {
			t.Errorf("a narrower key: %v", err)
		}
		if _, err := w.keys.Rotate(ctx, plain, plain.KeyID, key.RotateRequest{OverlapDays: 1}); err != nil {
			t.Errorf("a key rotates itself: %v", err)
		}
		if err := w.keys.Pause(ctx, plain, more.Key.ID); err != nil {
			t.Errorf("pausing takes away only: %v", err)
		}
		if err := w.keys.Resume(ctx, plain, more.Key.ID); !fault.Is(err, fault.Forbidden) {
			t.Errorf("resuming a key that can do more: %v", err)
		}
	})
}

// A test key sees and manages test keys alone.
func TestProgramManagesKeysOfItsEnvironment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w, ctx := newWorld(t, d, clock), t.Context()
		live := w.make(w.admin, "Live")
		bot := program(live)
		bot.Environment = "test"

		_, err := w.keys.Get(ctx, bot, live.Key.ID)
		page, err2 := w.keys.List(ctx, bot, key.Filter{Environment: "live"}, db.PageRequest{})

		if !fault.Is(err, fault.NotFound) || err2 != nil || len(page.Rows) != 0 || !fault.Is(w.keys.Pause(ctx, bot, live.Key.ID), fault.NotFound) {
			t.Errorf("a test key reached a live one: %v, %v, %d listed", err, err2, len(page.Rows))
		}
	})
}

// U2: a key says what made it: a person, a program by its key, or an import and who did that; the operator, when it was none of these.
func TestKeyTellsWhatMadeIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w, ctx := newWorld(t, d, clock), t.Context()
		bot := w.make(w.admin, "Bot")
		made := func(a actor.Actor) db.ID {
			k, err := w.keys.Create(ctx, a, key.CreateRequest{AppID: w.app, Environment: "live", Name: "Made", Pairs: []key.Pair{readOrders}})
			if err != nil {
				t.Fatal(err)
			}
			return k.Key.ID
		}
		read := func(id db.ID) key.Detail {
			detail, err := w.keys.Get(ctx, w.admin, id)
			if err != nil {
				t.Fatal(err)
			}
			return detail
		}
		byProgram, imported, byOperator := made(program(bot)), made(actor.ForOperator()), made(actor.ForOperator())
		importID := db.NewID()
		w.run("INSERT INTO key_imports (id, made_by, label, algorithm, prefix, alphabet, length, keys, created_at) VALUES (?, ?, 'Old portal', 'sha256', 'old_', 'hex', 32, 1, ?)", importID, w.admin.UserID, clock.Now())
		w.run("UPDATE keys SET import_id = ? WHERE id = ?", importID, imported)

		if k := read(bot.Key.ID); k.CreatorName == "" || k.Program != nil || k.ImportedAt != nil {
			t.Errorf("made by a person: %+v %q", k.Maker, k.CreatorName)
		}
		if k := read(byProgram); k.Program == nil || k.Program.ID != bot.Key.ID || k.Program.Name != "Bot" || k.Program.Hint() != bot.Key.Hint() || !k.Program.Here {
			t.Errorf("made by a program: %+v", k.Program)
		}
		if k := read(imported); k.Program != nil || k.ImportedAt == nil || !k.ImportedAt.Equal(clock.Now()) || k.ImportedBy == "" {
			t.Errorf("imported: %+v", k.Maker)
		}
		if k := read(byOperator); k.CreatorName != "" || k.Maker != (key.Maker{}) {
			t.Errorf("made by the operator: %+v", k.Maker)
		}
	})
}
