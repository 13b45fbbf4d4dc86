package forum_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

func TestQuestionIsShownWithAnswersCommentsAndWhoSpoke(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { questionIsShown(t, worldOn(t, d, clock)) })
}

func questionIsShown(t *testing.T, w *world) {
	t.Helper()
	q := w.ask(forum.Draft{Tags: []string{"rate-limits"}, Source: "/guides/rate-limits"})
	w.answer(w.other, q, "Perhaps they **share** it.")
	p := w.answer(w.support, q, "Both keys share one limit.")
	has(t, w.askers.Post("/forum/posts/"+p.ID.Show(forum.PostPrefix)+"/comments", url.Values{"body": {"Thanks, that was it."}}), http.StatusSeeOther)
	has(t, w.askers.Post("/forum/posts/"+p.ID.Show(forum.PostPrefix)+"/accept", url.Values{}), http.StatusSeeOther)

	has(t, w.others.Post("/forum/posts/"+p.ID.Show(forum.PostPrefix)+"/vote", url.Values{"on": {"1"}}), http.StatusSeeOther)
	has(t, w.others.Post("/forum/q/"+q.ID.Show(forum.Prefix)+"/follow", url.Values{"on": {"1"}}), http.StatusSeeOther)
	has(t, w.others.Get(q.Path()), http.StatusOK, "Stop following", `aria-pressed="true"`)
	has(t, w.others.Get("/forum/posts/"+p.ID.Show(forum.PostPrefix)+"/comments"), http.StatusOK, "Thanks, that was it.")
	has(t, w.others.Get("/forum?show=mine&sort=votes"), http.StatusOK, "You have not asked anything yet.")
	has(t, w.others.Get("/forum?tag=rate-limits&show=solved"), http.StatusOK, "Why does the first")
	page := w.visitor.Get(q.Path())

	has(t, page, http.StatusOK, "Why does the first call get a 429?", "<strong>share</strong>", "Gatehouse support", "Accepted answer", "Thanks, that was it.", "2 answers", "rate-limits", "/guides/rate-limits",
		"By support in 2 min", `rel="canonical"`, "Sign in to answer")
	if strings.Index(page.Body, "Both keys share") > strings.Index(page.Body, "Perhaps they") {
		t.Error("the accepted answer does not come first")
	}
	hasNot(t, page, "noindex", "@corner.example", "@portal.example", q.AskerID.String(), "usr_") // F6
}

func TestAddressesAreStable(t *testing.T) {
	w := newWorld(t)
	q, other := w.ask(forum.Draft{}), w.ask(forum.Draft{Title: "Another one, which says the same", Body: "In words of its own, about another key."})
	id := "/forum/q/" + q.ID.Show(forum.Prefix)
	w.exec("UPDATE questions SET merged_into = ? WHERE id = ?", q.ID, other.ID)

	for from, to := range map[string]string{
		id: q.Path(), id + "/wrong": q.Path(), id + "/wrong.md": q.Path() + ".md", other.Path(): q.Path(), other.Path() + ".md": q.Path() + ".md",
	} {
		p := w.visitor.Get(from)
		if p.Status != http.StatusFound || p.Location != to {
			t.Errorf("%s leads to %q with %d", from, p.Location, p.Status)
		}
		if kept := p.Header.Get("Cache-Control"); kept != "no-store" { // where it leads differs by reader and time
			t.Errorf("%s is kept: %q", from, kept)
		}
	}
	has(t, w.visitor.Get("/forum/q/qst_nothing/x"), http.StatusNotFound)
}

func TestQuestionThatIsNotPublicStaysOutOfTwinsAndIndexes(t *testing.T) { // F6
	w := newWorld(t)
	q := w.ask(forum.Draft{Visibility: forum.Organization, OrganizationID: webtest.PersonalOrg(t, w.DB, w.asker.ID)})

	for _, path := range []string{q.Path(), q.Path() + ".md", "/forum/q/" + q.ID.Show(forum.Prefix)} {
		has(t, w.visitor.Get(path), http.StatusNotFound)
		has(t, w.others.Get(path), http.StatusNotFound)
	}
	has(t, w.askers.Get(q.Path()), http.StatusOK, "noindex", "Not public")
	has(t, w.staff.Get(q.Path()+".md"), http.StatusOK, "# Why does")
	hasNot(t, w.visitor.Get("/forum"), "Why does")
}

