package handlers_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/replica"
)

// Z1, REL-12: staff see each process and what is odd about it; nobody else does.
func TestStaffSeeEachReplicaAndWhatIsOddAboutIt(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := serve(t, d, clock)
	w.inhabit()
	auditor := w.site.As(w.site.Person("auditor@example.com", permission.Auditor))
	beat := func(name, version string, ahead time.Duration, report replica.Report) {
		h := replica.NewHeart(replica.HeartOptions{
			DB: d, Name: name, Version: version, Report: func(context.Context) replica.Report { return report },
			DatabaseClock: func(context.Context) (time.Time, error) { return clock.Now().Add(-ahead), nil },
		})
		w.ok(h.Beat(context.Background()))
	}
	empty := auditor.Get("/admin/replicas").Body
	beat("one/1", "v1.4.0", 0, replica.Report{Hint: replica.On, Lookups: 100, Reads: 1, KeysHeld: 12_345})
	one := auditor.Get("/admin/replicas").Body
	beat("silent/2", "v1.4.0", time.Minute, replica.Report{})
	beat("deaf/3", "v1.4.0", 0, replica.Report{FeedAge: 5 * time.Second})
	beat("wrong/4", "v1.5.0", -3*time.Second, replica.Report{Redis: replica.Off})

	many := auditor.Get("/admin/replicas").Body

	for what, in := range map[string]bool{
		"an empty list says why":           strings.Contains(empty, "No process has said anything yet"),
		"one process warns of nothing":     strings.Contains(one, "one/1") && strings.Contains(one, "12,345") && strings.Contains(one, "99") && !strings.Contains(one, `class="note warn"`),
		"a silent one is told":             strings.Contains(many, "silent/2 is silent"),
		"one without changes is told":      strings.Contains(many, "deaf/3 does not hear of changes"),
		"a wrong clock is told":            strings.Contains(many, "The clock of wrong/4 is wrong"),
		"Redis away is told":               strings.Contains(many, "wrong/4 does not reach Redis"),
		"different versions are told":      strings.Contains(many, "different versions"),
		"the page is in the side bar":      strings.Contains(many, `href="/admin/replicas"`),
		"somebody else finds nothing here": w.site.As(w.mine.user).Get("/admin/replicas").Status != 200,
		"support finds nothing here":       w.site.As(w.site.Person("support@example.com", permission.Support)).Get("/admin/replicas").Status != 200,
	} {
		if !in {
			t.Errorf("not so: %s", what)
		}
	}
}
