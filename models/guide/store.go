// Package guide keeps what people do with guides and tutorials: which steps an app has done, seen from what really happened, and whether pages
// helped. The pages themselves are internal/content's.
package guide

import (
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Options of a Store. All are required.
type Options struct {
	DB      *db.DB
	Library *content.Library
}

// Store keeps progress and ratings. Safe for concurrent use.
type Store struct {
	db      *db.DB
	library *content.Library
	limiter ratelimit.Limiter
	indexed indexed
}

// ratesAtOnce bounds how many networks' ratings are counted in memory.
const ratesAtOnce = 1 << 12

// NewStore makes a store.
func NewStore(o Options) *Store {
	return &Store{db: o.DB, library: o.Library, limiter: ratelimit.NewLocal(ratesAtOnce)}
}

// Pages are the pages as they are now; take them once for one answer.
func (s *Store) Pages() *content.Snapshot { return s.library.Snapshot() }

// Find is a page in language or in English; nil when there is none.
func (s *Store) Find(kind, slug string, language text.Language) *content.Page {
	return s.Pages().Find(kind, slug, language)
}

// TitleOf is the title of a guide or a tutorial by the path of its page, in a language if there is one; the path itself for any other page.
func (s *Store) TitleOf(path string, language text.Language) string {
	for root, kind := range map[string]string{"/guides/": content.Guide, "/tutorials/": content.Tutorial} {
		if slug, ok := strings.CutPrefix(path, root); ok {
			if p := s.Find(kind, slug, language); p != nil {
				return p.Title
			}
		}
	}
	return path
}

func (s *Store) now() time.Time { return s.db.Now() }
