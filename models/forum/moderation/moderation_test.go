package moderation_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/forumtest"
	"github.com/gatehouse-dev/gatehouse/models/forum/moderation"
)

type world struct {
	*forumtest.World
	mod *moderation.Store
	t   *testing.T
}

func each(t *testing.T, body func(t *testing.T, w world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := forumtest.New(t, d, clock)
		body(t, world{w, moderation.NewStore(moderation.Options{DB: d, Forum: w.Forum, Outbox: w.Outbox, Link: func(p string) string { return forumtest.Base + p }}), t})
	})
}

func (w world) own(q forum.Question) db.ID {
	w.t.Helper()
	thread, err := w.Forum.Posts(context.Background(), w.Support, q, db.PageRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	return thread.Post.ID
}

func (w world) get(a actor.Actor, id db.ID) (forum.Row, error) {
	return w.Forum.Get(context.Background(), a, id)
}

func (w world) acts(prefix string) []string {
	w.t.Helper()
	var out []string
	err := audit.Each(context.Background(), w.DB, audit.Filter{}, func(e audit.Entry) error {
		if strings.HasPrefix(e.Act, prefix) {
			out = append(out, e.Act)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// F7
func TestEachReaderFlagsAPostOnce(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		p := w.Answer(w.Other, q.ID, "Buy this instead.")

		first, err := w.mod.Flag(t.Context(), w.Owner, p.ID, moderation.Spam, "")
		second, err2 := w.mod.Flag(t.Context(), w.Owner, p.ID, moderation.Abuse, "")
		third, err3 := w.mod.Flag(t.Context(), w.Person("Rita Reads", ""), p.ID, moderation.Other, "It is about something else.")
		page, err4 := w.mod.Flags(t.Context(), w.Support, db.PageRequest{})

		must(t, err, err2, err3, err4)
		if !first || second || !third || len(page.Rows) != 1 || page.Rows[0].Flags != 2 || page.Rows[0].Reason != moderation.Spam {
			t.Fatal(first, second, third, page.Rows)
		}
	})
}

func TestFlagsNeedAReaderAReasonAndAPost(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.AskAs(w.Owner, forum.Draft{Title: "Only for our organization?", Visibility: forum.Organization, OrganizationID: w.North})
		p := w.Answer(w.Support, q.ID, "Only for you.")
		blocked := w.Person("Bert Blocked", "")
		w.Join(w.North, blocked, "developer")
		must(t, w.mod.Block(t.Context(), w.Support, blocked.UserID, time.Time{}, "Spam."))
		for name, c := range map[string]struct {
			who    actor.Actor
			reason string
			words  string
			want   fault.Kind
		}{
			"signed out": {actor.Actor{}, moderation.Spam, "", fault.Unauthenticated}, "outsider": {w.Other, moderation.Spam, "", fault.NotFound},
			"own post": {w.Support, moderation.Spam, "", fault.Conflict}, "no reason": {w.Owner, "", "", fault.Invalid}, "other without words": {w.Owner, moderation.Other, " ", fault.Invalid},
			"long": {w.Owner, moderation.Spam, strings.Repeat("x", 501), fault.Invalid}, "blocked": {blocked, moderation.Spam, "", fault.Forbidden},
		} {
			if _, err := w.mod.Flag(t.Context(), c.who, p.ID, c.reason, c.words); !fault.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestFlagsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.Ask(w.Other, "Why does the first call fail?")
		reader := w.Person("Rita Reads", "")
		for i := range moderation.FlagsAnHour {
			if _, err := w.mod.Flag(t.Context(), reader, w.Answer(w.Owner, q.ID, strings.Repeat("Answer ", i+1)).ID, moderation.Spam, ""); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(-61 * time.Second)
		}

		last := w.Answer(w.Owner, q.ID, "And one more.")
		_, err := w.mod.Flag(t.Context(), reader, last.ID, moderation.Spam, "")
		w.Clock.Advance(2 * time.Hour)
		_, later := w.mod.Flag(t.Context(), reader, last.ID, moderation.Spam, "")

		if !fault.Is(err, fault.RateLimited) || later != nil {
			t.Fatal(err, later)
		}
	})
}

func TestUpheldFlagHidesAndDismissedOneDoesNot(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		bad, good := w.Answer(w.Other, q.ID, "Buy this instead."), w.Answer(w.Other, q.ID, "Wait a minute.")
		for _, p := range []forum.Post{bad, good} {
			_, err := w.mod.Flag(t.Context(), w.Owner, p.ID, moderation.Spam, "")
			must(t, err)
		}
		page, err := w.mod.Flags(t.Context(), w.Support, db.PageRequest{})
		must(t, err)

		needs := w.mod.Decide(t.Context(), w.Support, page.Rows[0].ID, true, " ")
		must(t, w.mod.Decide(t.Context(), w.Support, page.Rows[0].ID, true, "This is spam."), w.mod.Decide(t.Context(), w.Support, page.Rows[1].ID, false, ""))
		again := w.mod.Decide(t.Context(), w.Support, page.Rows[1].ID, true, "Late.")
		rest, err := w.mod.Flags(t.Context(), w.Support, db.PageRequest{})
		must(t, err)

		if !fault.Is(needs, fault.Invalid) || !fault.Is(again, fault.Conflict) || len(rest.Rows) != 0 {
			t.Fatal(needs, again, rest.Rows)
		}
		row, err := w.get(actor.Actor{}, q.ID)
		must(t, err)
		thread, err := w.Forum.Posts(t.Context(), actor.Actor{}, row.Question, db.PageRequest{})
		must(t, err)
		if row.Answers != 1 || len(thread.Answers) != 1 || thread.Answers[0].ID != good.ID {
			t.Fatal(row.Answers, thread.Answers)
		}
		mine, err := w.Forum.Posts(t.Context(), w.Other, row.Question, db.PageRequest{})
		must(t, err)
		if i := slices.IndexFunc(mine.Answers, func(p forum.Said) bool { return p.ID == bad.ID }); i < 0 || mine.Answers[i].HiddenReason != "This is spam." {
			t.Error("its author does not see why")
		}
	})
}

