package support

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/hours"
)

// Spans are the days that a report looks back.
var Spans = []int{7, 30, 90}

// MostReported bounds the questions of one report (L4), the newest.
const MostReported = 50_000

// Times are first replies: how many, and their medians. With none the medians mean nothing.
type Times struct {
	Replies  int
	Business time.Duration // of opening hours
	Wall     time.Duration
}

// Share is the part of a report that belongs to one tag or API.
type Share struct {
	Key                    string // name of the tag, slug of the API
	Name                   string
	Asked, Replied, Solved int
	First                  Times
}

// Doer is one person who answered. Solved counts answers of theirs that were accepted.
type Doer struct {
	Name            string
	Staff           bool
	Answers, Solved int64
}

// Step is one day of the report's chart, in UTC.
type Step struct {
	At              time.Time
	Replied, Silent int64 // questions asked that day which staff have replied to, and not
}

// Report is how support did over a span.
type Report struct {
	Days                           int
	From                           time.Time
	Asked, Replied, Solved, InTime int
	First                          Times
	WaitingNow, OverdueNow         int64
	OldestSince                    *time.Time // of those that wait now
	OldestID                       db.ID
	ByTag, ByAPI                   []Share
	Doers                          []Doer
	Steps                          []Step
}

// Fact is one question of a report.
type Fact struct {
	ID             db.ID
	Kind, Title    string
	API, Assignee  string
	APISlug        string
	RepliedBy      string
	SolvedBy       string
	ClosedReason   string
	Visibility     string
	CreatedAt      time.Time
	FirstReplyAt   *time.Time
	FirstDueAt     *time.Time
	AcceptedAt     *time.Time
	ClosedAt       *time.Time
	Tags           []string `gorm:"-"`
	business, wall time.Duration
}

// FirstReply is how long the first word of staff took, in opening hours and on the wall; ok is false when there was none yet.
func (f Fact) FirstReply() (business, wall time.Duration, ok bool) {
	return f.business, f.wall, f.FirstReplyAt != nil
}

// Span is the nearest of Spans; 30 for anything else.
func Span(days int) int {
	if slices.Contains(Spans, days) {
		return days
	}
	return 30
}

// from is when a span of whole UTC days begins, today being the last of them.
func from(now time.Time, days int) time.Time { return now.UTC().Truncate(day).AddDate(0, 0, 1-days) }

// byUsers leaves out what staff ask: announcements are no questions to support.
const byUsers = " AND EXISTS (SELECT 1 FROM posts o WHERE o.question_id = q.id AND o.kind = 'question' AND NOT o.by_staff)"

// Facts are the questions of users asked in a span, oldest first, without those merged into others. Faults: Forbidden.
func (s *Store) Facts(ctx context.Context, a actor.Actor, days int) ([]Fact, error) {
	if err := reads(a); err != nil {
		return nil, err
	}
	since := from(s.db.Now(), Span(days))
	q := s.db.Read(ctx)
	var rows []Fact
	err := q.Raw(`SELECT * FROM (SELECT q.id, q.kind, q.title, q.visibility, COALESCE(p.name, '') AS api, COALESCE(p.slug, '') AS api_slug, COALESCE(s.name, '') AS assignee, COALESCE(r.name, '') AS replied_by,
		COALESCE(w.name, '') AS solved_by, q.closed_reason, q.created_at, q.first_reply_at, q.first_due_at, q.accepted_at, q.closed_at
		FROM questions q LEFT JOIN apis p ON p.id = q.api_id LEFT JOIN users s ON s.id = q.assignee_id LEFT JOIN users r ON r.id = q.first_reply_by
		LEFT JOIN posts b ON b.id = q.accepted_post_id LEFT JOIN users w ON w.id = b.author_id`+living+byUsers+` AND q.created_at >= ?
		ORDER BY q.created_at DESC, q.id DESC LIMIT ?) x ORDER BY created_at, id`, since, MostReported).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	policy, err := hours.PolicyOf(ctx, s.db)
	if err != nil {
		return nil, err
	}
	clock, err := policy.Clock()
	if err != nil {
		return nil, err
	}
	at := make(map[db.ID]int, len(rows))
	for i := range rows {
		at[rows[i].ID] = i
		if f := &rows[i]; f.FirstReplyAt != nil {
			f.business, f.wall = clock.Elapsed(f.CreatedAt, *f.FirstReplyAt), f.FirstReplyAt.Sub(f.CreatedAt)
		}
	}
	var tags []struct {
		QuestionID db.ID
		Name       string
	}
	err = q.Raw(`SELECT qt.question_id, g.name FROM question_tags qt JOIN tags g ON g.id = qt.tag_id JOIN questions q ON q.id = qt.question_id`+living+` AND q.created_at >= ? ORDER BY g.name`, since).Scan(&tags).Error
	for _, t := range tags {
		if i, ok := at[t.QuestionID]; ok {
			rows[i].Tags = append(rows[i].Tags, t.Name)
		}
	}
	return rows, err
}

