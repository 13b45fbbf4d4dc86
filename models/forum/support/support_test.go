package support_test

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/hours"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/forum/support/supporttest"
)

var bg = context.Background()

func each(t *testing.T, body func(t *testing.T, w *supporttest.World)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(t, supporttest.New(t, d, clock)) })
}

// queue is the titles of a view, in its order.
func queue(t *testing.T, w *supporttest.World, f support.Filter) string {
	t.Helper()
	page, err := w.Desk.Queue(bg, w.Jonas, f, db.PageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, i := range page.Rows {
		titles = append(titles, strings.Fields(i.Title)[0])
	}
	return strings.Join(titles, " ")
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestQueueHoldsWhatWaitsOnUsOldestFirst(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		first := w.Ask(w.Owner, "First question of them all")
		w.Ask(w.Other, "Second question after the first")
		third := w.Ask(w.Owner, "Third question, about orders", func(d *forum.Draft) { d.API = "orders"; d.Tags = []string{"limits"} })

		before := queue(t, w, support.Filter{})
		w.Say(w.Jonas, first.ID, "It is the scope.")
		answered := queue(t, w, support.Filter{})
		w.Say(w.Owner, first.ID, "No, that is not it.")
		back := queue(t, w, support.Filter{})

		if before != "First Second Third" || answered != "Second Third" || back != "Second Third First" {
			t.Fatalf("%q, %q, %q", before, answered, back)
		}
		if got := queue(t, w, support.Filter{API: "orders"}); got != "Third" {
			t.Error("by API:", got)
		}
		if got := queue(t, w, support.Filter{Tag: "limits"}); got != "Third" {
			t.Error("by tag:", got)
		}
		page, err := w.Desk.Queue(bg, w.Jonas, support.Filter{}, db.PageRequest{Size: 2})
		ok(t, err)
		rest, err := w.Desk.Queue(bg, w.Jonas, support.Filter{}, db.PageRequest{Size: 2, After: page.Next})
		if err != nil || len(rest.Rows) != 1 || rest.Rows[0].ID != first.ID {
			t.Error("the second page:", rest.Rows, err)
		}
		if d := page.Rows[1]; d.ID != third.ID || d.APIName != "Orders" || !slices.Equal(d.Tags, []string{"limits"}) || d.DueAt == nil {
			t.Errorf("%+v", d)
		}
	})
}

func TestTakenHandedEscalatedAndWaitingQuestionsAreInTheirLists(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		mine, team, asker := w.Ask(w.Owner, "Mine is this question"), w.Ask(w.Owner, "Team has this question"), w.Ask(w.Other, "Asker must say more here")
		id, err := w.Desk.SaveTeam(bg, w.Staff, db.ID{}, "Billing", []db.ID{w.Jonas.UserID, w.Support.UserID})
		ok(t, err)

		ok(t, w.Desk.Take(bg, w.Jonas, mine.ID))
		ok(t, w.Desk.HandOver(bg, w.Jonas, team.ID, support.Hand{Team: id, Note: "secretmarker: they pay late"}))
		ok(t, w.Desk.Escalate(bg, w.Jonas, team.ID, "The invoice is wrong."))
		ok(t, w.Desk.Wait(bg, w.Jonas, asker.ID))

		for view, want := range map[support.View]string{
			support.Mine: "Mine", support.MyTeams: "Team", support.Unassigned: "", support.Escalated: "Team", support.OnAsker: "Asker", support.Waiting: "Mine Team", support.Closed: "",
		} {
			if got := queue(t, w, support.Filter{View: view}); got != want {
				t.Errorf("%s: %q, want %q", view, got, want)
			}
		}
		c, err := w.Desk.Counts(bg, w.Jonas)
		if err != nil || c.Waiting != 2 || c.Mine != 1 || c.Teams != 1 || c.Escalated != 1 || c.Unassigned != 0 || c.Overdue != 0 {
			t.Errorf("%+v %v", c, err)
		}
		if got := w.Mails("sam.support@example.com"); !slices.Equal(got, []string{"question_assigned"}) {
			t.Error("the other member was told:", got)
		}
		if got := w.Mails("jonas.helper@example.com"); slices.Contains(got, "question_assigned") {
			t.Error("who handed it over was told of it:", got)
		}
	})
}

