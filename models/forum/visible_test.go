package forum_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// F6, Z2: every kind of question by every kind of reader, through every method that reads questions.
func TestWhoReadsWhichQuestion(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		// Staff write, who are not limited; the questions become the asker's.
		w.exec("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", w.orgOf(w.asker), w.support.UserID, w.clock.Now())
		colleague, auditor := w.person("nils@corner.example", ""), w.person("ida@portal.example", permission.Auditor)
		organization := w.orgOf(w.asker)
		w.exec("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", organization, colleague.UserID, w.clock.Now())
		invited := w.api("inside", "invited")
		w.exec("INSERT INTO api_organizations (api_id, organization_id, created_at) VALUES (?, ?, ?)", invited, organization, w.clock.Now())
		w.api("forall", "public")
		w.api("known", "signed_in")

		questions := map[string]forum.Question{
			"public":      w.ask(w.support, forum.Draft{Title: "A question that is public"}),
			"ours":        w.ask(w.support, forum.Draft{Title: "A question that is ours alone", Visibility: forum.Organization, OrganizationID: organization}),
			"about":       w.ask(w.support, forum.Draft{Title: "A question about a public API", API: "forall"}),
			"known":       w.ask(w.support, forum.Draft{Title: "A question about an API for users", API: "known"}),
			"inside":      w.ask(w.support, forum.Draft{Title: "A question about an API by invitation", API: "inside"}),
			"pending":     w.ask(w.support, forum.Draft{Title: "A question that waits for approval"}),
			"hidden":      w.ask(w.support, forum.Draft{Title: "A question that somebody hid"}),
			"rejected":    w.ask(w.support, forum.Draft{Title: "A question that was not approved"}),
			"deleted":     w.ask(w.support, forum.Draft{Title: "A question that its asker deleted"}),
			"ours inside": w.ask(w.support, forum.Draft{Title: "A question of ours about that API", API: "inside", Visibility: forum.Organization, OrganizationID: organization}),
		}
		w.exec("UPDATE questions SET state = 'pending' WHERE id = ?", questions["pending"].ID)
		w.exec("UPDATE questions SET state = 'rejected' WHERE id = ?", questions["rejected"].ID)
		w.exec("UPDATE questions SET hidden_at = ? WHERE id = ?", w.clock.Now(), questions["hidden"].ID)
		w.exec("UPDATE questions SET deleted_at = ? WHERE id = ?", w.clock.Now(), questions["deleted"].ID)
		w.exec("UPDATE questions SET asker_id = ?", w.asker.UserID)
		readers := map[string]actor.Actor{"visitor": {}, "other": w.other, "asker": w.asker, "colleague": colleague, "support": w.support, "auditor": auditor}
		reads := map[string]string{
			"public": "visitor other asker colleague support auditor", "about": "visitor other asker colleague support auditor", "known": "other asker colleague support auditor",
			"ours": "asker colleague support auditor", "inside": "asker colleague support auditor", "ours inside": "asker colleague support auditor",
			"pending": "asker support auditor", "hidden": "asker support auditor", "rejected": "asker support auditor", "deleted": "",
		}

		for who, a := range readers {
			listed := w.listed(a)
			for what, q := range questions {
				want := slices.Contains(strings.Fields(reads[what]), who)
				_, err := w.forum.Get(ctx, a, q.ID)
				found, byIDs := w.forum.ByIDs(ctx, a, []db.ID{q.ID})
				_, path := w.forum.PathOf(ctx, a, q.ID)

				if (err == nil) != want || (len(found) == 1) != want || byIDs != nil || (path == nil) != want || listed[q.ID] != want {
					w.t.Errorf("%s reads %s: get %v, by ids %d, path %v, listed %v; want %v", who, what, err, len(found), path, listed[q.ID], want)
				}
			}
		}
	})
}

func TestWhoLeftTheOrganizationReadsItsQuestionsNoMore(t *testing.T) { // Z2
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{Visibility: forum.Organization, OrganizationID: w.orgOf(w.asker)})
		w.exec("DELETE FROM members WHERE user_id = ?", w.asker.UserID)

		_, err := w.forum.Get(context.Background(), w.asker, q.ID)

		if err == nil {
			w.t.Error("still reads it")
		}
	})
}

// A12: also by the list and by what somebody may ask about.
func TestWhoIsShutOutOfTheOrganizationReadsItsQuestionsNoMore(t *testing.T) {
	each(t, func(w *world) {
		q := w.ask(w.asker, forum.Draft{Visibility: forum.Organization, OrganizationID: w.orgOf(w.asker)})
		asker := w.asker
		asker.At = w.clock.Now()
		before := w.listed(asker)[q.ID]
		w.exec("UPDATE organizations SET factor_from = ? WHERE id = ?", w.clock.Now(), w.orgOf(w.asker))

		_, err := w.forum.Get(context.Background(), asker, q.ID)
		_, asked := w.forum.Ask(context.Background(), asker, forum.Draft{Kind: forum.KindQuestion, Title: "Another question of ours", Body: "It is about our app.", Visibility: forum.Organization, OrganizationID: w.orgOf(w.asker)})

		if !before || err == nil || w.listed(asker)[q.ID] || asked == nil {
			w.t.Error(before, err, asked)
		}
		asker.Factor = true
		if _, err := w.forum.Get(context.Background(), asker, q.ID); err != nil {
			w.t.Error("with a factor", err)
		}
	})
}

