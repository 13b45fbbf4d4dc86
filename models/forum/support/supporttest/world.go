// Package supporttest makes a small company with developers, questions and a support desk, for tests of the desk and its pages.
package supporttest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Clock is a clock turned by hand.
type Clock interface {
	Now() time.Time
	Set(t time.Time)
	Advance(d time.Duration)
}

// World is a portal with two of support, an auditor, and developers who have been here for a year. The clock stands at a Wednesday, 10:00 UTC: support works.
type World struct {
	*catalogtest.World
	Clock   Clock
	Forum   *forum.Store
	Desk    *support.Store
	Jonas   actor.Actor // of support, like World.Support
	Auditor actor.Actor

	t testing.TB
}

// New fills an empty database.
func New(t testing.TB, d *db.DB, clock Clock) *World {
	t.Helper()
	clock.Set(time.Date(2026, 11, 18, 10, 0, 0, 0, time.UTC))
	root, err := secret.Parse("b7Kq2Zx9Lm4Rt8Vw1Ny6Pc3Hd5Jf0GsAeUiOkTzBx", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &World{World: catalogtest.New(t, d), Clock: clock, t: t}
	link := func(path string) string { return "http://portal.test" + path }
	w.Forum = forum.NewStore(forum.Options{DB: d, Link: link, Follow: follow.NewStore(follow.Options{
		DB: d, Outbox: w.Outbox, Signer: root.Signer(secret.LabelNotice), Link: link, Visible: follow.Visible{Condition: forum.Visible, Args: forum.VisibleArgs},
	})})
	w.Desk = support.NewStore(support.Options{DB: d, Forum: w.Forum, Outbox: w.Outbox, Link: link})
	w.Jonas, w.Auditor = w.Person("Jonas Helper", permission.Support), w.Person("Audrey Auditor", permission.Auditor)
	w.Exec("UPDATE users SET created_at = ?", clock.Now().AddDate(-1, 0, 0))
	return w
}

// Exec runs one statement.
func (w *World) Exec(query string, args ...any) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err })
}

// Ask asks a public question; two minutes go by.
func (w *World) Ask(a actor.Actor, title string, more ...func(*forum.Draft)) forum.Question {
	w.t.Helper()
	sum := sha256.Sum256([]byte(title))
	in := forum.Draft{Title: title, Body: fmt.Sprintf("About %s % x.", title, sum), Tags: []string{"keys"}} // no two texts are alike: that would look like spam
	for _, m := range more {
		m(&in)
	}
	q, err := w.Forum.Ask(context.Background(), a, in)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Clock.Advance(2 * time.Minute)
	return q
}

// Say answers as somebody, in the forum; two minutes go by.
func (w *World) Say(a actor.Actor, id db.ID, body string) forum.Post {
	w.t.Helper()
	p, err := w.Forum.Answer(context.Background(), a, id, forum.Reply{Body: body})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Clock.Advance(2 * time.Minute)
	return p
}

// Question reads a question as it is stored.
func (w *World) Question(id db.ID) forum.Question {
	w.t.Helper()
	var rows []forum.Question
	if err := w.DB.Read(context.Background()).Raw("SELECT * FROM questions WHERE id = ?", id).Scan(&rows).Error; err != nil || len(rows) != 1 {
		w.t.Fatal(len(rows), err)
	}
	return rows[0]
}

// Count runs a query for a number.
func (w *World) Count(query string, args ...any) int64 {
	w.t.Helper()
	var n int64
	if err := w.DB.Read(context.Background()).Raw(query, args...).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}
