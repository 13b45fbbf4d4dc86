package db

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// CodeChanged is the code of the fault of Unchanged.
const CodeChanged = "PRECONDITION_FAILED"

type versionKey struct{}

// WithVersion has a store method that changes one row refuse when that was changed after at, which is its updated_at as the caller has read it: two who
// change the same thing at once can't overwrite each other unseen.
func WithVersion(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, versionKey{}, at)
}

// Unchanged holds what WithVersion asked, if anything, against updated_at of the row that is to be changed. Call it with the row locked. Fault: Conflict
// with CodeChanged.
func (tx *Tx) Unchanged(updatedAt time.Time) error {
	at, asked := tx.ctx.Value(versionKey{}).(time.Time)
	if !asked || at.Equal(updatedAt) {
		return nil
	}
	return &fault.Error{Kind: fault.Conflict, Code: CodeChanged, Key: "Somebody changed this meanwhile. Look again, and repeat it if it still makes sense."}
}
