package support_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/forum/support/supporttest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

func TestSolvedQuestionsAreNoWork(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		q := w.Ask(w.Owner, "Mine until it is solved")
		p, err := w.Desk.Answer(bg, w.Jonas, q.ID, support.Answer{Body: "By the scope.", Version: w.Question(q.ID).Version})
		ok(t, err)
		answered := queue(t, w, support.Filter{View: support.Mine}) + "/" + queue(t, w, support.Filter{View: support.Open})
		_, err = w.Forum.Accept(bg, w.Owner, p.ID)
		ok(t, err)

		c, err := w.Desk.Counts(bg, w.Jonas)

		if err != nil || c.Mine != 0 || answered != "/Mine" {
			t.Error(c, err, answered)
		}
		for view, want := range map[support.View]string{support.Mine: "", support.Open: "", support.Solved: "Mine", support.Waiting: ""} {
			if got := queue(t, w, support.Filter{View: view}); got != want {
				t.Errorf("%s: %q, want %q", view, got, want)
			}
		}
		w.Clock.Advance(time.Minute)
		w.Say(w.Owner, q.ID, "It came back.")
		if got := queue(t, w, support.Filter{View: support.Mine}); got != "Mine" {
			t.Error("after the asker came back:", got)
		}
	})
}

func TestAnswerWithAHoleInItIsNotPosted(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		q := w.Ask(w.Owner, "Which limit did I run into?")
		answer := func(body string) error {
			_, err := w.Desk.Answer(bg, w.Jonas, q.ID, support.Answer{Body: body, Version: w.Question(q.ID).Version})
			return err
		}

		left := answer("Hello {name}, your calls to {api} are above the limit: {guide:no-such}.")

		if !fault.Is(left, fault.Invalid) || w.Question(q.ID).Answers != 0 {
			t.Fatal(left)
		}
		ok(t, answer("Call `/orders/{name}` instead.\n\n```\ncurl /v1/{api}\n```"))
	})
}

func TestAskerHearsOfClosingAndMerging(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		closed, from, into := w.Ask(w.Owner, "Closed by support for a reason"), w.Ask(w.Owner, "Merged into the other question"), w.Ask(w.Other, "The other question of the two")

		ok(t, w.Desk.Close(bg, w.Jonas, closed.ID, support.OutOfScope))
		ok(t, w.Desk.Close(bg, w.Jonas, closed.ID, support.OutOfScope))
		ok(t, w.Desk.Merge(bg, w.Jonas, from.ID, into.ID))

		got := slices.DeleteFunc(w.Mails("nora.north@example.com"), func(kind string) bool { return kind != "question_closed" && kind != "question_merged" })
		slices.Sort(got)
		if !slices.Equal(got, []string{"question_closed", "question_merged"}) {
			t.Error(got)
		}
	})
}

func TestHandingOverAndMovingToTheSamePlaceIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		q := w.Ask(w.Owner, "Who takes this one next?")
		ok(t, w.Desk.Take(bg, w.Jonas, q.ID))

		same, none := w.Desk.HandOver(bg, w.Jonas, q.ID, support.Hand{Person: w.Jonas.UserID}), w.Desk.Move(bg, w.Jonas, q.ID, "")

		if !fault.Is(same, fault.Invalid) || !fault.Is(none, fault.Invalid) || db.Deref(w.Question(q.ID).AssigneeID) != w.Jonas.UserID {
			t.Error(same, none)
		}
	})
}

// Z6: whose a shared app is, is told to who may read organizations.
func TestWhoseASharedAppIsIsToldToWhoMayReadOrganizations(t *testing.T) {
	each(t, func(t *testing.T, w *supporttest.World) {
		q := w.Ask(w.Owner, "Why are my calls refused today?", func(d *forum.Draft) { d.API, d.AppID = "orders", w.Shop })
		read := func(role string) support.App {
			t.Helper()
			a := w.Jonas
			a.StaffRole = role
			d, err := w.Desk.Question(bg, a, q.ID)
			if err != nil || d.App == nil || d.App.Name == "" {
				t.Fatal(err, d.App)
			}
			return *d.App
		}

		with, without := read(permission.Support), read(permission.Composed("role", []permission.Name{permission.StaffQuestionsRead}))

		if with.OrgName != "Northwind" || with.OrganizationID != w.North {
			t.Errorf("support: %+v", with)
		}
		if without.OrgName != "" || !without.OrganizationID.IsZero() {
			t.Errorf("questions alone: %+v", without)
		}
	})
}
