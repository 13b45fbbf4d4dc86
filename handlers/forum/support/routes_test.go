package support_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
)

// act is one mutating route: a form that works, and one that is refused (nil: it takes nothing that could be wrong).
type act struct {
	path      string
	good, bad url.Values
	status    int // of the good one; 0: 303
}

// acts are the mutating routes of the desk, over a fresh question, canned reply and team each.
func (w *world) acts(t *testing.T) map[string]act {
	t.Helper()
	n := 0
	ask := func() forum.Question { // no two are alike: the same question asked again is the same
		n++
		asker := w.Owner
		if n%2 == 0 { // a new account asks ten a day
			asker = w.Other
		}
		return w.Ask(asker, fmt.Sprintf("A question that something is done with, number %d", n))
	}
	other, idea, closed, loud := ask(), w.Ask(w.Owner, "An idea that something is done with", func(d *forum.Draft) { d.Kind = forum.KindIdea }), ask(), ask()
	for _, err := range []error{w.Desk.Close(t.Context(), w.Jonas, closed.ID, support.Answered), w.Desk.Escalate(t.Context(), w.Jonas, loud.ID, "It burns.")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	reply, err := w.Desk.SaveReply(t.Context(), w.Jonas, support.Reply{Name: "Hello", Body: "Hello {name}"})
	if err != nil {
		t.Fatal(err)
	}
	team, err := w.Desk.SaveTeam(t.Context(), w.Staff, db.ID{}, "Platform", nil)
	if err != nil {
		t.Fatal(err)
	}
	replies, teams := "/support/replies/", "/support/teams/"
	return map[string]act{
		"/support/next":                    {path: "/support/next"},
		"/support/questions/:id/answer":    {path: path(ask(), "/answer"), good: form("version", "1", "body", "By the scope.", "do", "close"), bad: form("version", "1", "body", " ", "do", "answer")},
		"/support/questions/:id/answering": {path: path(ask(), "/answering"), status: http.StatusNoContent},
		"/support/questions/:id/note":      {path: path(ask(), "/note"), good: form("body", "They pay late."), bad: form("body", "")},
		"/support/questions/:id/take":      {path: path(ask(), "/take")},
		"/support/questions/:id/hand":      {path: path(ask(), "/hand"), good: form("to", w.Support.UserID.Show("user")), bad: form("to", w.Owner.UserID.Show("user"))},
		"/support/questions/:id/wait":      {path: path(ask(), "/wait")},
		"/support/questions/:id/escalate":  {path: path(ask(), "/escalate"), good: form("body", "The invoice."), bad: form("body", "")},
		"/support/questions/:id/calm":      {path: path(loud, "/calm")},
		"/support/questions/:id/close":     {path: path(ask(), "/close"), good: form("reason", "answered"), bad: form("reason", "mood")},
		"/support/questions/:id/reopen":    {path: path(closed, "/reopen")},
		"/support/questions/:id/merge":     {path: path(ask(), "/merge"), good: form("into", "http://portal.test"+other.Path(), "sure", "1"), bad: form("into", "nothing", "sure", "1")},
		"/support/questions/:id/move":      {path: path(ask(), "/move"), good: form("api", "orders"), bad: form("api", "none")},
		"/support/questions/:id/status":    {path: path(idea, "/status"), good: form("status", "planned"), bad: form("status", "fixed")},
		"/support/replies/new":             {path: replies + "new", good: form("name", "Scopes", "body", "Read about scopes."), bad: form("name", "", "body", "x")},
		"/support/replies/:reply":          {path: replies + reply.Show(support.ReplyID), good: form("name", "Hello there", "body", "Hi {name}"), bad: form("name", "Hi", "body", "")},
		"/support/replies/:reply/delete":   {path: replies + reply.Show(support.ReplyID) + "/delete"},
		"/support/teams/new":               {path: teams + "new", good: form("name", "Billing", "members", w.Jonas.UserID.Show("user")), bad: form("name", "Owners", "members", w.Owner.UserID.Show("user"))},
		"/support/teams/:team":             {path: teams + team.Show(support.TeamPrefix), good: form("name", "Core"), bad: form("name", "")},
		"/support/teams/:team/delete":      {path: teams + team.Show(support.TeamPrefix) + "/delete"},
		"/support/policy": {
			path: "/support/policy", good: form("days", "1", "from", "08:00", "to", "16:00", "zone", "Europe/Berlin", "first_reply", "60", "next_reply", "90", "warn_after", "5", "close_after", "2"),
			bad: form("from", "08:00", "to", "16:00", "zone", "Moon"),
		},
		"/support/reports/export": {path: "/support/reports/export", good: form("days", "30"), status: http.StatusOK},
	}
}

// Z1, Z2, W1: each act of the desk works for who may, is refused with 422, and does nothing for visitors, developers, auditors and other sites.
func TestEveryActOfTheDesk(t *testing.T) {
	w := newWorld(t)
	acts := w.acts(t)
	for _, r := range w.Table {
		a, known := acts[r.Path]
		if !r.Mutates() {
			continue
		}
		if !known {
			t.Errorf("%s has no test", r.Path)
			continue
		}
		if strings.HasSuffix(r.Path, "/delete") {
			defer func() { wantStatus(t, r.Path, w.admin.Post(a.path, a.good).Status, http.StatusSeeOther) }() // after what changes it
		}
		t.Run(r.Path, func(t *testing.T) {
			before := w.rows()
			wantStatus(t, "signed out", w.Visitor().Post(a.path, a.good).Status, http.StatusUnauthorized)
			wantStatus(t, "developer", w.owner.Post(a.path, a.good).Status, http.StatusForbidden)
			wantStatus(t, "W1: another site", w.admin.CrossSite(a.path, a.good).Status, http.StatusForbidden)
			if r.Path != "/support/reports/export" { // auditors read
				wantStatus(t, "auditor", w.auditor.Post(a.path, a.good).Status, http.StatusForbidden)
			}
			if a.bad != nil {
				page := w.admin.Post(a.path, a.bad)
				wantStatus(t, "what is wrong", page.Status, http.StatusUnprocessableEntity)
				has(t, page, `data-focus`)
			}
			if after := w.rows(); after != before {
				t.Errorf("something changed:\n%s\n%s", before, after)
			}
			if strings.HasSuffix(r.Path, "/delete") {
				return
			}
			want := a.status
			if want == 0 {
				want = http.StatusSeeOther
			}
			page := w.admin.Post(a.path, a.good)
			wantStatus(t, "who may", page.Status, want)
			if want == http.StatusSeeOther {
				wantStatus(t, "where it leads", w.admin.Get(page.Location).Status, http.StatusOK)
			}
		})
	}
}

// rows tells apart two states of all that the desk keeps.
func (w *world) rows() string {
	var out []string
	for _, query := range []string{
		"SELECT id || COALESCE(assignee_id, '') || COALESCE(team_id, '') || waits_on || COALESCE(closed_at, '') || COALESCE(escalated_at, '') || COALESCE(merged_into, '') || COALESCE(api_id, '') || public_status || version FROM questions ORDER BY id",
		"SELECT id || body FROM notes ORDER BY id", "SELECT id || name || body FROM canned_replies ORDER BY id", "SELECT id || name FROM support_teams ORDER BY id",
		"SELECT name || value FROM settings ORDER BY name", "SELECT question_id || user_id FROM answering ORDER BY 1", "SELECT id || body FROM posts ORDER BY id",
	} {
		var rows []string
		if err := w.DB.Read(context.Background()).Raw(query).Scan(&rows).Error; err != nil {
			return err.Error()
		}
		out = append(out, strings.Join(rows, ","))
	}
	return strings.Join(out, "\n")
}

func TestAuditorsSeeTheDeskWithoutItsButtons(t *testing.T) {
	w := newWorld(t)
	q := w.Ask(w.Owner, "Who may read this at the desk?")

	for _, p := range []string{"/support", path(q, ""), "/support/replies", "/support/teams", "/support/policy", "/support/reports"} {
		page := w.auditor.Get(p)

		wantStatus(t, p, page.Status, http.StatusOK)
		if n := strings.Count(page.Body, `method="post"`); n > 2+strings.Count(p, "reports") { // language, signing out, export
			t.Errorf("%s has %d forms", p, n)
		}
		wantStatus(t, p+" for a developer", w.owner.Get(p).Status, http.StatusForbidden)
	}
	has(t, w.auditor.Get("/support/policy"), "Admins of the portal change this.", "First reply within", "4 h", "No days besides")
	has(t, w.auditor.Get("/support/teams"), "Admins of the portal change this.")
	has(t, w.auditor.Get("/support?view=teams"), "You are in no team")
	wantStatus(t, "a form", w.auditor.Get("/support/teams/new").Status, http.StatusForbidden)
}

func TestQueueIsOnePageOfWhatWaits(t *testing.T) {
	w := newWorld(t)
	has(t, w.jonas.Get("/support"), "Nothing waits on us")
	q := w.Ask(w.Owner, "Why is my first call refused?", func(d *forum.Draft) { d.API = "orders" })
	asked := w.Ask(w.Owner, "Answered and waiting for its asker")
	wantStatus(t, "wait", w.jonas.Post(path(asked, "/wait"), nil).Status, 303)

	page := w.jonas.Get("/support?api=orders&tag=keys")

	has(t, page, "Why is my first call refused?", "First reply due in 3 h 5", "Orders", `<span class="tag" translate="no">keys</span>`, "Take next question", "Nora North", path(q, ""))
	lacks(t, page, "Answered and waiting")
	has(t, w.jonas.Get("/support?view=asker"), "Answered and waiting")
	has(t, w.jonas.Get("/support?api=nothing"), "No question fits this filter")
	w.Clock.Advance(6 * 3600e9)
	w.jonas, w.sam = w.as(w.Jonas), w.as(w.Support)
	has(t, w.jonas.Get("/support"), "First reply overdue by ")
	taken := w.jonas.Post("/support/next", nil)
	if taken.Location != path(q, "") {
		t.Error("took", taken.Location)
	}
	has(t, w.jonas.Get("/support?view=mine"), "Why is my first call refused?")
	has(t, w.sam.Get(path(q, "")), "Jonas Helper has this open (")
}

// Two people answer at once; no script is needed to tell them.
func TestWhoAnswersAnOlderVersionIsToldAndKeepsTheirText(t *testing.T) {
	w := newWorld(t)
	q := w.Ask(w.Owner, "Who of you two answers first?")
	answer := func(c *webtest.Client, body, do string) webtest.Page {
		return c.Post(path(q, "/answer"), form("version", "1", "body", body, "do", do))
	}
	wantStatus(t, "the first", answer(w.jonas, "It is the scope.", "answer").Status, 303)

	page := answer(w.sam, "I would say the scope, too.", "close")

	wantStatus(t, "the second", page.Status, http.StatusConflict)
	has(t, page, "Something was written here since you opened this page", "It is the scope.", "I would say the scope, too.</textarea>", `name="version" value="2"`, ">New<")
	if n := w.Count("SELECT COUNT(*) FROM posts WHERE question_id = ? AND kind = 'answer'", q.ID); n != 1 {
		t.Error(n, "answers")
	}
	again := w.sam.Post(path(q, "/answer"), form("version", "2", "body", "I would say the scope, too.", "do", "close"))
	wantStatus(t, "the second, having read", again.Status, 303)
}

func TestCannedReplyIsInsertedWithoutScriptAndPreviewed(t *testing.T) {
	w := newWorld(t)
	q := w.Ask(w.Owner, "How do I rotate the key of this app?")
	id, err := w.Desk.SaveReply(t.Context(), w.Jonas, support.Reply{Name: "Rotate", Body: "Hello {name}, **rotate** it in {app}."})
	if err != nil {
		t.Fatal(err)
	}

	inserted := w.jonas.Post(path(q, "/answer"), form("version", "1", "body", "Thanks for asking.", "canned", id.Show(support.ReplyID), "do", "insert", "go_on", "1"))
	preview := w.jonas.Post(path(q, "/answer"), form("version", "1", "body", "Hello, **rotate** it.", "do", "preview"))
	none := w.jonas.Post(path(q, "/answer"), form("version", "1", "body", "Kept", "do", "insert"))

	wantStatus(t, "insert", inserted.Status, 200)
	has(t, inserted, "Thanks for asking.\n\nHello Nora North, **rotate** it in {app}.</textarea>", "Not filled in, since nothing is known for it here: {app}.", `name="go_on" value="1" checked`)
	has(t, preview, "<strong>rotate</strong>", "Hello, **rotate** it.</textarea>")
	has(t, none, "Choose a canned reply first.", "Kept</textarea>")
	if n := w.Question(q.ID).Answers; n != 0 {
		t.Error("something was posted:", n)
	}
	has(t, w.sam.Get(path(q, "")), "Jonas Helper has this open")
}

func TestAllContextStandsBesideTheQuestion(t *testing.T) {
	w := newWorld(t)
	early := w.Ask(w.Owner, "What I asked long before this")
	q := w.Ask(w.Owner, "Why are my calls refused today?", func(d *forum.Draft) { d.API, d.AppID, d.Source = "orders", w.Shop, "/apis/orders" })
	w.Request(w.Open, w.Read)
	keyID := w.Key(w.Shop, "Checkout", w.API, w.Read)
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, 'live', '/v2/orders', 'RATE_LIMITED')", keyID, w.Shop, w.North, w.API)
		for _, counts := range []struct {
			statement string
			step      time.Duration
		}{
			{"INSERT INTO usage_minutes (series_id, at, calls) SELECT id, ?, 41 FROM usage_series", time.Minute},
			{"INSERT INTO usage_hours (series_id, at, calls) SELECT id, ?, 41 FROM usage_series", time.Hour},
			{"INSERT INTO usage_days (series_id, at, calls) SELECT id, ?, 41 FROM usage_series", 24 * time.Hour},
		} {
			if err == nil {
				_, err = tx.Run(counts.statement, tx.Now.Truncate(counts.step))
			}
		}
		return err
	})
	wantStatus(t, "note", w.jonas.Post(path(q, "/note"), form("body", "They pay *late*.")).Status, 303)

	page := w.jonas.Get(path(q, ""))

	has(t, page, "Shop", "Northwind", "nora.north@example.com", "Checkout", "gk_live_…x7Qa", "RATE_LIMITED", ">41<", "Open", "What I asked long before this", path(early, ""), "/apis/orders",
		"Note among staff", "<em>late</em>", "1 person", "Assign to me", "Post answer and wait for the asker", "Post answer and close", q.Path())
}

