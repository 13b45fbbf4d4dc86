package demo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/demo"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

func options(t *testing.T, d *db.DB) demo.Options {
	t.Helper()
	root, err := secret.Parse("nW4s8Tq0ZpL2vB7xKc9RyGm3HdJf6AeU", "")
	if err != nil {
		t.Fatal(err)
	}
	return demo.Options{DB: d, Root: root, Brand: "gk", Link: func(path string) string { return "http://127.0.0.1:8080" + path }}
}

func fill(t *testing.T, d *db.DB) demo.Options {
	t.Helper()
	o := options(t, d)
	began := time.Now()
	filled, err := demo.Fill(t.Context(), o)
	if err != nil || !filled {
		t.Fatal(filled, err)
	}
	t.Logf("filled in %s", time.Since(began).Round(time.Millisecond))
	return o
}

func number(t *testing.T, d *db.DB, query string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := d.Read(t.Context()).Raw(query, args...).Row().Scan(&n); err != nil {
		t.Fatal(query, err)
	}
	return n
}

// One filling serves all that is asked of it: it is the same story each time.
func TestDemoIsABelievableCompany(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		now := clock.Now()
		o := fill(t, d)

		t.Run("counts", func(t *testing.T) { holdsTheCounts(t, d) })
		t.Run("keys in every state", func(t *testing.T) { holdsEveryKeyState(t, d, o) })
		t.Run("access in every state", func(t *testing.T) { holdsEveryAccessState(t, d) })
		t.Run("audit chain", func(t *testing.T) { holdsAWholeLog(t, d, now) })
		t.Run("usage", func(t *testing.T) { holdsUsage(t, d, now) })
		t.Run("questions", func(t *testing.T) { holdsQuestions(t, d); holdsPrivateQuestions(t, d) })
		t.Run("pages", func(t *testing.T) { holdsWhatIsSaidOfPages(t, d) })
		t.Run("judged", func(t *testing.T) {
			l := openLibrary(t, d, o)
			t.Run("asked again", func(t *testing.T) { findsWhatIsAskedAgain(t, d, l) })
			t.Run("searches", func(t *testing.T) { findsWhatIsSearched(t, d, l) })
		})
		t.Run("mail", func(t *testing.T) { holdsWaitingMail(t, d) })
		t.Run("no secret", func(t *testing.T) { holdsNoSecret(t, d) })
		t.Run("again", func(t *testing.T) { servesAsItIs(t, d, o) })
	})
}

