package follow_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	forumweb "github.com/gatehouse-dev/gatehouse/handlers/forum"
	handlers "github.com/gatehouse-dev/gatehouse/handlers/forum/follow"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/forum/forumtest"
)

type world struct {
	*forumtest.World
	t    *testing.T
	site *webtest.Site
	q    forum.Question
	p    forum.Post
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{World: forumtest.New(t, d, clock), t: t}
		w.site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
			(&handlers.Handler{Kit: k, Store: w.Follow, Forum: w.Forum, Pace: forumweb.New(k, w.Forum, nil, nil, nil).Paced}).Routes(r)
		})
		w.q = w.Ask(w.Owner, "Why does the first call fail?", "limits")
		w.p = w.Answer(w.Support, w.q.ID, "Because of this.")
		body(t, w)
	})
}

func (w *world) as(a actor.Actor) *webtest.Client {
	w.t.Helper()
	u, err := account.NewStore(account.Options{DB: w.DB}).ByID(w.t.Context(), a.UserID)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.site.As(u)
}

func (w *world) want(what string, p webtest.Page, status int, words ...string) {
	w.t.Helper()
	if p.Status != status {
		w.t.Fatalf("%s: status %d, want %d; %s", what, p.Status, status, p.Body)
	}
	for _, word := range words {
		if !strings.Contains(p.Body, word) {
			w.t.Errorf("%s: lacks %q in %s", what, word, p.Body)
		}
	}
}

func (w *world) follows(a actor.Actor, kind follow.Kind, id db.ID) bool {
	w.t.Helper()
	is, err := w.Follow.Is(w.t.Context(), a, kind, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return is
}

// links of the letter that told the asker of the answer: without the portal's address.
func (w *world) links() (end, solved string) {
	w.t.Helper()
	l := w.Letters(w.Owner)[0]
	return strings.TrimPrefix(l.Thread.Unsubscribe, forumtest.Base), strings.TrimPrefix(l.Links[0].URL, forumtest.Base)
}

func tokenOf(path string) string { return path[strings.Index(path, "=")+1:] }

// W1: the link changes nothing when it is opened; its button works without signing in, and again.
func TestUnsubscribingFromTheMail(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		end, _ := w.links()
		visitor := w.site.Visitor()

		page := visitor.Get(end)
		w.want("page", page, http.StatusOK, w.q.Title, "Stop mails", `name="token"`)
		still := w.follows(w.Owner, follow.Question, w.q.ID)
		form := url.Values{"token": {tokenOf(end)}, "end": {"1"}}
		var done webtest.Page
		for range 2 {
			done = visitor.Post("/unsubscribe", form)
		}

		if !still || done.Status != http.StatusSeeOther || done.Location != end || w.follows(w.Owner, follow.Question, w.q.ID) {
			t.Fatal(still, done.Status, done.Location)
		}
		if page.Header.Get("Referrer-Policy") != "no-referrer" || page.Header.Get("Cache-Control") != "no-store" {
			t.Error(page.Header)
		}
		w.want("after", visitor.Get(done.Location), http.StatusOK, "No more mails", "Send mails again")
		if again := visitor.Post("/unsubscribe", url.Values{"token": {tokenOf(end)}, "again": {"1"}}); again.Status != http.StatusSeeOther || !w.follows(w.Owner, follow.Question, w.q.ID) {
			t.Error("not taken back:", again.Status)
		}
	})
}

// RFC 8058, section 3.2: no cookies, no Origin, the body as the standard has it; both encodings of forms.
func TestMailProgramsUnsubscribeWithOneClick(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		end, _ := w.links()
		for kind, body := range map[string]string{
			"application/x-www-form-urlencoded": "List-Unsubscribe=One-Click",
			"multipart/form-data; boundary=x":   "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n",
		} {
			w.Exec("UPDATE follows SET ended_at = NULL")
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.site.URL+end, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", kind)

			answer, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusOK || len(answer.Cookies()) != 0 || w.follows(w.Owner, follow.Question, w.q.ID) {
				t.Errorf("%s: %d", kind, answer.StatusCode)
			}
		}
	})
}

func TestUnsubscribingIsNoOpenRedirectAndTakesNoForgery(t *testing.T) { // W4
	each(t, func(t *testing.T, w *world) {
		end, solved := w.links()
		visitor := w.site.Visitor()
		for _, token := range []string{"", "x", "https://evil.example/", "//evil.example", tokenOf(end)[:30], tokenOf(solved), strings.Repeat("A", 5000)} {
			page := visitor.Post("/unsubscribe", url.Values{"token": {token}})
			if page.Status != http.StatusNotFound || page.Location != "" {
				t.Errorf("%.20q: %d %s", token, page.Status, page.Location)
			}
			if page := visitor.Get("/unsubscribe?token=" + url.QueryEscape(token)); page.Status != http.StatusNotFound {
				t.Errorf("%.20q: %d", token, page.Status)
			}
		}
		// The token in the query counts for one click alone: a plain form of another site's making must carry it itself.
		if page := visitor.Post(end, url.Values{"x": {"y"}}); page.Status != http.StatusNotFound || !w.follows(w.Owner, follow.Question, w.q.ID) {
			t.Error(page.Status)
		}
		if page := visitor.CrossSite("/unsubscribe", url.Values{"token": {tokenOf(end)}}); page.Status != http.StatusForbidden || !w.follows(w.Owner, follow.Question, w.q.ID) {
			t.Error(page.Status)
		}
	})
}