// W5: what people wrote is text on the desk's pages, whatever it holds.
func TestHostileNamesAndTitlesStayText(t *testing.T) {
	w := newWorld(t)
	q := w.Ask(w.Owner, `<script>alert(1)</script> is my title`, func(d *forum.Draft) { d.Body = `<img src=x onerror=alert(1)> [x](javascript:alert(1))` })
	w.Exec("UPDATE users SET name = ?, display_name = ? WHERE id = ?", `"><svg onload=alert(1)>`, `"><svg onload=alert(1)>`, w.Owner.UserID)

	for _, p := range []string{"/support", path(q, "")} {
		lacks(t, w.jonas.Get(p), "<script>alert", "<img src=x", "<svg onload", "javascript:alert(1)\"")
	}
}

// F9, U1
func TestExportIsNeutralisedAndAudited(t *testing.T) {
	w := newWorld(t)
	w.Ask(w.Owner, `=HYPERLINK("http://evil.example","x")`)

	page := w.auditor.Post("/support/reports/export", form("days", "7"))

	has(t, page, `"'=HYPERLINK(""http://evil.example"",""x"")"`)
	if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/csv") {
		t.Error(page.Header)
	}
	if n := w.Count("SELECT COUNT(*) FROM audit_events WHERE act = 'support.report_exported' AND actor_id = ?", w.Auditor.UserID); n != 1 {
		t.Error(n, "events")
	}
}

