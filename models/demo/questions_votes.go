package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// vote is one vote of the story: for a question itself when answer is negative, else for the answer of that deed.
type vote struct {
	of     *asked
	answer int
	by     string
	at     time.Time
}

// castVotes lets n people vote for a post over the days after it was written.
func (f *filler) castVotes(q *asked, answer, n int, written time.Time) {
	d := &dice{hashOf(fmt.Sprintf("votes %s %d", q.key, answer))}
	author := q.Asker
	if answer >= 0 {
		author = q.deeds[answer].By
	}
	for _, who := range f.votersOf(q, author, n, d) {
		at := written.Add(5*time.Minute + time.Duration(96*3600*d.part()*d.part())*time.Second)
		if at.After(f.now) {
			at = f.now.Add(f.now.Sub(written) / -2).Truncate(time.Second)
		}
		f.votes = append(f.votes, vote{q, answer, who, at})
	}
}

// votersOf are n of those who may read a question and were there when it was asked, by chance, but not the author. They are fewer when there are no more.
func (f *filler) votersOf(q *asked, author string, n int, d *dice) []string {
	var all []string
	for _, p := range people {
		there := f.at(p.joined, 10).Before(q.at)
		if there && p.handle != author && !slices.Contains(strangers, p.handle) && f.reads(p, q) {
			all = append(all, p.handle)
		}
	}
	for i := len(all) - 1; i > 0; i-- {
		j := int(d.throw() % uint64(i+1))
		all[i], all[j] = all[j], all[i]
	}
	return all[:min(n, len(all))]
}

// strangers take no part in votes: they are new, or were suspended.
var strangers = []string{"vera", "yuki", "noah", "isla"}

// reads says who of the story reads a question.
func (f *filler) reads(p person, q *asked) bool {
	if p.staff != "" {
		return true
	}
	of := func(name string) bool {
		return slices.ContainsFunc(companies, func(c company) bool {
			return c.handle == name && (c.owner == p.handle || slices.ContainsFunc(c.members, func(m member) bool { return m.handle == p.handle }))
		})
	}
	if q.For != "" {
		return of(q.For)
	}
	for _, api := range products {
		if api.Slug == q.API && len(api.invited) > 0 {
			return slices.ContainsFunc(api.invited, of)
		}
	}
	return true
}

// writeVotes writes all votes in bulk, and what the posts say of theirs: one by one, with an act of audit each, they would take longer than all else that is said.
func (f *filler) writeVotes(tx *db.Tx) error {
	const row, atOnce = "(?, ?, ?)", 100
	for part := range slices.Chunk(f.votes, atOnce) {
		var args []any
		for _, v := range part {
			post := v.of.post
			if v.answer >= 0 {
				post = v.of.answers[v.answer]
			}
			args = append(args, post, f.users[v.by].ID, v.at)
		}
		statement := "INSERT INTO votes (post_id, user_id, created_at) VALUES " + strings.Repeat(row+", ", len(part)-1) + row
		if _, err := tx.Run(statement, args...); err != nil {
			return err
		}
	}
	if _, err := tx.Run("UPDATE posts SET votes = (SELECT COUNT(*) FROM votes v WHERE v.post_id = posts.id)"); err != nil {
		return err
	}
	_, err := tx.Run("UPDATE questions SET votes = (SELECT p.votes FROM posts p WHERE p.question_id = questions.id AND p.kind = 'question')")
	return err
}
