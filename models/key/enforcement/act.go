package enforcement

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// act does what is due, and forgets what became of no concern, such as a key that was used after all.
func (s *Store) act(ctx context.Context) (int, error) {
	n := 0
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		var due []dueRow
		err := tx.Raw("SELECT key_id, rule, due_at FROM key_policy_dues WHERE due_at <= ? ORDER BY due_at, key_id, rule LIMIT ?", tx.Now, atOnce).Scan(&due).Error
		if n = len(due); err != nil || n == 0 {
			return err
		}
		for _, list := range byRule(due, func(d dueRow) string { return d.Rule }) {
			if err := s.actOn(tx, list[0].Rule, idsOf(list)); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func idsOf(list []dueRow) []db.ID {
	out := make([]db.ID, len(list))
	for i, d := range list {
		out[i] = d.KeyID
	}
	return out
}

// wrong is keys that break a rule of one source by one number of days.
type wrong struct {
	number policy.Number
	rows   []key.Row
}

// breaking puts those of the page that break a rule together by whose it is.
func (p page) breaking(rule string, now, at time.Time) []wrong {
	found := map[policy.Number]*wrong{}
	var order []*wrong
	for _, r := range p.rows {
		_, n, ok := p.breach(r, rule, now, at, false)
		if !ok {
			continue
		}
		if found[n] == nil {
			found[n] = &wrong{number: n}
			order = append(order, found[n])
		}
		found[n].rows = append(found[n].rows, r)
	}
	out := make([]wrong, len(order))
	for i, w := range order {
		out[i] = *w
	}
	return out
}

func (s *Store) actOn(tx *db.Tx, rule string, ids []db.ID) error {
	p, err := s.page(tx, ids)
	if err != nil {
		return err
	}
	if _, err := tx.Run("DELETE FROM key_policy_dues WHERE rule = ? AND key_id IN ?", rule, ids); err != nil {
		return err
	}
	for _, w := range p.breaking(rule, tx.Now, tx.Now) {
		if rule == policy.Life {
			err = s.shorten(tx, w)
		} else {
			err = s.pause(tx, rule, w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func details(rule string, n policy.Number) map[string]string {
	out := map[string]string{"policy": string(n.Source.Kind), "rule": rule}
	if label := n.Source.Label(); label != "" {
		out["policy"] += " " + label
	}
	if n.Value > 0 {
		out["days"] = strconv.Itoa(n.Value)
	}
	return out
}

// pause pauses keys for a rule. The causes of pauses are named as the rules are.
func (s *Store) pause(tx *db.Tx, rule string, w wrong) error {
	if err := s.keys.PauseTx(tx, asSystem, w.rows, rule, details(rule, w.number)); err != nil {
		return err
	}
	return s.tellPaused(tx, rule, w)
}

// shorten gives an end to keys that live too long: when their longest lifetime is over, but late enough for the notices of expiry to go out.
func (s *Store) shorten(tx *db.Tx, w wrong) error {
	byEnd := map[time.Time][]key.Row{}
	for _, r := range w.rows {
		end := tx.Now.Add(policy.LifeGrace)
		if latest := r.CreatedAt.AddDate(0, 0, w.number.Value); w.number.Value > 0 && latest.After(end) {
			end = latest
		}
		byEnd[end] = append(byEnd[end], r)
	}
	for _, end := range slices.SortedFunc(maps.Keys(byEnd), time.Time.Compare) {
		if err := s.keys.ShortenTx(tx, asSystem, byEnd[end], end, details(policy.Life, w.number)); err != nil {
			return err
		}
		if err := s.tellShortened(tx, w.number, byEnd[end], end); err != nil {
			return err
		}
	}
	return nil
}
