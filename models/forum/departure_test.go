package forum_test

import (
	"context"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

const sentence = "correct horse battery staple"

// accounts is a store of accounts in which the actor's password is sentence.
func (w *world) accounts(a actor.Actor) *account.Store {
	w.t.Helper()
	root, err := secret.Parse("a secret of tests that is long enough 0123456789", "")
	if err != nil {
		w.t.Fatal(err)
	}
	quick := func(plain, salt []byte, _ password.Params, n uint32) []byte {
		sum := sha256.Sum256(append(append([]byte{}, salt...), plain...))
		return sum[:n]
	}
	hasher, err := password.NewHasher(password.Params{MemoryKiB: 8 * 1024, Time: 1, Threads: 1}, password.GateOptions{}, quick)
	if err != nil {
		w.t.Fatal(err)
	}
	hash, err := hasher.Hash(context.Background(), sentence)
	if err != nil {
		w.t.Fatal(err)
	}
	sealer := root.Sealer(secret.LabelPassword)
	w.exec("UPDATE users SET password_sealed = ? WHERE id = ?", sealer.Seal([]byte(hash), a.UserID.String()), a.UserID)
	return account.NewStore(account.Options{
		DB: w.db, Hasher: hasher, Sealer: sealer, Signer: root.Signer(secret.LabelSession), Outbox: outbox.New(root.Sealer(secret.LabelMail)),
		Link: func(path string) string { return "https://portal.example" + path }, Floor: -1,
	})
}

func (w *world) count(query string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.db.Read(context.Background()).Raw(query, args...).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

// Z4: whoever leaves takes what is theirs alone; what others read and answered stays, under nobody's name.
func TestThreadsStayReadableWhenTheirAuthorDeletesTheAccount(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		accounts := w.accounts(w.asker)
		app := db.NewID()
		w.exec("INSERT INTO apps (id, organization_id, name, created_by, created_at, updated_at) VALUES (?, ?, 'Corner kiosk', ?, ?, ?)", app, w.orgOf(w.asker), w.asker.UserID, w.clock.Now(), w.clock.Now())
		q := w.ask(w.asker, forum.Draft{AppID: app, Tags: []string{"keys"}, Source: "/guides/rate-limits"})
		inside := w.ask(w.asker, forum.Draft{Title: "Only for us and the staff", Visibility: forum.Organization, OrganizationID: w.orgOf(w.asker), AppID: app})
		theirs := w.ask(w.other, forum.Draft{Title: "How long does a key live?"})
		p := w.answer(w.other, q.ID, "Both keys share one limit.")
		w.say(w.asker, p.ID, "And for how long do they?")
		mine := w.answer(w.asker, theirs.ID, "For a year, unless you say otherwise.")
		_, edit := w.forum.Edit(ctx, w.asker, mine.ID, forum.Edit{Body: "For a year, unless its owner says otherwise."})
		_, vote := w.forum.Vote(ctx, w.asker, w.own(theirs.ID), true)
		_, accept := w.forum.Accept(ctx, w.other, mine.ID)
		for _, err := range []error{edit, vote, accept} {
			if err != nil {
				w.t.Fatal(err)
			}
		}
		w.exec("INSERT INTO flags (id, question_id, post_id, flagger_id, reason, words, state, created_at) VALUES (?, ?, ?, ?, 'other', 'Ask Mira of the Corner kiosk', 'open', ?)", db.NewID(), q.ID, p.ID, w.asker.UserID, w.clock.Now())
		w.exec("INSERT INTO answering (question_id, user_id, at) VALUES (?, ?, ?)", theirs.ID, w.asker.UserID, w.clock.Now())
		w.exec("INSERT INTO page_ratings (id, path, helpful, words, user_id, created_at) VALUES (?, '/guides/quick-start', TRUE, '', ?, ?)", db.NewID(), w.asker.UserID, w.clock.Now())
		told := w.count("SELECT COUNT(*) FROM mails WHERE user_id = ?", w.asker.UserID)

		if err := accounts.Delete(ctx, w.asker, "mira@corner.example", sentence); err != nil {
			w.t.Fatal(err)
		}
		w.answer(w.support, q.ID, "For as long as the old one lives.")

		row, err := w.forum.Get(ctx, w.nobody, q.ID)
		thread, threadErr := w.forum.Posts(ctx, w.nobody, row.Question, db.PageRequest{})
		other, otherErr := w.forum.Get(ctx, w.nobody, theirs.ID)
		said, saidErr := w.forum.Posts(ctx, w.nobody, other.Question, db.PageRequest{})
		for _, err := range []error{err, threadErr, otherErr, saidErr} {
			if err != nil {
				w.t.Fatal(err)
			}
		}
		if !row.AskerGone || row.AppID != nil || !thread.Post.AuthorGone || len(thread.Answers) != 2 || !slices.ContainsFunc(thread.Answers, func(s forum.Said) bool { return len(s.Comments) == 1 && s.Comments[0].AuthorGone }) {
			w.t.Errorf("%+v\n%+v", row, thread)
		}
		if other.AcceptedPostID == nil || other.Votes != 0 || !said.Answers[0].AuthorGone || said.Answers[0].HTML == "" {
			w.t.Errorf("%+v\n%+v", other, said)
		}
		if hidden := w.get(inside.ID); hidden.AppID != nil || hidden.OrganizationID == nil { // still not for everybody
			w.t.Errorf("%+v", hidden.Question)
		}
		_, err = w.forum.Get(ctx, w.other, inside.ID)
		wantFault(w.t, err, fault.NotFound)
		for query, want := range map[string]int64{
			"SELECT COUNT(*) FROM follows WHERE user_id = ?": 0, "SELECT COUNT(*) FROM votes WHERE user_id = ?": 0, "SELECT COUNT(*) FROM answering WHERE user_id = ?": 0, "SELECT COUNT(*) FROM page_ratings WHERE user_id = ?": 0,
			"SELECT COUNT(*) FROM mails WHERE user_id = ? AND kind <> 'account_deleted'": 0, "SELECT COUNT(*) FROM flags WHERE flagger_id = ? AND words <> ''": 0, "SELECT COUNT(*) FROM questions WHERE asker_id = ? AND app_id IS NOT NULL": 0,
			"SELECT COUNT(*) FROM posts WHERE author_id = ? AND body <> ''": 4,
		} {
			if n := w.count(query, w.asker.UserID); n != want {
				w.t.Errorf("%s: %d, want %d", query, n, want)
			}
		}
		if mails := w.count("SELECT COUNT(*) FROM mails WHERE (recipient LIKE 'mira%' OR recipient LIKE 'deleted-%') AND kind <> 'account_deleted'"); told == 0 || mails != 0 {
			w.t.Errorf("%d mails before, %d after", told, mails)
		}
	})
}