func TestTwoWhoTakeNextGetTwoQuestions(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		old, young := w.Ask(w.Owner, "Older question of the two"), w.Ask(w.Other, "Younger question of the two")
		type taken struct {
			id  db.ID
			err error
		}
		results := make(chan taken, 2)

		for _, a := range []int{0, 1} {
			who := w.Jonas
			if a == 1 {
				who = w.Support
			}
			go func() { id, err := w.Desk.TakeNext(bg, who); results <- taken{id, err} }()
		}
		a, b := <-results, <-results

		if a.err != nil || b.err != nil || a.id == b.id || a.id.IsZero() || b.id.IsZero() {
			t.Fatal(a, b, old.ID, young.ID)
		}
		none, err := w.Desk.TakeNext(bg, w.Staff)
		if err != nil || !none.IsZero() {
			t.Error("a third got one:", none, err)
		}
	})
}

func TestAnswerToAnOlderVersionIsRefusedAndKeepsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		q := w.Ask(w.Owner, "Who answers this one first?")
		read := w.Question(q.ID).Version
		_, err := w.Desk.Answer(bg, w.Jonas, q.ID, support.Answer{Body: "I do.", Version: read, Then: support.ThenWait})
		ok(t, err)
		w.Clock.Advance(time.Minute)

		_, err = w.Desk.Answer(bg, w.Support, q.ID, support.Answer{Body: "No, I do.", Version: read, Then: support.ThenClose})

		now := w.Question(q.ID)
		if !fault.Is(err, fault.Conflict) || now.Answers != 1 || now.ClosedAt != nil {
			t.Fatal(err, now.Answers, now.ClosedAt)
		}
		if now.WaitsOn != forum.OnAsker || now.AskedBackAt == nil || db.Deref(now.AssigneeID) != w.Jonas.UserID || db.Deref(now.FirstReplyBy) != w.Jonas.UserID {
			t.Errorf("%+v", now)
		}
	})
}

func TestWaitingQuestionIsWarnedOnceThenClosedAndOpensAgainOnAReply(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		q, answered := w.Ask(w.Owner, "Will this one be closed?"), w.Ask(w.Other, "Only answered, not set waiting")
		_, err := w.Desk.Answer(bg, w.Jonas, q.ID, support.Answer{Body: "Which version is it?", Version: w.Question(q.ID).Version, Then: support.ThenWait})
		ok(t, err)
		w.Say(w.Jonas, answered.ID, "By the scope.")
		step := func(days int) {
			w.Clock.Advance(time.Duration(days) * 24 * time.Hour)
			errs := make(chan error, 2)
			for range 2 { // two replicas at once
				go func() { errs <- w.Desk.Stale(bg) }()
			}
			if a, b := <-errs, <-errs; a != nil || b != nil {
				t.Fatal(a, b)
			}
			ok(t, w.Desk.Stale(bg))
		}
		warnings := func() int {
			n := 0
			for _, kind := range w.Mails("nora.north@example.com") {
				if kind == "question_closes" {
					n++
				}
			}
			return n
		}

		step(6)
		early := warnings()
		step(2)
		warned, open := warnings(), w.Question(q.ID).ClosedAt == nil
		step(4)
		closed := w.Question(q.ID)
		w.Say(w.Owner, q.ID, "It is version 2.")
		again := w.Question(q.ID)

		if early != 0 || warned != 1 || !open || closed.ClosedAt == nil || closed.ClosedReason != support.NoWord || warnings() != 1 {
			t.Fatal(early, warned, open, closed.ClosedAt, warnings())
		}
		if again.ClosedAt != nil || again.WaitsOn != forum.OnUs || again.WarnedAt != nil {
			t.Errorf("after the reply: %+v", again)
		}
		if w.Question(answered.ID).ClosedAt != nil {
			t.Error("a question that nobody set waiting was closed")
		}
	})
}