func TestTheAskerSaysWithoutSigningInWhetherItIsSolved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, solved := w.links()
		visitor := w.site.Visitor()
		w.want("page", visitor.Get(solved), http.StatusOK, w.q.Title, "Yes, it is solved", "No, I still need help")
		row := func() forum.Row {
			q, err := w.Forum.Get(t.Context(), w.Support, w.q.ID)
			if err != nil {
				t.Fatal(err)
			}
			return q
		}
		untouched := row().AcceptedPostID == nil

		yes := visitor.Post("/solved", url.Values{"token": {tokenOf(solved)}, "solved": {"yes"}})
		accepted := row()
		w.Clock.Advance(60e9)
		no := visitor.Post("/solved", url.Values{"token": {tokenOf(solved)}, "solved": {"no"}, "words": {"It still says 429."}})
		waiting := row()
		w.want("the link speaks once", visitor.Post("/solved", url.Values{"token": {tokenOf(solved)}, "solved": {"no"}, "words": {"Words in another name."}}), http.StatusConflict)

		if !untouched || yes.Status != http.StatusSeeOther || no.Status != http.StatusSeeOther || db.Deref(accepted.AcceptedPostID) != w.p.ID {
			t.Fatal(untouched, yes.Status, no.Status, accepted.AcceptedPostID)
		}
		if waiting.AcceptedPostID != nil || waiting.WaitsOn != forum.OnUs {
			t.Error("it does not wait on support:", waiting.WaitsOn, waiting.AcceptedPostID)
		}
		var acts []string
		err := audit.Each(t.Context(), w.DB, audit.Filter{ActorID: w.Owner.UserID, Act: "question."}, func(e audit.Entry) error {
			acts = append(acts, e.Act)
			if mailed := strings.Contains(e.Details, `"by":"mail"`); mailed != (e.Act != "question.asked") {
				t.Errorf("%s does not say how it came: %s", e.Act, e.Details)
			}
			return nil
		})
		if err != nil || strings.Join(acts, " ") != "question.asked question.answer_accepted question.answer_unaccepted" {
			t.Error(err, acts)
		}
		thread, err := w.Forum.Posts(t.Context(), w.Other, waiting.Question, db.PageRequest{})
		if err != nil || len(thread.Answers[0].Comments) != 1 || thread.Answers[0].Comments[0].Body != "It still says 429." {
			t.Error(err, thread.Answers)
		}
		w.want("page after it", visitor.Get(solved), http.StatusOK, "Sign in to say more.", "Yes, it is solved")
	})
}

// One state for all who look: what the asker calls unsolved is shown as solved nowhere, whichever answer was accepted before.
func TestNoTakesBackTheAcceptanceOfAnyAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, solved := w.links()
		second := w.Answer(w.Support, w.q.ID, "Or because of that.")
		if _, err := w.Forum.Accept(t.Context(), w.Owner, second.ID); err != nil {
			t.Fatal(err)
		}
		before := len(w.Letters(w.Owner))
		w.Clock.Advance(60e9)
		w.Answer(w.Support, w.q.ID, "One more thing, for the record.")
		told := w.Letters(w.Owner)[before:]
		visitor := w.site.Visitor()
		w.want("page", visitor.Get(solved), http.StatusOK, "another answer is the accepted one")

		no := visitor.Post("/solved", url.Values{"token": {tokenOf(solved)}, "solved": {"no"}})

		q, err := w.Forum.Get(t.Context(), w.Support, w.q.ID)
		if err != nil || no.Status != http.StatusSeeOther || q.AcceptedPostID != nil || q.WaitsOn != forum.OnUs {
			t.Error(err, no.Status, q.AcceptedPostID, q.WaitsOn)
		}
		if len(told) != 1 || strings.Contains(fmt.Sprint(told[0].Links), "/solved?token=") {
			t.Errorf("a solved question is asked about again: %+v", told)
		}
		w.want("page after it", visitor.Get(solved), http.StatusOK, "support knows that you still need help")
	})
}

func TestSolvedLinksEndAfterTwoWeeks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, solved := w.links()
		visitor := w.site.Visitor()
		w.Clock.Advance(14*24*time.Hour - time.Minute)
		w.want("in time", visitor.Get(solved), http.StatusOK)

		w.Clock.Advance(time.Minute)

		w.want("too late", visitor.Get(solved), http.StatusNotFound)
		w.want("too late to say so", visitor.Post("/solved", url.Values{"token": {tokenOf(solved)}, "solved": {"yes"}}), http.StatusNotFound)
	})
}

