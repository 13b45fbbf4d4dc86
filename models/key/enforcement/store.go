// Package enforcement holds keys to the policies: it tells their people what is due, and when that day comes pauses keys that are not used, not rotated or
// name no networks, and gives an end to those that live too long. Nothing becomes of a key before its people were told (K4).
package enforcement

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// Store does the work. Safe for concurrent use.
type Store struct {
	db   *db.DB
	keys *key.Store
}

// NewStore makes a store.
func NewStore(d *db.DB, keys *key.Store) *Store { return &Store{d, keys} }

// Sizes of the work.
const (
	atOnce = 500              // keys in one transaction
	most   = 75 * time.Second // of one run, well within the lease of a job; what is left waits for the next
)

var asSystem = actor.ForSystem()

// Enforce tells of what is due and does it. It is a job: run it at least each hour. What a run can't finish in its time the next one does.
func (s *Store) Enforce(ctx context.Context) error {
	until := s.db.Now().Add(most)
	for _, step := range []func(context.Context) (int, error){s.act, s.warn, s.remind} {
		for {
			n, err := step(ctx)
			if err != nil {
				return err
			}
			if n == 0 || s.db.Now().After(until) {
				break
			}
		}
	}
	return nil
}

// page is some keys with what is needed to judge them.
type page struct {
	rows  []key.Row
	facts map[db.ID]policy.Facts
	book  policy.Book
}

func (s *Store) page(tx *db.Tx, ids []db.ID) (page, error) {
	var p page
	rows, err := key.GrantedTx(tx, ids)
	if err != nil {
		return p, err
	}
	p.rows = rows
	if p.facts, err = key.PolicyFacts(tx.DB, rows); err != nil {
		return p, err
	}
	p.book, err = policy.Load(tx.DB, tx.Now)
	return p, err
}

// breach tells whether a key breaks a rule at the moment at, and whose; a key that nothing can become of breaks none. coming: by the rules as they are
// once all notices are over.
func (p page) breach(r key.Row, rule string, now, at time.Time, coming bool) (from time.Time, n policy.Number, ok bool) {
	if !r.Living(now) || r.OverlapEndsAt != nil || rule != policy.Life && r.PausedAt != nil {
		return time.Time{}, policy.Number{}, false
	}
	e := p.book.Held(r.Subject(), r.CreatedAt)
	if coming {
		e = p.book.For(r.Subject())
	}
	from, n, ok = e.Breach(rule, p.facts[r.ID])
	return from, n, ok && !from.After(at)
}

type dueRow struct {
	KeyID db.ID
	Rule  string
	DueAt time.Time
}

// byRule gives each rule its rows, in the order of the rules' names.
func byRule[T any](list []T, rule func(T) string) [][]T {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int {
		switch {
		case rule(a) < rule(b):
			return -1
		case rule(a) > rule(b):
			return 1
		}
		return 0
	})
	return slices.Collect(func(yield func([]T) bool) {
		for len(list) > 0 {
			n := 1
			for n < len(list) && rule(list[n]) == rule(list[0]) {
				n++
			}
			if !yield(list[:n]) {
				return
			}
			list = list[n:]
		}
	})
}
