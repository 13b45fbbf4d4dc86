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

// awake is true of keys that are neither paused nor in the overlap of their rotation, and of revoked ones. What is due of a key that rests waits: a pause
// or a rotation that is undone is no way round it.
const awake = "(k.revoked_at IS NOT NULL OR k.paused_at IS NULL AND k.overlap_ends_at IS NULL)"

// act does what is due, and forgets what became of no concern, such as a key that was used after all.
func (s *Store) act(ctx context.Context, until time.Time) error {
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM key_policy_dues WHERE told = ? AND due_at <= ?", policy.DueRests, tx.Now.Add(-policy.DueRemembered))
		return err
	})
	if err != nil {
		return err
	}
	return s.work(until, func() (due []waiting, err error) {
		err = s.db.Read(ctx).Raw(`SELECT z.key_id, z.rule, a.organization_id FROM key_policy_dues z JOIN keys k ON k.id = z.key_id JOIN apps a ON a.id = k.app_id
			WHERE z.due_at <= ? AND z.told <> ? AND `+awake+` ORDER BY z.rule, a.organization_id, z.key_id LIMIT ?`, s.db.Now(), policy.DueRests, readMax).Scan(&due).Error
		return due, err
	}, func(rule string, ids []db.ID) error {
		return s.db.Tx(ctx, func(tx *db.Tx) error { return s.actOn(tx, rule, ids) })
	})
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
	var rows []dueRow
	err := tx.Raw(`DELETE FROM key_policy_dues WHERE rule = ? AND due_at <= ? AND key_id IN (SELECT k.id FROM keys k WHERE k.id IN ? AND `+awake+`)
		RETURNING *`, rule, tx.Now, ids).Scan(&rows).Error
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b dueRow) int { return slices.Compare(a.KeyID[:], b.KeyID[:]) })
	due := make([]db.ID, len(rows))
	for i, d := range rows {
		due[i] = d.KeyID
	}
	p, err := s.page(tx, due)
	if err != nil {
		return err
	}
	broken := p.breaking(rule, tx.Now, tx.Now)
	if err := p.rest(tx, rows, broken); err != nil {
		return err
	}
	for _, w := range broken {
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

// dueRow is a due as it is stored.
type dueRow struct {
	KeyID       db.ID
	Rule        string
	SubjectKind policy.Kind
	SubjectID   db.ID
	Days, Told  int
	DueAt       time.Time
	CreatedAt   time.Time
}

// rest keeps the dues of living keys that their rule does not reach now: whoever takes a key out of a policy's reach for the hour of its day, and back, wins no
// new notice by that (K4). What became of no concern in other ways stays forgotten.
func (p page) rest(tx *db.Tx, dues []dueRow, broken []wrong) error {
	of, held := map[db.ID]key.Row{}, map[db.ID]bool{}
	for _, r := range p.rows {
		of[r.ID] = r
	}
	for _, w := range broken {
		for _, r := range w.rows {
			held[r.ID] = true
		}
	}
	for _, d := range dues {
		r, known := of[d.KeyID]
		if !known || held[d.KeyID] || !r.Living(tx.Now) || r.Subject().Under(policy.Source{Kind: d.SubjectKind, ID: d.SubjectID}) {
			continue
		}
		_, err := tx.Run("INSERT INTO key_policy_dues (key_id, rule, subject_kind, subject_id, days, due_at, told, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			d.KeyID, d.Rule, d.SubjectKind, d.SubjectID, d.Days, d.DueAt, policy.DueRests, d.CreatedAt)
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

// shorten gives an end to keys that live too long: when their longest lifetime is over, but late enough for the notices of expiry to go out. Ends are those
// of days (UTC), so that keys of one day share one. A key that ends before is left alone.
func (s *Store) shorten(tx *db.Tx, w wrong) error {
	byEnd := map[time.Time][]key.Row{}
	var ended []told
	for _, r := range w.rows {
		end := tx.Now.Add(policy.LifeGrace)
		if latest := r.CreatedAt.AddDate(0, 0, w.number.Value); w.number.Value > 0 && latest.After(end) {
			end = latest
		}
		end = midnight(end)
		if r.ExpiresAt == nil || r.ExpiresAt.After(end) {
			byEnd[end] = append(byEnd[end], r)
			ended = append(ended, newTold(r, w.number, end))
		}
	}
	for _, end := range slices.SortedFunc(maps.Keys(byEnd), time.Time.Compare) {
		if err := s.keys.ShortenTx(tx, asSystem, byEnd[end], end, details(policy.Life, w.number)); err != nil {
			return err
		}
	}
	return s.tellShortened(tx, w.number, ended)
}

// midnight is the end of a moment's day.
func midnight(t time.Time) time.Time {
	if d := t.UTC().Truncate(24 * time.Hour); !d.Equal(t) {
		return d.Add(24 * time.Hour)
	}
	return t.UTC()
}
