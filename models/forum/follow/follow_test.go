package follow_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/forum/forumtest"
	"github.com/gatehouse-dev/gatehouse/models/index"
	"github.com/gatehouse-dev/gatehouse/models/job"
)

func each(t *testing.T, body func(t *testing.T, w *forumtest.World)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(t, forumtest.New(t, d, clock)) })
}

func tokenOf(t *testing.T, address string) string {
	t.Helper()
	_, token, ok := strings.Cut(address, "?token=")
	if !ok {
		t.Fatalf("no token in %s", address)
	}
	return token
}

func TestFollowersAreToldOnceAndNobodyOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		reader := w.Person("Rita Reads", "")
		q := w.Ask(w.Owner, "Why does the first call fail?", "limits")
		if err := w.Follow.SetQuestion(t.Context(), reader, q.ID, true); err != nil {
			t.Fatal(err)
		}

		p := w.Answer(w.Support, q.ID, "Because of **this**.\n\n<script>alert(1)</script>")

		asker, other := w.Letters(w.Owner), w.Letters(reader)
		if len(asker) != 1 || len(other) != 1 || len(w.Letters(w.Support)) != 0 {
			t.Fatal(len(asker), len(other), len(w.Letters(w.Support)))
		}
		l := other[0]
		if l.Quote != "Because of this." || l.URL != forumtest.Base+q.Path()+"#post_"+p.ID.Show("pst") || l.Subject.Args[0] != q.Title || len(l.Links) != 1 {
			t.Errorf("%+v", l)
		}
		if len(asker[0].Links) != 2 || !strings.Contains(asker[0].Links[0].URL, "/solved?token=") {
			t.Errorf("the asker is not asked whether it is solved: %+v", asker[0].Links)
		}
		w.Clock.Advance(61e9)
		if _, err := w.Forum.Comment(t.Context(), w.Owner, forum.Reply{Parent: p.ID, Body: "Thank you, that was it."}); err != nil {
			t.Fatal(err)
		}
		if len(w.Letters(w.Support)) != 1 || len(w.Letters(reader)) != 2 || len(w.Letters(w.Owner)) != 1 {
			t.Error("a comment is told to who answered and who follows, but not to its author")
		}
	})
}

func TestMailsOfAQuestionMakeOneThread(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		reader := w.Person("Rita Reads", "")
		first := w.Ask(w.Other, "How are pages numbered here?", "paging")
		if err := w.Follow.SetTag(t.Context(), reader, "paging", true); err != nil {
			t.Fatal(err)
		}
		q := w.Ask(w.Owner, "Why does the first call fail?", "limits", "paging")
		if err := w.Follow.SetQuestion(t.Context(), reader, q.ID, true); err != nil {
			t.Fatal(err)
		}
		p := w.Answer(w.Support, q.ID, "Because of this.")

		letters := w.Letters(reader)

		if len(letters) != 2 || len(w.Letters(w.Other)) != 0 {
			t.Fatal(len(letters), first.Title)
		}
		root, reply := letters[0].Thread, letters[1].Thread
		person := "." + reader.UserID.Show("user")
		if root.ID != q.ID.Show("qst")+person || root.Root != "" || reply.ID != p.ID.Show("pst")+person || reply.Root != root.ID || reply.List == "" {
			t.Errorf("%+v %+v", root, reply)
		}
	})
}

