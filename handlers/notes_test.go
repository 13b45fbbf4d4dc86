package handlers_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/index"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// noteMarker stands in each note, with noteQuery, which a page may repeat as what was searched.
const noteMarker, noteQuery = "nightheronmarker", "zebrafinchmarker"

// Z2: what staff note among themselves about a question is on no page, twin, feed, search or mail of anybody else: not of its asker, not of who answers or follows it.
func TestNotesAmongStaffAppearNowhereElse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serve(t, d, clock)
		w.inhabit()
		q := w.notedQuestion()
		jonas := w.site.Person("jonas@company.example", permission.Support)
		readers := map[string]*webtest.Client{"visitor": w.site.Visitor(), "asker": w.site.As(w.mine.user), "follower": w.site.As(w.them.user)}

		if page := w.site.As(jonas).Get(support.Path(q.ID)); strings.Count(page.Body, noteMarker) != 3 {
			t.Fatal("the desk shows", strings.Count(page.Body, noteMarker), "of three notes")
		}
		read := 0
		for _, path := range w.pagesAbout(q) {
			for who, c := range readers {
				page := c.Get(path)
				if page.Status == 200 {
					read++
				}
				if strings.Contains(page.Body, noteMarker) {
					t.Errorf("%s reads a note at %s", who, path)
				}
			}
		}
		if read < 40 {
			t.Errorf("only %d pages were read", read)
		}
		hits, err := index.Find(context.Background(), d, index.Query{Text: noteQuery, Limit: 10})
		if err != nil || len(hits) > 0 {
			t.Error("the index finds it:", hits, err)
		}
		w.noMailHolds(noteQuery)
	})
}

// notedQuestion is a public question with an answer of staff, which one other follows, and three notes: one plain, one with an escalation, one with a hand-over.
func (w *world) notedQuestion() forum.Question {
	w.Helper()
	ctx, s, asker := context.Background(), w.house.Stores, webtest.ActorOf(w.mine.user)
	sam := webtest.ActorOf(w.site.Person("sam@company.example", permission.Support))
	q, err := s.Forum.Ask(ctx, asker, forum.Draft{Title: "What do staff note about this one?", Body: "Nothing, I hope.", Tags: []string{"notes"}, API: "orders", AppID: w.mine.app.ID})
	w.ok(err)
	w.clock.Advance(60e9)
	w.ok(s.Support.WriteNote(ctx, sam, q.ID, noteQuery+" "+noteMarker))
	w.ok(s.Support.Escalate(ctx, sam, q.ID, noteQuery+" "+noteMarker))
	w.ok(s.Support.HandOver(ctx, sam, q.ID, support.Hand{Person: w.admin.ID, Note: noteQuery + " " + noteMarker}))
	_, err = s.Forum.Answer(ctx, webtest.ActorOf(w.them.user), q.ID, forum.Reply{Body: "I follow this."})
	w.ok(err)
	w.clock.Advance(60e9)
	_, err = s.Forum.Answer(ctx, sam, q.ID, forum.Reply{Body: "Nothing at all."})
	w.ok(err)
	return q
}

// pagesAbout are all pages that are not for staff alone, with the ids of a question and of its posts in their addresses.
func (w *world) pagesAbout(q forum.Question) []string {
	w.Helper()
	var posts []db.ID
	w.ok(w.db.Read(context.Background()).Raw("SELECT id FROM posts WHERE question_id = ?", q.ID).Scan(&posts).Error)
	ids := []string{q.ID.Show(forum.Prefix)}
	for _, p := range posts {
		ids = append(ids, p.Show(forum.PostPrefix))
	}
	paths := []string{q.Path() + ".md", "/search?q=" + noteQuery, "/forum?q=" + noteQuery, "/forum?show=mine", "/forum?tag=notes", "/forum?api=orders", "/forum/ask/similar?title=" + noteQuery}
	for _, r := range w.house.Table {
		if r.Mutates() || r.Access.Permission() != "" {
			continue
		}
		slug := q.Slug
		if strings.HasPrefix(r.Path, "/apis") {
			slug = "orders"
		}
		path := strings.NewReplacer(":slug", slug, ":name", "notes", ":tag", "notes", ":api", "orders").Replace(r.Path)
		if !strings.Contains(path, ":id") {
			paths = append(paths, fill(path))
			continue
		}
		for _, id := range ids {
			paths = append(paths, fill(strings.Replace(path, ":id", id, 1)))
		}
	}
	return paths
}

// noMailHolds opens every mail that waits.
func (w *world) noMailHolds(words string) {
	w.Helper()
	ctx := context.Background()
	var ids []db.ID
	w.ok(w.db.Read(ctx).Raw("SELECT id FROM mails WHERE state = 'waiting'").Scan(&ids).Error)
	kinds := map[string]bool{}
	for _, id := range ids {
		m, letter, err := w.house.Stores.Outbox.Read(ctx, w.db, id)
		w.ok(err)
		kinds[m.Kind] = true
		whole, err := json.Marshal(letter)
		w.ok(err)
		if strings.Contains(string(whole), words) {
			w.Errorf("a mail of kind %s to %s holds it", m.Kind, m.Recipient)
		}
	}
	if !kinds["question_assigned"] || len(ids) < 3 {
		w.Error("too few mails were read:", kinds)
	}
}
