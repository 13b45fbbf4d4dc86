package key

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// Countdowns tells of keys what policies make of them, when, and whose policy it is. The rows need their grants; keys that are over, paused or rotated
// have none.
func (s *Store) Countdowns(ctx context.Context, rows []Row) (map[db.ID][]policy.Countdown, error) {
	g, now := s.db.Read(ctx), s.db.Now()
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Row) bool {
		return !r.Living(now) || r.PausedAt != nil || r.OverlapEndsAt != nil || inForce(r.SuspendedAt, r.SuspendedUntil, now)
	})
	book, err := policy.Load(g, now)
	if err != nil {
		return nil, err
	}
	facts, err := PolicyFacts(g, rows)
	if err != nil {
		return nil, err
	}
	dues, err := policy.DuesOf(g, idsOf(rows))
	out := map[db.ID][]policy.Countdown{}
	for _, r := range rows {
		over := func(s policy.Source) time.Time { return book.NoticeOver(s, r.CreatedAt) }
		if all := policy.Countdowns(facts[r.ID], book.Held(r.Subject(), r.CreatedAt), book.For(r.Subject()), over, dues[r.ID], now); len(all) > 0 {
			out[r.ID] = all
		}
	}
	return out, err
}

// Told tells of the keys of a page of List what their people were told that policies make of them, in one query or none: what is near, that is, since
// people are told ahead.
func (s *Store) Told(ctx context.Context, rows []Row) (map[db.ID][]policy.Countdown, error) {
	now := s.db.Now()
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.HasDue == 0 })
	dues, err := policy.DuesOf(s.db.Read(ctx), idsOf(rows))
	out := map[db.ID][]policy.Countdown{}
	for _, r := range rows {
		if !r.Living(now) || r.PausedAt != nil || r.OverlapEndsAt != nil {
			continue
		}
		for _, d := range dues[r.ID] {
			if d.Rests() || d.Rule == policy.Idle && r.LastUsedAt != nil && r.LastUsedAt.After(d.ToldAt) {
				continue
			}
			out[r.ID] = append(out[r.ID], policy.Countdown{Rule: d.Rule, At: d.At, Number: policy.Number{Value: d.Days, Source: d.Source}})
		}
	}
	return out, err
}

// PolicyFacts reads what policies ask of keys. The rows need their grants.
func PolicyFacts(g *gorm.DB, rows []Row) (map[db.ID]policy.Facts, error) {
	out := make(map[db.ID]policy.Facts, len(rows))
	for part := range slices.Chunk(rows, idsAtOnce) {
		var more []struct {
			ID        db.ID
			ResumedAt *time.Time
			Networks  string
		}
		if err := g.Raw("SELECT id, resumed_at, networks FROM keys WHERE id IN ?", idsOf(part)).Scan(&more).Error; err != nil {
			return nil, err
		}
		for _, m := range more {
			out[m.ID] = policy.Facts{ResumedAt: m.ResumedAt, HasNetworks: m.Networks != ""}
		}
		for _, r := range part {
			f := out[r.ID]
			f.CreatedAt, f.ExpiresAt, f.LastUsedAt = r.CreatedAt, r.ExpiresAt, r.LastUsedAt
			f.Verifier = slices.ContainsFunc(r.Grants, func(g Grant) bool { return g.Portal == 1 && g.Scope == VerifyScope })
			out[r.ID] = f
		}
	}
	return out, nil
}

// resumable refuses to resume a key that would be paused again at once: one that is too old, or names no networks. Fault: Conflict.
func resumable(tx *db.Tx, r Row) error {
	if r.PausedAt == nil || r.PausedCause != PausedAge && r.PausedCause != PausedNetworks {
		return nil
	}
	rows := []Row{r}
	if err := withGrants(tx.DB, rows); err != nil {
		return err
	}
	facts, err := PolicyFacts(tx.DB, rows)
	if err != nil {
		return err
	}
	book, err := policy.Load(tx.DB, tx.Now)
	if err != nil {
		return err
	}
	from, n, ok := book.Held(rows[0].Subject(), r.CreatedAt).Breach(r.PausedCause, facts[r.ID])
	whole := n.Source.Kind == policy.Installation
	switch {
	case !ok || from.After(tx.Now):
		return nil
	case r.PausedCause == PausedAge && whole:
		return fault.New(fault.Conflict, "This portal’s policy has keys rotated after %d days. Rotate this one: the new key works at once.", n.Value)
	case r.PausedCause == PausedAge:
		return fault.New(fault.Conflict, "The policy of %[1]s has keys rotated after %[2]d days. Rotate this one: the new key works at once.", n.Source.Label(), n.Value)
	case whole:
		return fault.New(fault.Conflict, "This portal’s policy asks each key to name the networks that it is used from. Name them first, then resume the key.")
	}
	return fault.New(fault.Conflict, "The policy of %s asks each key to name the networks that it is used from. Name them first, then resume the key.", n.Source.Label())
}

// GrantedTx is RowsTx with grants.
func GrantedTx(tx *db.Tx, ids []db.ID) ([]Row, error) {
	rows, err := RowsTx(tx, ids)
	for part := range slices.Chunk(rows, idsAtOnce) {
		if err != nil {
			break
		}
		err = withGrants(tx.DB, part)
	}
	return rows, err
}