func TestMergedQuestionLeadsOnWithItsFollowersAndKeepsItsPosts(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		from, into := w.Ask(w.Owner, "The same question again, sadly"), w.Ask(w.Other, "The question that was first")
		private := w.Ask(w.Other, "Nobody else may read this one", func(d *forum.Draft) { d.Visibility, d.OrganizationID = forum.Organization, w.Contoso })

		self := w.Desk.Merge(bg, w.Jonas, from.ID, from.ID)
		lost := w.Desk.Merge(bg, w.Jonas, from.ID, private.ID)
		ok(t, w.Desk.Merge(bg, w.Jonas, from.ID, into.ID))

		if !fault.Is(self, fault.Invalid) || !fault.Is(lost, fault.Invalid) {
			t.Error("merged into itself, or out of its asker’s sight:", self, lost)
		}
		q := w.Question(from.ID)
		if db.Deref(q.MergedInto) != into.ID || q.WaitsOn != forum.OnNobody || q.ClosedAt == nil {
			t.Errorf("%+v", q)
		}
		if n := w.Count("SELECT COUNT(*) FROM follows WHERE kind = 'question' AND target_id = ? AND user_id = ? AND ended_at IS NULL", into.ID, w.Owner.UserID); n != 1 {
			t.Error("its asker does not follow the other")
		}
		d, err := w.Desk.Question(bg, w.Jonas, from.ID)
		if err != nil || len(d.Posts) != 1 {
			t.Error("its posts:", len(d.Posts), err)
		}
		if err := w.Desk.Take(bg, w.Jonas, from.ID); !fault.Is(err, fault.Conflict) {
			t.Error("taken after the merge:", err)
		}
		loop := w.Desk.Merge(bg, w.Jonas, into.ID, from.ID)
		if !fault.Is(loop, fault.Invalid) {
			t.Error("two questions lead to each other:", loop)
		}
		if got := queue(t, w, support.Filter{}); got != "The Nobody" {
			t.Error(got)
		}
	})
}

// Z2, Z5
func TestDeskIsForStaffAndAuditorsOnlyRead(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		q := w.Ask(w.Owner, "May an auditor answer this?")

		_, reads := w.Desk.Question(bg, w.Auditor, q.ID)
		_, outside := w.Desk.Question(bg, w.Owner, q.ID)
		denied := map[string]error{
			"take": w.Desk.Take(bg, w.Auditor, q.ID), "note": w.Desk.WriteNote(bg, w.Auditor, q.ID, "x"), "close": w.Desk.Close(bg, w.Auditor, q.ID, support.Answered),
			"outsider's note": w.Desk.WriteNote(bg, w.Owner, q.ID, "x"), "support's policy": w.Desk.SetPolicy(bg, w.Jonas, hours.DefaultPolicy()), "outsider's outside": outside,
		}
		_, denied["team"] = w.Desk.SaveTeam(bg, w.Jonas, db.ID{}, "Mine", nil)
		_, denied["reply"] = w.Desk.SaveReply(bg, w.Auditor, support.Reply{Name: "x", Body: "x"})
		_, denied["answer"] = w.Desk.Answer(bg, w.Auditor, q.ID, support.Answer{Body: "No.", Version: 1})

		if reads != nil {
			t.Error("an auditor can’t read:", reads)
		}
		for name, err := range denied {
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := w.Desk.Take(bg, w.Jonas, db.NewID()); !fault.Is(err, fault.NotFound) {
			t.Error("a question that isn’t there:", err)
		}
	})
}

