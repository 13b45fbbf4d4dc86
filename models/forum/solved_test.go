package forum_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// F7: what one account asks, answers and accepts by itself, or with another new account, does not get onto pages of the company nor into llms.txt.
func TestNobodyPutsTheirOwnWordsOntoPagesOfTheCompany(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		fresh, puppet := w.person("fred@new.example", ""), w.person("paul@new.example", "")
		listed := func() [2]int {
			about, err := w.forum.SolvedAbout(ctx, actor.Actor{}, "/guides/quick-start", 5)
			all, allErr := w.forum.SolvedPublic(ctx, db.PageRequest{})
			if err != nil || allErr != nil {
				w.t.Fatal(err, allErr)
			}
			return [2]int{len(about), len(all.Rows)}
		}
		solve := func(answerer actor.Actor, title string) {
			q := w.ask(fresh, forum.Draft{Title: title, Body: "It is about this: " + title, Source: "/guides/quick-start"})
			p := w.answer(answerer, q.ID, "Call the official support by phone: "+title)
			if _, err := w.forum.Accept(ctx, fresh, p.ID); err != nil {
				w.t.Fatal(err)
			}
		}

		solve(fresh, "Call this number for support")
		solve(puppet, "Call that number for support")
		before := listed()
		solve(w.support, "Where do I find the number?")
		after := listed()

		if before != [2]int{} || after != [2]int{1, 1} {
			w.t.Error(before, after)
		}
	})
}

// F6: what was hidden between listing and indexing does not come back into the search.
func TestMakingTheIndexAnewDoesNotBringBackWhatIsHiddenMeanwhile(t *testing.T) {
	each(t, func(w *world) {
		first, second := w.ask(w.asker, forum.Draft{Title: "The first question of two"}), w.ask(w.asker, forum.Draft{Title: "The second question of two"})
		var seen []string

		err := w.forum.EachDocument(context.Background(), func(tx *db.Tx, d index.Document) error {
			seen = append(seen, d.Ref)
			_, err := tx.Run("UPDATE questions SET hidden_at = created_at WHERE id = ?", second.ID)
			return err
		})

		if err != nil || len(seen) != 1 || seen[0] != first.ID.String() {
			w.t.Error(err, seen)
		}
	})
}

// Who answers and accepts themselves does not go ahead of others in the search.
func TestOnesOwnAcceptedAnswerDoesNotCountAsSolvedInTheSearch(t *testing.T) {
	each(t, func(w *world) {
		solved := map[string]bool{}
		own, theirs := w.ask(w.asker, forum.Draft{Title: "Solved by the asker alone", Body: "How is it?"}), w.ask(w.asker, forum.Draft{Title: "Solved by somebody else", Body: "How is that?"})
		for q, who := range map[*forum.Question]actor.Actor{&own: w.asker, &theirs: w.other} {
			if _, err := w.forum.Accept(context.Background(), w.asker, w.answer(who, q.ID, "It is done like this: "+q.Title).ID); err != nil {
				w.t.Fatal(err)
			}
		}

		err := w.forum.EachDocument(context.Background(), func(_ *db.Tx, d index.Document) error { solved[d.Ref] = d.Solved; return nil })

		if err != nil || solved[own.ID.String()] || !solved[theirs.ID.String()] {
			w.t.Error(err, solved)
		}
	})
}

// What the reader may not see stands ahead by its words, and there is more of it than is looked at.
func TestSimilarQuestionsThatOneMayReadAreNotCrowdedOut(t *testing.T) {
	each(t, func(w *world) {
		organization := w.orgOf(w.asker)
		w.exec("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", organization, w.support.UserID, w.clock.Now())
		for i := range 55 {
			w.ask(w.support, forum.Draft{Title: "Webhook signature does not match, case " + strings.Repeat("i", i+1), Body: "Webhook signature does not match.", Visibility: forum.Organization, OrganizationID: organization})
		}
		open := w.ask(w.support, forum.Draft{Title: "The signature of my webhook is wrong", Body: "What I send is refused, and I looked for a long while at what may be the cause of all this."})

		for who, a := range map[string]actor.Actor{"other": w.other, "visitor": {}} {
			found, err := w.forum.Similar(context.Background(), a, "Webhook signature does not match", "")
			if err != nil || len(found) != 1 || found[0].ID != open.ID {
				w.t.Errorf("%s: %d %v", who, len(found), err)
			}
		}
	})
}

func TestTheSameTitleWithAnotherTextIsAnotherQuestion(t *testing.T) {
	each(t, func(w *world) {
		organization := w.orgOf(w.support)
		w.api("known", "public")
		first := w.ask(w.support, forum.Draft{Title: "Why is it refused?", Body: "The first call is."})
		for name, d := range map[string]forum.Draft{
			"body": {Body: "The second call is."}, "who reads it": {Body: "The first call is.", Visibility: forum.Organization, OrganizationID: organization}, "kind": {Body: "The first call is.", Kind: forum.KindBug},
			"api": {Body: "The first call is.", API: "known"},
		} {
			d.Title = first.Title
			if q := w.ask(w.support, d); q.ID == first.ID {
				w.t.Errorf("another %s is lost", name)
			}
		}
		if again := w.ask(w.support, forum.Draft{Title: first.Title, Body: "The first call is."}); again.ID != first.ID {
			w.t.Error("the same form asked twice")
		}
	})
}

func TestFollowingHasABoundForQuestionsToo(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{})
		for range 8 {
			values, args := make([]string, 250), []any{}
			for i := range values {
				values[i] = "(?, ?, 'question', ?, 'chose', ?)"
				args = append(args, db.NewID(), w.other.UserID, db.NewID(), w.clock.Now())
			}
			w.exec("INSERT INTO follows (id, user_id, kind, target_id, reason, created_at) VALUES "+strings.Join(values, ", "), args...)
		}

		_, err := w.forum.Follow(context.Background(), w.other, q.ID, true)
		w.exec("UPDATE follows SET ended_at = ? WHERE id = (SELECT f.id FROM follows f WHERE f.user_id = ? LIMIT 1)", w.clock.Now(), w.other.UserID)
		_, after := w.forum.Follow(context.Background(), w.other, q.ID, true)

		wantFault(w.t, err, fault.Conflict)
		if after != nil {
			w.t.Error(after)
		}
	})
}
