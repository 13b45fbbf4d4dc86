// Package notice tells people when keys expire: by one mail a day and reader, on the console's first page, and by a calendar (K4).
//
// A digest is made at Hour in the reader's zone. It names each key whose next notice would come too late if it waited for the digest of the day after: so
// the notices of 30, 14, 7 and 1 days come at least that many days ahead, and at most a day sooner; and that a key has expired is told in the
// first digest after it did, at most a day later (25 hours when clocks are put back). A key whose life began so late that no digest came in between is
// told of in the first one after, unless it was made inside the very window that the notice announces: its maker just chose that day.
// A replica that was down in the morning sends the digest when it is back. Somebody who moves to another time zone may
// get two within a day: late would be worse.
//
// What each reader was told is a row, so that nothing is told twice, however many replicas run and however often they start.
package notice

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Hour of the day at which readers get their digest, in their own zone.
const Hour = 8

const day = 24 * time.Hour

// Store tells of expiries. Safe for concurrent use.
type Store struct {
	db     *db.DB
	keys   *key.Store
	outbox *outbox.Outbox
}

// NewStore makes a store.
func NewStore(d *db.DB, keys *key.Store, box *outbox.Outbox) *Store { return &Store{d, keys, box} }
