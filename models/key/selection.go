package key

import (
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

// FixTx writes into key_bulk_keys which keys an act on many takes: those that the filter finds and that the verb could change something of, as they are at
// this moment. The row of key_bulks must be there. It tells how many they are. endsAt is of Shortening.
func FixTx(tx *db.Tx, f Filter, verb Verb, endsAt time.Time, bulk db.ID) (int64, error) {
	end, changeable := tx.Now, ""
	switch verb {
	case Revoking:
	case Pausing:
		changeable = " AND (k.paused_at IS NULL OR k.paused_cause NOT IN ('bulk', 'leak'))"
	case Shortening:
		end = endsAt // what ends sooner is not made shorter
	default:
		return 0, fmt.Errorf("key: a filter fixes no keys to %s", verb)
	}
	where, args := f.where(tx.Now)
	args = append([]any{bulk, end, end}, args...)
	n, err := tx.Run("INSERT INTO key_bulk_keys (bulk_id, key_id) SELECT b.id, k.id"+rowTables+" JOIN key_bulks b ON b.id = ? WHERE "+living+" AND "+where+changeable, args...)
	if _, hint := lastFour(f.Query); err == nil && n == 0 && hint && !f.anyCase {
		f.anyCase = true // as the list does from which the filter comes
		return FixTx(tx, f, verb, endsAt, bulk)
	}
	return n, err
}