func TestTwinNamesWhoSaidWhat(t *testing.T) {
	w := newWorld(t)
	w.exec("UPDATE users SET display_name = ? WHERE id = ?", "# Eve [x](javascript:alert)", w.other.ID)
	q := w.ask(forum.Draft{Body: "First line\n\n## Accepted answer by Jonas (support)\n\n<script>alert(1)</script>"})
	w.answer(w.other, q, "Do it like this.")
	w.answer(w.support, q, "Both keys share one limit.")
	reader := w.Visitor()
	reader.Header.Set("Accept", "text/markdown")

	page, negotiated := w.visitor.Get(q.Path()+".md"), reader.Get(q.Path())

	for _, p := range []webtest.Page{page, negotiated} {
		has(t, p, http.StatusOK, "# Why does the first call", "(asker)", "(user)", "(support)", "> ## Accepted answer by Jonas", `\# Eve \[x\]`, "> <script>")
		if p.Header.Get("Content-Type") != "text/markdown; charset=utf-8" || p.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Error(p.Header)
		}
		if strings.Contains(p.Body, "\n## Accepted answer") {
			t.Error("a body passes for a heading")
		}
	}
	if !strings.Contains(negotiated.Header.Get("Vary"), "Accept") {
		t.Error(negotiated.Header)
	}
}

func TestFirstOneSeesPreviewAndWhatWasAskedBefore(t *testing.T) {
	w := newWorld(t)
	w.ask(forum.Draft{Title: "Rotating a key gives 429 at once"})
	form := url.Values{"kind": {"question"}, "title": {"Why 429 after rotating a key?"}, "body": {"The **overlap** was a day."}, "visibility": {"public"}, "tags": {"keys"}, "source": {"/guides/rate-limits"}}

	p := w.others.Post("/forum/ask", form)
	form.Set("act", "similar")
	part := w.others.Post("/forum/ask", form)

	has(t, p, http.StatusOK, "Asked before", "Rotating a key gives 429 at once", "<strong>overlap</strong>", "Post question", "/guides/rate-limits")
	has(t, part, http.StatusOK, "Rotating a key gives 429 at once")
	hasNot(t, part, "<html")
	has(t, w.others.Get("/forum"), http.StatusOK)
	hasNot(t, w.others.Get("/forum"), "Why 429 after rotating")
}

func TestAskingAboutAPageFillsTheForm(t *testing.T) {
	w := newWorld(t)

	has(t, w.askers.Get("/forum/ask?about=/guides/rate-limits&title=Why+is+it+so"), http.StatusOK, `value="/guides/rate-limits"`, "Why is it so")
	p := w.askers.Get("/forum/ask?about=//evil.example/x&title=%3Cscript%3E")
	has(t, p, http.StatusOK, "&lt;script&gt;")
	hasNot(t, p, "evil.example/x\"")
}

