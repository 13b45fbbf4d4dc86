package forum_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// What a large forum holds: a tenth of the questions have no answer, a tenth belong to an organization, two in five are solved, two in a hundred
// are ideas, half carry the tag "common" and one in a thousand the tag "rare".
const (
	manyQuestions = 100_000
	postsEach     = 10 // with the question's own
	manyUsers     = 1000
)

// filler writes SQL of either database for rows numbered by i.
type filler struct {
	d *db.DB
	b testing.TB
}

// id is the id of row i of a kind; ids sort by i.
func (f filler) id(kind int, i string) string {
	if f.d.Dialect == db.Postgres {
		return fmt.Sprintf("(lpad(to_hex((%s)/65536),8,'0')||'-'||lpad(to_hex((%s)%%65536),4,'0')||'-7000-8000-%02x'||lpad(to_hex(%s),10,'0'))::uuid", i, i, kind, i)
	}
	return fmt.Sprintf("printf('%%08x-%%04x-7000-8000-%02x%%010x', (%s)/65536, (%s)%%65536, %s)", kind, i, i, i)
}

// at is a time that many seconds before now.
func (f filler) at(seconds string) string {
	now := f.d.Now()
	if f.d.Dialect == db.Postgres {
		return fmt.Sprintf("(to_timestamp(%d) - (%s) * interval '1 second')", now.Unix(), seconds)
	}
	return fmt.Sprintf("(%d - (%s) * 1000000)", now.UnixMicro(), seconds)
}

func (f filler) series(n int) string {
	if f.d.Dialect == db.Postgres {
		return fmt.Sprintf("generate_series(0, %d) AS s(i)", n-1)
	}
	return fmt.Sprintf("(WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < %d) SELECT i FROM s)", n-1)
}

func (f filler) run(query string, args ...any) {
	f.b.Helper()
	if err := f.d.Tx(context.Background(), func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }); err != nil {
		f.b.Fatal(err)
	}
}

// fill makes the forum large. It returns the id of a question with 50 posts.
func fill(b testing.TB, d *db.DB, questions int) db.ID {
	b.Helper()
	f := filler{d, b}
	now := f.at("0")
	f.run(`INSERT INTO users (id, email, name, display_name, created_at, updated_at) SELECT ` + f.id(1, "i") + `, 'person' || i || '@shop.example', 'Person ' || i, 'Person ' || i, ` + now + `, ` + now + ` FROM ` + f.series(manyUsers))
	org := webtest.PersonalOrg(b, d, webtest.Person(b, d, "owner@shop.example", "").ID)
	f.run(`INSERT INTO questions (id, kind, title, slug, asker_id, visibility, organization_id, state, waits_on, accepted_post_id, accepted_at, answers, votes, last_activity_at, created_at, updated_at, counted)
		SELECT `+f.id(2, "i")+`, CASE WHEN i % 50 = 7 THEN 'idea' WHEN i % 100 = 8 THEN 'bug' ELSE 'question' END, 'Question number ' || i || ' about keys', 'question-number-' || i, `+f.id(1, "i % 1000")+`,
			CASE WHEN i % 10 = 3 THEN 'organization' ELSE 'public' END, CASE WHEN i % 10 = 3 THEN `+cast(d)+` END, 'published', CASE WHEN i % 20 = 1 THEN 'us' ELSE 'asker' END,
			CASE WHEN i % 5 < 2 THEN `+f.id(3, "i * 10 + 1")+` END, CASE WHEN i % 5 < 2 THEN `+now+` END, CASE WHEN i % 10 = 9 THEN 0 ELSE 3 END, (i * 7919) % 97, `+f.at("i * 60")+`, `+f.at("i * 60 + 3600")+`, `+now+`, TRUE
		FROM `+f.series(questions), org)
	body := strings.Repeat("I rotated the key and the call to `/v2/orders` got a 429. ", 6)
	f.run(`INSERT INTO posts (id, question_id, kind, parent_id, author_id, by_staff, body, html, renderer_version, votes, state, created_at, updated_at)
		SELECT `+f.id(3, "i")+`, `+f.id(2, "i / 10")+`, CASE WHEN i % 10 = 0 THEN 'question' WHEN i % 10 < 4 THEN 'answer' ELSE 'comment' END,
			CASE WHEN i % 10 > 5 THEN `+f.id(3, "i - i % 10 + 1")+` END, `+f.id(1, "i % 1000")+`, i % 10 = 1, ?, ?, 1, i % 13, 'published', `+f.at("i * 6")+`, `+now+`
		FROM `+f.series(questions*postsEach), body, "<p>"+body+"</p>")
	f.tags(questions)
	big := f.big()
	if d.Dialect == db.Postgres { // as its autovacuum does; on SQLite the program counts nothing, so neither is it counted here
		if _, err := d.Writer().ExecContext(context.Background(), "ANALYZE"); err != nil {
			b.Fatal(err)
		}
	}
	return big
}

func cast(d *db.DB) string {
	if d.Dialect == db.Postgres {
		return "CAST(? AS uuid)"
	}
	return "?"
}