// K1
func TestNoKeyIsKeptInAnyTextOfTheDesk(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		key := supporttest.MintedKey(t)
		q := w.Ask(w.Owner, "Somebody pastes a key here")

		all := map[string]error{
			"note": w.Desk.WriteNote(bg, w.Jonas, q.ID, "They use "+key), "escalation": w.Desk.Escalate(bg, w.Jonas, q.ID, key),
			"hand over": w.Desk.HandOver(bg, w.Jonas, q.ID, support.Hand{Person: w.Support.UserID, Note: key}),
		}
		_, all["reply"] = w.Desk.SaveReply(bg, w.Jonas, support.Reply{Name: "Key", Body: "Use " + key})
		_, all["name of a reply"] = w.Desk.SaveReply(bg, w.Jonas, support.Reply{Name: key, Body: "Use it"})
		_, all["team"] = w.Desk.SaveTeam(bg, w.Staff, db.ID{}, key, nil)
		_, all["answer"] = w.Desk.Answer(bg, w.Jonas, q.ID, support.Answer{Body: key, Version: 1})
		_, all["preview"] = support.Preview(key)

		for name, err := range all {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := w.Count("SELECT (SELECT COUNT(*) FROM notes) + (SELECT COUNT(*) FROM canned_replies) + (SELECT COUNT(*) FROM support_teams)"); n != 0 {
			t.Error("something was kept:", n)
		}
	})
}

func TestNewPolicyMovesWhatIsDue(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		q := w.Ask(w.Owner, "When is this one due, then?")
		p := hours.DefaultPolicy()
		p.FirstReply = 30

		ok(t, w.Desk.SetPolicy(bg, w.Staff, p))

		due, err := p.FirstDue(q.CreatedAt)
		if now := w.Question(q.ID); err != nil || now.DueAt == nil || !now.DueAt.Equal(due) {
			t.Fatal(now.DueAt, due, err)
		}
		p.To, p.Days, p.Zone, p.Holidays, p.WarnAfter = "08:00", nil, "Mars", []string{"Xmas"}, 0
		bad := fault.As(w.Desk.SetPolicy(bg, w.Staff, p))
		if bad == nil || len(bad.Problems) != 5 {
			t.Error(bad)
		}
	})
}

func TestCannedReplyIsFilledInAndSaysWhatItDoesNotKnow(t *testing.T) {
	v := support.Values{Name: "Mira *K*", API: "Orders", Guide: func(slug string) (string, string, bool) {
		return "Rotate keys", "https://portal.test/guides/" + slug, slug == "rotating-keys"
	}}

	got, unknown := support.Fill("Hello {name}, {api}: see {guide:rotating-keys}, {guide:none}. {app} {app} {x} {} { name }", v)

	if want := `Hello Mira \*K\*, Orders: see [Rotate keys](https://portal.test/guides/rotating-keys), {guide:none}. {app} {app} {x} {} { name }`; got != want {
		t.Errorf("%q", got)
	}
	if !slices.Equal(unknown, []string{"{guide:none}", "{app}", "{x}"}) {
		t.Error(unknown)
	}
}

// F1: what somebody is called is no place to go to, also in what support says.
func TestNamesInCannedRepliesLeadNowhere(t *testing.T) {
	for _, name := range []string{"evil.biz", "https://evil.biz/x", "www.evil.biz", "a@evil.biz", "ftp://evil.biz", "mailto:a@evil.biz", "[x](https://evil.biz)", "<https://evil.biz>", "HTTPS://EVIL.BIZ", "http:\\evil.biz"} {
		text, _ := support.Fill("Hello {name}, about {app} and {api}:", support.Values{Name: name, App: name, API: name})

		html, err := support.Preview(text)

		if err != nil || strings.Contains(html, "href") {
			t.Errorf("%q: %s %v", name, html, err)
		}
	}
}

