package forum_test

import (
	"context"
	"testing"

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
