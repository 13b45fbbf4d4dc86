package key

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Kept is the filter as it may be written down: of a key's text in it only the hint stays (K1). Faults: Invalid when it names a state or an
// environment that there is not.
func (f Filter) Kept() (Filter, error) {
	for _, word := range []*string{&f.Query, &f.Owner, &f.App, &f.Scope, &f.API} {
		*word = strings.TrimSpace(apikey.Redact(*word))
	}
	return f, f.check()
}

// Select reads which keys an act on many takes, in the order of their ids: those that the filter finds and that the verb could change something of, as they are at one
// moment, now. endsAt is of Shortening.
func (s *Store) Select(ctx context.Context, f Filter, verb Verb, endsAt, now time.Time) ([]db.ID, error) {
	end, changeable := now, ""
	switch verb {
	case Revoking:
	case Pausing:
		changeable = " AND (k.paused_at IS NULL OR k.paused_cause NOT IN ('bulk', 'leak'))"
	case Shortening:
		end = endsAt // what ends sooner is not made shorter
	default:
		return nil, fmt.Errorf("key: a filter finds no keys to %s", verb)
	}
	where, args := f.where(now)
	var ids []db.ID
	err := s.db.Read(ctx).Raw("SELECT k.id"+rowTables+" WHERE "+living+" AND "+where+changeable+" ORDER BY k.id", append([]any{end, end}, args...)...).Scan(&ids).Error
	if _, hint := lastFour(f.Query); err == nil && len(ids) == 0 && hint && !f.anyCase {
		f.anyCase = true // as the list does from which the filter comes
		return s.Select(ctx, f, verb, endsAt, now)
	}
	return ids, err
}
