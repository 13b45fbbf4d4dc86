package content

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// Snapshot is all pages at one time.
type Snapshot struct {
	Problems []Problem
	Digest   string // of all pages: a snapshot with the same one shows the same

	pages  map[name]*Page
	order  map[string][]*Page // by kind: English pages in the order of lists
	unread error              // why the folder could not be read
}

type name struct {
	kind, slug string
	language   text.Language
}

// newSnapshot lays own over ours. unread is why own is as it was before.
func newSnapshot(ours, own map[string]*entry, unread error) *Snapshot {
	s := &Snapshot{pages: map[name]*Page{}, order: map[string][]*Page{}, unread: unread}
	for _, kind := range kinds {
		s.lay(kind, ours, false)
		s.lay(kind, own, true)
	}
	if unread != nil {
		s.Problems = append(s.Problems, Problem{File: ".", Message: text.M("The folder can’t be read; pages stay as they were."), Own: true})
	}
	slices.SortFunc(s.Problems, func(a, b Problem) int { return cmp.Compare(a.File, b.File) })
	var all []string
	for n, p := range s.pages {
		if n.language == text.English {
			s.order[n.kind] = append(s.order[n.kind], p)
		}
		all = append(all, p.Path()+string(p.Language)+p.Digest)
	}
	for _, kind := range kinds {
		arrange(s.order[kind])
	}
	slices.Sort(all)
	s.Digest = digest(all...)
	return s
}

// lay puts the files of one kind over what is there, English before translations.
func (s *Snapshot) lay(kind string, entries map[string]*entry, own bool) {
	files := slices.SortedFunc(maps.Keys(entries), func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, "."), strings.Count(b, ".")), cmp.Compare(a, b))
	})
	for _, path := range files {
		base, in := strings.CutPrefix(path, kind+"s/")
		slug, language, ok := nameOf(base)
		if !in || !ok {
			continue
		}
		e := entries[path]
		if e.wrong != nil {
			s.Problems = append(s.Problems, Problem{path, e.wrong.line, e.wrong.message, own})
			continue
		}
		n := name{kind, slug, language}
		if language != text.English {
			s.translate(n, path, e.file, own)
			continue
		}
		for old := range s.pages { // a translation of what is replaced says what is not so any more
			if old.kind == kind && old.slug == slug {
				delete(s.pages, old)
			}
		}
		if !e.file.hidden {
			s.pages[n] = e.file.complete(e.file.page, own)
		}
	}
}

// translate adds a translation to its English page.
func (s *Snapshot) translate(n name, path string, f *file, own bool) {
	english := s.pages[name{n.kind, n.slug, text.English}]
	if english == nil {
		s.Problems = append(s.Problems, Problem{path, 0, text.M("There is no English page that this translates."), own})
		return
	}
	for _, step := range english.Steps {
		if _, ok := f.steps[step.ID]; !ok {
			s.Problems = append(s.Problems, Problem{path, 0, text.M("No heading of level 2 in the text has the id %q.", step.ID), own})
			return
		}
	}
	p := f.page
	p.Order, p.APIs, p.Tags, p.Steps = english.Order, english.APIs, english.Tags, english.Steps
	p.Digest = digest(p.Digest, english.Digest)
	s.pages[n] = f.complete(p, own)
}

// complete gives the steps their words. Headings of level 2 that are no step belong to the step, or to the introduction, before them.
func (f *file) complete(p Page, own bool) *Page {
	p.Own = own
	steps := slices.Clone(p.Steps)
	at := map[string]int{}
	for i, step := range steps {
		at[step.ID] = i
	}
	now := -1
	for _, h := range p.Headings {
		section, ok := f.steps[h.ID]
		if !ok || h.Level != 2 || !h.Top {
			continue
		}
		if i, is := at[h.ID]; is {
			now = i
			steps[i].Title, steps[i].Body = section.Title, section.Body
			continue
		}
		if p.Kind == Guide {
			continue
		}
		more := append(HTML{}, section.Body...)
		more[0] = `<h2 id="` + h.ID + `">` + escape(section.Title) + "</h2>" + more[0]
		if now < 0 {
			p.Body = p.Body.join(more)
		} else {
			steps[now].Body = steps[now].Body.join(more)
		}
	}
	p.Steps = steps
	return &p
}

// join puts more after h with no place for a key between them.
func (h HTML) join(more HTML) HTML {
	out := append(HTML{}, h...)
	out[len(out)-1] += more[0]
	return append(out, more[1:]...)
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;").Replace

// arrange sorts by section, sections by their least order.
func arrange(pages []*Page) {
	least := map[string]int{}
	for _, p := range pages {
		if n, ok := least[p.Section]; !ok || p.Order < n {
			least[p.Section] = p.Order
		}
	}
	slices.SortFunc(pages, func(a, b *Page) int {
		return cmp.Or(cmp.Compare(least[a.Section], least[b.Section]), cmp.Compare(a.Section, b.Section), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Slug, b.Slug))
	})
}

// Find is the page in language, or in English when it is not translated; nil when there is none.
func (s *Snapshot) Find(kind, slug string, language text.Language) *Page {
	if p := s.pages[name{kind, slug, language}]; p != nil {
		return p
	}
	return s.pages[name{kind, slug, text.English}]
}

// List is every page of kind in order, each in language or else in English.
func (s *Snapshot) List(kind string, language text.Language) []*Page {
	all := slices.Clone(s.order[kind])
	for i, p := range all {
		all[i] = s.Find(kind, p.Slug, language)
	}
	return all
}

// All is every page in every language, in a fixed order.
func (s *Snapshot) All() []*Page {
	return slices.SortedFunc(maps.Values(s.pages), func(a, b *Page) int {
		return cmp.Or(cmp.Compare(a.Path(), b.Path()), cmp.Compare(a.Language, b.Language))
	})
}

// Neighbours are the pages before and after p in its list; nil at the ends.
func (s *Snapshot) Neighbours(p *Page) (before, after *Page) {
	all := s.order[p.Kind]
	i := slices.IndexFunc(all, func(q *Page) bool { return q.Slug == p.Slug })
	if i > 0 {
		before = s.Find(p.Kind, all[i-1].Slug, p.Language)
	}
	if i >= 0 && i+1 < len(all) {
		after = s.Find(p.Kind, all[i+1].Slug, p.Language)
	}
	return before, after
}

var _ = []string{text.N("The folder can’t be read; pages stay as they were."), text.N("There is no English page that this translates.")}
