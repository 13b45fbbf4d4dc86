package account

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// FactorUse is how many second factors of one kind somebody has, and when one of them was last used; nil: never. What they are called is theirs alone.
type FactorUse struct {
	Kind       string
	Count      int
	LastUsedAt *time.Time
}

// factorsOf counts the second factors that count, by kind.
func (s *Store) factorsOf(ctx context.Context, userID db.ID) ([]FactorUse, error) {
	var rows []struct {
		Kind       string
		LastUsedAt *time.Time
	}
	if err := s.db.Read(ctx).Raw("SELECT kind, last_used_at FROM factors WHERE user_id = ? AND confirmed_at IS NOT NULL ORDER BY kind", userID).Scan(&rows).Error; err != nil {
		return nil, err
	}
	var out []FactorUse
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].Kind != r.Kind {
			out = append(out, FactorUse{Kind: r.Kind})
		}
		f := &out[len(out)-1]
		f.Count++
		if r.LastUsedAt != nil && (f.LastUsedAt == nil || r.LastUsedAt.After(*f.LastUsedAt)) {
			f.LastUsedAt = r.LastUsedAt
		}
	}
	return out, nil
}

// FactorLastUsedAt is when the user last used any second factor; nil: never.
func (d Dossier) FactorLastUsedAt() (last *time.Time) {
	for _, f := range d.Factors {
		if f.LastUsedAt != nil && (last == nil || f.LastUsedAt.After(*last)) {
			last = f.LastUsedAt
		}
	}
	return last
}

// Bare reports whether a place that requires a second factor is shut to the user: they neither have one nor showed one at their provider, when they last
// came by it or in a session that lasts.
func (d Dossier) Bare() bool {
	return !d.ShowsFactor && !slices.ContainsFunc(d.Sessions, func(s Session) bool { return s.FactorAt != nil })
}
