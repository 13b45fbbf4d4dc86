package forum_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/forum"
)

func TestDeleteIsOfferedOnlyWhileItWorks(t *testing.T) {
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	del := "/forum/posts/" + w.own(q).ID.Show(forum.PostPrefix) + "/delete"
	has(t, w.askers.Get(q.Path()), http.StatusOK, del)
	has(t, w.askers.Get(del), http.StatusOK, "It is erased")
	p := w.answer(w.other, q, "Both keys share one limit.")
	mine := "/forum/posts/" + p.ID.Show(forum.PostPrefix) + "/delete"
	has(t, w.others.Get(q.Path()), http.StatusOK, mine)

	has(t, w.askers.Post("/forum/posts/"+p.ID.Show(forum.PostPrefix)+"/accept", url.Values{}), http.StatusSeeOther)

	hasNot(t, w.askers.Get(q.Path()), del)
	hasNot(t, w.others.Get(q.Path()), mine)
	page := w.askers.Get(del)
	has(t, page, http.StatusConflict, "Back to the question")
	hasNot(t, page, "<form method=\"post\" action=\""+del)
}

func TestWhoIsKeptFromPostingReadsWhyInsteadOfForms(t *testing.T) { // F7
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	w.exec("UPDATE users SET posting_blocked_at = ?, posting_blocked_reason = 'Adverts' WHERE id = ?", w.Clock.Now(), w.other.ID)

	for _, path := range []string{"/forum", "/forum/ask", q.Path()} {
		p := w.others.Get(path)
		has(t, p, http.StatusOK, "Staff keep you from posting", "Adverts")
		hasNot(t, p, `name="body"`)
	}
	kept := w.others.Post("/forum/q/"+q.ID.Show(forum.Prefix)+"/answers", url.Values{"body": {"What I typed for an hour."}})
	has(t, kept, http.StatusForbidden, "Adverts", "What I typed for an hour.")
	has(t, w.others.Post("/forum/ask", url.Values{"title": {"Cheap watches for everybody"}, "body": {"Buy."}}), http.StatusForbidden, "Adverts")
}

func TestClosedAndLockedSayWhyAndDoNotContradict(t *testing.T) {
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	w.exec("UPDATE questions SET closed_at = ?, closed_reason = 'out_of_scope' WHERE id = ?", w.Clock.Now(), q.ID)
	has(t, w.visitor.Get(q.Path()), http.StatusOK, "opens it again", "Not about this portal")

	w.exec("UPDATE questions SET locked_at = ? WHERE id = ?", w.Clock.Now(), q.ID)

	page := w.askers.Get(q.Path())
	has(t, page, http.StatusOK, "This question is locked", "Not about this portal")
	hasNot(t, page, "opens it again", "/delete")
}

func TestContinueSaysThatNothingIsPostedYet(t *testing.T) {
	w := newWorld(t)

	p := w.askers.Post("/forum/ask", url.Values{"kind": {"question"}, "title": {"Why 429 after rotating a key?"}, "body": {"The overlap was a day."}, "visibility": {"public"}})

	has(t, p, http.StatusOK, "<title>Preview of your question", "Nothing is posted yet.", `data-focus`, `id="preview"`, "Preview again")
}

func TestAskerOfAMergedQuestionIsToldWhereTheyAre(t *testing.T) {
	w := newWorld(t)
	q, other := w.ask(forum.Draft{}), w.ask(forum.Draft{Title: "Another one, which says the same", Body: "In words of its own, about another key."})
	w.exec("UPDATE questions SET merged_into = ? WHERE id = ?", q.ID, other.ID)

	moved := w.askers.Get(other.Path())

	if moved.Location != q.Path() {
		t.Error(moved.Status, moved.Location)
	}
	has(t, w.askers.Get(moved.Location), http.StatusOK, "was merged into this one")
}

func TestEmptyListSaysWhetherAFilterMakesItEmpty(t *testing.T) {
	w := newWorld(t)
	w.ask(forum.Draft{})

	p := w.visitor.Get("/forum?tag=zzz&show=bugs")

	has(t, p, http.StatusOK, "None fits this tag or API", `href="/forum?show=bugs"`)
	hasNot(t, p, "Nobody reported a bug yet.", "Nothing was asked yet.")
}
