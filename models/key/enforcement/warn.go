package enforcement

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// pausing are the rules whose breach pauses a key.
var pausing = []string{policy.Idle, policy.Age, policy.Networks}

// search is one look for keys that a rule will hit soon.
type search struct {
	rule  string
	stage policy.Stage
	days  int
	cond  policy.Condition
}

// searches are all looks of the book, those with fewer days first, so that the strictest rule is the one that is told of.
func searches(b policy.Book, d db.Dialect, now time.Time) []search {
	var out []search
	for _, stage := range b.Stages() {
		for _, rule := range pausing {
			if cond, days, ok := stage.Warned(d, rule, now); ok {
				out = append(out, search{rule, stage, days, cond})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b search) int { return a.days - b.days })
	return out
}

// warn tells the people of keys that a rule will hit within its lead, and writes down until when nothing becomes of them.
func (s *Store) warn(ctx context.Context) (int, error) {
	book, err := policy.Load(s.db.Read(ctx), s.db.Now())
	if err != nil {
		return 0, err
	}
	for _, look := range searches(book, s.db.Dialect, s.db.Now()) {
		n, err := s.warnOf(ctx, look)
		if err != nil || n > 0 {
			return n, err
		}
	}
	return 0, nil
}

func (s *Store) warnOf(ctx context.Context, look search) (int, error) {
	n := 0
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		var ids []db.ID
		args := append(slices.Clone(look.cond.Args), atOnce)
		err := tx.Raw("SELECT k.id"+policy.Tables+" WHERE "+look.cond.SQL+" ORDER BY a.organization_id, k.id LIMIT ?", args...).Scan(&ids).Error
		if n = len(ids); err != nil || n == 0 {
			return err
		}
		p, err := s.page(tx, ids)
		if err != nil {
			return err
		}
		soonest := tx.Now.Add(lead(look.rule, look.days))
		var told []told
		for _, r := range p.rows {
			from, number, ok := p.breach(r, look.rule, tx.Now, soonest, false)
			due := soonest
			if ok && from.After(due) {
				due = from
			}
			if !ok {
				number = policy.Number{Value: look.days, Source: look.stage.Source}
			}
			told = append(told, newTold(r, number, due))
		}
		for part := range slices.Chunk(told, 100) {
			if err := insertDues(tx, look.rule, part, 1); err != nil {
				return err
			}
		}
		return s.tellDue(tx, look.rule, told, false)
	})
	return n, err
}

func lead(rule string, days int) time.Duration {
	if rule == policy.Networks {
		return policy.NetworksLead
	}
	return policy.Lead(rule, days)
}

// insertDues writes down what people are told; a later day wins over one that was told before.
func insertDues(tx *db.Tx, rule string, list []told, times int) error {
	if len(list) == 0 {
		return nil
	}
	query, args := "INSERT INTO key_policy_dues (key_id, rule, subject_kind, subject_id, days, due_at, told, created_at) VALUES ", []any(nil)
	for i, t := range list {
		if i > 0 {
			query += ", "
		}
		query += "(?, ?, ?, ?, ?, ?, ?, ?)"
		args = append(args, t.row.ID, rule, t.number.Source.Kind, t.number.Source.ID, t.number.Value, t.at, times, tx.Now)
	}
	_, err := tx.Run(query+laterDueWins, args...)
	return err
}

const laterDueWins = ` ON CONFLICT (key_id, rule) DO UPDATE SET due_at = CASE WHEN excluded.due_at > key_policy_dues.due_at THEN excluded.due_at ELSE key_policy_dues.due_at END,
	subject_kind = excluded.subject_kind, subject_id = excluded.subject_id, days = excluded.days, told = 1`

// remind tells a second time, a day ahead, when the first time was longer ago.
func (s *Store) remind(ctx context.Context) (int, error) {
	n := 0
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		var due []dueRow
		err := tx.Raw(`SELECT key_id, rule, due_at FROM key_policy_dues WHERE told = 1 AND rule <> 'life' AND due_at > ? AND due_at <= ? AND created_at <= ?
			ORDER BY due_at, key_id, rule LIMIT ?`, tx.Now, tx.Now.Add(24*time.Hour), tx.Now.Add(-24*time.Hour), atOnce).Scan(&due).Error
		if n = len(due); err != nil || n == 0 {
			return err
		}
		for _, list := range byRule(due, func(d dueRow) string { return d.Rule }) {
			if err := s.remindOf(tx, list); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func (s *Store) remindOf(tx *db.Tx, list []dueRow) error {
	rule, at := list[0].Rule, map[db.ID]time.Time{}
	for _, d := range list {
		at[d.KeyID] = d.DueAt
	}
	if _, err := tx.Run("UPDATE key_policy_dues SET told = 2 WHERE rule = ? AND key_id IN ?", rule, idsOf(list)); err != nil {
		return err
	}
	p, err := s.page(tx, idsOf(list))
	if err != nil {
		return err
	}
	var told []told
	for _, r := range p.rows {
		if _, n, ok := p.breach(r, rule, tx.Now, at[r.ID], true); ok {
			told = append(told, newTold(r, n, at[r.ID]))
		}
	}
	return s.tellDue(tx, rule, told, true)
}