func TestHiddenQuestionsAreGoneUntilShownAgain(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.Ask(w.Owner, "Why does the first call fail?", "limits")
		p := w.Answer(w.Other, q.ID, "Wait a minute.")

		must(t, w.mod.HideQuestion(t.Context(), w.Support, q.ID, "It tells of a person."))
		_, gone := w.get(w.Other, q.ID)
		own, err := w.get(w.Owner, q.ID)
		must(t, err, w.mod.ShowQuestion(t.Context(), w.Support, q.ID), w.mod.ShowQuestion(t.Context(), w.Support, q.ID))
		_, back := w.get(actor.Actor{}, q.ID)
		must(t, w.mod.Hide(t.Context(), w.Support, p.ID, "Not so."), w.mod.Show(t.Context(), w.Support, p.ID))
		row, err := w.get(actor.Actor{}, q.ID)

		must(t, err)
		if !fault.Is(gone, fault.NotFound) || own.HiddenReason != "It tells of a person." || back != nil || row.Answers != 1 || row.HiddenReason != "" {
			t.Fatal(gone, own.HiddenReason, back, row.Answers)
		}
		if got := w.acts("question.hidden"); len(got) != 1 || len(w.acts("question.shown_again")) != 1 || len(w.acts("post.hidden")) != 1 {
			t.Error(got)
		}
	})
}

func TestLockedQuestionsTakeNothingButOfStaff(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		must(t, w.mod.SetLocked(t.Context(), w.Support, q.ID, true), w.mod.SetLocked(t.Context(), w.Support, q.ID, true))

		_, other := w.Forum.Answer(t.Context(), w.Other, q.ID, forum.Reply{Body: "Wait a minute."})
		_, staff := w.Forum.Answer(t.Context(), w.Support, q.ID, forum.Reply{Body: "We closed this."})
		must(t, staff, w.mod.SetLocked(t.Context(), w.Support, q.ID, false))
		_, after := w.Forum.Answer(t.Context(), w.Other, q.ID, forum.Reply{Body: "Wait a minute."})

		if !fault.Is(other, fault.Conflict) || after != nil || len(w.acts("question.locked")) != 1 {
			t.Fatal(other, after)
		}
	})
}

func TestAtMostFiveQuestionsArePinned(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		var all []db.ID
		for _, name := range []string{"one", "two", "three", "four", "five", "six"} {
			all = append(all, w.Ask(w.Owner, "This is question number "+name).ID)
		}
		for _, id := range all[:5] {
			must(t, w.mod.SetPinned(t.Context(), w.Support, id, true))
		}

		full := w.mod.SetPinned(t.Context(), w.Support, all[5], true)
		must(t, w.mod.SetPinned(t.Context(), w.Support, all[0], false))

		if !fault.Is(full, fault.Conflict) || w.mod.SetPinned(t.Context(), w.Support, all[5], true) != nil {
			t.Fatal(full)
		}
	})
}

func TestRetaggingCountsAnew(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.Ask(w.Owner, "Why does the first call fail?", "limits", "odd")

		bad := w.mod.Retag(t.Context(), w.Support, q.ID, []string{"no spaces, please!"})
		must(t, w.mod.Retag(t.Context(), w.Support, q.ID, []string{"limits", "keys"}))
		row, err := w.get(w.Owner, q.ID)
		must(t, err)
		tags, err := w.Forum.Tags(t.Context(), "", db.PageRequest{})

		must(t, err)
		if !fault.Is(bad, fault.Invalid) || !slices.Equal(row.Tags, []string{"keys", "limits"}) || len(tags.Rows) != 2 {
			t.Fatal(bad, row.Tags, tags.Rows)
		}
	})
}

