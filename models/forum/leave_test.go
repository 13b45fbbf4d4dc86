package forum_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// written is what the leaver of these tests wrote. All that was shown has the word zephyrine in it, all that never was quillon, all that others wrote bystander.
type written struct {
	answered, alone, theirs   forum.Question
	accepted, waiting, remark forum.Post
}

// write has leaver write all over the forum.
func (w *world) write(leaver actor.Actor) (q written) {
	w.t.Helper()
	ctx := context.Background()
	q.answered = w.ask(leaver, forum.Draft{Title: "Why does zephyrine get a 429?", Body: "The zephyrine call gets a 429.", Tags: []string{"keys"}})
	q.alone = w.ask(leaver, forum.Draft{Title: "Is zephyrine still there for us?", Body: "I found zephyrine in the changelog."})
	q.theirs = w.ask(w.other, forum.Draft{Title: "How long does a bystander key live?", Body: "A bystander wants to know."})
	w.clock.Advance(11 * time.Minute) // a new account writes little at a time
	said := w.answer(w.other, q.answered.ID, "Both bystander keys share one limit.")
	q.remark = w.say(leaver, said.ID, "And zephyrine, does it share it, too?")
	w.say(w.other, said.ID, "It does, says the bystander.")
	w.clock.Advance(11 * time.Minute)
	q.accepted = w.answer(leaver, q.theirs.ID, "For a zephyrine year, unless you say otherwise.")
	q.waiting = w.answer(leaver, q.theirs.ID, "Or so I was told by quillon.")
	_, edit := w.forum.Edit(ctx, leaver, q.accepted.ID, forum.Edit{Body: "For a zephyrine year, unless its owner says otherwise."})
	_, vote := w.forum.Vote(ctx, w.other, q.accepted.ID, true)
	_, own := w.forum.Vote(ctx, w.other, w.own(q.answered.ID), true)
	_, accept := w.forum.Accept(ctx, w.other, q.accepted.ID)
	for _, err := range []error{edit, vote, own, accept} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.exec("UPDATE posts SET state = 'pending' WHERE id = ?", q.waiting.ID)
	w.exec("INSERT INTO post_revisions (post_id, number, title, body, html, tags, editor_id, state, created_at) VALUES (?, 3, '', 'The quillon year.', '', '', ?, 'pending', ?)", q.accepted.ID, leaver.UserID, w.clock.Now())
	w.exec("UPDATE posts SET pending_revision = 3, revisions = 2 WHERE id = ?", q.accepted.ID)
	w.settle(q.theirs.ID)
	return q
}

