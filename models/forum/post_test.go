package forum_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// together runs fn n times at once and counts how often it did what was asked.
func together(n int, fn func(i int) error) (done int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		wg.Go(func() {
			if fn(i) == nil {
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return done
}

// F7
func TestParallelVotesOfOnePersonCountOnce(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		p := w.answer(w.other, q.ID, "The overlap shares the limit.")

		together(12, func(i int) error {
			a := []actor.Actor{w.asker, w.support}[i%2]
			_, err := w.forum.Vote(context.Background(), a, p.ID, true)
			return err
		})

		if got := w.post(p.ID).Votes; got != 2 {
			w.t.Errorf("%d votes of two people", got)
		}
		if _, err := w.forum.Vote(context.Background(), w.asker, p.ID, false); err != nil {
			w.t.Fatal(err)
		}
		if got := w.post(p.ID).Votes; got != 1 {
			w.t.Errorf("%d votes after one was taken back", got)
		}
	})
}

// F7
func TestVoteOnOnesOwnPostIsRefused(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})

		_, err := w.forum.Vote(context.Background(), w.asker, w.own(q.ID), true)
		_, visitor := w.forum.Vote(context.Background(), w.nobody, w.own(q.ID), true)

		wantFault(w.t, err, fault.Conflict)
		wantFault(w.t, visitor, fault.Unauthenticated)
	})
}

// F7: a vote is a word too. Accepting adds none.
func TestWhoMayNotPostVotesNotEither(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		p := w.answer(w.other, q.ID, "The overlap shares the limit.")
		block := "UPDATE users SET posting_blocked_at = ?, posting_blocked_reason = 'spam' WHERE id = ?"
		w.exec(block, w.clock.Now(), w.asker.UserID)

		_, blocked := w.forum.Vote(context.Background(), w.asker, p.ID, true)
		_, accepted := w.forum.Accept(context.Background(), w.asker, p.ID)
		w.exec("UPDATE users SET posting_blocked_at = NULL WHERE id = ?", w.asker.UserID)
		w.exec("UPDATE questions SET locked_at = ? WHERE id = ?", w.clock.Now(), q.ID)
		_, locked := w.forum.Vote(context.Background(), w.asker, p.ID, true)
		_, support := w.forum.Vote(context.Background(), w.support, p.ID, true)

		wantFault(w.t, blocked, fault.Forbidden)
		wantFault(w.t, locked, fault.Conflict)
		if accepted != nil || support != nil || w.post(p.ID).Votes != 1 {
			w.t.Error(accepted, support, w.post(p.ID).Votes)
		}
	})
}

// F7
func TestParallelAcceptsLeaveOneAcceptedAnswer(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		one, two := w.answer(w.other, q.ID, "The first answer to it."), w.answer(w.support, q.ID, "The second answer to it.")

		together(8, func(i int) error {
			_, err := w.forum.Accept(context.Background(), w.asker, []db.ID{one.ID, two.ID}[i%2])
			return err
		})

		row := w.get(q.ID)
		if row.AcceptedPostID == nil || row.WaitsOn != forum.OnNobody {
			w.t.Errorf("%+v", row.Question)
		}
		var n int64
		if err := w.db.Read(context.Background()).Raw("SELECT COUNT(*) FROM posts p JOIN questions q ON q.accepted_post_id = p.id WHERE q.id = ?", q.ID).Scan(&n).Error; err != nil || n != 1 {
			w.t.Errorf("%d accepted, %v", n, err)
		}
	})
}

// F7
func TestOnlyAskerAndSupportAccept(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		p := w.answer(w.other, q.ID, "The overlap shares the limit.")

		_, other := w.forum.Accept(context.Background(), w.other, p.ID)
		_, support := w.forum.Accept(context.Background(), w.support, p.ID)
		_, back := w.forum.Unaccept(context.Background(), w.asker, p.ID)

		wantFault(w.t, other, fault.Forbidden)
		if support != nil || back != nil || w.get(q.ID).AcceptedPostID != nil {
			w.t.Error(support, back)
		}
	})
}

// F7
func TestOfParallelEditsOneWinsAndTheOthersAreTold(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		own := w.own(q.ID)
		edit := func(body string) error {
			_, err := w.forum.Edit(context.Background(), w.asker, own, forum.Edit{Title: q.Title, Body: body})
			if err != nil {
				wantFault(w.t, err, fault.Conflict)
			}
			return err
		}

		won := together(6, func(i int) error { return edit("Changed text number " + string(rune('a'+i))) })

		_, p, revisions, err := w.forum.Revisions(context.Background(), w.other, own)
		if won != 1 || err != nil || p.Revisions != 1 || len(revisions) != 2 {
			w.t.Fatal(won, err, p.Revisions, len(revisions))
		}
		if revisions[1].Number != 1 || !strings.Contains(revisions[1].Body, "rotated") || revisions[0].Body != p.Body {
			w.t.Errorf("%+v", revisions)
		}
		if w.get(q.ID).Version != 2 {
			w.t.Errorf("version %d", w.get(q.ID).Version)
		}
	})
}

func TestOthersPostsAreNotEditedNorDeleted(t *testing.T) { // Z2
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		own := w.own(q.ID)

		_, edit := w.forum.Edit(context.Background(), w.other, own, forum.Edit{Title: q.Title, Body: "Mine now."})
		_, _, gone := w.forum.Delete(context.Background(), w.other, own)
		_, moderated := w.forum.Edit(context.Background(), w.support, own, forum.Edit{Title: q.Title, Body: "Without the phone number."})

		wantFault(w.t, edit, fault.Forbidden)
		wantFault(w.t, gone, fault.Forbidden)
		if moderated != nil {
			w.t.Error(moderated)
		}
	})
}

