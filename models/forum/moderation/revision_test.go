package moderation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/forumtest"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// changed is a question of a new account with an answer, whose edit by its asker waits for approval.
func changed(t *testing.T, w world) (fresh actor.Actor, q forum.Question, edited forum.Post) {
	t.Helper()
	fresh = w.Person("Fred Fresh", "")
	q = w.AskAs(fresh, forum.Draft{Title: "How do I use this library?", Body: "I mean the **small** one.", Tags: []string{"libraries"}})
	w.Answer(w.Other, q.ID, "Like the large one.")
	edited, err := w.Forum.Edit(t.Context(), fresh, w.own(q), forum.Edit{Title: "Cheap pills for everybody", Body: "Buy at https://shop.biz now", Tags: []string{"pills"}})
	must(t, err)
	return fresh, q, edited
}

// stands reports what others read of a question whose edit waits or was rejected.
func stands(t *testing.T, w world, q forum.Question) {
	t.Helper()
	for _, a := range []actor.Actor{{}, w.Other, w.Support} {
		row, err := w.get(a, q.ID)
		must(t, err)
		thread, err := w.Forum.Posts(t.Context(), a, row.Question, db.PageRequest{})
		must(t, err)
		found, err := w.Forum.ByIDs(t.Context(), a, []db.ID{q.ID})
		must(t, err)
		if !row.Shown() || row.Title != q.Title || row.Slug != q.Slug || row.Answers != 1 || !slices.Equal(row.Tags, []string{"libraries"}) || len(found) != 1 {
			t.Errorf("%+v", row)
		}
		if thread.Post.State != forum.Published || thread.Post.Body != "I mean the **small** one." || !strings.Contains(thread.Post.HTML, "<strong>small</strong>") {
			t.Errorf("%+v", thread.Post)
		}
	}
	hits, err := index.Find(t.Context(), w.DB, index.Query{Text: "small library", Kinds: []string{index.Question}, Limit: 5})
	must(t, err)
	spam, err := index.Find(t.Context(), w.DB, index.Query{Text: "pills", Kinds: []string{index.Question}, Limit: 5})
	must(t, err)
	if len(hits) != 1 || len(spam) != 0 {
		t.Error(hits, spam)
	}
}

func TestEditThatWaitsLeavesThePublishedTextStanding(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		fresh, q, edited := changed(t, w)
		before, err := w.get(w.Support, q.ID)
		must(t, err)

		stands(t, w, q)
		_, _, public, err := w.Forum.Revisions(t.Context(), w.Other, edited.ID)
		must(t, err)
		row, p, err := w.Forum.PostFor(t.Context(), fresh, edited.ID)
		must(t, err)
		text, err := w.Forum.Text(t.Context(), row, p)
		must(t, err)
		others, otherRow, err := func() (forum.Edit, forum.Row, error) {
			row, p, err := w.Forum.PostFor(t.Context(), w.Support, edited.ID)
			must(t, err)
			e, err := w.Forum.Text(t.Context(), row, p)
			return e, row, err
		}()
		must(t, err)
		_, staff := w.Forum.Edit(t.Context(), w.Support, edited.ID, forum.Edit{Title: q.Title, Body: "Tidied up.", Revisions: 1})

		if edited.State != forum.Pending || p.PendingRevision == nil || *p.PendingRevision != 2 || text.Title != "Cheap pills for everybody" || text.Body != "Buy at https://shop.biz now" || !slices.Equal(text.Tags, []string{"pills"}) {
			t.Errorf("its author does not see that and what waits: %+v %+v", p, text)
		}
		if others.Body != "I mean the **small** one." || otherRow.Title != q.Title || len(public) != 1 || strings.Contains(public[0].Body, "shop.biz") {
			t.Errorf("%+v %+v", others, public)
		}
		if !fault.Is(staff, fault.Conflict) || before.Version != 2 {
			t.Error(staff, before.Version)
		}

		page, err := w.mod.Pending(t.Context(), w.Support, db.PageRequest{})
		must(t, err)
		if len(page.Rows) != 1 || !page.Rows[0].Edited || page.Rows[0].Title != "Cheap pills for everybody" || page.Rows[0].Was != q.Title || !strings.Contains(page.Rows[0].HTML, "shop.biz") {
			t.Fatalf("%+v", page.Rows)
		}
		must(t, w.mod.Approve(t.Context(), w.Support, edited.ID, page.Rows[0].Revisions))
		row, err = w.get(actor.Actor{}, q.ID)
		must(t, err)
		_, p, public, err = w.Forum.Revisions(t.Context(), w.Other, edited.ID)
		must(t, err)
		if row.Title != "Cheap pills for everybody" || !slices.Equal(row.Tags, []string{"pills"}) || p.Body != "Buy at https://shop.biz now" || p.PendingRevision != nil || p.EditedAt == nil || len(public) != 2 {
			t.Errorf("%+v %+v %d", row, p, len(public))
		}
		if again := w.mod.Approve(t.Context(), w.Support, edited.ID, 1); !fault.Is(again, fault.Conflict) {
			t.Error(again)
		}
	})
}

