package forum_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// L7: previews, votes and follows cost time and rows of the audit log: nobody outside the company sends them without end.
func TestNobodySendsFormsWithoutEnd(t *testing.T) {
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	follow := "/forum/q/" + q.ID.Show(forum.Prefix) + "/follow"
	look := url.Values{"act": {"similar"}, "title": {"Why does the first call get a 429?"}}
	sent := 0
	for sent < 200 && w.others.Post("/forum/ask", look).Status == http.StatusOK {
		sent++
	}

	followed := w.others.Post(follow, url.Values{"on": {"1"}})
	other := w.askers.Post("/forum/ask", look)
	for range 70 {
		if staff := w.staff.Post("/forum/ask", look); staff.Status != http.StatusOK {
			t.Fatal("staff:", staff.Status)
		}
	}
	w.Clock.Advance(time.Minute)
	again := w.others.Post("/forum/ask", look)

	if sent != 60 || followed.Status != http.StatusTooManyRequests || other.Status != http.StatusOK || again.Status != http.StatusOK {
		t.Error(sent, followed.Status, other.Status, again.Status)
	}
}
