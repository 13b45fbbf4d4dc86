package quota_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// world is the company of usagetest, whose shop has 1,000 calls a month and 100 a day at Orders.
type world struct {
	*usagetest.World
	t     *testing.T
	clock *dbtest.Clock
	box   *outbox.Outbox
	store *quota.Store
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	w := &world{World: usagetest.New(t, d), t: t, clock: clock}
	w.box = outbox.New(w.Root.Sealer(secret.LabelMail))
	w.store = quota.NewStore(d, w.box, func(path string) string { return "https://gatehouse.example" + path })
	w.Run("UPDATE plans SET quota_month = 1000, quota_day = 100 WHERE api_id = ?", w.Orders)
	return w
}

// used sets what is counted of this month and of this day.
func (w *world) used(month, day int) {
	now := w.clock.Now().UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	w.Run(`INSERT INTO quota_counters (app_id, api_id, environment, period_start, used) VALUES (?, ?, 'live', ?, ?)
		ON CONFLICT (app_id, api_id, environment, period_start) DO UPDATE SET used = excluded.used`, w.App, w.Orders, first, month)
	w.Run(`INSERT INTO quota_days (app_id, api_id, environment, day, used) VALUES (?, ?, 'live', ?, ?)
		ON CONFLICT (day, app_id, api_id, environment) DO UPDATE SET used = excluded.used`, w.App, w.Orders, now.Truncate(24*time.Hour), day)
}

// mails runs the job and returns the letters that came of it, as recipient and kind.
func (w *world) mails() []string {
	w.t.Helper()
	before := w.all()
	if err := w.store.Warn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return w.all()[len(before):]
}

func (w *world) all() []string {
	w.t.Helper()
	var rows []struct{ Recipient, Kind string }
	if err := w.DB.Read(w.t.Context()).Raw("SELECT recipient, kind FROM mails ORDER BY created_at, id").Scan(&rows).Error; err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		name, _, _ := strings.Cut(r.Recipient, "@")
		out = append(out, name+" "+r.Kind)
	}
	return out
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(t, newWorld(t, d, clock)) })
}

func TestEachMarkIsToldOnceAPeriod(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, step := range []struct {
			month, day int
			want       string
		}{
			{799, 79, ""},
			{800, 79, "mira quota_nearly"},
			{810, 79, ""},
			{820, 80, "mira quota_nearly"},
			{999, 99, ""},
			{1000, 100, "mira quota_used_up,mira quota_used_up"},
			{1001, 100, ""},
		} {
			w.used(step.month, step.day)
			if got := strings.Join(w.mails(), ","); got != step.want {
				t.Errorf("%d and %d used: %q, want %q", step.month, step.day, got, step.want)
			}
		}
		w.clock.Advance(24 * time.Hour)
		w.used(1001, 85)
		if got := w.mails(); !slices.Equal(got, []string{"mira quota_nearly"}) {
			t.Errorf("a new day: %q", got)
		}
	})
}

func TestOnlyTheHigherMarkIsToldWhenBothAreReachedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.used(1000, 0)
		first := w.mails()
		w.used(900, 0) // given back
		again := w.mails()

		if !slices.Equal(first, []string{"mira quota_used_up"}) || len(again) != 0 {
			t.Errorf("%q, then %q", first, again)
		}
	})
}

func TestReplicasAndRestartsTellOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.used(800, 0)
		done := make(chan error, 4)
		for range cap(done) { // each is another process
			other := quota.NewStore(w.DB, w.box, func(path string) string { return path })
			go func() { done <- other.Warn(t.Context()) }()
		}
		for range cap(done) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}

		if got := w.all(); !slices.Equal(got, []string{"mira quota_nearly"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestTheAppsPeopleAreWrittenTo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		member := func(name, role string) db.ID {
			who := w.AddPerson(name, "")
			w.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", w.Org, who.UserID, role, w.clock.Now())
			return who.UserID
		}
		dev, viewer, tech := member("dev", "developer"), member("viewer", "viewer"), member("tech", "viewer")
		gone := member("gone", "admin")
		id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		w.Run("UPDATE keys SET created_by = ? WHERE id = ?", dev, id)
		w.Run("UPDATE organizations SET technical_email = (SELECT email FROM users WHERE id = ?) WHERE id = ?", tech, w.Org)
		w.Run("UPDATE users SET email_verified_at = NULL WHERE id IN (?, ?)", gone, viewer)
		w.used(800, 0)

		got := w.mails()

		slices.Sort(got)
		if !slices.Equal(got, []string{"dev quota_nearly", "mira quota_nearly", "tech quota_nearly"}) {
			t.Errorf("%q", got)
		}
	})
}