// F6, Z2: what stands under an answer that was hidden, or waits, quotes it: it is as absent, wherever posts are read.
func TestCommentsGoWithTheAnswerUnderWhichTheyStand(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		ctx, nobody := t.Context(), actor.Actor{}
		q := w.Ask(w.Owner, "Why does the first call fail?", "limits")
		p := w.Answer(w.Support, q.ID, "Because of this.")
		comment, err := w.Forum.Comment(ctx, w.Other, forum.Reply{Parent: p.ID, Body: "Quoting the leaked xylographixx of that answer."})
		if err != nil {
			t.Fatal(err)
		}
		found := func() (got [5]bool) {
			_, newest, err := w.Forum.Newest(ctx, nobody, q.ID, 20)
			hits, findErr := index.Find(ctx, w.DB, index.Query{Text: "xylographixx", Limit: 5})
			row, getErr := w.Forum.Get(ctx, nobody, q.ID)
			if err != nil || findErr != nil || getErr != nil {
				t.Fatal(err, findErr, getErr)
			}
			_, _, postErr := w.Forum.PostFor(ctx, nobody, comment.ID)
			_, _, voteErr := w.Forum.PostFor(ctx, w.Person("Rita "+db.NewID().String(), ""), comment.ID)
			return [5]bool{len(newest) == 3, len(hits) == 1, postErr == nil, voteErr == nil, row.LastActivityAt.Equal(comment.CreatedAt)}
		}
		set := func(column string, value any) {
			t.Helper()
			w.Exec("UPDATE posts SET "+column+" = ? WHERE id = ?", value, p.ID)
			w.Tx(func(tx *db.Tx) error { return forum.Settle(tx, q.ID) })
		}
		if got := found(); got != [5]bool{true, true, true, true, true} {
			t.Fatal(got)
		}
		for column, value := range map[string]any{"hidden_at": w.Clock.Now(), "deleted_at": w.Clock.Now(), "state": "pending"} {
			var back any
			if column == "state" {
				back = "published"
			}
			set(column, value)

			if got := found(); got != ([5]bool{}) {
				t.Errorf("%s: %v", column, got)
			}
			if _, mine, err := w.Forum.PostFor(ctx, w.Other, comment.ID); err != nil || mine.Body == "" {
				t.Errorf("%s: its author does not find it: %v", column, err)
			}
			told := len(w.Letters(w.Owner))
			w.Tx(func(tx *db.Tx) error { return w.Follow.Tell(tx, comment.ID) })
			if len(w.Letters(w.Owner)) != told {
				t.Errorf("%s: it was told", column)
			}
			set(column, back)
		}
		if got := found(); got != [5]bool{true, true, true, true, true} {
			t.Error(got)
		}
	})
}

// F2: nobody is told of what they may not read.
func TestFollowersWhoMayNotReadAreNotTold(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		insider, outsider := w.Person("Ina Inside", ""), w.Person("Otto Outside", "")
		w.Join(w.North, insider, "viewer")
		secretAPI := w.AddAPI("refunds", catalog.Input{Name: "Refunds", Summary: "Give money back.", DataDomain: "customer", Visibility: catalog.Invited, InvitedIDs: []db.ID{w.North}})
		w.Ask(w.Owner, "Something else about limits?", "limits")
		for _, a := range []actor.Actor{insider, outsider} {
			if err := w.Follow.SetTag(t.Context(), a, "limits", true); err != nil {
				t.Fatal(err)
			}
		}
		w.Tx(func(tx *db.Tx) error { return follow.Start(tx, outsider.UserID, follow.API, secretAPI, follow.Chose) })

		w.AskAs(w.Owner, forum.Draft{Title: "Only for our organization?", Tags: []string{"limits"}, Visibility: forum.Organization, OrganizationID: w.North})
		about := w.AskAs(w.Owner, forum.Draft{Title: "About the invited API, please?", Tags: []string{"limits"}, API: "refunds"})
		w.Tx(func(tx *db.Tx) error {
			return follow.Start(tx, outsider.UserID, follow.Question, about.ID, follow.Chose)
		})
		w.Answer(w.Support, about.ID, "The secret of refunds is this.")

		if got := w.Letters(outsider); len(got) != 0 {
			t.Errorf("told somebody outside: %+v", got)
		}
		if got := w.Letters(insider); len(got) != 2 {
			t.Errorf("the member was told %d times, want 2", len(got))
		}
		if err := w.Follow.SetQuestion(t.Context(), outsider, about.ID, false); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		page, err := w.Follow.List(t.Context(), outsider, db.PageRequest{})
		if err != nil || len(page.Rows) != 3 {
			t.Fatal(err, page.Rows)
		}
		for _, r := range page.Rows {
			if r.Kind != follow.Tag && (r.Name != "" || r.Path() != "") {
				t.Errorf("the list shows %+v", r)
			}
		}
	})
}

func TestWhoCannotSignInIsNotTold(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		for name, change := range map[string]string{
			"Susi Suspended": "UPDATE users SET suspended_at = created_at WHERE id = ?", "Dora Deleted": "UPDATE users SET deleted_at = created_at WHERE id = ?",
			"Uwe Unverified": "UPDATE users SET email_verified_at = NULL WHERE id = ?", "Erna Ended": "UPDATE follows SET ended_at = created_at WHERE user_id = ?",
		} {
			a := w.Person(name, "")
			if err := w.Follow.SetQuestion(t.Context(), a, q.ID, true); err != nil {
				t.Fatal(err)
			}
			w.Exec(change, a.UserID)
		}

		w.Answer(w.Support, q.ID, "Because of this.")

		var n int64
		err := w.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM mails WHERE kind = 'forum_answer'").Scan(&n).Error
		if err != nil || n != 1 {
			t.Fatalf("%d mails, want the asker's alone: %v", n, err)
		}
	})
}