// Report reckons a span. Faults: Forbidden.
func (s *Store) Report(ctx context.Context, a actor.Actor, days int) (Report, error) {
	facts, err := s.Facts(ctx, a, days)
	if err != nil {
		return Report{}, err
	}
	r := reckon(facts, s.db.Now(), Span(days))
	q := s.db.Read(ctx)
	err = q.Raw(`SELECT COUNT(*) AS waiting_now, COALESCE(SUM(CASE WHEN q.due_at < ? THEN 1 ELSE 0 END), 0) AS overdue_now FROM questions q`+waiting, s.db.Now()).Row().Scan(&r.WaitingNow, &r.OverdueNow)
	if err != nil {
		return r, err
	}
	var oldest []struct {
		ID           db.ID
		WaitingSince time.Time
	}
	if err := q.Raw("SELECT q.id, q.waiting_since FROM questions q" + waiting + " ORDER BY q.waiting_since, q.id LIMIT 1").Scan(&oldest).Error; err != nil {
		return r, err
	}
	if len(oldest) > 0 {
		r.OldestID, r.OldestSince = oldest[0].ID, &oldest[0].WaitingSince
	}
	err = q.Raw(`SELECT CASE WHEN p.by_staff THEN u.name ELSE u.display_name END AS name, p.by_staff AS staff, COUNT(*) AS answers,
		CAST(SUM(CASE WHEN q.accepted_post_id = p.id THEN 1 ELSE 0 END) AS bigint) AS solved
		FROM posts p JOIN questions q ON q.id = p.question_id JOIN users u ON u.id = p.author_id`+living+` AND p.kind = 'answer' AND p.state = 'published' AND p.hidden_at IS NULL
		AND p.deleted_at IS NULL AND (p.author_id <> q.asker_id OR q.accepted_post_id = p.id) AND p.created_at >= ? GROUP BY u.id, 1, p.by_staff ORDER BY answers DESC, name LIMIT 20`, r.From).Scan(&r.Doers).Error
	return r, err
}

// reckon adds up the questions of a span of days that ends now. Pure.
func reckon(facts []Fact, now time.Time, days int) Report {
	r := Report{Days: days, From: from(now, days), Asked: len(facts), Steps: make([]Step, days)}
	for i := range r.Steps {
		r.Steps[i].At = r.From.AddDate(0, 0, i)
	}
	var business, wall []time.Duration
	tags, apis := shares{}, shares{}
	for _, f := range facts {
		step := min(max(int(f.CreatedAt.Sub(r.From)/day), 0), days-1)
		if f.FirstReplyAt == nil {
			r.Steps[step].Silent++
		} else {
			r.Steps[step].Replied++
			r.Replied++
			business, wall = append(business, f.business), append(wall, f.wall)
			if f.FirstDueAt != nil && !f.FirstReplyAt.After(*f.FirstDueAt) {
				r.InTime++
			}
		}
		if f.AcceptedAt != nil {
			r.Solved++
		}
		for _, t := range f.Tags {
			tags.add(t, t, f)
		}
		if f.API != "" {
			apis.add(f.APISlug, f.API, f)
		}
	}
	r.First = Times{len(wall), Median(business), Median(wall)}
	r.ByTag, r.ByAPI = tags.sorted(), apis.sorted()
	return r
}

type share struct {
	name                   string
	asked, replied, solved int
	business, wall         []time.Duration
}

type shares map[string]*share

func (all shares) add(key, name string, f Fact) {
	s := all[key]
	if s == nil {
		s = &share{name: name}
		all[key] = s
	}
	s.asked++
	if f.FirstReplyAt != nil {
		s.replied++
		s.business, s.wall = append(s.business, f.business), append(s.wall, f.wall)
	}
	if f.AcceptedAt != nil {
		s.solved++
	}
}

// mostShares bounds the lines of a table.
const mostShares = 20

func (all shares) sorted() []Share {
	out := make([]Share, 0, len(all))
	for key, s := range all {
		out = append(out, Share{key, s.name, s.asked, s.replied, s.solved, Times{len(s.wall), Median(s.business), Median(s.wall)}})
	}
	slices.SortFunc(out, func(a, b Share) int {
		return cmp.Or(b.Asked-a.Asked, cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key))
	})
	return out[:min(len(out), mostShares)]
}

// Median is the middle of all, of an even number the mean of the middle two; 0 for none. It sorts all.
func Median(all []time.Duration) time.Duration {
	n := len(all)
	if n == 0 {
		return 0
	}
	slices.Sort(all)
	if n%2 == 1 {
		return all[n/2]
	}
	low, high := all[n/2-1], all[n/2]
	return low + (high-low)/2
}

// Exported notes that somebody takes the questions of a span out of the house, and reads them. Faults: Forbidden.
func (s *Store) Exported(ctx context.Context, a actor.Actor, days int) ([]Fact, error) {
	facts, err := s.Facts(ctx, a, days)
	if err != nil {
		return nil, err
	}
	return facts, s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.ReportRead, TargetKind: "support_report"})
		return nil
	})
}

// MonthFirstReply is the median of first replies to public questions of this calendar month in UTC, in opening hours, and to how many; for the public home page. It fails
// with NotFound when there is none, so that nobody shows a figure that isn't one.
func (s *Store) MonthFirstReply(ctx context.Context) (time.Duration, int, error) {
	now := s.db.Now().UTC()
	var rows []struct{ CreatedAt, FirstReplyAt time.Time }
	err := s.db.Read(ctx).Raw("SELECT q.created_at, q.first_reply_at FROM questions q"+living+` AND q.visibility = 'public' AND q.hidden_at IS NULL AND q.first_reply_at IS NOT NULL
		AND q.created_at >= ? ORDER BY q.created_at DESC LIMIT 5000`, time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)).Scan(&rows).Error
	if err != nil {
		return 0, 0, err
	}
	if len(rows) == 0 {
		return 0, 0, fault.Missing()
	}
	policy, err := hours.PolicyOf(ctx, s.db)
	if err != nil {
		return 0, 0, err
	}
	clock, err := policy.Clock()
	all := make([]time.Duration, len(rows))
	for i, r := range rows {
		all[i] = clock.Elapsed(r.CreatedAt, r.FirstReplyAt)
	}
	return Median(all), len(all), err
}
