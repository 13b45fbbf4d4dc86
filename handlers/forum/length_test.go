package forum_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

func TestPostsOfThirtyThousandCharactersOfAnyScriptFit(t *testing.T) { // L1
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	answers, edit := "/forum/q/"+q.ID.Show(forum.Prefix)+"/answers", "/forum/posts/"+w.own(q).ID.Show(forum.PostPrefix)+"/edit"

	for name, body := range map[string]string{
		"japanese": strings.Repeat("鍵", forum.MaxBody), "umlauts": strings.Repeat("ä", forum.MaxBody), "beyond the first plane": strings.Repeat("𠮷", forum.MaxBody),
		"ampersands": strings.Repeat("&", forum.MaxBody), "lines": strings.Repeat("鍵\r\n", forum.MaxBody/2-1) + "鍵",
	} {
		preview := w.others.Post(answers, url.Values{"body": {body}, "act": {"preview"}})
		posted := w.staff.Post(answers, url.Values{"body": {body}, "act": {"post"}})
		edited := w.askers.Post(edit, url.Values{"title": {q.Title}, "body": {body}, "revisions": {"0"}, "act": {"preview"}})
		longer := w.staff.Post(answers, url.Values{"body": {body + "xyz"}, "act": {"post"}})

		if preview.Status != http.StatusOK || posted.Status != http.StatusSeeOther || edited.Status != http.StatusOK {
			t.Errorf("%s: %d %d %d", name, preview.Status, posted.Status, edited.Status)
		}
		if longer.Status != http.StatusUnprocessableEntity || !strings.Contains(longer.Body, "xyz</textarea>") || !strings.Contains(longer.Body, "at most 30,000 characters") && !strings.Contains(longer.Body, "at most 30000 characters") {
			t.Errorf("%s: %d, and the text is lost", name, longer.Status)
		}
	}
}

func TestHistoryIsPagedAndEachRevisionBounded(t *testing.T) { // L4
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	own := w.own(q)
	for i := range 24 {
		body := strings.Repeat(string(rune('a'+i))+"\n", 14_990)
		if _, err := w.forum.Edit(t.Context(), webtest.ActorOf(w.support), own.ID, forum.Edit{Title: q.Title, Body: body, Revisions: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	path := "/forum/posts/" + own.ID.Show(forum.PostPrefix) + "/history"

	seen := 0
	for next := path; next != ""; {
		page := w.visitor.Get(next)
		n := strings.Count(page.Body, "<h2>Revision ")
		seen += n
		if page.Status != http.StatusOK || n > 10 || len(page.Body) > 500_000 {
			t.Fatalf("%d: %d revisions in %d bytes", page.Status, n, len(page.Body))
		}
		_, next, _ = strings.Cut(page.Body, `rel="next" href="`+path+"?after=")
		if next, _, _ = strings.Cut(next, `"`); next != "" {
			next = path + "?after=" + next
		}
		if seen > 30 {
			t.Fatal("the pages have no end")
		}
	}
	whole := w.visitor.Get(path + "?revision=20")

	if seen != 25 && seen != 24 {
		t.Errorf("%d revisions on all pages", seen)
	}
	if strings.Count(whole.Body, "<h2>Revision ") != 1 || strings.Count(whole.Body, "<span>") < 14_000 {
		t.Errorf("the whole revision has %d lines", strings.Count(whole.Body, "<span>"))
	}
	has(t, w.visitor.Get(path), http.StatusOK, path+"?revision=")
	has(t, w.visitor.Get(path+"?after=x&revision=y"), http.StatusOK)
	has(t, w.visitor.Get(path+"?revision=-1"), http.StatusOK)
}
