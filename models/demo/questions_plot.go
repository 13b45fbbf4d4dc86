package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// asked is a question that the story asked, with its posts.
type asked struct {
	*thread
	id      db.ID
	at      time.Time
	post    db.ID         // of the question itself
	last    db.ID         // the post under which the next comment stands: the answer told last, or the question's own
	latest  db.ID         // the post written last
	answers map[int]db.ID // by the place of their deed
}

// plotQuestions lets people ask, answer, vote and moderate.
func (f *filler) plotQuestions() error {
	threads, err := readThreads()
	if err != nil {
		return err
	}
	for _, t := range threads {
		q := &asked{thread: t, answers: map[int]db.ID{}}
		q.at = f.at(t.Ago, t.At)
		if t.Before != 0 {
			q.at = f.now.Add(-time.Duration(t.Before))
		}
		f.questions[t.key] = q
		f.happens(q.at, "ask "+t.key, func(ctx context.Context) error { return f.askQuestion(ctx, q) })
		f.castVotes(q, -1, t.Votes, q.at)
		for _, who := range t.Follow {
			f.happens(q.at.Add(90*time.Minute), "follow "+t.key, func(ctx context.Context) error { return f.followQuestion(ctx, q, who) })
		}
		f.plotStatus(q)
		for i, d := range t.deeds {
			if err := f.plotDeed(q, i, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *filler) plotDeed(q *asked, i int, d deed) error {
	do, ok := deeds[d.what]
	at := q.at.Add(time.Duration(d.After))
	switch {
	case !ok:
		return fmt.Errorf("demo: %s: nobody knows how to %s", q.key, d.what)
	case at.After(f.now):
		return fmt.Errorf("demo: %s: %s lies in the future", q.key, d.what)
	}
	f.happens(at, d.what+" "+q.key, func(ctx context.Context) error { return do(f, ctx, q, i) })
	if d.what == "answer" {
		f.castVotes(q, i, d.Votes, at)
	}
	if d.Accept != 0 {
		f.happens(q.at.Add(time.Duration(d.Accept)+30*time.Second), "accept "+q.key, func(ctx context.Context) error {
			_, err := f.forum.Accept(ctx, f.as(q.Asker), q.answers[i])
			return err
		})
	}
	return nil
}

// plotStatus lets the company say in public what becomes of an idea or a bug, once all was said.
func (f *filler) plotStatus(q *asked) {
	if q.Status == "" {
		return
	}
	at := q.at.Add(26 * time.Hour)
	if n := len(q.deeds); n > 0 {
		at = q.at.Add(time.Duration(q.deeds[n-1].After) + 10*time.Minute)
	}
	f.happens(at, "status of "+q.key, func(ctx context.Context) error {
		if err := f.desk.SetStatus(ctx, f.as("jonas"), q.id, q.Status); err != nil || !slices.Contains(over, q.Status) {
			return err
		}
		return f.desk.Close(ctx, f.as("jonas"), q.id, support.Answered)
	})
}

// over are the statuses after which nothing more will come.
var over = []string{"done", "fixed", "declined"}

func (f *filler) askQuestion(ctx context.Context, q *asked) error {
	in := forum.Draft{Title: q.Title, Body: q.body, Tags: q.Tags, Kind: q.Kind, API: q.API, AppID: f.apps[q.App], Source: q.Source}
	if q.For != "" {
		in.Visibility, in.OrganizationID = forum.Organization, f.companies[q.For]
	}
	made, err := f.forum.Ask(ctx, f.as(q.Asker), in)
	if err != nil {
		return err
	}
	q.id = made.ID
	q.post, err = one[db.ID](ctx, f.db, "SELECT id FROM posts WHERE question_id = ? AND kind = 'question'", q.id)
	q.last, q.latest = q.post, q.post
	return err
}

func (f *filler) followQuestion(ctx context.Context, q *asked, who string) error {
	_, err := f.forum.Follow(ctx, f.as(who), q.id, true)
	return err
}

// answersForUs reports whether somebody answers for the company.
func (f *filler) answersForUs(who string) bool {
	return permission.Staff(f.users[who].StaffRole, permission.StaffQuestionsAnswer)
}
