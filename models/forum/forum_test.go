package forum_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// world is a forum with an asker, another developer and somebody of support, all long enough there to be trusted.
type world struct {
	t                     *testing.T
	db                    *db.DB
	clock                 *dbtest.Clock
	forum                 *forum.Store
	asker, other, support actor.Actor
	nobody                actor.Actor
}

func each(t *testing.T, body func(w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(newWorld(t, d, clock)) })
}

func newStore(t testing.TB, d *db.DB) *forum.Store {
	t.Helper()
	root, err := secret.Parse("a secret of tests that is long enough 0123456789", "")
	if err != nil {
		t.Fatal(err)
	}
	link := func(path string) string { return "https://portal.example" + path }
	return forum.NewStore(forum.Options{DB: d, Link: link, Follow: follow.NewStore(follow.Options{
		DB: d, Outbox: outbox.New(root.Sealer(secret.LabelMail)), Signer: root.Signer(secret.LabelForm), Link: link,
		Visible: follow.Visible{Condition: forum.Visible, Args: forum.VisibleArgs},
	})})
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{t: t, db: d, clock: clock, forum: newStore(t, d)}
	w.asker, w.other, w.support = w.person("mira@corner.example", ""), w.person("dara@shop.example", ""), w.person("jonas@portal.example", permission.Support)
	return w
}

// person is somebody who has been here for a year.
func (w *world) person(email, role string) actor.Actor {
	w.t.Helper()
	u := webtest.Person(w.t, w.db, email, role)
	w.exec("UPDATE users SET created_at = ? WHERE id = ?", w.clock.Now().AddDate(-1, 0, 0), u.ID)
	return webtest.ActorOf(account.User{ID: u.ID, StaffRole: role, Name: u.Name})
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	err := w.db.Tx(context.Background(), func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err })
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ask(a actor.Actor, in forum.Draft) forum.Question {
	w.t.Helper()
	if in.Title == "" {
		in.Title = "Why does the first call get a 429?"
	}
	if in.Body == "" {
		in.Body = "I rotated the key, and the very first call got a **429**."
	}
	q, err := w.forum.Ask(context.Background(), a, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

func (w *world) answer(a actor.Actor, id db.ID, body string) forum.Post {
	w.t.Helper()
	w.clock.Advance(60e9)
	p, err := w.forum.Answer(context.Background(), a, id, forum.Reply{Body: body})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) get(id db.ID) forum.Row {
	w.t.Helper()
	q, err := w.forum.Get(context.Background(), w.support, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

func (w *world) own(id db.ID) db.ID {
	w.t.Helper()
	t, err := w.forum.Posts(context.Background(), w.support, w.get(id).Question, db.PageRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	return t.Post.ID
}

func wantFault(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind {
		t.Errorf("got %v, want %v", err, kind)
	}
}

func TestAskedQuestionIsReadBack(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{Tags: []string{"Rate Limits", "keys", "keys"}, Kind: forum.KindBug, Source: "/guides/rate-limits"})

		row, err := w.forum.Get(context.Background(), w.nobody, q.ID)
		thread, threadErr := w.forum.Posts(context.Background(), w.nobody, row.Question, db.PageRequest{})

		if err != nil || threadErr != nil {
			w.t.Fatal(err, threadErr)
		}
		if row.AskerName != "mira" || row.Kind != "bug" || row.Slug != "why-does-the-first-call-get-a-429" || len(row.Tags) != 2 || row.Tags[1] != "rate-limits" {
			w.t.Errorf("%+v", row)
		}
		if row.WaitsOn != forum.OnUs || row.WaitingSince == nil || row.DueAt == nil || row.Version != 1 || !row.Counted {
			w.t.Errorf("%+v", row.Question)
		}
		if thread.Post.HTML != "<p>I rotated the key, and the very first call got a <strong>429</strong>.</p>\n" {
			w.t.Errorf("%q", thread.Post.HTML)
		}
	})
}

// say adds a comment under a post.
func (w *world) say(a actor.Actor, parent db.ID, body string) forum.Post {
	w.t.Helper()
	p, err := w.forum.Comment(context.Background(), a, forum.Reply{Body: body, Parent: parent})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) settle(id db.ID) {
	w.t.Helper()
	if err := w.db.Tx(context.Background(), func(tx *db.Tx) error { return forum.Settle(tx, id) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) orgOf(a actor.Actor) db.ID { return webtest.PersonalOrg(w.t, w.db, a.UserID) }
