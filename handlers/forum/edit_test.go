package forum_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

func TestEditThatWaitsIsShownToItsAuthorBesideWhatStands(t *testing.T) {
	w := newWorld(t)
	q := w.ask(forum.Draft{Tags: []string{"keys"}})
	w.answer(w.other, q, "Both keys share one limit.")
	post := "/forum/posts/" + w.own(q).ID.Show(forum.PostPrefix)

	saved := w.askers.Post(post+"/edit", url.Values{"title": {"A title that leads elsewhere"}, "tags": {"shop"}, "body": {"Look at https://shop.biz/x instead."}, "revisions": {"0"}, "act": {"post"}})

	has(t, saved, http.StatusSeeOther)
	for _, p := range []webtest.Page{w.visitor.Get(q.Path()), w.others.Get(q.Path()), w.visitor.Get(q.Path() + ".md"), w.visitor.Get("/forum"), w.visitor.Get(post + "/history")} {
		has(t, p, http.StatusOK, q.Title)
		hasNot(t, p, "shop.biz", "A title that leads elsewhere", "waits for approval")
	}
	has(t, w.visitor.Get(q.Path()), http.StatusOK, "<strong>429</strong>", "Both keys share one limit.")
	has(t, w.askers.Get(q.Path()), http.StatusOK, "<strong>429</strong>", "Your change waits for approval.", post+"/history")
	has(t, w.askers.Get(post+"/history"), http.StatusOK, "shop.biz", "Waits for approval")
	has(t, w.askers.Get(post+"/edit"), http.StatusOK, "shop.biz", "A title that leads elsewhere", "This is your change that waits", `name="revisions" value="1"`)
	has(t, w.staff.Get(q.Path()), http.StatusOK, "A change by its author waits for approval.")
	has(t, w.staff.Get(post+"/edit"), http.StatusOK, "/support/pending")
	has(t, w.staff.Post(post+"/edit", url.Values{"title": {q.Title}, "body": {"Tidied up."}, "revisions": {"1"}, "act": {"post"}}), http.StatusConflict, "Decide about it first.", "Tidied up.")
}

// What was hidden stands neither by itself nor as what changed from it.
func TestHiddenRevisionIsNotOnThePageOfTheHistory(t *testing.T) {
	w := newWorld(t)
	q := w.ask(forum.Draft{Body: "The house of the company."})
	own := w.own(q)
	post := "/forum/posts/" + own.ID.Show(forum.PostPrefix)
	for i, body := range []string{"Call me: 0171 555 123.", "The house with the gate."} {
		if _, err := w.forum.Edit(bg, webtest.ActorOf(w.asker), own.ID, forum.Edit{Title: []string{"My name is 4711", q.Title}[i], Body: body, Revisions: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	before := w.visitor.Get(post + "/history")
	moderators := w.staff.Get(post + "/history")
	w.exec("UPDATE post_revisions SET hidden_at = ?, hidden_reason = 'It is private.' WHERE post_id = ? AND number = 2", w.Clock.Now(), own.ID)

	has(t, before, http.StatusOK, "0171 555 123", "<del>- My name is 4711</del>", "<ins>+ My name is 4711</ins>")
	has(t, moderators, http.StatusOK, "/revisions/2/hide", "/revisions/1/hide")
	hasNot(t, moderators, "/revisions/3/hide")
	for _, query := range []string{"", "?revision=3", "?revision=2", "?after=3", "?after=4"} {
		for _, c := range []*webtest.Client{w.visitor, w.others} {
			p := c.Get(post + "/history" + query)
			has(t, p, http.StatusOK)
			hasNot(t, p, "0171 555 123", "It is private.", "4711")
		}
	}
	has(t, w.visitor.Get(post+"/history"), http.StatusOK, "<del>- The house of the company.</del>", "<ins>+ The house with the gate.</ins>")
	hasNot(t, w.visitor.Get(q.Path()+".md"), "0171 555 123", "4711")
	has(t, w.askers.Get(post+"/history"), http.StatusOK, "0171 555 123", "It is private.")
	has(t, w.staff.Get(post+"/history"), http.StatusOK, "/revisions/2/show")
}