func TestHiddenAndPendingPostsAreNotTold(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		fresh := w.Person("Fred Fresh", "")

		p := w.Answer(fresh, q.ID, "Buy at https://shop.biz now.")
		told := len(w.Letters(w.Owner))
		w.Tx(func(tx *db.Tx) error { return w.Forum.Publish(tx, w.Support, p.ID) })

		if p.State != forum.Pending || told != 0 || len(w.Letters(w.Owner)) != 1 {
			t.Fatal(p.State, told, len(w.Letters(w.Owner)))
		}
	})
}

func TestStaffHearOfNewQuestionsOnlyWhenTheyChose(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		w.Ask(w.Owner, "Why does the first call fail?")
		before := len(w.Letters(w.Support))
		choose := w.Follow.Choose(t.Context(), w.Support, follow.Choices{NewQuestions: true})
		w.AskAs(w.Owner, forum.Draft{Title: "And why the second one?", Visibility: forum.Organization, OrganizationID: w.North})

		letters := w.Letters(w.Support)
		choices, err := w.Follow.ChoicesOf(t.Context(), w.Support)

		if before != 0 || choose != nil || err != nil || !choices.NewQuestions || choices.Assignments || len(letters) != 1 {
			t.Fatal(before, choose, err, choices, len(letters))
		}
		if err := w.Follow.Choose(t.Context(), w.Owner, follow.Choices{NewQuestions: true}); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
		token := tokenOf(t, letters[0].Thread.Unsubscribe)
		if err := w.Follow.Unsubscribe(t.Context(), actor.Actor{}, token); err != nil {
			t.Fatal(err)
		}
		w.Ask(w.Owner, "And why the third one?")
		if n := len(w.Letters(w.Support)); n != 1 {
			t.Error("told after the choice was taken back:", n)
		}
	})
}

func TestAnEndedFollowIsNotBegunAgainByWriting(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		if err := w.Follow.SetQuestion(t.Context(), w.Owner, q.ID, false); err != nil {
			t.Fatal(err)
		}
		p := w.Answer(w.Support, q.ID, "Because of this.")
		w.Clock.Advance(61e9)
		if _, err := w.Forum.Comment(t.Context(), w.Owner, forum.Reply{Parent: p.ID, Body: "Thank you very much."}); err != nil {
			t.Fatal(err)
		}
		w.Answer(w.Other, q.ID, "Or because of that.")
		silent := len(w.Letters(w.Owner))

		if err := w.Follow.SetQuestion(t.Context(), w.Owner, q.ID, true); err != nil {
			t.Fatal(err)
		}
		w.Answer(w.Other, q.ID, "Or because of something else.")

		if silent != 0 || len(w.Letters(w.Owner)) != 1 {
			t.Fatal(silent, len(w.Letters(w.Owner)))
		}
	})
}

func TestUnsubscribingNeedsTheTokenAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		w.Answer(w.Support, q.ID, "Because of this.")
		token := tokenOf(t, w.Letters(w.Owner)[0].Thread.Unsubscribe)

		before, err := w.Follow.Subscription(t.Context(), token)
		ends := []error{err, w.Follow.Unsubscribe(t.Context(), actor.Actor{}, token), w.Follow.Unsubscribe(t.Context(), actor.Actor{}, token)}
		after, err := w.Follow.Subscription(t.Context(), token)
		ends = append(ends, err)
		w.Answer(w.Other, q.ID, "Or because of that.")

		for _, err := range ends {
			if err != nil {
				t.Fatal(err)
			}
		}
		if !before.On || after.On || before.Name != q.Title || before.Path != q.Path() || len(w.Letters(w.Owner)) != 1 {
			t.Fatal(before, after, len(w.Letters(w.Owner)))
		}
		var events []audit.Entry
		err = audit.Each(t.Context(), w.DB, audit.Filter{Act: string(audit.FollowEnded)}, func(e audit.Entry) error { events = append(events, e); return nil })
		if err != nil || len(events) != 1 || db.Deref(events[0].ActorID) != w.Owner.UserID {
			t.Errorf("%v, %d events", err, len(events))
		}
		if err := w.Follow.Resubscribe(t.Context(), actor.Actor{}, token); err != nil {
			t.Fatal(err)
		}
		if again, err := w.Follow.Subscription(t.Context(), token); err != nil || !again.On {
			t.Fatal(err, again)
		}
	})
}

