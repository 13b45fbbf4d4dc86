package demo

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
)

// deeds are what can be said and done about a question, by the word that stands in its file. The number is the deed's place.
var deeds map[string]func(f *filler, ctx context.Context, q *asked, i int) error

func init() {
	deeds = map[string]func(f *filler, ctx context.Context, q *asked, i int) error{
		"answer": (*filler).answer, "comment": (*filler).comment, "note": (*filler).note, "assign": (*filler).assign, "wait": (*filler).wait,
		"escalate": (*filler).escalate, "close": (*filler).closeQuestion, "merge": (*filler).merge,
		"lock": (*filler).lock, "pin": (*filler).pin, "flag": (*filler).flag, "hide": (*filler).hide,
	}
}

// answer is written at the desk by those who answer for the company, and on the question's page by everybody else.
func (f *filler) answer(ctx context.Context, q *asked, i int) (err error) {
	d := q.deeds[i]
	var p forum.Post
	if f.answersForUs(d.By) {
		p, err = f.desk.Answer(ctx, f.as(d.By), q.id, support.Answer{Body: d.body})
	} else {
		p, err = f.forum.Answer(ctx, f.as(d.By), q.id, forum.Reply{Body: d.body})
	}
	q.answers[i], q.last, q.latest = p.ID, p.ID, p.ID
	return err
}

func (f *filler) comment(ctx context.Context, q *asked, i int) error {
	d := q.deeds[i]
	p, err := f.forum.Comment(ctx, f.as(d.By), forum.Reply{Body: d.body, Parent: q.last})
	q.latest = p.ID
	return err
}

func (f *filler) note(ctx context.Context, q *asked, i int) error {
	return f.desk.WriteNote(ctx, f.as(q.deeds[i].By), q.id, q.deeds[i].body)
}

func (f *filler) assign(ctx context.Context, q *asked, i int) error {
	d := q.deeds[i]
	if d.To == d.By {
		return f.desk.Take(ctx, f.as(d.By), q.id)
	}
	return f.desk.HandOver(ctx, f.as(d.By), q.id, support.Hand{Person: f.users[d.To].ID, Team: f.teams[d.Team], Note: d.body})
}

func (f *filler) wait(ctx context.Context, q *asked, i int) error {
	return f.desk.Wait(ctx, f.as(q.deeds[i].By), q.id)
}

func (f *filler) escalate(ctx context.Context, q *asked, i int) error {
	return f.desk.Escalate(ctx, f.as(q.deeds[i].By), q.id, q.deeds[i].body)
}

func (f *filler) closeQuestion(ctx context.Context, q *asked, i int) error {
	return f.desk.Close(ctx, f.as(q.deeds[i].By), q.id, q.deeds[i].Reason)
}

func (f *filler) merge(ctx context.Context, q *asked, i int) error {
	return f.desk.Merge(ctx, f.as(q.deeds[i].By), q.id, f.questions[q.deeds[i].Into].id)
}

// plotDesk lets support set up: teams, canned replies, when it works, and what it wants to be told.
func (f *filler) plotDesk() {
	f.happens(f.at(170, 9), "policy of support", func(ctx context.Context) error {
		p, err := f.desk.Policy(ctx, f.as("mira"))
		if err != nil {
			return err
		}
		p.Zone, p.From, p.To = "Europe/Oslo", "08:00", "17:00"
		return f.desk.SetPolicy(ctx, f.as("mira"), p)
	})
	for i, t := range teams {
		f.happens(f.at(140, 9+float64(i)/10), "team "+t.name, func(ctx context.Context) error {
			var ids []db.ID
			for _, who := range t.members {
				ids = append(ids, f.users[who].ID)
			}
			id, err := f.desk.SaveTeam(ctx, f.as("mira"), db.ID{}, t.name, ids)
			f.teams[t.name] = id
			return err
		})
	}
	for day := 30; day >= 1; day-- {
		f.happens(f.at(day, 6.1), "stale questions", f.desk.Stale)
	}
	for i, r := range cannedReplies {
		f.happens(f.at(130, 9+float64(i)/10), "canned reply "+r.Name, func(ctx context.Context) error {
			_, err := f.desk.SaveReply(ctx, f.as("sofia"), r)
			return err
		})
	}
}

var teams = []struct {
	name    string
	members []string
}{
	{"Front desk", []string{"sofia", "tomas"}},
	{"Orders and stock", []string{"tomas", "jonas"}},
}

var cannedReplies = []support.Reply{
	{Name: "Make a new key", Body: "Hello {name},\n\nwhat a key may do is fixed when it is made. Make a new one for {app} with the scopes that you need, put it in place, and revoke the old one. {guide:keys-and-scopes} says more."},
	{Name: "Too many calls", Body: "Hello {name},\n\nyour calls to {api} are above what the plan of {app} lets through. Wait for as long as `Retry-After` says, and see {guide:limits}. An admin of your organization can ask for another plan on the API’s page."},
	{Name: "What we need to look into it", Body: "Hello {name},\n\nto look into this we need the `request_id` of one answer (or its time in UTC), and what you expected instead. Never send us a key: its name and last four characters are enough."},
	{Name: "Rotate a leaked key", Body: "Hello {name},\n\nrotate that key with an overlap of 0 days now: the old one stops with the next request. Then look at its page for networks that you don’t know. {guide:keeping-secrets} has the rest."},
}

func (f *filler) lock(ctx context.Context, q *asked, i int) error {
	return f.moderation.SetLocked(ctx, f.as(q.deeds[i].By), q.id, true)
}

func (f *filler) pin(ctx context.Context, q *asked, i int) error {
	return f.moderation.SetPinned(ctx, f.as(q.deeds[i].By), q.id, true)
}

// flag reports what was said last.
func (f *filler) flag(ctx context.Context, q *asked, i int) error {
	d := q.deeds[i]
	_, err := f.moderation.Flag(ctx, f.as(d.By), q.latest, d.Reason, d.Words)
	return err
}

// hide upholds the flags of what was said last, which takes it out of the forum.
func (f *filler) hide(ctx context.Context, q *asked, i int) error {
	d := q.deeds[i]
	flag, err := one[db.ID](ctx, f.db, "SELECT id FROM flags WHERE post_id = ?", q.latest)
	if err != nil {
		return err
	}
	return f.moderation.Decide(ctx, f.as(d.By), flag, true, d.Reason)
}