func holdsTheCounts(t *testing.T, d *db.DB) {
	for query, want := range map[string]int64{
		"SELECT COUNT(*) FROM users":                                                                              40,
		"SELECT COUNT(*) FROM organizations WHERE kind <> 'personal'":                                             12,
		"SELECT COUNT(*) FROM organizations WHERE kind = 'personal'":                                              40,
		"SELECT COUNT(*) FROM apis WHERE NOT is_portal":                                                           4,
		"SELECT COUNT(*) FROM keys":                                                                               121,
		"SELECT COUNT(*) FROM leak_incidents WHERE closed_at IS NULL":                                             1,
		"SELECT COUNT(*) FROM key_policies WHERE subject_kind = 'api'":                                            1,
		"SELECT COUNT(DISTINCT staff_role) FROM users":                                                            4, // and none
		"SELECT COUNT(DISTINCT role) FROM members":                                                                4,
		"SELECT COUNT(DISTINCT language) FROM users":                                                              2,
		"SELECT COUNT(DISTINCT state) FROM api_versions":                                                          4,
		"SELECT COUNT(*) FROM apis WHERE first_checked_at IS NULL AND NOT is_portal":                              0,
		"SELECT COUNT(*) FROM users WHERE last_signed_in_at IS NULL":                                              0,
		"SELECT COUNT(*) FROM plans p JOIN apis a ON a.id = p.api_id WHERE NOT a.is_portal AND p.name <> 'Pilot'": 8,
	} {
		if got := number(t, d, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	if n := number(t, d, "SELECT COUNT(DISTINCT time_zone) FROM users"); n < 10 {
		t.Errorf("%d time zones", n)
	}
}

func holdsEveryKeyState(t *testing.T, d *db.DB, o demo.Options) {
	keys := key.NewStore(key.Options{DB: d, Outbox: outbox.New(o.Root.Sealer(secret.LabelMail)), Root: o.Root, Brand: o.Brand, Link: o.Link})
	states, causes := map[key.StateName]int{}, map[key.Cause]int{}
	request := db.PageRequest{Size: 100}
	for {
		page, err := keys.ListAll(t.Context(), actor.ForOperator(), key.Filter{}, request)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rows {
			s := r.State(d.Now())
			states[s.Name]++
			causes[s.Cause]++
		}
		if request.After = page.Next; page.Next == "" {
			break
		}
	}
	t.Log(states, causes)
	for _, s := range []key.StateName{key.Revoked, key.Expired, key.Suspended, key.Paused, key.Stopped, key.Rotated, key.ExpiringNow, key.Active} {
		if states[s] < 3 {
			t.Errorf("%d keys are %s", states[s], s)
		}
	}
	for _, c := range []key.Cause{key.OwnerStopped, key.OrganizationStopped, key.AppStopped, key.AccessSuspended, key.AccessEnded} {
		if causes[c] < 2 {
			t.Errorf("%d keys are stopped by %s", causes[c], c)
		}
	}
	if n := number(t, d, "SELECT COUNT(*) FROM keys WHERE revoked_at IS NOT NULL AND revoked_reason = ''"); n > 0 {
		t.Errorf("%d keys were revoked without a reason", n)
	}
}

func holdsEveryAccessState(t *testing.T, d *db.DB) {
	for _, state := range []string{"requested", "approved", "refused", "withdrawn", "suspended", "ended"} {
		if n := number(t, d, "SELECT COUNT(*) FROM access WHERE state = ? AND purpose <> ''", state); n == 0 {
			t.Errorf("no access is %s", state)
		}
	}
	if n := number(t, d, "SELECT COUNT(*) FROM access WHERE state IN ('refused', 'suspended', 'ended') AND reason = ''"); n > 0 {
		t.Errorf("%d without a reason", n)
	}
}

func holdsAWholeLog(t *testing.T, d *db.DB, now time.Time) {
	v, err := audit.Verify(t.Context(), d)
	if err != nil || !v.Sound || v.Events < 400 {
		t.Fatalf("%+v %v", v, err)
	}
	last := time.Time{}
	err = audit.Each(t.Context(), d, audit.Filter{}, func(e audit.Entry) error {
		if e.At.Before(last) || e.At.After(now) {
			return fmt.Errorf("event %d is of %s, after one of %s", e.Seq, e.At, last)
		}
		last = e.At
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func onlyID(t *testing.T, d *db.DB, query string) db.ID {
	t.Helper()
	var id db.ID
	if err := d.Read(t.Context()).Raw(query).Row().Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func holdsWaitingMail(t *testing.T, d *db.DB) {
	waiting, sent := number(t, d, "SELECT COUNT(*) FROM mails WHERE state = 'waiting'"), number(t, d, "SELECT COUNT(*) FROM mails WHERE state = 'sent'")
	if waiting < 3 || waiting > 60 || sent < 50 {
		t.Errorf("%d mails wait, %d were sent", waiting, sent)
	}
}

func servesAsItIs(t *testing.T, d *db.DB, o demo.Options) {
	before := number(t, d, "SELECT COUNT(*) FROM audit_events")

	filled, err := demo.Fill(t.Context(), o)

	if err != nil || filled || number(t, d, "SELECT COUNT(*) FROM audit_events") != before {
		t.Error(filled, err)
	}
}

func TestDemoHoldsAtMidnightAndOnMondays(t *testing.T) {
	for _, now := range []time.Time{time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 30, 0, time.UTC)} {
		t.Run(now.Format("Mon 15:04"), func(t *testing.T) {
			clock := dbtest.NewClock()
			clock.Set(now)
			d := dbtest.SQLite(t, clock)

			o := fill(t, d)

			holdsEveryKeyState(t, d, o)
			holdsAWholeLog(t, d, now)
			holdsUsage(t, d, now)
			holdsWaitingMail(t, d)
		})
	}
}

func TestSameInstantIsTheSameStory(t *testing.T) {
	facts := func() string {
		d := dbtest.SQLite(t, dbtest.NewClock())
		fill(t, d)
		var all []string
		for _, query := range []string{
			"SELECT s.route_template || s.code || h.at || ' ' || h.calls FROM usage_hours h JOIN usage_series s ON s.id = h.series_id JOIN keys k ON k.id = s.key_id ORDER BY k.created_at, k.name, s.route_template, s.code, h.at",
			"SELECT act || at || actor_kind || result FROM audit_events ORDER BY seq",
			"SELECT name || environment || COALESCE(last_used_at, '') || last_used_network FROM keys ORDER BY created_at, name",
			"SELECT kind || recipient || state || created_at FROM mails ORDER BY created_at, kind, recipient",
		} {
			var rows []string
			if err := d.Read(t.Context()).Raw(query).Scan(&rows).Error; err != nil || len(rows) == 0 {
				t.Fatal(query, err)
			}
			all = append(all, rows...)
		}
		return strings.Join(all, "\n")
	}

	one, two := facts(), facts()

	if one != two {
		t.Error("two fillings differ")
	}
}

// C2: whoever has a company already gets no stranger with a known password.
func TestDemoLeavesTheDatabaseOfOthersAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO users (id, email, name, display_name, created_at, updated_at) VALUES (?, 'a@example.com', 'A', 'A', ?, ?)", db.NewID(), tx.Now, tx.Now)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		_, err = demo.Fill(t.Context(), options(t, d))

		if !errors.Is(err, demo.ErrForeign) || number(t, d, "SELECT COUNT(*) FROM users") != 1 {
			t.Error(err)
		}
	})
}

func TestHalfADemoIsNotTakenForOne(t *testing.T) {
	d := dbtest.SQLite(t, dbtest.NewClock())
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, d)
	o.Link = func(path string) string { cancel(); return path } // the first mail or page that is named ends it

	_, first := demo.Fill(ctx, o)
	_, second := demo.Fill(t.Context(), options(t, d))

	if first == nil || !errors.Is(second, demo.ErrHalf) {
		t.Error(first, second)
	}
}