// dump is every row of the database as text. The blobs of SQLite's full-text index are left out: they hold words packed, of deleted rows, too, until it merges its parts; TestWhatSomebodyTakesBackIsNotFound asks the index itself.
func (w *world) dump() string {
	w.t.Helper()
	ctx := context.Background()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_index%' AND name <> 'search_vocabulary'"
	if w.db.Dialect == db.Postgres {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
	}
	var tables []string
	if err := w.db.Read(ctx).Raw(query).Scan(&tables).Error; err != nil {
		w.t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range tables {
		var rows []map[string]any
		if err := w.db.Read(ctx).Raw("SELECT * FROM " + table).Scan(&rows).Error; err != nil {
			w.t.Fatal(err)
		}
		for _, r := range rows {
			for column, value := range r {
				if b, ok := value.([]byte); ok {
					value = string(b)
				}
				fmt.Fprintf(&out, "%s.%s: %v\n", table, column, value)
			}
		}
	}
	return strings.ToLower(out.String())
}

func (w *world) found(words string) int {
	w.t.Helper()
	rows, err := w.forum.Similar(context.Background(), w.nobody, words, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return len(rows)
}

// U8: who takes their words along is found in no table; the threads of others stay, and say in the reader's language that something stood there.
func TestWhatSomebodyTakesBackIsNotFound(t *testing.T) {
	each(t, func(w *world) {
		ctx := text.With(context.Background(), text.Locale{Language: text.German})
		accounts := w.accounts(w.asker)
		accounts.LeaveBy(w.forum.Leave)
		q := w.write(w.asker)
		before, others := w.found("zephyrine"), strings.Count(w.dump(), "bystander")

		if err := accounts.DeleteWithWords(context.Background(), w.asker, "mira@corner.example", sentence); err != nil {
			w.t.Fatal(err)
		}

		if err := index.Recount(ctx, w.db); err != nil { // the index itself comes after, within the hour: words that spelling offers
			w.t.Fatal(err)
		}
		left := w.dump()
		for line := range strings.Lines(left) {
			if strings.Contains(line, "zephyrine") || strings.Contains(line, "quillon") {
				w.t.Error("left: ", line)
			}
		}
		if now := strings.Count(left, "bystander"); now < others-2 || others == 0 { // of the search index, which was made anew
			w.t.Errorf("others were found %d times, and are found %d times", others, now)
		}
		if after := w.found("zephyrine"); before == 0 || after != 0 {
			w.t.Errorf("found %d, and then %d", before, after)
		}
		row, err := w.forum.Get(ctx, w.nobody, q.answered.ID)
		thread, threadErr := w.forum.Posts(ctx, w.nobody, row.Question, db.PageRequest{})
		theirs, theirsErr := w.forum.Get(ctx, w.nobody, q.theirs.ID)
		said, saidErr := w.forum.Posts(ctx, w.nobody, theirs.Question, db.PageRequest{})
		for _, err := range []error{err, threadErr, theirsErr, saidErr} {
			if err != nil {
				w.t.Fatal(err)
			}
		}
		if row.Title != "Selbst gelöscht" || row.Slug != "deleted" || row.Votes != 0 || thread.Post.HTML != "<p>Selbst gelöscht.</p>\n" || !thread.Post.AuthorGone {
			w.t.Errorf("%+v\n%+v", row, thread.Post)
		}
		if len(thread.Answers) != 1 || !strings.Contains(thread.Answers[0].Body, "bystander") || len(thread.Answers[0].Comments) != 2 || thread.Answers[0].Comments[0].Body != "Selbst gelöscht." {
			w.t.Errorf("%+v", thread.Answers)
		}
		if len(said.Answers) != 1 || said.Answers[0].Body != "Selbst gelöscht." || said.Answers[0].Votes != 0 || theirs.AcceptedPostID != nil || theirs.Title != "How long does a bystander key live?" {
			w.t.Errorf("%+v\n%+v", theirs, said.Answers)
		}
		_, err = w.forum.Get(ctx, w.support, q.alone.ID)
		wantFault(w.t, err, fault.NotFound)
		_, newest, err := w.forum.Newest(ctx, w.nobody, q.answered.ID, 10)
		if err != nil || len(newest) != 4 || newest[3].HTML != "<p>Selbst gelöscht.</p>\n" {
			w.t.Error(newest, err)
		}
	})
}

// U8: who leaves their words takes along what was never shown.
func TestWhatWasNeverShownGoesWithItsAuthor(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		accounts := w.accounts(w.asker)
		accounts.LeaveBy(w.forum.Leave)
		q := w.write(w.asker)

		if err := accounts.Delete(ctx, w.asker, "mira@corner.example", sentence); err != nil {
			w.t.Fatal(err)
		}

		for line := range strings.Lines(w.dump()) {
			if strings.Contains(line, "quillon") {
				w.t.Error("left: ", line)
			}
		}
		p, history := w.post(q.accepted.ID), w.count("SELECT COUNT(*) FROM post_revisions WHERE post_id = ?", q.accepted.ID)
		if !strings.Contains(p.Body, "unless its owner") || p.PendingRevision != nil || p.Votes != 1 || history != 2 || w.get(q.theirs.ID).AcceptedPostID == nil || w.found("zephyrine") == 0 {
			w.t.Errorf("%+v, %d texts in its history", p, history)
		}
		if alone := w.get(q.alone.ID); alone.Title != q.alone.Title {
			w.t.Error(alone)
		}
	})
}

// What staff said is the company's word, whoever leaves.
func TestTheWordOfStaffStaysWhenTheyLeave(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		accounts := w.accounts(w.support)
		accounts.LeaveBy(w.forum.Leave)
		q := w.ask(w.asker, forum.Draft{})
		p := w.answer(w.support, q.ID, "Wait for a minute after a rotation.")

		if err := accounts.DeleteWithWords(ctx, w.support, "jonas@portal.example", sentence); err != nil {
			w.t.Fatal(err)
		}

		row, said, err := w.forum.PostFor(ctx, w.nobody, p.ID)
		if err != nil || !strings.Contains(said.Body, "Wait for a minute") || !said.AuthorGone || row.Answers != 1 {
			w.t.Errorf("%+v %+v %v", row, said, err)
		}
	})
}

// A thread into which another was merged keeps its place: what leads there leads on.
func TestAQuestionThatOthersWereMergedIntoKeepsItsPlace(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		accounts := w.accounts(w.asker)
		accounts.LeaveBy(w.forum.Leave)
		into, from := w.ask(w.asker, forum.Draft{Title: "Which zephyrine limit is it?"}), w.ask(w.other, forum.Draft{Title: "Which limit is it, then?"})
		w.exec("UPDATE questions SET merged_into = ? WHERE id = ?", into.ID, from.ID)

		if err := accounts.DeleteWithWords(ctx, w.asker, "mira@corner.example", sentence); err != nil {
			w.t.Fatal(err)
		}

		if row, err := w.forum.Get(ctx, w.nobody, into.ID); err != nil || row.Title != "Deleted by its author" {
			w.t.Error(row.Title, err)
		}
	})
}