func TestForgedTokensAreRefused(t *testing.T) {
	w := func() *forumtest.World { c := dbtest.NewClock(); return forumtest.New(t, dbtest.SQLite(t, c), c) }()
	q := w.Ask(w.Owner, "Why does the first call fail?")
	w.Answer(w.Support, q.ID, "Because of this.")
	letter := w.Letters(w.Owner)[0]
	end, solved := tokenOf(t, letter.Thread.Unsubscribe), tokenOf(t, letter.Links[0].URL)
	raw, err := base64.RawURLEncoding.DecodeString(end)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		changed := append([]byte{}, raw...)
		changed[i] ^= 1
		if err := w.Follow.Unsubscribe(t.Context(), actor.Actor{}, base64.RawURLEncoding.EncodeToString(changed)); !fault.Is(err, fault.NotFound) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	for _, token := range []string{"", "x", end[:20], end + "AA", solved} {
		if err := w.Follow.Unsubscribe(t.Context(), actor.Actor{}, token); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", token, err)
		}
	}

	_, wrong := w.Follow.Solving(t.Context(), actor.Actor{}, end)
	right, ok := w.Follow.Solving(t.Context(), actor.Actor{}, solved)
	w.Clock.Advance(61 * 24 * 3600e9)
	_, late := w.Follow.Solving(t.Context(), actor.Actor{}, solved)

	if !fault.Is(wrong, fault.NotFound) || ok != nil || right.Asker.UserID != w.Owner.UserID || right.Title != q.Title || !fault.Is(late, fault.NotFound) {
		t.Fatal(wrong, ok, right, late)
	}
}

// L7: nobody fills another's mailbox by writing under their question.
func TestOnePersonDoesNotFillAMailbox(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		p := w.Answer(w.Other, q.ID, "Because of this.")
		say := func(a actor.Actor, words string) {
			t.Helper()
			w.Clock.Advance(1e9)
			if _, err := w.Forum.Comment(t.Context(), a, forum.Reply{Parent: p.ID, Body: words}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 20 {
			say(w.Other, fmt.Sprintf("And one more word, number %d.", i))
		}

		filled := len(w.Letters(w.Owner))
		say(w.Support, "Please stop this.")
		staff := len(w.Letters(w.Owner))
		w.Clock.Advance(2 * 3600e9)
		say(w.Other, "I found out more.")

		if later := len(w.Letters(w.Owner)); filled != 10 || staff != 11 || later != 12 {
			t.Error(filled, staff, later)
		}
	})
}

// A3, U1: whoever has the mail speaks for a person, not for the company; and no longer when the account has another address.
func TestSolvedLinkIsOfThePersonAtThatAddress(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		q := w.Ask(w.Support, "Why does the first call fail?")
		p := w.Answer(w.Owner, q.ID, "Because of this.")
		token := tokenOf(t, w.Letters(w.Support)[0].Links[0].URL)

		s, err := w.Follow.Solving(t.Context(), actor.Actor{}, token)
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(61e9)
		said, err := w.Forum.Comment(t.Context(), s.Asker, forum.Reply{Parent: p.ID, Body: "It still says 429.", Version: s.Version})
		_, stale := w.Forum.Comment(t.Context(), s.Asker, forum.Reply{Parent: p.ID, Body: "And again.", Version: s.Version})
		after, afterErr := w.Follow.Solving(t.Context(), actor.Actor{}, token)
		w.Exec("UPDATE users SET email = 'else@portal.test' WHERE id = ?", w.Support.UserID)
		_, moved := w.Follow.Solving(t.Context(), actor.Actor{}, token)

		if err != nil || s.Asker.StaffRole != "" || s.Replied || said.ByStaff {
			t.Error(err, s, said.ByStaff)
		}
		if !fault.Is(stale, fault.Conflict) || afterErr != nil || !after.Replied || !fault.Is(moved, fault.NotFound) {
			t.Error(stale, afterErr, after.Replied, moved)
		}
	})
}

