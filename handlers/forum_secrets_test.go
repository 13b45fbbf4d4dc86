package handlers_test

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// forumForms are the forms of the forum in which people write freely.
func (w *world) forumForms() (developers, staff []typed) {
	question, answer := w.mine.asked.ID.Show(forum.Prefix), w.mine.answer.Show(forum.PostPrefix)
	own := w.one("SELECT p.id FROM posts p JOIN questions q ON q.id = p.question_id WHERE p.kind = 'question' AND q.asker_id = '" + w.mine.user.ID.String() + "' LIMIT 1").Show(forum.PostPrefix)
	now, err := w.house.Stores.Forum.Get(w.Context(), webtest.ActorOf(w.admin), w.mine.asked.ID)
	w.ok(err)
	developers = []typed{
		{path: "/forum/ask", form: fields("title", "How do I call it right?", "body", "It says 403.", "do", "post"), refused: []string{"title", "body"}},
		{path: "/forum/q/" + question + "/answers", form: fields("body", "This.", "do", "post"), refused: []string{"body"}},
		{path: "/forum/posts/" + answer + "/comments", form: fields("body", "This.", "do", "post"), refused: []string{"body"}},
		{path: "/forum/posts/" + own + "/edit", form: fields("title", "How do I call it right?", "body", "It says 403.", "revisions", "0", "do", "post"), refused: []string{"title", "body"}},
		{path: "/forum/posts/" + answer + "/flag", form: fields("reason", "other"), refused: []string{"words"}},
	}
	staff = []typed{
		{path: "/support/questions/" + question + "/answer", form: fields("body", "This.", "version", strconv.FormatInt(now.Version, 10)), refused: []string{"body"}},
		{path: "/support/questions/" + question + "/note", form: fields("body", "This."), refused: []string{"body"}},
		{path: "/support/replies/new", form: fields("name", "Hello", "body", "This."), refused: []string{"name", "body"}},
		{path: "/support/teams/new", form: fields("name", "Billing"), refused: []string{"name"}},
		{path: "/support/posts/" + answer + "/hide", refused: []string{"reason"}},
		{path: "/support/questions/" + question + "/hide", refused: []string{"reason"}},
		{path: "/support/people/" + w.mine.user.ID.Show("user") + "/block", refused: []string{"reason"}},
	}
	return developers, staff
}

// K1: a key in any text of the forum is refused, however it is wrapped: neither a table nor the log ever holds it, and the page tells its hint alone.
func TestAKeyPastedIntoTheForumIsNeitherStoredNorLoggedNorShown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serve(t, d, clock)
		w.inhabit()
		var log bytes.Buffer
		before := slog.Default()
		slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		t.Cleanup(func() { slog.SetDefault(before) })
		secret, err := apikey.Mint("gk", apikey.Live, rand.Reader)
		w.ok(err)
		key := secret.Reveal()
		dev, staff := w.site.As(w.mine.user), w.site.As(w.admin)
		developers, desk := w.forumForms()

		for _, f := range developers {
			w.paste(dev, f, secret)
		}
		for _, f := range desk {
			w.paste(staff, f, secret)
		}
		for name, wrapped := range map[string]string{
			"in code": "`" + key + "`", "broken": key[:20] + "\n" + key[20:], "soft hyphen": key[:20] + "\u00ad" + key[20:], "entity": strings.ReplaceAll(key, "_", "&#95;"), "emphasised": "**" + key[:20] + "**" + key[20:],
		} {
			page := dev.Post(developers[1].path, fields("body", "See "+wrapped, "do", "post"))
			if page.Status != 422 || strings.Contains(page.Body, key[24:]) || !strings.Contains(page.Body, secret.Hint()) {
				t.Errorf("%s: %d\n%.1500s", name, page.Status, alerts(page.Body))
			}
		}

		for _, part := range []string{key, key[8:20], key[24:]} {
			if found := w.holding(part); len(found) > 0 {
				t.Errorf("stored:\n%s", strings.Join(found, "\n"))
			}
			if strings.Contains(log.String(), part) {
				t.Error("logged")
			}
		}
	})
}