func TestMedianOfAnEvenNumberIsTheMeanOfTheMiddleTwo(t *testing.T) {
	m := time.Minute
	for _, c := range []struct {
		all  []time.Duration
		want time.Duration
	}{{nil, 0}, {[]time.Duration{5 * m}, 5 * m}, {[]time.Duration{9 * m, 2 * m}, 5*m + 30*time.Second}, {[]time.Duration{9 * m, m, 2 * m}, 2 * m}, {[]time.Duration{4 * m, m, 3 * m, 100 * m}, 3*m + 30*time.Second}} {
		if got := support.Median(slices.Clone(c.all)); got != c.want {
			t.Errorf("%v: %v, want %v", c.all, got, c.want)
		}
	}
}

func TestReportTellsFirstRepliesInOpeningHoursAndOnTheWall(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		empty, err := w.Desk.Report(bg, w.Auditor, 30)
		if err != nil || empty.First.Replies != 0 || empty.OldestSince != nil || len(empty.Steps) != 30 {
			t.Fatal(empty, err)
		}
		if _, _, err := w.Desk.MonthFirstReply(bg); !fault.Is(err, fault.NotFound) {
			t.Error("a figure of nothing:", err)
		}
		api := func(d *forum.Draft) { d.API = "orders" }
		a := w.Ask(w.Owner, "Asked in the afternoon of one day", api) // 10:00
		b := w.Ask(w.Other, "Asked a little after the other one")     // 10:02
		silent := w.Ask(w.Owner, "Nobody has replied to this one")    // 10:04
		w.Clock.Set(time.Date(2026, 11, 18, 11, 0, 0, 0, time.UTC))
		answer := w.Say(w.Jonas, a.ID, "An hour later.")
		w.Clock.Set(time.Date(2026, 11, 19, 9, 2, 0, 0, time.UTC)) // 7 h of opening hours, 23 h on the wall
		w.Say(w.Support, b.ID, "The next day.")
		w.Exec("UPDATE questions SET accepted_post_id = ?, accepted_at = ? WHERE id = ?", answer.ID, w.Clock.Now(), a.ID)

		r, err := w.Desk.Report(bg, w.Auditor, 7)

		if err != nil || r.Asked != 3 || r.Replied != 2 || r.Solved != 1 || r.InTime != 1 || r.First != (support.Times{Replies: 2, Business: 4 * time.Hour, Wall: 12 * time.Hour}) {
			t.Fatalf("%+v %v", r, err)
		}
		if r.WaitingNow != 1 || r.OverdueNow != 1 || r.OldestID != silent.ID || len(r.ByAPI) != 1 || r.ByAPI[0].Name != "Orders" || r.ByAPI[0].Key != "orders" || len(r.ByTag) != 1 || r.ByTag[0].Asked != 3 {
			t.Errorf("%+v", r)
		}
		if len(r.Doers) != 2 || r.Doers[0].Answers != 1 || r.Doers[0].Solved+r.Doers[1].Solved != 1 || !r.Doers[0].Staff {
			t.Errorf("%+v", r.Doers)
		}
		if r.Steps[5].Replied != 2 || r.Steps[5].Silent != 1 {
			t.Errorf("%+v", r.Steps)
		}
		month, n, err := w.Desk.MonthFirstReply(bg)
		if err != nil || n != 2 || month != 4*time.Hour {
			t.Error(month, n, err)
		}
	})
}

func TestKeyThatOnlyReadersOfANoteSeeWholeIsRefused(t *testing.T) { // K1
	each(t, func(t *testing.T, w *supporttest.World) {
		secret, err := apikey.Mint("gk", apikey.Live, rand.Reader)
		ok(t, err)
		k, q := secret.Reveal(), w.Ask(w.Owner, "First question of them all")
		body := k[:15] + "[" + k[15:25] + "](https://portal.test/" + strings.Repeat("x-", 300) + ")" + k[25:]

		note := w.Desk.WriteNote(bg, w.Jonas, q.ID, body)
		_, canned := w.Desk.SaveReply(bg, w.Jonas, support.Reply{Name: "Key", Body: body})
		_, preview := support.Preview(body)

		for _, err := range []error{note, canned, preview} {
			if !fault.Is(err, fault.Invalid) {
				t.Error(err)
			}
		}
	})
}
