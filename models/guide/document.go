package guide

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// indexed remembers which snapshot this process has put into the search index.
type indexed struct {
	mu    sync.Mutex
	pages string // the snapshot by its digest
}

// RefOf is how the search index names a page: its slug, and for a translation a dot and its language besides.
func RefOf(p *content.Page) string {
	if p.Language == text.English {
		return p.Slug
	}
	return p.Slug + "." + string(p.Language)
}

// PageOfRef is the page that a hit of the search index names, in the language of the hit; nil when it is not there any more.
func (s *Store) PageOfRef(kind, ref string) *content.Page {
	slug, tag, translated := strings.Cut(ref, ".")
	language := text.English
	if translated {
		language, _ = text.Parse(tag)
	}
	p := s.Find(kind, slug, language)
	if p == nil || p.Language != language {
		return nil
	}
	return p
}

// Index brings the search index to the pages as they are now, when they are not those that this process put there last. Every replica may do so: what is
// the same costs a read.
func (s *Store) Index(ctx context.Context) error {
	s.indexed.mu.Lock()
	defer s.indexed.mu.Unlock()
	pages := s.Pages()
	if now := pages.Digest; now == s.indexed.pages {
		return nil
	}
	there := map[string]bool{}
	for _, p := range pages.All() {
		there[p.Kind+" "+RefOf(p)] = true
		if err := s.db.Tx(ctx, func(tx *db.Tx) error { return index.Put(tx, document(p)) }); err != nil {
			return err
		}
	}
	var put []struct{ Kind, Ref string }
	if err := s.db.Read(ctx).Raw("SELECT kind, ref FROM search_documents WHERE kind IN (?, ?)", index.Guide, index.Tutorial).Scan(&put).Error; err != nil {
		return err
	}
	for _, d := range put {
		if there[d.Kind+" "+d.Ref] {
			continue
		}
		if err := s.db.Tx(ctx, func(tx *db.Tx) error { return index.Remove(tx, d.Kind, d.Ref) }); err != nil {
			return err
		}
	}
	s.indexed.pages = pages.Digest
	return nil
}

// indexEvery is how often KeepIndex looks.
const indexEvery = 2 * time.Second

// KeepIndex runs Index at the start and whenever pages change, until ctx ends.
func (s *Store) KeepIndex(ctx context.Context) {
	tick := time.NewTicker(indexEvery)
	defer tick.Stop()
	failed := ""
	for {
		err := s.Index(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != failed {
			slog.Error("guides are not in the search index as they are", "error", err)
		}
		if failed = ""; err != nil {
			failed = err.Error()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// EachDocument calls fn with every page, in a transaction of its own for each, to make the search index anew.
func (s *Store) EachDocument(ctx context.Context, fn func(*db.Tx, index.Document) error) error {
	for _, p := range s.Pages().All() {
		if err := s.db.Tx(ctx, func(tx *db.Tx) error { return fn(tx, document(p)) }); err != nil {
			return err
		}
	}
	return nil
}

func document(p *content.Page) index.Document {
	kind := index.Guide
	if p.Kind == content.Tutorial {
		kind = index.Tutorial
	}
	return index.Document{
		Kind: kind, Ref: RefOf(p), Language: string(p.Language), Title: p.Title, Body: p.Summary + "\n\n" + p.Source,
		Codes: append(append([]string{}, p.Codes...), p.APIs...), Tags: p.Tags, Public: true,
	}
}
