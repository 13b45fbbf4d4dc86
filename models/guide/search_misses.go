package guide

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Miss is a search that found nothing: its words, and nothing of who asked.
type Miss struct {
	ID      db.ID
	Text    string
	Times   int64
	FirstAt time.Time
	LastAt  time.Time
}

// Bounds of what is kept of searches that found nothing.
const (
	longestMiss = 100 // characters
	mostMisses  = 5_000
	keepMisses  = 90 * 24 * time.Hour
)

// personal is what a search may hold that is no word: an address of a person, a long number, a secret of somebody else's.
var personal = regexp.MustCompile(`@|\d[\d ()/.-]{5,}\d|\S{40,}|[A-Za-z_-]*\d[0-9A-Za-z_-]{14,}`)

// missText is what is kept of a query; "" when nothing may be.
func missText(query string) string {
	if len(apikey.Find(query)) > 0 || personal.MatchString(query) {
		return ""
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return unicode.ToLower(r)
	}, strings.ToValidUTF8(query, " "))
	clean = strings.Join(strings.Fields(clean), " ")
	if utf8.RuneCountInString(clean) > longestMiss || !strings.ContainsFunc(clean, unicode.IsLetter) {
		return ""
	}
	return clean
}

// RecordMiss counts a search that found nothing. Longer texts, and what may name a person or hold a secret, are not kept; nor is any while
// the database is moved.
func (s *Searcher) RecordMiss(ctx context.Context, query string) error {
	words := missText(query)
	if words == "" {
		return nil
	}
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run(`INSERT INTO search_misses (id, text, times, first_at, last_at) VALUES (?, ?, 1, ?, ?)
			ON CONFLICT (text) DO UPDATE SET times = search_misses.times + 1, last_at = excluded.last_at`, db.NewID(), words, tx.Now, tx.Now)
		return err
	})
	if errors.Is(err, db.ErrReadOnly) {
		return nil
	}
	return err
}

var missSorts = map[string]db.Sort[Miss]{
	"times": {Expr: "m.times", Value: func(m Miss) any { return m.Times }},
	"last":  {Expr: "m.last_at", Value: func(m Miss) any { return m.LastAt }},
}

// Misses lists the searches that found nothing, most often first; sorts are times and last. Faults: Forbidden, Invalid for a foreign cursor.
func (s *Searcher) Misses(ctx context.Context, a actor.Actor, page db.PageRequest) (db.Page[Miss], error) {
	if !a.SignedIn() || !permission.Staff(a.StaffRole, permission.StaffQuestionsRead) {
		return db.Page[Miss]{}, fault.Lacking(string(permission.StaffQuestionsRead), "")
	}
	return db.List(ctx, s.db, db.Listing[Miss]{
		Name: "search misses", Select: "SELECT m.* FROM search_misses m WHERE 1 = 1", IDExpr: "m.id", ID: func(m Miss) db.ID { return m.ID }, Sorts: missSorts, Default: "-times",
	}, page)
}

// SweepMisses keeps the searches of the last 90 days, and of those at most 5,000, the newest.
func (s *Searcher) SweepMisses(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run("DELETE FROM search_misses WHERE last_at < ?", tx.Now.Add(-keepMisses)); err != nil {
			return err
		}
		_, err := tx.Run("DELETE FROM search_misses WHERE id IN (SELECT id FROM search_misses ORDER BY last_at DESC, id DESC LIMIT 1000000 OFFSET ?)", mostMisses)
		return err
	})
}
