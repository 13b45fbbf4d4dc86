package support_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
)

// hand is somebody's mouse and keyboard in a real browser. It counts its clicks.
type hand struct {
	t      *testing.T
	ctx    context.Context
	clicks int
}

// press clicks something that leads to another page, and waits for that.
func (h *hand) press(css string) {
	h.t.Helper()
	if err := chromedp.Do(h.ctx, chromedp.Evaluate[chromedp.Void]("window.before = true; undefined"), chromedp.Click(chromedp.CSS(css))); err != nil {
		h.t.Fatal(css, err, testenv.Complaints(h.ctx))
	}
	h.clicks++
	for h.ctx.Err() == nil {
		if there, err := chromedp.Run(h.ctx, chromedp.Evaluate[bool]("!window.before && document.readyState === 'complete'")); err == nil && there {
			return
		}
	}
	h.t.Fatal("no page came after", css)
}

func (h *hand) do(actions ...chromedp.Action[chromedp.Void]) {
	h.t.Helper()
	for _, a := range actions {
		if err := chromedp.Do(h.ctx, a); err != nil {
			h.t.Fatal(err, testenv.Complaints(h.ctx))
		}
	}
}

// session signs somebody in for a browser whose cookie is that text.
func (w *world) session(a actor.Actor, cookie string) {
	digest := sha256.Sum256([]byte(cookie))
	w.Exec("INSERT INTO sessions (id, digest, user_id, reauthenticated_at, last_seen_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		db.NewID(), digest[:], a.UserID, w.Clock.Now(), w.Clock.Now(), w.Clock.Now().Add(account.SessionAbsolute), w.Clock.Now())
}

// fortyWait fills the queue: eight developers ask five questions each.
func (w *world) fortyWait(t *testing.T) {
	t.Helper()
	var askers []actor.Actor
	for i := range 8 {
		askers = append(askers, w.World.Person(fmt.Sprintf("Asker %d", i), ""))
	}
	w.Exec("UPDATE users SET created_at = ?", w.Clock.Now().AddDate(-1, 0, 0))
	for i := range 40 {
		q := w.Ask(askers[i%8], fmt.Sprintf("Question number %d of the forty that wait", i), func(d *forum.Draft) { d.API = "orders" })
		if q.State != forum.Published {
			t.Fatal(i, q.State)
		}
	}
}

// Forty questions that wait are cleared with at most three clicks each besides writing: open, insert a canned reply, post; the button leads to the next.
func TestFortyWaitingQuestionsTakeThreeClicksEach(t *testing.T) {
	for name, options := range map[string]testenv.BrowserOptions{"with JavaScript": {}, "without JavaScript": {WithoutJavaScript: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fortyWait(t)
			if _, err := w.Desk.SaveReply(t.Context(), w.Jonas, support.Reply{Name: "Scope", Body: "Hello {name}, the scope of {api} is missing."}); err != nil {
				t.Fatal(err)
			}
			w.session(w.Jonas, "session-of-jonas")
			options.Limit = 4 * time.Minute
			ctx, _ := testenv.Browser(t, options)
			h := &hand{t: t, ctx: ctx}
			h.do(chromedp.Navigate(w.URL+"/support"), chromedp.Evaluate[chromedp.Void](`document.cookie = "gatehouse-session=session-of-jonas; path=/"; undefined`), chromedp.Navigate(w.URL+"/support"))

			most, total := 0, 0
			for i := range 40 {
				h.clicks = 0
				if i == 0 {
					h.press("tbody th a")
					h.do(chromedp.Click(chromedp.CSS("[name=go_on]"))) // once for all that follow
					h.clicks++
				}
				if i%3 == 1 { // a canned reply, chosen by keyboard, and changed
					h.do(chromedp.SendKeys(chromedp.CSS("[name=canned]"), "Scope"))
					h.press("[value=insert]")
				}
				h.do(chromedp.SendKeys(chromedp.CSS("[name=body]"), fmt.Sprintf("This is answer %d.", i)))
				h.press([]string{"[value=answer]", "[value=wait]", "[value=close]"}[i%3])
				w.Clock.Advance(time.Minute)
				most, total = max(most, h.clicks), total+h.clicks
			}

			if most > 3 {
				t.Errorf("one question took %d clicks", most)
			}
			left := w.Count("SELECT COUNT(*) FROM questions WHERE waits_on = 'us'")
			if answered := w.Count("SELECT COUNT(*) FROM posts WHERE kind = 'answer' AND state = 'published'"); left != 0 || answered != 40 {
				t.Errorf("%d wait, %d were answered", left, answered)
			}
			t.Logf("%d clicks for 40 questions", total)
		})
	}
}
