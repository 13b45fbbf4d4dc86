package index

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Query is what somebody looks for.
type Query struct {
	Text   string
	Kinds  []string // none: all
	Limit  int      // 0: 50; at most MaxCandidates
	Any    bool     // also what has few of the words, such as for similar questions
	Public bool     // only what anybody may read, and what Readers names
	// Readers are the marks that the reader holds, with Public: nothing but what anybody may read and what bears one of them changes what is found, its order or its worth.
	Readers []string
}

// Hit is a document found. Excerpt is how it begins; Excerpts gives the part that has the words.
type Hit struct {
	Kind    string
	Ref     string
	Title   string
	Excerpt string
	Score   float64

	id int64
}

// MaxCandidates bounds the documents that are read and compared for one query.
const MaxCandidates = 200

// Bounds of the lists that a query fetches from the engine.
const (
	common      = 400 // documents from which on a term counts as common; Recount keeps how many have it
	longestList = 600 // ids of one list, the newest
)

// Find ranks the documents that match the query, the best first. Who reads is told by Public and Readers; the caller still leaves out what the reader may
// not see. A query without words finds nothing.
func Find(ctx context.Context, d *db.DB, q Query) ([]Hit, error) {
	p := parse(q.Text)
	if len(p.groups) == 0 {
		return nil, nil
	}
	mended, err := corrections(ctx, d, p.spelled)
	if err != nil {
		return nil, err
	}
	p.mend(mended)
	f := finder{ctx: ctx, db: d, query: q, parsed: p, before: []string{""}, postings: map[int64]float64{}}
	if !q.Public {
		f.before = append(f.before, hidden)
	}
	if err := f.count(); err != nil {
		return nil, err
	}
	if err := f.gather(); err != nil {
		return nil, err
	}
	if err := f.gatherOwn(); err != nil {
		return nil, err
	}
	return f.rank()
}

// finder is one search under way.
type finder struct {
	ctx      context.Context
	db       *db.DB
	query    Query
	parsed   parsed
	docs     map[string]int64  // documents that have a term
	total    int64             // documents in all, of those that the reader may be told of
	frequent map[string]bool   // terms whose lists are too long to fetch
	wanted   map[string]bool   // all terms
	worth    []float64         // of each group, of what was asked for
	before   []string          // what terms are kept under, of the documents that are looked for
	postings map[int64]float64 // what a document is worth by the lists that it stands in
	own      []int64           // documents that are not public and bear a mark of the reader's
}

// count reads how many documents there are and which terms are common.
func (f *finder) count() error {
	terms := f.parsed.terms()
	all := "" // under which the documents are counted that the reader may be told of
	if f.query.Public {
		all = publicMark
	}
	asked := append(make([]string, 0, 4*len(terms)+2), "", all)
	for _, t := range terms {
		asked = append(asked, t, heading+t)
		if !f.query.Public {
			asked = append(asked, hidden+t, hidden+heading+t)
		}
	}
	var rows []struct {
		Term string
		Docs int64
	}
	if err := f.db.Read(f.ctx).Raw("SELECT term, docs FROM search_terms WHERE term IN ?", asked).Scan(&rows).Error; err != nil {
		return err
	}
	f.docs, f.frequent, f.wanted = map[string]int64{}, map[string]bool{}, map[string]bool{}
	for _, t := range terms {
		f.wanted[t] = true
	}
	for _, r := range rows {
		term := strings.TrimPrefix(r.Term, hidden)
		f.docs[term] += r.Docs
		f.frequent[term] = true
	}
	if f.docs[""] == 0 { // not counted yet: a small index
		return f.db.Read(f.ctx).Raw("SELECT COUNT(*) FROM (SELECT 1 FROM search_documents WHERE public OR NOT ? LIMIT 20000) d", f.query.Public).Scan(&f.total).Error
	}
	f.total = max(f.docs[all], common) // fewer are not counted
	return nil
}

// idf is what a term tells apart (Robertson and Spärck Jones, as in BM25): much when few documents have it.
func (f *finder) idf(term string) float64 {
	n, total := float64(f.docs[term]), float64(max(f.total, f.docs[term], 10))
	return math.Log(1 + (total-n+0.5)/(n+0.5))
}

// gather collects ids. Few guides and APIs stand among many questions, so they are looked for apart.
func (f *finder) gather() error {
	prose := slices.DeleteFunc([]string{Guide, Tutorial, API}, func(k string) bool { return !f.wants(k) })
	if f.wants(Question) {
		if err := f.gatherRare(); err != nil {
			return err
		}
		if err := f.gatherCommon(); err != nil {
			return err
		}
	}
	if len(prose) > 0 && (!f.wants(Question) || len(f.frequent) > 0) {
		return f.gatherProse(prose)
	}
	return nil
}