func (f filler) tags(questions int) {
	f.run(`INSERT INTO tags (id, name, questions, created_at) SELECT ` + f.id(4, "i") + `, CASE i WHEN 0 THEN 'common' WHEN 1 THEN 'rare' ELSE 'tag-' || i END, ` +
		fmt.Sprintf("CASE i WHEN 0 THEN %d WHEN 1 THEN %d ELSE 2000 END", questions/2, questions/1000) + `, ` + f.at("0") + ` FROM ` + f.series(52))
	f.run(`INSERT INTO question_tags (question_id, tag_id) SELECT ` + f.id(2, "i") + `, ` + f.id(4, "2 + i % 50") + ` FROM ` + f.series(questions))
	f.run(`INSERT INTO question_tags (question_id, tag_id) SELECT ` + f.id(2, "i * 2") + `, ` + f.id(4, "0") + ` FROM ` + f.series(questions/2))
	f.run(`INSERT INTO question_tags (question_id, tag_id) SELECT ` + f.id(2, "i * 1000") + `, ` + f.id(4, "1") + ` FROM ` + f.series(max(questions/1000, 1)))
}

// big makes a question with 50 posts: its own, 20 answers and 29 comments.
func (f filler) big() db.ID {
	ctx := context.Background()
	s := newStore(f.b, f.d)
	u := webtest.Person(f.b, f.d, "support@portal.example", "support")
	a := webtest.ActorOf(account.User{ID: u.ID, StaffRole: "support"})
	q, err := s.Ask(ctx, a, forum.Draft{Title: "The question with fifty posts", Body: "What is the longest thread?", Tags: []string{"common"}})
	if err != nil {
		f.b.Fatal(err)
	}
	var answers []db.ID
	for i := range 49 {
		in := forum.Reply{Body: fmt.Sprintf("Word number %d: %s", i, strings.Repeat("both keys share `one` limit, as the guide says. ", 8))}
		var p forum.Post
		if i < 20 {
			p, err = s.Answer(ctx, a, q.ID, in)
			answers = append(answers, p.ID)
		} else {
			in.Parent = answers[i%20]
			_, err = s.Comment(ctx, a, in)
		}
		if err != nil {
			f.b.Fatal(err)
		}
	}
	return q.ID
}

func eachDialect(b *testing.B, body func(b *testing.B, d *db.DB)) {
	b.Run("sqlite", func(b *testing.B) { body(b, dbtest.SQLite(b, nil)) })
	b.Run("postgres", func(b *testing.B) { body(b, dbtest.Postgres(b, nil)) })
}

// BenchmarkLargeForum reads lists and a question out of 100,000 questions with 1,000,000 posts.
func BenchmarkLargeForum(b *testing.B) {
	eachDialect(b, func(b *testing.B, d *db.DB) {
		started := time.Now()
		big := fill(b, d, manyQuestions)
		b.Logf("filled in %v", time.Since(started).Round(time.Second))
		s, ctx := newStore(b, d), context.Background()
		person := actor.Actor{Kind: actor.User, UserID: firstUser(b, d)}
		for _, c := range []struct {
			name string
			who  actor.Actor
			f    forum.Filter
			sort string
		}{
			{"all", actor.Actor{}, forum.Filter{}, ""},
			{"all, newest", actor.Actor{}, forum.Filter{}, "newest"},
			{"all, votes", actor.Actor{}, forum.Filter{}, "votes"},
			{"all, signed in", person, forum.Filter{}, ""},
			{"unanswered", actor.Actor{}, forum.Filter{Unanswered: true}, ""},
			{"unanswered, votes", actor.Actor{}, forum.Filter{Unanswered: true}, "votes"},
			{"mine", person, forum.Filter{Mine: true}, ""},
			{"solved", actor.Actor{}, forum.Filter{Solved: true}, ""},
			{"ideas", actor.Actor{}, forum.Filter{Kind: forum.KindIdea}, ""},
			{"ideas, votes", actor.Actor{}, forum.Filter{Kind: forum.KindIdea}, "votes"},
			{"pinned", actor.Actor{}, forum.Filter{Pinned: true}, ""},
			{"common tag", actor.Actor{}, forum.Filter{Tag: "common"}, ""},
			{"common tag, votes", actor.Actor{}, forum.Filter{Tag: "common"}, "votes"},
			{"tag", actor.Actor{}, forum.Filter{Tag: "tag-9"}, ""},
			{"rare tag", actor.Actor{}, forum.Filter{Tag: "rare"}, ""},
			{"no such API", actor.Actor{}, forum.Filter{API: "nothing"}, ""},
		} {
			measure(b, "list/"+c.name, func() error { _, err := s.List(ctx, c.who, c.f, db.PageRequest{Sort: c.sort}); return err })
		}
		measure(b, "question with 50 posts", func() error {
			q, err := s.Get(ctx, actor.Actor{}, big)
			if err == nil {
				_, err = s.Posts(ctx, actor.Actor{}, q.Question, db.PageRequest{})
			}
			return err
		})
		measure(b, "tags", func() error { _, err := s.Tags(ctx, "", db.PageRequest{}); return err })
		measure(b, "solved about a page", func() error { _, err := s.SolvedAbout(ctx, actor.Actor{}, "/guides/rate-limits", 5); return err })
	})
}

// measure also tells the CPU that this process spent, which is all there is to spend with SQLite.
func measure(b *testing.B, name string, fn func() error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		before := processTime(b)
		for b.Loop() {
			if err := fn(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((processTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
	})
}

func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func firstUser(b testing.TB, d *db.DB) db.ID {
	b.Helper()
	var id db.ID
	if err := d.Read(context.Background()).Raw("SELECT id FROM users ORDER BY id LIMIT 1").Row().Scan(&id); err != nil {
		b.Fatal(err)
	}
	return id
}