// A12, Z7: who cannot read of the app on a page is not told of it by mail.
func TestWhoCannotReadOfAnAppIsNotToldOfItsQuota(t *testing.T) {
	for what, c := range map[string]struct{ change, want string }{
		"suspended":           {"UPDATE users SET suspended_at = created_at WHERE email LIKE 'dev@%'", "ann,mira,tech"},
		"no longer suspended": {"UPDATE users SET suspended_at = created_at, suspended_until = created_at WHERE email LIKE 'dev@%'", "ann,dev,mira,tech"},
		"without a factor":    {"UPDATE organizations SET factor_from = created_at", "mira"},
		"a limited app":       {"UPDATE apps SET limited = TRUE", "ann,mira"},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				now := w.clock.Now()
				for name, role := range map[string]string{"dev": "developer", "tech": "viewer", "ann": "admin"} {
					w.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", w.Org, w.AddPerson(name, "").UserID, role, now)
				}
				id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
				w.Run("UPDATE keys SET created_by = (SELECT id FROM users WHERE email LIKE 'dev@%') WHERE id = ?", id)
				w.Run("UPDATE organizations SET technical_email = (SELECT email FROM users WHERE email LIKE 'tech@%') WHERE id = ?", w.Org)
				w.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), w.Person.UserID, now, now)
				w.Run(c.change)
				w.used(800, 0)

				got := strings.ReplaceAll(strings.Join(slices.Sorted(slices.Values(w.mails())), ","), " quota_nearly", "")

				if got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestALetterNamesWhatIsUsedAndNothingThatPeopleTypedInItsSubject(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.used(0, 80)
		w.mails()
		page, err := outbox.List(t.Context(), w.DB, outbox.Filter{}, db.PageRequest{Size: 10})
		if err != nil || len(page.Rows) != 1 {
			t.Fatal(page, err)
		}

		_, letter, err := w.box.Read(t.Context(), w.DB, page.Rows[0].ID)

		if err != nil || letter.Subject.Key != "80 percent of a quota are used" || len(letter.Subject.Args) != 0 {
			t.Fatal(letter, err)
		}
		if !slices.Equal(letter.Lines[0].Args, []string{"Northwind shop", "80", "100", "Orders", "Live"}) || !strings.Contains(letter.Lines[0].Key, "this day") {
			t.Errorf("%+v", letter.Lines)
		}
		if letter.URL != "https://gatehouse.example/console/apps/"+w.App.Show("app") {
			t.Error(letter.URL)
		}
	})
}

func TestPagesTellMembersAlone(t *testing.T) { // Z2
	each(t, func(t *testing.T, w *world) {
		w.used(500, 85)

		own, err := w.store.OfApp(t.Context(), w.Person, w.App)
		warned, err2 := w.store.Warned(t.Context(), w.Person)
		foreign, err3 := w.store.OfApp(t.Context(), w.Stranger, w.App)
		none, err4 := w.store.Warned(t.Context(), w.Stranger)

		if err != nil || err2 != nil || err3 != nil || err4 != nil || len(foreign)+len(none) != 0 {
			t.Fatal(err, err2, err3, err4, foreign, none)
		}
		if len(own) != 2 || own[0].Period != quota.Day || own[0].Mark() != 80 || own[1].Used != 500 || own[1].Quota != 1000 || own[1].Mark() != 0 {
			t.Errorf("%+v", own)
		}
		if len(warned) != 1 || warned[0].Period != quota.Day || !warned[0].ResetsAt.After(w.clock.Now()) {
			t.Errorf("%+v", warned)
		}
	})
}