func (f *finder) wants(kind string) bool {
	return len(f.query.Kinds) == 0 || slices.Contains(f.query.Kinds, kind)
}

// gatherRare fetches the lists of all terms that are not common.
func (f *finder) gatherRare() error {
	var terms []string
	for _, t := range f.parsed.terms() {
		if !f.frequent[t] {
			terms = append(terms, t)
		} else if !f.frequent[heading+t] {
			terms = append(terms, heading+t)
		}
	}
	lists, err := f.lists(terms, nil, longestList)
	if err != nil {
		return err
	}
	for t, ids := range lists {
		f.docs[t] = int64(len(ids))
	}
	f.credit(lists)
	return nil
}

// credit adds to each document what the lists that it stands in are worth; of a group the best.
func (f *finder) credit(lists map[string][]int64) {
	for _, g := range f.parsed.groups {
		best := map[int64]float64{}
		for _, v := range g.variants {
			for _, term := range []string{v.term, heading + v.term} {
				worth := v.weight * f.idf(term)
				for _, id := range lists[term] {
					best[id] = max(best[id], worth)
				}
			}
		}
		for id, worth := range best {
			f.postings[id] += worth
		}
	}
}

// gatherProse fetches guides, tutorials and APIs by every term, also common ones: they are few.
func (f *finder) gatherProse(kinds []string) error {
	marks := make([]string, len(kinds))
	for i, k := range kinds {
		marks[i] = kindMark + k
	}
	lists, err := f.lists(f.parsed.terms(), marks, MaxCandidates)
	if err != nil {
		return err
	}
	apart := finder{parsed: f.parsed, docs: f.docs, total: f.total, postings: map[int64]float64{}}
	apart.credit(lists)
	for i, id := range apart.best(MaxCandidates / 4) {
		f.postings[id] = max(f.postings[id], apart.postings[id]) + 1e6 - float64(i) // they are all compared
	}
	return nil
}

// gatherCommon narrows by common terms: together with the rare ones, or among themselves when there are no others.
func (f *finder) gatherCommon() error {
	var groups [][]string // the common terms of each group that has no rare one
	var rare []string
	for _, g := range f.parsed.groups {
		var often []string
		for _, v := range g.variants {
			if f.frequent[v.term] {
				often = append(often, v.term)
			} else if f.docs[v.term] > 0 {
				rare = append(rare, v.term)
			}
		}
		if len(often) > 0 && !g.parts {
			groups = append(groups, often)
		}
	}
	if len(groups) == 0 || (len(rare) > 0 && len(f.postings) <= MaxCandidates) {
		return nil
	}
	for i, g := range groups {
		groups[i] = g[:min(len(g), 2)] // the word itself and one that means the same
	}
	slices.SortFunc(groups, func(a, b []string) int { return cmp.Compare(f.docs[a[0]], f.docs[b[0]]) })
	if len(rare) > 0 {
		slices.SortFunc(rare, func(a, b string) int { return cmp.Compare(f.docs[a], f.docs[b]) })
		return f.narrow(rare[:min(len(rare), mostRare)], groups[:min(len(groups), mostNarrowing)])
	}
	return f.intersect(groups[:min(len(groups), mostCommon)])
}

// Bounds of what is asked of the engine about common terms: each costs it a walk along a long list.
const (
	mostRare      = 10
	mostNarrowing = 2
	mostCommon    = 4
	fewFound      = 40 // from here on no looser sets of words are tried
	usualWord     = 8  // a word that one in so many documents has tells little apart
)

// narrow credits the documents that have a rare term for the common ones that they have too. Where a word is in most documents it tells them apart by title, tags or
// codes alone, and the engine is spared a walk along all of them.
func (f *finder) narrow(rare []string, groups [][]string) error {
	all := make([][][]string, len(groups))
	for i, g := range groups {
		all[i] = [][]string{rare, slices.Clone(g)}
		for j, t := range g {
			if f.docs[t] > f.total/usualWord {
				all[i][1][j] = heading + t
			}
		}
	}
	found, err := f.fetch(all, longestList)
	if err != nil {
		return err
	}
	for i, ids := range found {
		for _, id := range ids {
			f.postings[id] += f.idf(groups[i][0])
		}
	}
	return nil
}