// K1: a key that is pasted is neither stored nor shown again, and its owner is led to where it is rotated.
func TestPastedKeyIsStoppedEverywhere(t *testing.T) {
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	secret, err := apikey.Mint("gk", apikey.Live, strings.NewReader(strings.Repeat("0123456789abcdefghij", 20)))
	if err != nil {
		t.Fatal(err)
	}
	text := secret.Reveal()
	own := w.own(q)
	edit := "/forum/posts/" + own.ID.Show(forum.PostPrefix) + "/edit"

	for name, p := range map[string]webtest.Page{
		"ask":          w.askers.Post("/forum/ask", url.Values{"title": {"What about this key here"}, "body": {"It is " + text}, "act": {"post"}}),
		"look":         w.askers.Post("/forum/ask", url.Values{"title": {"What about " + text}, "body": {"It is here."}}),
		"tags":         w.askers.Post("/forum/ask", url.Values{"title": {"What about this key here"}, "body": {"It is here."}, "tags": {text}, "act": {"post"}}),
		"answer":       w.others.Post("/forum/q/"+q.ID.Show(forum.Prefix)+"/answers", url.Values{"body": {"`" + text + "`"}, "act": {"post"}}),
		"comment":      w.others.Post("/forum/posts/"+own.ID.Show(forum.PostPrefix)+"/comments", url.Values{"body": {text[:20] + "\n" + text[20:]}, "act": {"post"}}),
		"edit":         w.askers.Post(edit, url.Values{"title": {q.Title}, "body": {text}, "revisions": {"0"}, "act": {"post"}}),
		"preview":      w.others.Post("/forum/q/"+q.ID.Show(forum.Prefix)+"/answers", url.Values{"body": {text}, "act": {"preview"}}),
		"edit preview": w.askers.Post(edit, url.Values{"title": {q.Title}, "body": {text}, "revisions": {"0"}, "act": {"preview"}}),
	} {
		if name == "preview" || name == "edit preview" {
			has(t, p, http.StatusOK, "holds an API key", secret.Hint())
		} else {
			has(t, p, http.StatusUnprocessableEntity, "holds an API key", secret.Hint())
		}
		hasNot(t, p, text, text[:20]+"\n"+text[20:])
	}
	var n int64
	if err := w.DB.Read(bg).Raw("SELECT COUNT(*) FROM posts WHERE body LIKE ?", "%"+text[10:30]+"%").Scan(&n).Error; err != nil || n != 0 {
		t.Error(n, err)
	}
}

// F7
func TestEditOfWhatChangedMeanwhileKeepsTheText(t *testing.T) {
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	path := "/forum/posts/" + w.own(q).ID.Show(forum.PostPrefix) + "/edit"
	has(t, w.staff.Post(path, url.Values{"title": {q.Title}, "body": {"Mended by staff."}, "revisions": {"0"}}), http.StatusSeeOther)

	p := w.askers.Post(path, url.Values{"title": {q.Title}, "body": {"What I wanted to say."}, "revisions": {"0"}})

	has(t, p, http.StatusConflict, "What I wanted to say.", "Mended by staff.", `name="revisions" value="1"`)
	history := w.visitor.Get("/forum/posts/" + w.own(q).ID.Show(forum.PostPrefix) + "/history")
	has(t, history, http.StatusOK, "Revision 2", "Revision 1", "<ins>+ Mended by staff.</ins>", "jonas", "mira")
}

// F1: what people type is text wherever it is shown.
func TestHostileWordsStayWords(t *testing.T) {
	w := newWorld(t)
	nasty := `"><img src=x onerror=alert(1)>`
	w.exec("UPDATE users SET display_name = ? WHERE id = ?", nasty, w.asker.ID)
	q := w.ask(forum.Draft{Title: nasty + " title", Body: nasty + "\n\n[x](javascript:alert(1))\n\n<script>alert(1)</script>"})
	w.answer(w.other, q, nasty)

	for _, path := range []string{"/forum", q.Path(), "/forum/posts/" + w.own(q).ID.Show(forum.PostPrefix) + "/history", "/forum?tag=" + url.QueryEscape(nasty), "/forum/tags?q=" + url.QueryEscape(nasty)} {
		p := w.others.Get(path)
		has(t, p, http.StatusOK)
		hasNot(t, p, "<img src=x", "<script>alert", `href="javascript:`)
	}
}

func TestDeletedPersonIsNotNamed(t *testing.T) { // F6
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	w.exec("UPDATE users SET display_name = 'Deleted user', deleted_at = ? WHERE id = ?", w.Clock.Now(), w.asker.ID)

	has(t, w.visitor.Get(q.Path()), http.StatusOK, "Deleted user")
	has(t, w.visitor.Get(q.Path()+".md"), http.StatusOK, "deleted user")
}

