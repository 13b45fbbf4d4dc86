package guide

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// SearchOptions of a Searcher. All are required.
type SearchOptions struct {
	DB      *db.DB
	Pages   *Store
	Forum   *forum.Store
	Catalog *catalog.Store
}

// Searcher is the one search over guides, tutorials, APIs and questions. It leaves out what the reader may not see. Safe for concurrent use.
type Searcher struct {
	db      *db.DB
	pages   *Store
	forum   *forum.Store
	catalog *catalog.Store
}

// NewSearcher makes a searcher.
func NewSearcher(o SearchOptions) *Searcher {
	return &Searcher{db: o.DB, pages: o.Pages, forum: o.Forum, catalog: o.Catalog}
}

// Page is a guide or a tutorial in language or in English; nil when there is none.
func (s *Searcher) Page(kind, slug string, language text.Language) *content.Page {
	return s.pages.Find(kind, slug, language)
}

// Search is what a reader looks for. Kind narrows when it is one of the index's. Page counts from 1.
type Search struct {
	Text     string
	Kind     string
	Page     int
	Language text.Language // which translation of a page is preferred
}

// Result is one document that the reader may see.
type Result struct {
	Kind    string
	Path    string // under the portal's address
	Title   string
	Lang    string // of a page in another language than the reader's: title and excerpt are in it
	Topic   string // of a question: question, idea or bug
	Solved  bool
	Closed  bool
	Answers int64
	AskedAt time.Time     // of a question
	Tags    []string      // of a question
	Marked  []index.Piece // the title, with the words that were looked for
	Excerpt []index.Piece
	Ref     string // as the index has it

	Preferred bool // of a page: in the reader's language, as far as there is one
}

// Results are one page of them. Suggestion, when not empty, is the query with its slips mended.
type Results struct {
	Shown      []Result
	More       bool
	Suggestion string
}

// Bounds of a search.
const (
	resultsPage = 10
	lastPage    = 10 // what stands further behind, better words find
)

// Find searches. What the reader may not see leaves no trace: not in results, their number, or suggestions.
func (s *Searcher) Find(ctx context.Context, a actor.Actor, q Search) (Results, error) {
	q.Page = min(max(q.Page, 1), lastPage)
	hits, err := s.seen(ctx, a, q)
	if err != nil {
		return Results{}, err
	}
	from := min((q.Page-1)*resultsPage, len(hits))
	to := min(from+resultsPage, len(hits))
	out := Results{More: to < len(hits) && q.Page < lastPage}
	page := make([]index.Hit, 0, resultsPage)
	for _, h := range hits[from:to] {
		page = append(page, h.hit)
	}
	excerpts, err := index.Excerpts(ctx, s.db, q.Text, page)
	if err != nil {
		return Results{}, err
	}
	tags, err := s.tagsOf(ctx, page)
	if err != nil {
		return Results{}, err
	}
	for i, h := range hits[from:to] {
		h.result.Marked, h.result.Excerpt, h.result.Tags = index.Mark(q.Text, h.result.Title), excerpts[i], tags[h.hit.Ref]
		out.Shown = append(out.Shown, h.result)
	}
	if q.Page == 1 {
		out.Suggestion, err = s.suggest(ctx, q.Text, out.Shown)
	}
	return out, err
}

// found is a hit that the reader may see.
type found struct {
	hit    index.Hit
	result Result
}

// seen ranks what the reader may see, among that alone.
func (s *Searcher) seen(ctx context.Context, a actor.Actor, q Search) ([]found, error) {
	query := index.Query{Text: q.Text, Limit: index.MaxCandidates}
	if q.Kind != "" {
		query.Kinds = []string{q.Kind}
	}
	hits, err := s.forum.FindAs(ctx, a, query)
	if err != nil {
		return nil, err
	}
	return s.firstSeen(ctx, a, hits, q)
}

// firstSeen is filter as far as the page that is shown goes, and one result more: hardly anything falls out.
func (s *Searcher) firstSeen(ctx context.Context, a actor.Actor, hits []index.Hit, q Search) ([]found, error) {
	need, questions := q.Page*resultsPage+1, 0
	first := slices.DeleteFunc(slices.Clone(hits), func(h index.Hit) bool {
		if h.Kind == index.Question {
			questions++
		}
		return h.Kind == index.Question && questions > need+resultsPage
	})
	kept, err := s.filter(ctx, a, first, q.Language)
	if err != nil || len(kept) >= need || len(first) == len(hits) {
		return kept, err
	}
	return s.filter(ctx, a, hits, q.Language)
}