// intersect finds documents with all of the common terms, in title, tags or codes or in the whole text, and, when these are few, with the less common ones.
func (f *finder) intersect(groups [][]string) error {
	heads := make([][]string, len(groups))
	for i, g := range groups {
		for _, t := range g {
			heads[i] = append(heads[i], heading+t)
		}
	}
	if err := f.tryAll(heads, groups); err != nil || len(f.postings) >= fewFound || len(groups) == 1 {
		return err
	}
	return f.tryAll(heads[:1], groups[:len(groups)-1], heads[:len(groups)-1])
}

// tryAll credits documents that have a term of every set, the first list most.
func (f *finder) tryAll(lists ...[][]string) error {
	found, err := f.fetch(lists, MaxCandidates)
	for i, ids := range found {
		for _, id := range ids {
			f.postings[id] += 1 / float64(1+i)
		}
	}
	return err
}

// lists fetches the newest ids of each term; marks, if any, are what a document has one of besides.
func (f *finder) lists(terms, marks []string, limit int) (map[string][]int64, error) {
	wants := make([][][]string, len(terms))
	for i, t := range terms {
		if len(marks) > 0 {
			wants[i] = append(wants[i], marks)
		}
		wants[i] = append(wants[i], []string{t})
	}
	found, err := f.fetch(wants, limit)
	out := map[string][]int64{}
	for i, ids := range found {
		out[terms[i]] = ids
	}
	return out, err
}

// The limits stand in the text: SQLite plans by a bound limit and would prepare the statement anew for each call.
const (
	sqliteList    = `SELECT ? AS n, (SELECT group_concat(rowid) FROM (SELECT rowid FROM search_index WHERE search_index MATCH ? ORDER BY rowid DESC LIMIT `
	sqliteShort   = sqliteList + "200" + listed
	sqliteLong    = sqliteList + "600" + listed
	postgresList  = `SELECT ?::bigint AS n, (SELECT string_agg(id::text, ',') FROM (SELECT id FROM search_documents WHERE terms @@ ?::tsquery ORDER BY id DESC LIMIT `
	postgresShort = postgresList + "200" + listed
	postgresLong  = postgresList + "600" + listed
	listed        = ") d) AS ids UNION ALL "
	union         = " UNION ALL "
)

// fetch asks the engine for several lists at once, of MaxCandidates or longestList ids each. Each is of the documents that have a term out of every set.
func (f *finder) fetch(wants [][][]string, limit int) ([][]int64, error) {
	out := make([][]int64, len(wants))
	if len(wants) == 0 {
		return out, nil
	}
	args := make([]any, 0, 2*len(wants))
	for i, sets := range wants {
		args = append(args, i, f.expression(sets))
	}
	list := sqliteShort
	switch {
	case f.db.Dialect == db.Postgres && limit == longestList:
		list = postgresLong
	case f.db.Dialect == db.Postgres:
		list = postgresShort
	case limit == longestList:
		list = sqliteLong
	}
	query := strings.TrimSuffix(strings.Repeat(list, len(wants)), union)
	var rows []struct {
		N   int
		IDs *string `gorm:"column:ids"`
	}
	if err := f.db.Read(f.ctx).Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.IDs != nil {
			for id := range strings.SplitSeq(*r.IDs, ",") {
				n, err := strconv.ParseInt(id, 10, 64)
				if err != nil {
					return nil, err
				}
				out[r.N] = append(out[r.N], n)
			}
		}
	}
	return out, nil
}

// expression writes sets of terms in the engine's language, as the documents have them that are looked for. Every term is quoted; what was typed never
// reaches the engine otherwise.
func (f *finder) expression(sets [][]string) string {
	and, or, quote := " AND ", " OR ", sqliteTerm
	if f.db.Dialect == db.Postgres {
		and, or, quote = " & ", " | ", postgresTerm
	}
	parts := make([]string, len(sets))
	for i, set := range sets {
		terms := make([]string, 0, len(f.before)*len(set))
		for _, t := range set {
			for _, b := range f.before {
				terms = append(terms, quote(b+t))
			}
		}
		parts[i] = "(" + strings.Join(terms, or) + ")"
	}
	return strings.Join(parts, and)
}

func sqliteTerm(t string) string { return `"` + strings.ReplaceAll(t, `"`, `""`) + `"` }

func postgresTerm(t string) string {
	return `'` + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(t) + `'`
}

// best are the ids that are worth most, newest first among equals.
func (f *finder) best(n int) []int64 {
	ids := make([]int64, 0, len(f.postings))
	for id := range f.postings {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int64) int {
		return cmp.Or(cmp.Compare(f.postings[b], f.postings[a]), cmp.Compare(b, a))
	})
	return ids[:min(n, len(ids))]
}