func TestReportPageHasFiguresAndAnEmptyState(t *testing.T) {
	w := newWorld(t)
	has(t, w.auditor.Get("/support/reports?days=7"), "Nothing was asked in this time", "No replies yet")
	q := w.Ask(w.Owner, "How long does a reply take here?", func(d *forum.Draft) { d.API = "orders" })
	w.Clock.Advance(28 * 60e9)
	w.Say(w.Jonas, q.ID, "Half an hour.")

	page := w.auditor.Get("/support/reports")

	has(t, page, "30 min", "Staff replied to 1 of 1 questions.", "Orders", "Jonas Helper", "100", "<svg", `href="/forum?api=orders"`, `href="/forum?tag=`, "In opening hours; 30 min on the wall")
}

func TestAClickedButtonAsksBeforeMerging(t *testing.T) {
	w := newWorld(t)
	q, other := w.Ask(w.Owner, "The very same question again"), w.Ask(w.Owner, "The question that was here first")

	asked := w.jonas.Post(path(q, "/merge"), form("into", path(other, "")))

	wantStatus(t, "asked", asked.Status, 200)
	has(t, asked, "The question that was here first", "1 person who follows it follows the other one.", `name="sure" value="1"`)
	if w.Question(q.ID).MergedInto != nil {
		t.Fatal("it was merged unasked")
	}
	done := w.jonas.Post(path(q, "/merge"), form("into", path(other, ""), "sure", "1"))
	if done.Location != path(other, "") {
		t.Error(done.Location)
	}
	has(t, w.jonas.Get(path(other, "")), "Merged into this", "The very same question again")
	has(t, w.jonas.Get(path(q, "")), "This question was merged into another", path(other, ""))
}