// Z2: tags that stand only under what one may not read are as absent as those that nobody wrote.
func TestPrivateTagsCannotBeProbed(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		w.AskAs(w.Owner, forum.Draft{Title: "Only for our organization?", Tags: []string{"project-zebra"}, Visibility: forum.Organization, OrganizationID: w.North})
		w.Ask(w.Owner, "Something for all about limits?", "limits")

		used := w.Follow.SetTag(t.Context(), w.Other, "project-zebra", true)
		unused := w.Follow.SetTag(t.Context(), w.Other, "project-yak", true)
		on, again := w.Follow.SetTag(t.Context(), w.Other, "limits", true), w.Follow.SetTag(t.Context(), w.Other, "limits", true)
		w.Exec("UPDATE tags SET questions = 0 WHERE name = 'limits'")
		off, twice := w.Follow.SetTag(t.Context(), w.Other, "limits", false), w.Follow.SetTag(t.Context(), w.Other, "limits", false)

		if !fault.Is(used, fault.NotFound) || !fault.Is(unused, fault.NotFound) || on != nil || again != nil || off != nil || twice != nil {
			t.Error(used, unused, on, again, off, twice)
		}
	})
}

// Z2: a link of an old mail does not name an API that its holder lost. U1: what it turns on again is recorded.
func TestUnsubscribeLinkTellsNoMoreThanThePortal(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		api := w.AddAPI("refunds", catalog.Input{Name: "Refunds", Summary: "Give money back.", DataDomain: "customer", Visibility: catalog.Invited, InvitedIDs: []db.ID{w.North}})
		insider := w.Person("Ina Inside", "")
		w.Join(w.North, insider, "viewer")
		w.Tx(func(tx *db.Tx) error { return follow.Start(tx, insider.UserID, follow.API, api, follow.Chose) })
		if err := w.Follow.Choose(t.Context(), w.Support, follow.Choices{NewQuestions: true}); err != nil {
			t.Fatal(err)
		}
		w.AskAs(w.Owner, forum.Draft{Title: "About the invited API, then?", API: "refunds"})
		token, notices := tokenOf(t, w.Letters(insider)[0].Thread.Unsubscribe), tokenOf(t, w.Letters(w.Support)[0].Thread.Unsubscribe)

		before, err := w.Follow.Subscription(t.Context(), token)
		w.Exec("DELETE FROM members WHERE user_id = ? AND organization_id = ?", insider.UserID, w.North)
		w.Exec("UPDATE apis SET name = 'Renamed secretly' WHERE id = ?", api)
		after, afterErr := w.Follow.Subscription(t.Context(), token)
		for _, act := range []func(context.Context, actor.Actor, string) error{w.Follow.Unsubscribe, w.Follow.Unsubscribe, w.Follow.Resubscribe, w.Follow.Resubscribe} {
			if err := act(t.Context(), actor.Actor{}, notices); err != nil {
				t.Fatal(err)
			}
		}
		chosen := 0
		auditErr := audit.Each(t.Context(), w.DB, audit.Filter{ActorID: w.Support.UserID}, func(e audit.Entry) error {
			if e.Act == string(audit.NoticesChosen) {
				chosen++
			}
			return nil
		})

		if err != nil || afterErr != nil || before.Name != "Refunds" || after.Name != "" || strings.Contains(after.Path, "refunds") {
			t.Error(err, afterErr, before, after)
		}
		if chosen != 3 || auditErr != nil {
			t.Error(chosen, auditErr)
		}
	})
}

func TestSolvingEndsWithTheAccountAndTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		p := w.Answer(w.Support, q.ID, "Because of this.")
		token := tokenOf(t, w.Letters(w.Owner)[0].Links[0].URL)
		for _, change := range [][2]string{
			{"UPDATE posts SET hidden_at = created_at WHERE id = ?", "UPDATE posts SET hidden_at = NULL WHERE id = ?"},
			{
				"UPDATE users SET suspended_at = created_at WHERE id = (SELECT q.asker_id FROM questions q JOIN posts p ON p.question_id = q.id WHERE p.id = ?)",
				"UPDATE users SET suspended_at = NULL WHERE id = (SELECT q.asker_id FROM questions q JOIN posts p ON p.question_id = q.id WHERE p.id = ?)",
			},
		} {
			w.Exec(change[0], p.ID)
			_, stopped := w.Follow.Solving(t.Context(), actor.Actor{}, token)
			w.Exec(change[1], p.ID)
			_, works := w.Follow.Solving(t.Context(), actor.Actor{}, token)

			if !fault.Is(stopped, fault.NotFound) || works != nil {
				t.Errorf("%s: %v, %v", change[0], stopped, works)
			}
		}
	})
}