func TestSolvedLinksAreProofAndNothingElseIs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		end, solved := w.links()
		visitor := w.site.Visitor()
		const key = "gk_live_0123456789ABCDEFGHIJKLMNOPQRSTUV1TQnH8"

		w.want("other token", visitor.Get("/solved?token="+tokenOf(end)), http.StatusNotFound)
		w.want("no token", visitor.Post("/solved", url.Values{"solved": {"yes"}}), http.StatusNotFound)
		w.want("no verdict", visitor.Post("/solved", url.Values{"token": {tokenOf(solved)}}), http.StatusUnprocessableEntity)
		w.want("from another site", visitor.CrossSite("/solved", url.Values{"token": {tokenOf(solved)}, "solved": {"yes"}}), http.StatusForbidden)
		page := visitor.Post("/solved", url.Values{"token": {tokenOf(solved)}, "solved": {"no"}, "words": {"I use " + key}})
		w.want("key", page, http.StatusUnprocessableEntity, "gk_live_…")

		if strings.Contains(page.Body, key[8:18]) {
			t.Error("the key came back (K1)")
		}
		w.Exec("UPDATE users SET posting_blocked_at = created_at, posting_blocked_reason = 'Spam' WHERE id = ?", w.Owner.UserID)
		w.want("kept from posting", visitor.Post("/solved", url.Values{"token": {tokenOf(solved)}, "solved": {"no"}}), http.StatusForbidden)
	})
}

// Z2, W1
func TestWhatOneFollowsIsOnesOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		list, err := w.Follow.List(t.Context(), w.Owner, db.PageRequest{})
		if err != nil {
			t.Fatal(err)
		}
		owner, other, path := w.as(w.Owner), w.as(w.Other), "/console/account/notices/"+list.Rows[0].ID.Show("flw")+"/end"

		w.want("list", owner.Get("/console/account/notices"), http.StatusOK, w.q.Title, "You asked", path)
		w.want("signed out", w.site.Visitor().Post(path, url.Values{}), http.StatusUnauthorized)
		w.want("another's", other.Post(path, url.Values{}), http.StatusNotFound)
		w.want("no id", owner.Post("/console/account/notices/x/end", url.Values{}), http.StatusNotFound)
		w.want("from another site", owner.CrossSite(path, url.Values{}), http.StatusForbidden)
		w.want("end", owner.Post(path, url.Values{}), http.StatusSeeOther)

		if w.follows(w.Owner, follow.Question, w.q.ID) || strings.Contains(owner.Get("/console/account/notices").Body, "Tell me of each") {
			t.Error("still follows, or is offered what staff choose")
		}
	})
}

func TestTagsAndAPIsAreFollowed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		reader := w.Person("Rita Reads", "")
		client := w.as(reader)
		for _, path := range []string{"/forum/tags/limits/follow", "/apis/orders/follow"} {
			w.want(path+" signed out", w.site.Visitor().Post(path, url.Values{}), http.StatusUnauthorized)
			w.want(path+" from another site", client.CrossSite(path, url.Values{}), http.StatusForbidden)
			w.want(path, client.Post(path, url.Values{}), http.StatusSeeOther)
			w.want(path+" not there", client.Post(strings.NewReplacer("limits", "nothing", "orders", "nothing").Replace(path), url.Values{}), http.StatusNotFound)
		}
		api := w.follows(reader, follow.API, w.API)
		tag, err := w.Follow.IsTag(t.Context(), reader, "limits")
		if err != nil || !api || !tag {
			t.Fatal(err, api, tag)
		}

		w.want("end", client.Post("/apis/orders/follow", url.Values{"on": {"0"}}), http.StatusSeeOther)

		if w.follows(reader, follow.API, w.API) {
			t.Error("still follows the API")
		}
	})
}

func TestStaffChooseWhatTheyHearOf(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		support := w.as(w.Support)
		w.want("page", support.Get("/console/account/notices"), http.StatusOK, "Tell me of each new question")
		w.want("signed out", w.site.Visitor().Post("/console/account/notices", url.Values{}), http.StatusUnauthorized)
		w.want("developer", w.as(w.Owner).Post("/console/account/notices", url.Values{"new_questions": {"1"}}), http.StatusForbidden)
		w.want("from another site", support.CrossSite("/console/account/notices", url.Values{}), http.StatusForbidden)

		w.want("choose", support.Post("/console/account/notices", url.Values{"new_questions": {"1"}}), http.StatusSeeOther)

		if chosen, err := w.Follow.ChoicesOf(t.Context(), w.Support); err != nil || !chosen.NewQuestions || chosen.Assignments {
			t.Error(err, chosen)
		}
	})
}

// L7: a follow and its end are two events of the audit log each time.
func TestTagsAndAPIsAreNotFollowedWithoutEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other, sent := w.as(w.Other), 0
		for sent < 200 && other.Post("/forum/tags/limits/follow", url.Values{"on": {[]string{"1", "0"}[sent%2]}}).Status == http.StatusSeeOther {
			sent++
		}

		api := other.Post("/apis/orders/follow", url.Values{"on": {"1"}})
		w.Clock.Advance(time.Minute)
		again := other.Post("/forum/tags/limits/follow", url.Values{"on": {"1"}})

		if sent != 60 || api.Status != http.StatusTooManyRequests || again.Status != http.StatusSeeOther {
			t.Error(sent, api.Status, again.Status)
		}
	})
}
