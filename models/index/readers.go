package index

import (
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A mark of readers names a set of people who may read a document that not everybody may. Each term of such a document is kept once more under its mark, so that
// whoever holds the mark is served by lists of these documents alone: what others wrote for themselves neither lengthens nor reorders them, nor costs time.

// InCatalogue is the mark of an API that stands in the catalogue for some readers only.
func InCatalogue(api db.ID) string { return catalogue + plainID(api) }

// AboutAPI is the mark of what was written for all who may read about an API.
func AboutAPI(api db.ID) string { return "a" + plainID(api) }

// OfOrganization is the mark of what was written for an organization alone; about an API when that is not zero: it takes both to read it.
func OfOrganization(organization, api db.ID) string {
	if api.IsZero() {
		return "o" + plainID(organization)
	}
	return "o" + plainID(organization) + "a" + plainID(api)
}

const (
	readers   = "@" // before and after a mark; no word that people write begins with it
	catalogue = "c"
	mostMarks = 200 // that one query asks for: each is one more list
)

func plainID(id db.ID) string { return strings.ReplaceAll(id.String(), "-", "") }

// gatherOwn collects what is not public and yet for this reader: APIs, and questions. Its lists stand by themselves, so that they crowd out nothing
// public, nor are crowded out.
func (f *finder) gatherOwn() error {
	var apis, questions []string
	for _, m := range f.query.Readers[:min(len(f.query.Readers), mostMarks)] {
		if strings.HasPrefix(m, catalogue) {
			apis = append(apis, readers+m+readers)
		} else {
			questions = append(questions, readers+m+readers)
		}
	}
	found := map[string]int64{} // documents of the reader's own that have a term
	if f.wants(API) && len(apis) > 0 {
		if err := f.gatherMarked(apis, MaxCandidates/4, found); err != nil {
			return err
		}
	}
	if f.wants(Question) {
		if len(questions) > 0 {
			if err := f.gatherMarked(questions, MaxCandidates, found); err != nil {
				return err
			}
		}
		for t, n := range found { // so that a word that nothing public has is not taken for one that no document has
			f.docs[t] += n
		}
	}
	return nil
}

func (f *finder) gatherMarked(marks []string, most int, found map[string]int64) error {
	apart := finder{ctx: f.ctx, db: f.db, parsed: f.parsed, docs: f.docs, total: f.total, before: marks, postings: map[int64]float64{}}
	lists, err := apart.lists(f.parsed.terms(), nil, longestList)
	if err != nil {
		return err
	}
	apart.credit(lists)
	for t, ids := range lists {
		found[t] += int64(len(ids))
	}
	f.own = append(f.own, apart.best(most)...)
	return nil
}
