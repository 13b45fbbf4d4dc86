package handlers_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

func TestHomePageSaysWhatTheNextStepIs(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	before := w.site.Visitor().Get("/")
	w.inhabit()

	visitor, member := w.site.Visitor().Get("/"), w.site.As(w.mine.user).Get("/")

	if !strings.Contains(before.Body, "not set up yet") || strings.Contains(visitor.Body, "not set up yet") {
		t.Error("before set-up the home page points to the link of the server, and only then")
	}
	if !strings.Contains(visitor.Body, `href="/signup"`) || !strings.Contains(visitor.Body, "/apis/orders") || !strings.Contains(member.Body, `href="/console"`) {
		t.Error("the way on is missing")
	}
}

// The checklist is the first tutorial: the same steps, until all of them are done.
func TestChecklistTicksItselfUntilAllIsDoneAndSaysWhatIsNext(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serve(t, d, clock)
		w.inhabit()
		newcomer, member := w.site.As(w.site.Person("new@example.com", "")), w.site.As(w.mine.user)

		empty, made := newcomer.Get("/console"), member.Get("/console")
		_, err := d.Writer().Exec("UPDATE keys SET last_used_at = created_at")
		w.ok(err)
		used := member.Get("/console")
		_, err = d.Writer().Exec("UPDATE keys SET networks = '203.0.113.0/24'")
		w.ok(err)
		bound := member.Get("/console")

		if !strings.Contains(empty.Body, "First steps") || !strings.Contains(empty.Body, `href="/console/apps/new"`) || !strings.Contains(empty.Body, "/tutorials/first-call#make-an-app") {
			t.Error("somebody new is not led to their first app")
		}
		if !strings.Contains(made.Body, "First steps") || strings.Contains(made.Body, `href="/console/apps/new"`) {
			t.Error("steps that are done are still asked for")
		}
		if !strings.Contains(used.Body, "First steps") || !strings.Contains(used.Body, "Set limits") || !strings.Contains(used.Body, "Calls, last 7 days") {
			t.Error("with a step left the list is gone, or the chart is missing")
		}
		if strings.Contains(bound.Body, "First steps") || !strings.Contains(bound.Body, `href="/tutorials/rotate-without-downtime"`) {
			t.Error("after the last step the list stays, or nothing is next")
		}
	})
}

// W4, K1: what one was reading is where signing in leads; an address with a token or a key in it is carried nowhere.
func TestEntranceLeadsBackToWhatOneWasReading(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	visitor := w.site.Visitor()
	key, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	w.ok(err)

	reading, home := visitor.Get("/apis/orders").Body, visitor.Get("/").Body

	for _, way := range []string{`href="/login?next=%2Fapis%2Forders"`, `href="/signup?next=%2Fapis%2Forders"`} {
		if !strings.Contains(reading, way) || strings.Contains(home, "next=") {
			t.Errorf("%s is missing, or the home page leads back to itself", way)
		}
	}
	for _, address := range []string{"/apis?token=secret", "/apis?search=" + key.Reveal()} {
		if body := visitor.Get(address).Body; strings.Contains(body, "next=%2F") {
			t.Errorf("%.12s… is carried on", address)
		}
	}
}

func TestMachinesFindWhatIsPublicAndNothingElse(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	visitor := w.site.Visitor()
	clock.Advance(time.Hour) // or the fourth post of a new account waits for approval
	asker, questions := webtest.ActorOf(w.mine.user), w.house.Stores.Forum
	solved, err := questions.Ask(t.Context(), asker, forum.Draft{Title: "Why does the first call get a 429?", Body: "I rotated the key."})
	w.ok(err)
	answer, err := questions.Answer(t.Context(), webtest.ActorOf(w.admin), solved.ID, forum.Reply{Body: "Both keys share one limit."})
	w.ok(err)
	for _, id := range []db.ID{answer.ID, w.mine.answer} {
		_, err := questions.Accept(t.Context(), asker, id)
		w.ok(err)
	}

	sitemap, robots := visitor.Get("/sitemap.xml"), visitor.Get("/robots.txt")

	if !strings.Contains(sitemap.Body, w.site.URL+"/apis/orders") || !strings.Contains(sitemap.Body, w.site.URL+"/forum</loc>") || !strings.Contains(sitemap.Body, solved.Path()) || strings.Contains(sitemap.Body, w.mine.asked.Path()) || strings.Contains(sitemap.Body, "/console") || !strings.Contains(robots.Body, "Disallow: /admin") || !strings.Contains(robots.Body, w.site.URL+"/sitemap.xml") {
		t.Error(sitemap.Body, robots.Body)
	}
}

// C10, C13: readiness is red while the process leaves, and says nothing of why to whoever asks.
func TestReadinessTurnsRedWhenLeaving(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	before, alive := w.site.Visitor().Get("/readyz").Status, w.site.Visitor().Get("/healthz").Status

	w.house.Leave()

	if after := w.site.Visitor().Get("/readyz").Status; before != 200 || alive != 200 || after != 503 || w.site.Visitor().Get("/healthz").Status != 200 {
		t.Error(before, alive, after)
	}
}