func TestWhatWaitsIsShownOnceApprovedAndItsAuthorTold(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		fresh := w.Person("Fred Fresh", "")
		good := w.AskAs(fresh, forum.Draft{Title: "How do I use this library?", Body: "I mean https://some.library/x"})
		bad := w.AskAs(fresh, forum.Draft{Title: "Cheap pills for everybody", Body: "Buy at https://shop.biz now and forever"})
		page, err := w.mod.Pending(t.Context(), w.Support, db.PageRequest{})
		must(t, err)
		_, before := w.get(w.Other, good.ID)

		must(t, w.mod.Approve(t.Context(), w.Support, page.Rows[0].ID, 0), w.mod.Reject(t.Context(), w.Support, page.Rows[1].ID, 0, "This is spam."))
		again := w.mod.Approve(t.Context(), w.Support, page.Rows[1].ID, 0)
		_, after := w.get(w.Other, good.ID)
		_, never := w.get(w.Other, bad.ID)
		own, err := w.get(fresh, bad.ID)

		must(t, err)
		if len(page.Rows) != 2 || !fault.Is(before, fault.NotFound) || after != nil || !fault.Is(never, fault.NotFound) || !fault.Is(again, fault.Conflict) || own.HiddenReason != "This is spam." {
			t.Fatal(len(page.Rows), before, after, never, again, own.HiddenReason)
		}
		if mails := w.Mails(forumtest.Email(fresh)); !slices.Contains(mails, "post_approved") || !slices.Contains(mails, "post_rejected") {
			t.Error(mails)
		}
		if next := w.AskAs(fresh, forum.Draft{Title: "A plain question after that"}); next.State != forum.Pending {
			t.Error("what comes after a rejected post does not wait:", next.State)
		}
	})
}

// F7: approved or rejected is what the moderator read, not what its author made of it meanwhile.
func TestDecisionIsAboutTheTextThatWasRead(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		fresh := w.Person("Fred Fresh", "")
		q := w.AskAs(fresh, forum.Draft{Title: "How do I use this library?", Body: "I mean https://some.library/x"})
		page, err := w.mod.Pending(t.Context(), w.Support, db.PageRequest{})
		must(t, err)
		read := page.Rows[0]
		_, err = w.Forum.Edit(t.Context(), fresh, read.ID, forum.Edit{Title: "Cheap pills for everybody", Body: "Buy at https://shop.biz now"})
		must(t, err)

		approved := w.mod.Approve(t.Context(), w.Support, read.ID, read.Revisions)
		rejected := w.mod.Reject(t.Context(), w.Support, read.ID, read.Revisions, "This is spam.")
		_, shown := w.get(w.Other, q.ID)
		again, err := w.mod.Pending(t.Context(), w.Support, db.PageRequest{})

		must(t, err, w.mod.Reject(t.Context(), w.Support, read.ID, again.Rows[0].Revisions, "This is spam."))
		if !fault.Is(approved, fault.Conflict) || !fault.Is(rejected, fault.Conflict) || !fault.Is(shown, fault.NotFound) {
			t.Error(approved, rejected, shown)
		}
	})
}

func TestPostChangedWhileItWaitsIsToldOfOnce(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.Ask(w.Owner, "Which library do you use for it?")
		fresh := w.Person("Fred Fresh", "")
		p := w.Answer(fresh, q.ID, "I mean https://some.library/x")
		_, err := w.Forum.Edit(t.Context(), fresh, p.ID, forum.Edit{Body: "I mean https://some.library/y"})
		must(t, err)
		before := len(w.Letters(w.Owner))

		must(t, w.mod.Approve(t.Context(), w.Support, p.ID, 1))
		shown := len(w.Letters(w.Owner))
		w.Clock.Advance(time.Hour)
		_, err = w.Forum.Edit(t.Context(), fresh, p.ID, forum.Edit{Body: "I mean https://other.library/z", Revisions: 1})
		must(t, err, w.mod.Approve(t.Context(), w.Support, p.ID, 2))
		changed := len(w.Letters(w.Owner))
		_, _, history, err := w.Forum.Revisions(t.Context(), w.Other, p.ID)

		must(t, err)
		if p.State != forum.Pending || before != 0 || shown != 1 || changed != 1 {
			t.Error(p.State, before, shown, changed)
		}
		if len(history) != 2 || history[1].Number != 2 { // how it was first written nobody approved
			t.Errorf("%+v", history)
		}
	})
}