func TestRejectedEditLeavesThePublishedTextStanding(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		fresh, q, edited := changed(t, w)

		must(t, w.mod.Reject(t.Context(), w.Support, edited.ID, 1, "This is spam."))

		stands(t, w, q)
		_, p, public, err := w.Forum.Revisions(t.Context(), w.Other, edited.ID)
		must(t, err)
		_, _, own, err := w.Forum.Revisions(t.Context(), fresh, edited.ID)
		must(t, err)
		if p.PendingRevision != nil || len(public) != 1 || len(own) != 2 || own[0].State != forum.Rejected {
			t.Errorf("%+v\n%+v", public, own)
		}
		if mails := w.Mails(forumtest.Email(fresh)); !slices.Contains(mails, "post_rejected") || len(w.acts("question.rejected")) != 1 {
			t.Error(mails)
		}
		w.Clock.Advance(time.Hour)
		if next := w.AskAs(fresh, forum.Draft{Title: "A plain question after that"}); next.State != forum.Pending {
			t.Error("what comes after a rejected change does not wait:", next.State)
		}
	})
}

func TestLaterEditTakesThePlaceOfTheOneThatWaits(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		fresh, q, edited := changed(t, w)
		w.Clock.Advance(time.Minute)

		second, err := w.Forum.Edit(t.Context(), fresh, edited.ID, forum.Edit{Title: q.Title, Body: "I mean https://shop.biz/other", Revisions: 1})
		must(t, err)
		stale := w.mod.Approve(t.Context(), w.Support, edited.ID, 1)
		third, err := w.Forum.Edit(t.Context(), fresh, edited.ID, forum.Edit{Title: q.Title, Body: "I mean the small one of theirs.", Revisions: 2})
		must(t, err)
		page, err := w.mod.Pending(t.Context(), w.Support, db.PageRequest{})
		must(t, err)
		row, err := w.get(actor.Actor{}, q.ID)
		must(t, err)
		_, p, _, err := w.Forum.Revisions(t.Context(), w.Other, edited.ID)
		must(t, err)

		if second.State != forum.Pending || !fault.Is(stale, fault.Conflict) || third.State != forum.Published || len(page.Rows) != 0 {
			t.Error(second.State, stale, third.State, page.Rows)
		}
		if row.Title != q.Title || p.Body != "I mean the small one of theirs." || p.Revisions != 3 || p.PendingRevision != nil {
			t.Errorf("%+v", p)
		}
	})
}

func TestHiddenRevisionIsNeitherShownNorComparedForOthers(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		q := w.AskAs(w.Owner, forum.Draft{Title: "Which house is meant by it?", Body: "The house of the company."})
		own := w.own(q)
		for i, body := range []string{"Call me: 0171 555 123.", "The house of the portal.", "The house with the gate."} {
			_, err := w.Forum.Edit(t.Context(), w.Owner, own, forum.Edit{Title: q.Title, Body: body, Revisions: int64(i)})
			must(t, err)
		}

		stands := w.mod.HideRevision(t.Context(), w.Support, own, 4, "It is private.")
		bare := w.mod.HideRevision(t.Context(), w.Support, own, 2, " ")
		other := w.mod.HideRevision(t.Context(), w.Owner, own, 2, "Mine.")
		none := w.mod.HideRevision(t.Context(), w.Support, own, 9, "It is private.")
		must(t, w.mod.HideRevision(t.Context(), w.Support, own, 2, "It is private."))
		_, _, public, err := w.Forum.Revisions(t.Context(), w.Other, own)
		must(t, err)
		_, _, author, err := w.Forum.Revisions(t.Context(), w.Owner, own)
		must(t, err)

		if !fault.Is(stands, fault.Conflict) || !fault.Is(bare, fault.Invalid) || !fault.Is(other, fault.Forbidden) || !fault.Is(none, fault.NotFound) {
			t.Error(stands, bare, other, none)
		}
		if len(public) != 3 || slices.ContainsFunc(public, func(r forum.Revision) bool { return r.Number == 2 }) {
			t.Errorf("%+v", public)
		}
		if len(author) != 4 || author[2].HiddenAt == nil || author[2].HiddenReason != "It is private." {
			t.Errorf("%+v", author)
		}
		must(t, w.mod.ShowRevision(t.Context(), w.Support, own, 2), w.mod.ShowRevision(t.Context(), w.Support, own, 2))
		_, _, public, err = w.Forum.Revisions(t.Context(), w.Other, own)
		must(t, err)
		if len(public) != 4 || len(w.acts("post.revision_hidden")) != 1 || len(w.acts("post.revision_shown_again")) != 1 {
			t.Error(len(public), w.acts("post."))
		}
	})
}
