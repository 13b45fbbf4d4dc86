package support_test

import (
	"net/http"
	"testing"
	"time"

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

// Minutes of opening hours say nothing at a weekend: the day does.
func TestClockNamesTheDayWhenNobodyIsThere(t *testing.T) {
	w := newWorld(t)
	saturday := time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC)
	w.Clock.Advance(saturday.Sub(w.Clock.Now()))
	q := w.Ask(w.Owner, "Who reads this at a weekend?")

	closed := w.as(w.Jonas).Get("/support") // sessions are over by then
	desk := w.as(w.Jonas).Get(support.Path(q.ID))
	w.Clock.Advance(42*time.Hour + 30*time.Minute) // Monday 09:30
	open := w.as(w.Jonas).Get("/support")

	has(t, closed, "First reply due Mon 13:00", "Support is closed now. It opens Mon 09:00.")
	lacks(t, closed, "due in")
	has(t, desk, "First reply due Mon 13:00")
	has(t, open, "First reply due in ")
	lacks(t, open, "Support is closed now")
}

func TestMergingOffersWhatIsAlike(t *testing.T) {
	w := newWorld(t)
	into, from := w.Ask(w.Other, "Webhook signature does not match the body"), w.Ask(w.Owner, "The webhook signature does not match")

	desk := w.jonas.Get(support.Path(from.ID))
	asked := w.jonas.Post(path(from, "/merge"), form("alike", into.ID.Show("qst"), "into", ""))

	has(t, desk, `name="alike"`, `value="`+into.ID.Show("qst")+`"`)
	lacks(t, desk, `value="`+from.ID.Show("qst")+`"`)
	has(t, asked, "Merge this question", into.Title)
}

func TestAnnouncementsAreNoQuestionsToSupport(t *testing.T) {
	w := newWorld(t)
	w.Ask(w.Jonas, "We will be away on Friday afternoon")
	w.Ask(w.Owner, "When will you be away on Friday?")

	r, err := w.Desk.Report(t.Context(), w.Jonas, 7)

	if err != nil || r.Asked != 1 {
		t.Error(r.Asked, err)
	}
}