func TestBlockedAccountsAreToldAndComeBackByThemselves(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		until := w.Clock.Now().Add(48 * time.Hour)
		must(t, w.mod.Block(t.Context(), w.Support, w.Owner.UserID, until, "Be kind."))
		_, now := w.Forum.Ask(t.Context(), w.Owner, forum.Draft{Title: "May I still write here?", Body: "I think so."})
		poster, err := w.mod.Poster(t.Context(), w.Support, w.Owner.UserID)
		must(t, err)
		w.Clock.Advance(49 * time.Hour)
		_, later := w.Forum.Ask(t.Context(), w.Owner, forum.Draft{Title: "May I write here again?", Body: "I think so."})

		staff := w.mod.Block(t.Context(), w.Staff, w.Support.UserID, time.Time{}, "No.")
		past := w.mod.Block(t.Context(), w.Support, w.Owner.UserID, w.Clock.Now().Add(-time.Hour), "No.")
		silent := w.mod.Block(t.Context(), w.Support, w.Owner.UserID, time.Time{}, "")
		must(t, w.mod.Unblock(t.Context(), w.Support, w.Owner.UserID), w.mod.Unblock(t.Context(), w.Support, w.Owner.UserID))

		if !fault.Is(now, fault.Forbidden) || !poster.Blocked(until.Add(-time.Hour)) || later != nil || !fault.Is(staff, fault.Conflict) || !fault.Is(past, fault.Invalid) || !fault.Is(silent, fault.Invalid) {
			t.Fatal(now, later, staff, past, silent)
		}
		mails := w.Mails(forumtest.Email(w.Owner))
		if !slices.Contains(mails, "posting_blocked") || len(w.acts("user.posting")) != 2 {
			t.Error(mails, w.acts("user.posting"))
		}
	})
}

// Z5
func TestOnlyStaffWithThePermissionModerate(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		post := w.own(q)
		auditor := w.Person("Aki Auditor", "auditor")
		for _, a := range []actor.Actor{{}, w.Owner, auditor} {
			ctx := t.Context()
			errs := []error{
				w.mod.Hide(ctx, a, post, "x"), w.mod.Show(ctx, a, post), w.mod.HideQuestion(ctx, a, q.ID, "x"), w.mod.ShowQuestion(ctx, a, q.ID), w.mod.SetLocked(ctx, a, q.ID, true), w.mod.SetPinned(ctx, a, q.ID, true),
				w.mod.Retag(ctx, a, q.ID, nil), w.mod.Approve(ctx, a, post, 0), w.mod.Reject(ctx, a, post, 0, "x"), w.mod.Block(ctx, a, w.Other.UserID, time.Time{}, "x"), w.mod.Unblock(ctx, a, w.Other.UserID),
			}
			for i, err := range errs {
				if !fault.Is(err, fault.Forbidden) {
					t.Errorf("%s, act %d: %v", a.Name, i, err)
				}
			}
			_, err := w.mod.Flags(ctx, a, db.PageRequest{})
			_, err2 := w.mod.Pending(ctx, a, db.PageRequest{})
			_, err3 := w.mod.Poster(ctx, a, w.Other.UserID)
			for _, err := range []error{err, err2, err3} {
				if (err == nil) != (a.StaffRole != "") {
					t.Errorf("%s reads: %v", a.Name, err)
				}
			}
		}
	})
}

func TestReasonsAndWordsAreTexts(t *testing.T) { // W7: what no database can keep is told, on both
	each(t, func(t *testing.T, w world) {
		q := w.Ask(w.Other, "Why does the first call fail?")
		post, reader := w.Answer(w.Owner, q.ID, "Because."), w.Person("Rita Reads", "")

		for _, words := range []string{"a\x00b", "a\xffb", "a\u202eb"} {
			_, flagged := w.mod.Flag(t.Context(), reader, post.ID, moderation.Other, words)
			hidden := w.mod.Hide(t.Context(), w.Support, post.ID, words)
			if !fault.Is(flagged, fault.Invalid) || !fault.Is(hidden, fault.Invalid) {
				t.Errorf("%q: %v %v", words, flagged, hidden)
			}
		}
		if _, err := w.mod.Flag(t.Context(), reader, post.ID, moderation.Other, "One line.\r\nAnd another."); err != nil {
			t.Error(err)
		}
	})
}

// Two people pin at once, each another question: no more than five stand there afterwards.
func TestPinningAtOnceKeepsToTheLimit(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		var all []db.ID
		for i := range 8 {
			all = append(all, w.AskAs(w.Support, forum.Draft{Title: "A question to be pinned " + strings.Repeat("x", i)}).ID)
		}
		var wg sync.WaitGroup
		for _, id := range all {
			wg.Go(func() { _ = w.mod.SetPinned(t.Context(), w.Support, id, true) }) // most of them are refused
		}
		wg.Wait()

		var n int64
		must(t, w.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM questions WHERE pinned_at IS NOT NULL").Scan(&n).Error)
		if n != 5 {
			t.Error(n)
		}
	})
}