// F7
func TestOfDeletingAndAnsweringAtOnceOneIsRefused(t *testing.T) {
	each(t, func(w *world) {
		for range 4 {
			w.clock.Advance(time.Hour)
			q := w.ask(w.asker, forum.Draft{})
			own := w.own(q.ID)

			done := together(2, func(i int) error {
				if i == 0 {
					_, _, err := w.forum.Delete(context.Background(), w.asker, own)
					return err
				}
				_, err := w.forum.Answer(context.Background(), w.other, q.ID, forum.Reply{Body: "An answer that comes just then."})
				return err
			})

			if done != 1 {
				w.t.Errorf("%d of two succeeded", done)
			}
		}
	})
}

func TestDeletedPostIsErased(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{Tags: []string{"keys"}})
		p := w.answer(w.other, q.ID, "Something that I should not have said.")
		if _, err := w.forum.Edit(context.Background(), w.other, p.ID, forum.Edit{Body: "Something else that I should not have said."}); err != nil {
			w.t.Fatal(err)
		}

		_, _, refused := w.forum.Delete(context.Background(), w.asker, w.own(q.ID))
		_, _, err := w.forum.Delete(context.Background(), w.other, p.ID)
		_, _, after := w.forum.Delete(context.Background(), w.asker, w.own(q.ID))

		wantFault(w.t, refused, fault.Conflict)
		if err != nil || after != nil {
			w.t.Fatal(err, after)
		}
		var left int64
		if err := w.db.Read(context.Background()).Raw("SELECT (SELECT COUNT(*) FROM posts WHERE body <> '' OR html <> '') + (SELECT COUNT(*) FROM post_revisions) + (SELECT COUNT(*) FROM tags WHERE questions > 0) + (SELECT COUNT(*) FROM questions WHERE title <> '') + (SELECT COUNT(*) FROM search_documents)").Scan(&left).Error; err != nil || left != 0 {
			w.t.Errorf("%d rows left, %v", left, err)
		}
		_, err = w.forum.Get(context.Background(), w.asker, q.ID)
		wantFault(w.t, err, fault.NotFound)
	})
}

func TestSameFormSentTwiceWritesOnce(t *testing.T) {
	each(t, func(w *world) {
		first, again := w.ask(w.asker, forum.Draft{}), w.ask(w.asker, forum.Draft{})
		one, err := w.forum.Answer(context.Background(), w.other, first.ID, forum.Reply{Body: "The very same answer."})
		two, errTwo := w.forum.Answer(context.Background(), w.other, first.ID, forum.Reply{Body: "The very same answer."})

		if first.ID != again.ID || err != nil || errTwo != nil || one.ID != two.ID || w.get(first.ID).Answers != 1 {
			w.t.Error(first.ID, again.ID, one.ID, two.ID, err, errTwo)
		}
	})
}

func TestLockedQuestionTakesNothingButFromStaff(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		w.exec("UPDATE questions SET locked_at = ? WHERE id = ?", w.clock.Now(), q.ID)

		_, answer := w.forum.Answer(context.Background(), w.other, q.ID, forum.Reply{Body: "An answer that comes too late."})
		_, edit := w.forum.Edit(context.Background(), w.asker, w.own(q.ID), forum.Edit{Title: q.Title, Body: "Changed after all."})
		w.answer(w.support, q.ID, "A last word of staff.")

		wantFault(w.t, answer, fault.Conflict)
		wantFault(w.t, edit, fault.Conflict)
	})
}

func TestTextThatIsTooMuchIsRefusedWithItsField(t *testing.T) { // F8
	each(t, func(w *world) {
		for field, in := range map[string]forum.Draft{
			"title":      {Title: "short", Body: "fine"},
			"body":       {Title: "A title that is long enough", Body: strings.Repeat("あ", forum.MaxBody+1)},
			"tags":       {Title: "A title that is long enough", Body: "fine", Tags: []string{"<script>"}},
			"kind":       {Title: "A title that is long enough", Body: "fine", Kind: "rant"},
			"visibility": {Title: "A title that is long enough", Body: "fine", Visibility: forum.Organization},
			"api":        {Title: "A title that is long enough", Body: "fine", API: "nothing"},
			"app":        {Title: "A title that is long enough", Body: "fine", AppID: db.NewID()},
		} {
			_, err := w.forum.Ask(context.Background(), w.asker, in)

			if f := fault.As(err); f == nil || f.Kind != fault.Invalid || len(f.Problems) == 0 || f.Problems[0].Field != field {
				w.t.Errorf("%s: %v", field, err)
			}
		}
		_, err := w.forum.Ask(context.Background(), w.asker, forum.Draft{Title: "A title that is long enough", Body: strings.Repeat("> ", 50) + "deep"})
		wantFault(w.t, err, fault.Invalid)
		if q := w.ask(w.asker, forum.Draft{Title: "A whole page of Japanese", Body: strings.Repeat("あ", forum.MaxBody)}); q.State != forum.Published {
			w.t.Error(q.State)
		}
	})
}

func (w *world) post(id db.ID) forum.Said {
	w.t.Helper()
	_, p, err := w.forum.PostFor(context.Background(), w.support, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}
