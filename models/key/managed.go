package key

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// ManagedTx locks a key that the actor may manage as a member, or as a program of its organization. Faults: NotFound for a key of others'
// organizations, Forbidden for one that the actor may see but not manage.
func ManagedTx(tx *db.Tx, a actor.Actor, id db.ID) (Row, error) { return forMember(tx, a, id) }

// WithinTx refuses a program to open up a key that can do more than the calling one, or that then ends after it. endsAt is when the key will end; nil is
// never. Nobody else is held to anything. Fault: Forbidden with BeyondCaller.
func WithinTx(tx *db.Tx, a actor.Actor, r Row, endsAt *time.Time) error {
	if err := endsWithin(tx, a, endsAt); err != nil {
		return err
	}
	return holdsWithin(tx, a, r, nil, nil)
}
