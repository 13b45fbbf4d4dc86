package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/docs"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/index"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

const (
	postsEach = 10 // on the average, the question's own among them
	longest   = 50
	perCommit = 1_000
)

// filledForum is a database with questions, and what to read in it.
type filledForum struct {
	questions, posts int
	longest          string   // the path of a question with 50 posts
	words            []string // what people search
}

// talk is what questions are about; most words of a thread are rarer ones.
var talk = strings.Fields(`key api call error order token scope app limit request response header expired rotate environment permission denied rate quota plan access
	account organization password payment refund shipment stock price catalogue customer product version endpoint timeout retry cursor gateway nginx proxy browser origin address
	secret leak revoke suspend overlap expiry warehouse label invoice carrier parcel tracking returns discount currency`)

// fillForum makes a database with n questions that have ten posts each, and one that has fifty, unless it has questions already. All is public; half is
// answered. Each question has one of 40 tags, and each five-hundredth a rare one besides.
func fillForum(ctx context.Context, url string, n int) (f filledForum, err error) {
	d, err := db.Open(ctx, db.Options{URL: url})
	if err != nil {
		return f, err
	}
	defer func() { _ = d.Close() }()
	if err := d.Migrate(ctx); err != nil {
		return f, err
	}
	if d.Dialect == db.SQLite { // nothing of this has to outlive a power cut
		if _, err := d.Writer().ExecContext(ctx, "PRAGMA synchronous = OFF"); err != nil {
			return f, err
		}
	}
	f, err = filledBefore(ctx, d)
	if err == nil && f.questions == 0 {
		if err = writeForum(ctx, d, n); err == nil {
			f, err = filledBefore(ctx, d)
		}
	}
	if err != nil {
		return f, err
	}
	return f, reindex(ctx, d)
}