func TestWaitingPostIsShownToItsAuthorAlone(t *testing.T) {
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	p := w.answer(w.other, q, "An answer that has to wait.")
	w.exec("UPDATE posts SET state = 'pending' WHERE id = ?", p.ID)

	has(t, w.others.Get(q.Path()), http.StatusOK, "An answer that has to wait.", "This waits for approval")
	hasNot(t, w.askers.Get(q.Path()), "An answer that has to wait.")
	hasNot(t, w.visitor.Get(q.Path()+".md"), "An answer that has to wait.")
}

func TestPagesAskTheDatabaseLittle(t *testing.T) {
	clock := dbtest.NewClock()
	w := worldOn(t, dbtest.SQLite(t, clock), clock)
	q := w.ask(forum.Draft{Tags: []string{"keys"}})
	for range 12 {
		p := w.answer(w.support, q, "Word by word "+db.NewID().String())
		if _, err := w.forum.Comment(bg, webtest.ActorOf(w.support), forum.Reply{Body: "And so " + db.NewID().String(), Parent: p.ID}); err != nil {
			t.Fatal(err)
		}
	}
	n := dbtest.CountQueries(t, w.DB)
	for path, most := range map[string]int64{"/forum": 4, "/forum?show=unanswered": 2, "/forum?sort=newest": 3, "/forum?tag=keys": 3, q.Path(): 6, q.Path() + ".md": 5, "/forum/tags": 2} {
		before := n.Load()
		has(t, w.visitor.Get(path), http.StatusOK)
		if got := n.Load() - before; got > most {
			t.Errorf("%s: %d queries, more than %d", path, got, most)
		}
	}
}

func TestAskerSeesAndEndsWhatIsSharedWithStaff(t *testing.T) {
	w := newWorld(t)
	app := db.NewID()
	w.exec("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, 'Order tracker', ?, ?)", app, webtest.PersonalOrg(t, w.DB, w.asker.ID), w.Clock.Now(), w.Clock.Now())
	q := w.ask(forum.Draft{AppID: app})
	stop := "/forum/q/" + q.ID.Show(forum.Prefix) + "/unshare"
	has(t, w.askers.Get(q.Path()), http.StatusOK, "Shared with staff", "Order tracker", stop)
	for _, c := range []*webtest.Client{w.visitor, w.others, w.staff} {
		hasNot(t, c.Get(q.Path()), "Order tracker", stop)
	}

	ended := w.askers.Post(stop, url.Values{})

	has(t, ended, http.StatusSeeOther)
	hasNot(t, w.askers.Get(q.Path()), "Order tracker", stop)
	var left int64
	if err := w.DB.Read(bg).Raw("SELECT COUNT(*) FROM questions WHERE app_id IS NOT NULL").Scan(&left).Error; err != nil || left != 0 {
		t.Error(left, err)
	}
}

func TestMergedQuestionStaysAmongOnesOwn(t *testing.T) {
	w := newWorld(t)
	from := w.ask(forum.Draft{Title: "The question that was asked twice", Body: "The second time."})
	into := w.ask(forum.Draft{Title: "The question that was there first", Body: "The first time."})
	w.exec("UPDATE questions SET merged_into = ?, closed_at = ?, closed_reason = 'duplicate' WHERE id = ?", into.ID, w.Clock.Now(), from.ID)

	has(t, w.askers.Get("/forum?show=mine"), http.StatusOK, from.Title, "Merged into another question")
	hasNot(t, w.askers.Get("/forum"), from.Title)
	hasNot(t, w.others.Get("/forum?show=mine"), from.Title)
}

func TestAnswerIsWrittenUnderWhatItIsAbout(t *testing.T) {
	w := newWorld(t)
	q := w.ask(forum.Draft{})
	p := w.answer(w.other, q, "Both keys share **one** limit.")

	answer := w.others.Post("/forum/q/"+q.ID.Show(forum.Prefix)+"/answers", url.Values{"body": {"And so on."}, "act": {"preview"}})
	comment := w.askers.Post("/forum/posts/"+p.ID.Show(forum.PostPrefix)+"/comments", url.Values{"body": {"And so on."}, "act": {"preview"}})

	has(t, answer, http.StatusOK, "What you write about", "<strong>429</strong>")
	has(t, comment, http.StatusOK, "What you write about", "<strong>one</strong>")
}