// filter asks each area what of the hits the reader may see, and keeps their order. Of a page in several languages one is kept.
func (s *Searcher) filter(ctx context.Context, a actor.Actor, hits []index.Hit, language text.Language) ([]found, error) {
	apis, err := s.seenAPIs(ctx, a, hits)
	if err != nil {
		return nil, err
	}
	questions, err := s.seenQuestions(ctx, a, hits)
	if err != nil {
		return nil, err
	}
	var out []found
	taken := map[string]int{}
	for _, h := range hits {
		var r Result
		var ok bool
		switch h.Kind {
		case index.API:
			r, ok = apis[h.Ref]
		case index.Question:
			r, ok = questions[h.Ref]
		default:
			r, ok = s.page(h, language)
		}
		if !ok {
			continue
		}
		r.Kind, r.Ref = h.Kind, h.Ref
		if at, again := taken[r.Path]; !again {
			taken[r.Path] = len(out)
			out = append(out, found{h, r})
		} else if r.Preferred { // the place of the better one, the words of the one that is read
			h.Score = out[at].hit.Score
			out[at] = found{h, r}
		}
	}
	return out, nil
}

func (s *Searcher) page(h index.Hit, language text.Language) (Result, bool) {
	p := s.pages.PageOfRef(h.Kind, h.Ref)
	if p == nil {
		return Result{}, false
	}
	best := s.pages.Find(h.Kind, p.Slug, language)
	r := Result{Path: p.Path(), Title: p.Title, Preferred: best == p}
	if p.Language != language {
		r.Lang = string(p.Language)
	}
	return r, true
}

func refs(hits []index.Hit, kind string) []db.ID {
	var ids []db.ID
	for _, h := range hits {
		var id db.ID
		if h.Kind == kind && id.Scan(h.Ref) == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// What the reader may see of what was found.
const (
	shownAPIs      = "SELECT x.id, x.slug, x.name FROM apis x WHERE x.id IN ? AND " + catalog.Shown
	shownQuestions = `SELECT q.id, q.kind, q.slug, q.title, q.answers, q.accepted_post_id IS NOT NULL AS accepted, q.closed_at IS NOT NULL AS closed, q.created_at FROM questions q
		WHERE q.id IN ? AND q.merged_into IS NULL AND ` + forum.Visible
)

func (s *Searcher) seenAPIs(ctx context.Context, a actor.Actor, hits []index.Hit) (map[string]Result, error) {
	ids, out := refs(hits, index.API), map[string]Result{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		ID   db.ID
		Slug string
		Name string
	}
	err := s.db.Read(ctx).Raw(shownAPIs, append([]any{ids}, catalog.VisibleArgs(a)...)...).Scan(&rows).Error
	for _, r := range rows {
		out[r.ID.String()] = Result{Path: "/apis/" + r.Slug, Title: r.Name}
	}
	return out, err
}

func (s *Searcher) seenQuestions(ctx context.Context, a actor.Actor, hits []index.Hit) (map[string]Result, error) {
	ids, out := refs(hits, index.Question), map[string]Result{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		ID       db.ID
		Kind     string
		Slug     string
		Title    string
		Answers  int64
		Accepted bool
		Closed   bool

		CreatedAt time.Time
	}
	err := s.db.Read(ctx).Raw(shownQuestions, append([]any{ids}, forum.VisibleArgs(a)...)...).Scan(&rows).Error
	for _, r := range rows {
		out[r.ID.String()] = Result{Path: "/forum/q/" + r.ID.Show(forum.Prefix) + "/" + r.Slug, Title: r.Title, Topic: r.Kind, Solved: r.Accepted, Closed: r.Closed, Answers: r.Answers, AskedAt: r.CreatedAt}
	}
	return out, err
}

// tagsOf are the tags of the questions among hits, by their refs.
func (s *Searcher) tagsOf(ctx context.Context, hits []index.Hit) (map[string][]string, error) {
	ids, out := refs(hits, index.Question), map[string][]string{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		QuestionID db.ID
		Name       string
	}
	err := s.db.Read(ctx).Raw("SELECT qt.question_id, g.name FROM question_tags qt JOIN tags g ON g.id = qt.tag_id WHERE qt.question_id IN ? ORDER BY g.name", ids).Scan(&rows).Error
	for _, r := range rows {
		out[r.QuestionID.String()] = append(out[r.QuestionID.String()], r.Name)
	}
	return out, err
}

// suggest mends the query, unless what is shown first has its words as they were typed.
func (s *Searcher) suggest(ctx context.Context, query string, shown []Result) (string, error) {
	better, err := index.Suggest(ctx, s.db, query)
	if err != nil || better == "" {
		return "", err
	}
	was, is := strings.Fields(strings.ToLower(query)), strings.Fields(strings.ToLower(better))
	for i, word := range was {
		if len(was) != len(is) || word == is[i] {
			continue
		}
		for _, r := range shown[:min(len(shown), 3)] {
			if strings.Contains(strings.ToLower(words(r.Marked)+" "+words(r.Excerpt)), word) {
				return "", nil
			}
		}
	}
	return better, nil
}

func words(pieces []index.Piece) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.Text)
	}
	return b.String()
}
