package forum_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

func TestQuestionWaitsOnUsWhenTheLastWordIsTheAskers(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		asked := w.clock.Now()
		see := func(want string, since *time.Time) {
			w.t.Helper()
			row := w.get(q.ID)
			if row.WaitsOn != want || (row.WaitingSince == nil) != (since == nil) || (since != nil && !row.WaitingSince.Equal(*since)) {
				w.t.Errorf("waits on %s since %v, want %s since %v", row.WaitsOn, row.WaitingSince, want, since)
			}
			if (row.DueAt == nil) != (since == nil) {
				w.t.Errorf("due %v", row.DueAt)
			}
		}
		see(forum.OnUs, &asked)

		w.clock.Advance(time.Minute)
		w.say(w.other, w.own(q.ID), "The same happens here, since yesterday.")
		see(forum.OnUs, &asked)

		p := w.answer(w.support, q.ID, "Both keys share one limit.")
		see(forum.OnAsker, nil)
		first := w.get(q.ID)
		if first.FirstReplyAt == nil || *first.FirstReplyBy != w.support.UserID || first.FirstReplyAt.Sub(first.CreatedAt) != 2*time.Minute {
			w.t.Errorf("%+v", first.Question)
		}

		w.clock.Advance(time.Minute)
		again := w.clock.Now()
		w.say(w.asker, p.ID, "And for how long do they?")
		see(forum.OnUs, &again)
		w.clock.Advance(time.Minute)
		w.say(w.asker, p.ID, "Hello? Is somebody there?")
		see(forum.OnUs, &again)

		w.exec("UPDATE questions SET asked_back_at = ? WHERE id = ?", w.clock.Now(), q.ID)
		w.settle(q.ID)
		see(forum.OnAsker, nil)

		w.clock.Advance(time.Minute)
		third := w.clock.Now()
		w.say(w.asker, p.ID, "Here is what you asked back for.")
		row := w.get(q.ID)
		if row.WaitsOn != forum.OnUs || row.WaitingSince == nil || row.WaitingSince.After(third) || row.AskedBackAt != nil {
			w.t.Errorf("%+v", row.Question)
		}
	})
}

func TestClosedQuestionOpensAgainWithTheAskersWord(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		w.answer(w.support, q.ID, "Both keys share one limit.")
		w.exec("UPDATE questions SET closed_at = ?, closed_reason = 'stale', warned_at = ? WHERE id = ?", w.clock.Now(), w.clock.Now(), q.ID)
		w.settle(q.ID)

		closed := w.get(q.ID)
		w.clock.Advance(time.Minute)
		w.say(w.other, w.own(q.ID), "Somebody else’s word does not.")
		still := w.get(q.ID)
		w.say(w.asker, w.own(q.ID), "It is not solved at all.")
		open := w.get(q.ID)

		if closed.WaitsOn != forum.OnNobody || still.ClosedAt == nil || open.ClosedAt != nil || open.ClosedReason != "" || open.WarnedAt != nil || open.WaitsOn != forum.OnUs {
			w.t.Errorf("%+v\n%+v\n%+v", closed.Question, still.Question, open.Question)
		}
	})
}

func TestThirdPersonsWordEndsWaitingOnlyOnceSomebodyAnswered(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		w.clock.Advance(time.Minute)
		w.say(w.other, w.own(q.ID), "The same happens here, since yesterday.")
		shared := w.get(q.ID).WaitsOn
		w.clock.Advance(time.Minute)
		w.answer(w.asker, q.ID, "It happens with the second key too.")
		w.clock.Advance(time.Minute)
		w.say(w.other, w.own(q.ID), "And with my third one.")
		own := w.get(q.ID).WaitsOn

		p := w.answer(w.other, q.ID, "Both keys share one limit, I think.")
		answered := w.get(q.ID).WaitsOn
		w.clock.Advance(time.Minute)
		w.say(w.asker, p.ID, "And for how long do they?")
		asked := w.get(q.ID).WaitsOn
		w.clock.Advance(time.Minute)
		w.say(w.other, p.ID, "For as long as the old one lives.")
		third := w.get(q.ID).WaitsOn

		if shared != forum.OnUs || own != forum.OnUs || answered != forum.OnAsker || asked != forum.OnUs || third != forum.OnAsker {
			w.t.Error(shared, own, answered, asked, third)
		}
	})
}

func TestHiddenAnswerNeitherCountsNorSolves(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{Tags: []string{"keys"}})
		p := w.answer(w.support, q.ID, "Both keys share one limit.")
		if _, err := w.forum.Accept(context.Background(), w.asker, p.ID); err != nil {
			w.t.Fatal(err)
		}

		w.exec("UPDATE posts SET hidden_at = ? WHERE id = ?", w.clock.Now(), p.ID)
		w.settle(q.ID)

		row := w.get(q.ID)
		if row.Answers != 0 || row.AcceptedPostID != nil || row.FirstReplyAt != nil || row.WaitsOn != forum.OnUs || !row.LastActivityAt.Equal(row.CreatedAt) {
			w.t.Errorf("%+v", row.Question)
		}
	})
}

func TestTagsCountWhatAnybodyMayRead(t *testing.T) { // F6
	each(t, func(w *world) {
		names := func() (out []string) {
			page, err := w.forum.Tags(context.Background(), "", db.PageRequest{})
			if err != nil {
				w.t.Fatal(err)
			}
			for _, tag := range page.Rows {
				out = append(out, tag.Name)
			}
			return out
		}
		q := w.ask(w.asker, forum.Draft{Tags: []string{"keys"}})
		w.ask(w.asker, forum.Draft{Title: "Only for us and the staff", Tags: []string{"secret-merger", "keys"}, Visibility: forum.Organization, OrganizationID: w.orgOf(w.asker)})

		if got := names(); len(got) != 1 || got[0] != "keys" {
			w.t.Error(got)
		}
		w.exec("UPDATE questions SET hidden_at = ? WHERE id = ?", w.clock.Now(), q.ID)
		w.settle(q.ID)
		if got := names(); len(got) != 0 {
			w.t.Error(got)
		}
	})
}
