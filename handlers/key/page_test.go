package key_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
)

func TestAKeysPageSaysWhatElseStopsItWhyAndUntilWhen(t *testing.T) {
	var access db.ID
	for name, c := range map[string]struct {
		stop       func(w *world)
		own, staff func(w *world) string
	}{
		"app": {
			func(w *world) {
				w.run("UPDATE apps SET suspended_at = ?, suspended_until = ?, suspended_reason = 'Too many errors' WHERE id = ?", w.Clock.Now(), w.Clock.Now().Add(48*time.Hour), w.app)
			},
			func(w *world) string { return "/console/apps/" + w.app.Show("app") },
			func(w *world) string { return "/admin/apps/" + w.app.Show("app") },
		},
		"organization": {
			func(w *world) {
				w.run("UPDATE organizations SET suspended_at = ?, suspended_until = ?, suspended_reason = 'Too many errors' WHERE id = ?", w.Clock.Now(), w.Clock.Now().Add(48*time.Hour), w.org)
			},
			func(w *world) string { return "/console/organizations/" + w.org.Show("org") },
			func(w *world) string { return "/admin/organizations/" + w.org.Show("org") },
		},
		"access": {
			func(w *world) {
				w.run("UPDATE access SET state = 'suspended', suspended_until = ?, reason = 'Too many errors' WHERE app_id = ? AND api_id = ?", w.Clock.Now().Add(48*time.Hour), w.app, w.orders)
				if err := w.DB.Read(bg).Raw("SELECT id FROM access WHERE app_id = ? AND api_id = ?", w.app, w.orders).Row().Scan(&access); err != nil {
					w.t.Fatal(err)
				}
			},
			func(*world) string { return "/console/access/" + access.Show("acc") },
			func(*world) string { return "/admin/requests/" + access.Show("acc") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			made := w.key("Worker")

			c.stop(w)

			has(t, w.devs.Get("/console/keys/"+show(made.Key)), 200, "Too many errors", "Until 23 Nov 2026", `href="`+c.own(w)+`">See the `)
			has(t, w.admins.Get("/admin/keys/"+show(made.Key)), 200, "Too many errors", "Until 23 Nov 2026", `href="`+c.staff(w)+`">See the `)
		})
	}
}

func TestAKeysPageShowsItsLimitsAndWhatIsUsedOfThem(t *testing.T) {
	w := newWorld(t)
	made := w.key("Worker")
	w.run("UPDATE plans SET quota_month = 10000 WHERE api_id = ?", w.orders)
	month := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	w.run("INSERT INTO quota_counters (app_id, api_id, environment, period_start, used) VALUES (?, ?, 'live', ?, 1234), (?, ?, 'test', ?, 9), (?, ?, 'live', ?, 8)",
		w.app, w.orders, month, w.app, w.orders, month, w.app, w.orders, month.AddDate(0, -1, 0))

	page := w.devs.Get("/console/keys/" + show(made.Key))

	has(t, page, 200, "100 calls a minute, up to 100 at once. 10,000 calls a month.", "1,234 of 10,000", "Standard")
	has(t, w.admins.Get("/admin/keys/"+show(made.Key)), 200, "1,234 of 10,000")
}

func TestAKeysPageShowsTheFirstCallUntilItIsSeen(t *testing.T) {
	w := newWorld(t)
	path := "/console/keys/" + show(w.key("Worker").Key)

	before := w.devs.Get(path)
	w.run("UPDATE keys SET last_used_at = ?", w.Clock.Now())
	after := w.devs.Get(path)

	has(t, before, 200, "Authorization: Bearer $GATEHOUSE_KEY", "/v1/whoami", "https://api.northwind.example/v2/orders?limit=3")
	if strings.Contains(before.Body, "&#39;Authorization: Bearer $GATEHOUSE_KEY") || strings.Contains(after.Body, "GATEHOUSE_KEY") {
		t.Error("the shell would not put the key in, or the lines stay")
	}
	if fullKey.MatchString(before.Body) {
		t.Error("the key itself is shown")
	}
}

func TestLengthsAndDaysAreSaidInWords(t *testing.T) {
	w := newWorld(t)
	made := w.key("Worker")

	has(t, w.admins.Get("/admin/keys/"+show(made.Key)+"/suspend"), 200, "For 1 hour (until 21 Nov 2026", "For 24 hours (until 22 Nov 2026", "For 7 days (until 28 Nov 2026", "Until staff lift it")
	has(t, w.devs.Get("/console/keys/new?app="+w.app.Show("app")), 200, "If you set a day, it replaces the choice above. The key works until the end of that day in ")
}

// U2: a key that a program made says by which key, and leads there; nobody is told that the operator made it.
func TestAKeysPageSaysWhichProgramMadeIt(t *testing.T) {
	w := newWorld(t)
	bot := w.key("Deploy bot")
	program := actor.Actor{Kind: actor.Key, KeyID: bot.Key.ID, OrganizationID: bot.Key.OrganizationID, Environment: "live", RequestID: "req_test"}
	made, err := w.keys.Create(bg, program, keys.CreateRequest{AppID: w.app, Environment: "live", Name: "Made by a bot", Pairs: []keys.Pair{{API: "orders", Scope: "orders:read"}}})
	if err != nil {
		t.Fatal(err)
	}

	page := w.devs.Get("/console/keys/" + show(made.Key))

	has(t, page, 200, "a program, with the key", `href="/console/keys/`+show(bot.Key)+`"`, "Deploy bot")
	if strings.Contains(page.Body, "operator") {
		t.Error("the page says that the operator made it")
	}
}
