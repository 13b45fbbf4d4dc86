package support_test

import (
	"net/http"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/forum/support"
)

func TestEveryAuthorOfAQuestionLeadsToWhereTheyCanBeKeptFromPosting(t *testing.T) { // F7
	w := newWorld(t)
	q := w.Ask(w.Owner, "Who wrote what is below this?")
	w.Say(w.Other, q.ID, "I did, and it is rude.")

	p := w.jonas.Get(support.Path(q.ID))

	has(t, p, `href="/support/people/`+w.Owner.UserID.Show("user")+`"`, `href="/support/people/`+w.Other.UserID.Show("user")+`"`)
}

func TestWaitingIsOfferedOnlyAfterAReply(t *testing.T) {
	w := newWorld(t)
	q := w.Ask(w.Owner, "What do you need to know of me?")
	lacks(t, w.jonas.Get(support.Path(q.ID)), path(q, "/wait"))

	w.Say(w.Jonas, q.ID, "Which version is it?")

	has(t, w.jonas.Get(support.Path(q.ID)), path(q, "/wait"))
}

func TestHoleInAnAnswerIsToldOnEveryPath(t *testing.T) {
	w := newWorld(t)
	q := w.Ask(w.Owner, "Which limit did I run into?")
	version := "1"
	preview := w.jonas.Post(path(q, "/answer"), form("version", version, "body", "Your calls to {api} wait.", "do", "preview"))
	post := w.jonas.Post(path(q, "/answer"), form("version", version, "body", "Your calls to {api} wait.", "do", "answer"))
	w.Say(w.Support, q.ID, "I was quicker.")

	late := w.jonas.Post(path(q, "/answer"), form("version", version, "body", "Your calls to `x` wait.", "do", "answer"))

	has(t, preview, "Not filled in", "{api}")
	has(t, post, "Still to be filled in: {api}", "Your calls to {api} wait.")
	wantStatus(t, "hole", post.Status, http.StatusUnprocessableEntity)
	wantStatus(t, "written meanwhile", late.Status, http.StatusConflict)
}

func TestHandingOverNeedsAChoice(t *testing.T) {
	w := newWorld(t)
	q := w.Ask(w.Owner, "Who takes this one from here?")
	w.jonas.Post(path(q, "/take"), nil)

	none := w.jonas.Post(path(q, "/hand"), form("to", ""))
	same := w.jonas.Post(path(q, "/hand"), form("to", w.Jonas.UserID.Show("user")))
	nobody := w.jonas.Post(path(q, "/hand"), form("to", "nobody"))

	wantStatus(t, "no choice", none.Status, http.StatusUnprocessableEntity)
	wantStatus(t, "the same person", same.Status, http.StatusUnprocessableEntity)
	wantStatus(t, "nobody", nobody.Status, http.StatusSeeOther)
}

func TestMergedQuestionNamesTheOtherByItsTitle(t *testing.T) {
	w := newWorld(t)
	from, into := w.Ask(w.Owner, "The same question again, sadly"), w.Ask(w.Other, "The question that was first")
	if err := w.Desk.Merge(t.Context(), w.Jonas, from.ID, into.ID); err != nil {
		t.Fatal(err)
	}

	has(t, w.jonas.Get(support.Path(from.ID)), ">The question that was first</a>")
}