func writeForum(ctx context.Context, d *db.DB, n int) error {
	s := newScribe(1)
	if err := d.Tx(ctx, s.people); err != nil {
		return err
	}
	for first := 0; first < n; first += perCommit {
		err := d.Tx(ctx, func(tx *db.Tx) error {
			for i := first; i < min(first+perCommit, n); i++ {
				if err := s.question(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	counted := func(tx *db.Tx) error { // as the forum keeps it: a list of a tag is read by how many questions it has
		_, err := tx.Run("UPDATE tags SET questions = (SELECT COUNT(*) FROM question_tags r WHERE r.tag_id = tags.id)")
		return err
	}
	return d.Tx(ctx, counted)
}

// reindex fills the search index as the program does by jobs at its start, so that it has nothing to do while it is measured.
func reindex(ctx context.Context, d *db.DB) error {
	built := 0
	if _, err := setting.Get(ctx, d, "search.built", &built); err != nil || built == index.Version {
		return err
	}
	pages := guide.NewStore(guide.Options{DB: d, Library: content.Open(content.Options{Ours: docs.Files, Now: d.Now})})
	err := guide.NewSearcher(guide.SearchOptions{DB: d, Pages: pages, Forum: forum.NewStore(forum.Options{DB: d}), Catalog: catalog.NewStore(catalog.Options{DB: d})}).Reindex(ctx)
	if err == nil && d.Dialect == db.Postgres { // as its autovacuum does
		_, err = d.Writer().ExecContext(ctx, "VACUUM ANALYZE")
	}
	return err
}

// filledBefore tells of the questions that a database has; none is no error.
func filledBefore(ctx context.Context, d *db.DB) (filledForum, error) {
	var counts []struct{ Questions, Posts int }
	if err := d.Read(ctx).Raw("SELECT (SELECT COUNT(*) FROM questions) AS questions, (SELECT COUNT(*) FROM posts) AS posts").Scan(&counts).Error; err != nil {
		return filledForum{}, err
	}
	f := filledForum{questions: counts[0].Questions, posts: counts[0].Posts}
	if f.questions == 0 {
		return f, nil
	}
	var ids []db.ID
	if err := d.Read(ctx).Raw("SELECT id FROM questions ORDER BY answers DESC LIMIT 1").Scan(&ids).Error; err != nil {
		return f, err
	}
	f.longest = "/forum/q/" + ids[0].Show("qst") + "/bench"
	s := newScribe(2)
	for range 50 {
		f.words = append(f.words, s.words(2), s.words(5))
	}
	return f, nil
}

// scribe writes questions. The same seed writes the same ones, but for ids.
type scribe struct {
	random  *rand.Rand
	rare    *rand.Zipf
	authors []db.ID
	tags    []db.ID
	rareTag db.ID
}

func newScribe(seed uint64) *scribe {
	s := &scribe{random: rand.New(rand.NewPCG(seed, 2))} //nolint:gosec // the same forum each time
	s.rare = rand.NewZipf(s.random, 1.1, 4, 60_000)
	return s
}

func (s *scribe) people(tx *db.Tx) error {
	w := &writer{tx: tx}
	for i := range 200 {
		id := db.NewID()
		s.authors = append(s.authors, id)
		w.run("INSERT INTO users (id, email, name, display_name, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			id, fmt.Sprintf("author%d@bench.example", i), "Author", fmt.Sprintf("Author %d", i), tx.Now, tx.Now, tx.Now, tx.Now)
	}
	tag := func(name string) db.ID {
		id := db.NewID()
		w.run("INSERT INTO tags (id, name, created_at) VALUES (?, ?, ?)", id, name, tx.Now)
		return id
	}
	for i := range 40 {
		s.tags = append(s.tags, tag(fmt.Sprintf("tag-%d", i)))
	}
	s.rareTag = tag("rare-tag")
	return w.err
}

// words are n words: each second one of the trade, the others spread as in a language.
func (s *scribe) words(n int) string {
	var b strings.Builder
	for i := range n {
		if i%2 == 0 {
			b.WriteString(talk[s.random.IntN(len(talk))] + " ")
			continue
		}
		fmt.Fprintf(&b, "w%dx ", s.rare.Uint64())
	}
	return strings.TrimSpace(b.String())
}

func (s *scribe) author() db.ID { return s.authors[s.random.IntN(len(s.authors))] }

func (s *scribe) question(tx *db.Tx, i int) error {
	id, title, at := db.NewID(), s.words(8), tx.Now.Add(-time.Duration(i)*5*time.Minute)
	posts, waits := 2*postsEach-1, "nobody" // with those of one post ten on the average
	if i == 0 {
		posts = longest
	} else if i%2 == 0 {
		posts, waits = 1, "us"
	}
	answers := (posts - 1) / 2
	w := &writer{tx: tx}
	w.run(`INSERT INTO questions (id, kind, title, slug, asker_id, visibility, state, waits_on, answers, counted, last_activity_at, created_at, updated_at)
		VALUES (?, 'question', ?, 'bench', ?, 'public', 'published', ?, ?, TRUE, ?, ?, ?)`, id, title, s.author(), waits, answers, at, at, at)
	w.run("INSERT INTO question_tags (question_id, tag_id) VALUES (?, ?)", id, s.tags[i%len(s.tags)])
	if i%500 == 0 {
		w.run("INSERT INTO question_tags (question_id, tag_id) VALUES (?, ?)", id, s.rareTag)
	}
	var parent *db.ID
	for p := range posts {
		post, body := db.NewID(), s.words(25)
		kind := "question"
		if p > 0 && p <= answers {
			kind, parent = "answer", nil
		} else if p > 0 {
			kind = "comment"
		}
		w.run(`INSERT INTO posts (id, question_id, parent_id, kind, author_id, body, html, renderer_version, state, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, 1, 'published', ?, ?)`,
			post, id, parent, kind, s.author(), body, "<p>"+body+"</p>\n", at, at)
		if kind == "answer" {
			last := post
			parent = &last
		}
	}
	return w.err
}