// L: many followers are told in slices, by jobs, and each of them once.
func TestManyFollowersAreToldInSlices(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		const many = 2*follow.Slice + 7
		q := w.Ask(w.Owner, "Why does the first call fail?")
		w.Tx(func(tx *db.Tx) error {
			for i := range many {
				id := db.NewID()
				if _, err := tx.Run("INSERT INTO users (id, email, name, display_name, email_verified_at, created_at, updated_at) VALUES (?, ?, 'N', 'N', ?, ?, ?)", id, fmt.Sprintf("n%d@example.com", i), tx.Now, tx.Now, tx.Now); err != nil {
					return err
				}
				if err := follow.Start(tx, id, follow.Question, q.ID, follow.Chose); err != nil {
					return err
				}
			}
			return nil
		})
		worker := job.NewWorker(w.DB, "test")
		var payloads []json.RawMessage
		worker.Handle(follow.JobKind, func(ctx context.Context, payload json.RawMessage) error {
			payloads = append(payloads, payload)
			return w.Follow.Job(ctx, payload)
		})

		w.Answer(w.Support, q.ID, "Because of this.")
		count := func() (n, people int64) {
			if err := w.DB.Read(t.Context()).Raw("SELECT COUNT(*), COUNT(DISTINCT recipient) FROM mails WHERE kind = 'forum_answer'").Row().Scan(&n, &people); err != nil {
				t.Fatal(err)
			}
			return n, people
		}
		first, _ := count()
		if err := worker.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, p := range payloads { // a replica that lost its lease does them again
			if err := w.Follow.Job(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}

		if all, people := count(); first != follow.Slice || all != many+1 || people != many+1 {
			t.Fatalf("told %d at once, %d mails to %d people; want %d", first, all, people, many+1)
		}
	})
}

// F1, F4
func TestHostileTitlesAndNamesCarryNothingIntoMail(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		w.Exec("UPDATE users SET display_name = ? WHERE id = ?", "https://evil.example/x Bcc: a@b.c", w.Support.UserID)
		q := w.Ask(w.Owner, "Why does the first call fail?")
		w.Exec("UPDATE questions SET title = ? WHERE id = ?", "Hello\r\nBcc: all@example.com \u202egnp", q.ID)

		w.Answer(w.Support, q.ID, "![x](https://evil.example/pixel.png) "+strings.Repeat("word ", 300))

		l := w.Letters(w.Owner)[0]
		if strings.ContainsAny(l.Subject.Args[0], "\r\n\u202e") || strings.Contains(l.Lines[0].Args[0], "://") || strings.Contains(l.Lines[0].Args[0], "evil.example") {
			t.Errorf("%q %q", l.Subject.Args, l.Lines[0].Args)
		}
		if n := len([]rune(l.Quote)); n > 501 {
			t.Errorf("the excerpt has %d characters", n)
		}
	})
}

func TestFollowsAreBoundedAndOnesOwn(t *testing.T) {
	each(t, func(t *testing.T, w *forumtest.World) {
		q := w.Ask(w.Owner, "Why does the first call fail?")
		page, err := w.Follow.List(t.Context(), w.Owner, db.PageRequest{})
		if err != nil || len(page.Rows) != 1 || page.Rows[0].Path() != q.Path() {
			t.Fatal(err, page.Rows)
		}

		foreign := w.Follow.EndOne(t.Context(), w.Other, page.Rows[0].ID)
		own := w.Follow.EndOne(t.Context(), w.Owner, page.Rows[0].ID)
		again := w.Follow.EndOne(t.Context(), w.Owner, page.Rows[0].ID)
		signedOut := w.Follow.SetQuestion(t.Context(), actor.Actor{}, q.ID, true)
		tag := w.Follow.SetTag(t.Context(), w.Owner, "nothing", true)
		api := w.Follow.SetAPI(t.Context(), w.Owner, "orders", true)
		follows, err := w.Follow.Is(t.Context(), w.Owner, follow.API, w.API)

		if !fault.Is(foreign, fault.NotFound) || own != nil || !fault.Is(again, fault.NotFound) || !fault.Is(signedOut, fault.Unauthenticated) || !fault.Is(tag, fault.NotFound) ||
			api != nil || err != nil || !follows {
			t.Fatal(foreign, own, again, signedOut, tag, api, err, follows)
		}
	})
}
