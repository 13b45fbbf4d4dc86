// Package enforcement holds keys to the policies: it tells their people what is due, and when that day comes pauses keys that are not used, not rotated or
// name no networks, and gives an end to those that live too long. Nothing becomes of a key before its people were told (K4).
package enforcement

import (
	"context"
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
	atOnce  = 250              // keys in one transaction: a fraction of a second, since SQLite has one writer
	readMax = 20_000           // keys that one look reads
	most    = 75 * time.Second // of one run, well within the lease of a job; what is left waits for the next
)

var asSystem = actor.ForSystem()

// Enforce tells of what is due and does it. It is a job: run it at least each hour. What a run can't finish in its time the next one does.
func (s *Store) Enforce(ctx context.Context) error {
	until := s.db.Now().Add(most)
	for _, step := range []func(context.Context, time.Time) error{s.act, s.warn, s.remind} {
		if err := step(ctx, until); err != nil {
			return err
		}
	}
	return nil
}

// waiting is a key with which something is to be done by a rule.
type waiting struct {
	OrganizationID, KeyID db.ID
	Rule                  string
}

// work reads what waits, outside of any transaction, and does it in parts, each in one: until nothing waits, or the time is over. read gives at most
// readMax, those of one rule and organization side by side; do looks again at what it is given, which may be of no concern by then.
func (s *Store) work(until time.Time, read func() ([]waiting, error), do func(rule string, ids []db.ID) error) error {
	for {
		all, err := read()
		if err != nil {
			return err
		}
		for _, part := range parts(all) {
			if s.db.Now().After(until) {
				return nil
			}
			if err := do(part[0].Rule, idsOf(part)); err != nil {
				return err
			}
		}
		if len(all) < readMax {
			return nil
		}
	}
}

// parts cuts what waits into parts of one rule and at most atOnce keys; the keys of an organization stay together where they fit, so that its people get one letter.
func parts(all []waiting) [][]waiting {
	var out [][]waiting
	for len(all) > 0 {
		n, whole := 0, 0 // whole: the end of the last organization that fits
		for n < len(all) && n < atOnce && all[n].Rule == all[0].Rule {
			n++
			if n == len(all) || all[n].Rule != all[0].Rule || all[n].OrganizationID != all[n-1].OrganizationID {
				whole = n
			}
		}
		if whole == 0 {
			whole = n
		}
		out, all = append(out, all[:whole]), all[whole:]
	}
	return out
}

func idsOf(list []waiting) []db.ID {
	out := make([]db.ID, len(list))
	for i, d := range list {
		out[i] = d.KeyID
	}
	return out
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