func (w *world) listed(a actor.Actor) map[db.ID]bool {
	w.t.Helper()
	page, err := w.forum.List(context.Background(), a, forum.Filter{}, db.PageRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[db.ID]bool{}
	for _, r := range page.Rows {
		out[r.ID] = true
	}
	return out
}

// api adds an API with a live version, published by an organization of nobody here.
func (w *world) api(slug, visibility string) db.ID {
	w.t.Helper()
	id := db.NewID()
	publisher := webtest.PersonalOrg(w.t, w.db, w.person(slug+"@publisher.example", "").UserID)
	w.exec("INSERT INTO apis (id, slug, name, publisher_id, summary, description, data_domain, visibility, created_at, updated_at) VALUES (?, ?, ?, ?, '', '', 'customer', ?, ?, ?)", id, slug, slug, publisher, visibility, w.clock.Now(), w.clock.Now())
	w.exec("INSERT INTO api_versions (id, api_id, name, state, created_at, updated_at) VALUES (?, ?, 'v1', 'live', ?, ?)", db.NewID(), id, w.clock.Now(), w.clock.Now())
	return id
}

func TestListsPageByKeysetAndFilter(t *testing.T) {
	each(t, func(w *world) {
		for i := range 7 {
			w.clock.Advance(60e9)
			q := w.ask(w.support, forum.Draft{Title: fmt.Sprintf("Question with number %d here", i), Tags: []string{"keys"}, Kind: []string{forum.KindQuestion, forum.KindIdea}[i%2]})
			if i == 3 {
				p := w.answer(w.support, q.ID, "This is how it is done.")
				if _, err := w.forum.Accept(context.Background(), w.support, p.ID); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		for name, c := range map[string]struct {
			who  actor.Actor
			f    forum.Filter
			want int
		}{
			"all": {actor.Actor{}, forum.Filter{}, 7}, "unanswered": {actor.Actor{}, forum.Filter{Unanswered: true}, 6}, "solved": {actor.Actor{}, forum.Filter{Solved: true}, 1},
			"ideas": {actor.Actor{}, forum.Filter{Kind: forum.KindIdea}, 3}, "tag": {actor.Actor{}, forum.Filter{Tag: "keys"}, 7}, "no tag": {actor.Actor{}, forum.Filter{Tag: "nothing"}, 0},
			"mine": {w.support, forum.Filter{Mine: true}, 7}, "not mine": {w.other, forum.Filter{Mine: true}, 0}, "api": {actor.Actor{}, forum.Filter{API: "nothing"}, 0},
		} {
			for _, sort := range []string{"", "newest", "votes"} {
				seen, after := map[db.ID]bool{}, ""
				for {
					page, err := w.forum.List(context.Background(), c.who, c.f, db.PageRequest{Sort: sort, Size: 3, After: after})
					if err != nil {
						w.t.Fatal(err)
					}
					for _, r := range page.Rows {
						seen[r.ID] = true
					}
					if after = page.Next; after == "" {
						break
					}
				}
				if len(seen) != c.want {
					w.t.Errorf("%s by %q: %d, want %d", name, sort, len(seen), c.want)
				}
			}
		}
	})
}

func TestCommentsBeyondTheFirstAreCountedAndListed(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		q := w.ask(w.support, forum.Draft{})
		p := w.answer(w.support, q.ID, "This is how it is done.")
		for i := range 7 {
			w.clock.Advance(60e9)
			w.say(w.support, p.ID, fmt.Sprintf("Remark number %d about it.", i))
		}
		see := func(answered, asked int64) {
			w.t.Helper()
			thread, err := w.forum.Posts(ctx, actor.Actor{}, w.get(q.ID).Question, db.PageRequest{})
			if err != nil {
				w.t.Fatal(err)
			}
			a := thread.Answers[0]
			if len(a.Comments) != forum.MaxComments || a.More != answered || thread.Post.More != asked || !strings.Contains(a.Comments[0].Body, "number 0") {
				w.t.Errorf("%d comments and %d more, %d more under the question", len(a.Comments), a.More, thread.Post.More)
			}
		}
		see(2, 0)

		values, args := make([]string, 250), make([]any, 0, 1250)
		for i := range values {
			values[i] = "(?, ?, 'comment', ?, 'x', 'x', 1, 'published', ?, ?)"
			args = append(args, db.NewID(), q.ID, w.support.UserID, w.clock.Now(), w.clock.Now())
		}
		w.exec("INSERT INTO posts (id, question_id, kind, author_id, body, html, renderer_version, state, created_at, updated_at) VALUES "+strings.Join(values, ", "), args...)

		see(2, 250-forum.MaxComments)
		page, err := w.forum.Comments(ctx, actor.Actor{}, q, w.post(w.own(q.ID)).Post, db.PageRequest{})
		if err != nil || len(page.Rows) != forum.PagePosts || page.Next == "" {
			w.t.Error(len(page.Rows), err)
		}
	})
}
