package enforcement

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// rules are those by which keys are looked for.
var rules = []string{policy.Idle, policy.Age, policy.Networks, policy.Life}

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
		for _, rule := range rules {
			if cond, days, ok := stage.Warned(d, rule, now); ok {
				out = append(out, search{rule, stage, days, cond})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b search) int { return a.days - b.days })
	return out
}

// warn tells the people of keys that a rule will hit within its lead, and writes down until when nothing becomes of them.
func (s *Store) warn(ctx context.Context, until time.Time) error {
	book, err := policy.Load(s.db.Read(ctx), s.db.Now())
	if err != nil {
		return err
	}
	for _, look := range searches(book, s.db.Dialect, s.db.Now()) {
		err := s.work(until, func() (found []waiting, err error) {
			args := append(slices.Concat([]any{look.rule}, look.cond.Args), readMax)
			err = s.db.Read(ctx).Raw("SELECT k.id AS key_id, a.organization_id, ? AS rule"+policy.Tables+" WHERE "+look.cond.SQL+" ORDER BY a.organization_id, k.id LIMIT ?", args...).Scan(&found).Error
			return found, err
		}, func(_ string, ids []db.ID) error {
			return s.db.Tx(ctx, func(tx *db.Tx) error { return s.warnOf(tx, look, ids) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) warnOf(tx *db.Tx, look search, ids []db.ID) error {
	ids, rested, err := unwarned(tx, look.rule, ids)
	if err != nil || len(ids) == 0 {
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
		if rested[r.ID] { // its people were told, and its day came
			due = tx.Now
		}
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
}

// unwarned leaves out keys whose people were told meanwhile, and tells of the others whose day has come before.
func unwarned(tx *db.Tx, rule string, ids []db.ID) (left []db.ID, rested map[db.ID]bool, err error) {
	var known []struct {
		KeyID db.ID
		Told  int
	}
	err = tx.Raw("SELECT key_id, told FROM key_policy_dues WHERE rule = ? AND key_id IN ?", rule, ids).Scan(&known).Error
	rested, waits := map[db.ID]bool{}, map[db.ID]bool{}
	for _, k := range known {
		rested[k.KeyID], waits[k.KeyID] = k.Told == policy.DueRests, k.Told != policy.DueRests
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id db.ID) bool { return waits[id] }), rested, err
}

func lead(rule string, days int) time.Duration {
	switch rule {
	case policy.Networks:
		return policy.NetworksLead
	case policy.Life:
		return policy.LifeLead
	}
	return policy.Lead(rule, days)
}

// insertDues writes down what people are told; a later day wins over one that was told before.
func insertDues(tx *db.Tx, rule string, list []told, times int) error {
	return putDues(tx, rule, list, times, laterDueWins)
}

func putDues(tx *db.Tx, rule string, list []told, times int, known string) error {
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
	_, err := tx.Run(query+known, args...)
	return err
}

const laterDueWins = ` ON CONFLICT (key_id, rule) DO UPDATE SET due_at = CASE WHEN excluded.due_at > key_policy_dues.due_at THEN excluded.due_at ELSE key_policy_dues.due_at END,
	subject_kind = excluded.subject_kind, subject_id = excluded.subject_id, days = excluded.days, told = 1`

const thisDueWins = ` ON CONFLICT (key_id, rule) DO UPDATE SET due_at = excluded.due_at, subject_kind = excluded.subject_kind, subject_id = excluded.subject_id, days = excluded.days, told = 1`

// remind tells a second time, a day ahead, when the first time was longer ago.
func (s *Store) remind(ctx context.Context, until time.Time) error {
	return s.work(until, func() (due []waiting, err error) {
		now := s.db.Now()
		err = s.db.Read(ctx).Raw(`SELECT z.key_id, z.rule, a.organization_id FROM key_policy_dues z JOIN keys k ON k.id = z.key_id JOIN apps a ON a.id = k.app_id
			WHERE z.told = 1 AND z.rule <> 'life' AND z.due_at > ? AND z.due_at <= ? AND z.created_at <= ? ORDER BY z.rule, a.organization_id, z.key_id LIMIT ?`,
			now, now.Add(24*time.Hour), now.Add(-24*time.Hour), readMax).Scan(&due).Error
		return due, err
	}, func(rule string, ids []db.ID) error {
		return s.db.Tx(ctx, func(tx *db.Tx) error { return s.remindOf(tx, rule, ids) })
	})
}

func (s *Store) remindOf(tx *db.Tx, rule string, ids []db.ID) error {
	var list []struct {
		KeyID db.ID
		DueAt time.Time
	}
	if err := tx.Raw("UPDATE key_policy_dues SET told = 2 WHERE rule = ? AND key_id IN ? AND told = 1 RETURNING key_id, due_at", rule, ids).Scan(&list).Error; err != nil {
		return err
	}
	at := map[db.ID]time.Time{}
	for _, d := range list {
		at[d.KeyID] = d.DueAt
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id db.ID) bool { return at[id].IsZero() })
	p, err := s.page(tx, ids)
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
