// Package forumtest makes a portal with a forum, for tests of what stands around it.
package forumtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Base is the portal's address.
const Base = "https://portal.test"

// Clock is a clock turned by hand: dbtest's.
type Clock interface {
	Now() time.Time
	Advance(d time.Duration)
}

// World is catalogtest's company with a forum. The people of the world are years old, so none of them is limited.
type World struct {
	*catalogtest.World
	Clock  Clock
	Forum  *forum.Store
	Follow *follow.Store
	Signer *secret.Signer

	t testing.TB
}

// New fills an empty database.
func New(t testing.TB, d *db.DB, clock Clock) *World {
	t.Helper()
	root, err := secret.Parse("b7Kq2Zx9Lm4Rt8Vw1Ny6Pc3Hd5Jf0GsAeUiOkTzBx", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &World{World: catalogtest.New(t, d), Clock: clock, Signer: root.Signer(secret.LabelNotice), t: t}
	link := func(path string) string { return Base + path }
	w.Follow = follow.NewStore(follow.Options{DB: d, Outbox: w.Outbox, Signer: w.Signer, Link: link, Visible: follow.Visible{Condition: forum.Visible, Args: forum.VisibleArgs}})
	w.Forum = forum.NewStore(forum.Options{DB: d, Follow: w.Follow, Link: link})
	w.Trusted(w.Owner, w.Other)
	return w
}

// Trusted makes accounts so old and busy that trust does not limit them.
func (w *World) Trusted(all ...actor.Actor) {
	w.t.Helper()
	for _, a := range all {
		w.Join(w.Company, a, "developer")
		w.Exec("UPDATE users SET created_at = ? WHERE id = ?", w.Clock.Now().AddDate(-2, 0, 0), a.UserID)
	}
	var n int64
	if err := w.DB.Read(context.Background()).Raw("SELECT COUNT(*) FROM apps WHERE organization_id = ?", w.Company).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	if n > 0 {
		return
	}
	app := db.NewID()
	w.Exec("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, 'Desk', ?, ?)", app, w.Company, w.Clock.Now(), w.Clock.Now())
	w.Exec("UPDATE keys SET last_used_at = ? WHERE id = ?", w.Clock.Now(), w.Key(app, "desk", w.API, w.Read))
}

// Exec runs one statement.
func (w *World) Exec(query string, args ...any) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err })
}

// Ask asks a public question.
func (w *World) Ask(a actor.Actor, title string, tags ...string) forum.Question {
	w.t.Helper()
	return w.AskAs(a, forum.Draft{Title: title, Tags: tags})
}

// AskAs asks with a draft; an empty body is filled.
func (w *World) AskAs(a actor.Actor, in forum.Draft) forum.Question {
	w.t.Helper()
	if in.Body == "" {
		in.Body = "I rotated the key, and the **very first** call got a 429."
	}
	q, err := w.Forum.Ask(context.Background(), a, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

// Answer answers.
func (w *World) Answer(a actor.Actor, id db.ID, body string) forum.Post {
	w.t.Helper()
	w.Clock.Advance(61e9)
	p, err := w.Forum.Answer(context.Background(), a, id, forum.Reply{Body: body})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// Email is the address of somebody made by Person.
func Email(a actor.Actor) string {
	return strings.ToLower(strings.ReplaceAll(a.Name, " ", ".")) + "@example.com"
}

// Letters are the waiting letters to somebody about the forum, oldest first.
func (w *World) Letters(a actor.Actor) []outbox.Letter {
	w.t.Helper()
	var ids []db.ID
	if err := w.DB.Read(context.Background()).Raw("SELECT id FROM mails WHERE recipient = ? AND kind LIKE 'forum!_%' ESCAPE '!' ORDER BY created_at, id", Email(a)).Scan(&ids).Error; err != nil {
		w.t.Fatal(err)
	}
	var out []outbox.Letter
	for _, id := range ids {
		_, l, err := w.Outbox.Read(context.Background(), w.DB, id)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}
