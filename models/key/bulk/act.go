package bulk

import (
	"context"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// acts are the events of the verbs.
var acts = map[key.Verb]audit.Act{
	key.Revoking: audit.KeysRevoked, key.Pausing: audit.KeysPaused, key.Resuming: audit.KeysResumed, key.Shortening: audit.KeysShortened,
}

// Start carries a preview out: it queues the job, and one event tells of the act, with its filter, reason and number of keys. Doing it again does nothing.
// Faults: Forbidden, NotFound, Invalid (reason), Conflict when the preview is older than PreviewLife.
func (s *Store) Start(ctx context.Context, a actor.Actor, id db.ID, reason string) error {
	if !may(a, permission.StaffKeysManage) {
		return fault.Lacking(string(permission.StaffKeysManage), "")
	}
	if strings.TrimSpace(reason) == "" {
		return fault.BadField("reason", "Say why: the keys’ people read it in their mail, and the audit log keeps it.")
	}
	why, err := key.CleanReason(reason)
	if err != nil {
		return err
	}
	b, err := read(s.db.Read(ctx), id)
	if err != nil {
		return err
	}
	return s.db.Tx(forVerb(ctx, b.Verb), func(tx *db.Tx) error {
		b, err := locked(tx, id)
		if err != nil || b.StartedAt != nil {
			return err
		}
		if b.Keys == 0 {
			return fault.New(fault.Conflict, "This preview was cut short. Make a new one.")
		}
		if b.Stale(tx.Now) {
			return fault.New(fault.Conflict, "This preview is more than an hour old. Make a new one: keys and calls may be others by now.")
		}
		if _, err := tx.Run("UPDATE key_bulks SET started_at = ?, started_by = ?, moved_at = ?, reason = ? WHERE id = ?", tx.Now, a.UserID.Ref(), tx.Now, why, id); err != nil {
			return err
		}
		b.Reason = why
		audit.Record(tx, a, audit.Event{Act: acts[b.Verb], TargetKind: "key_bulk", TargetID: id, Details: b.details(b.Keys)})
		return queue(tx, id)
	})
}

// forVerb has what stops keys written on a full disk, too.
func forVerb(ctx context.Context, v key.Verb) context.Context {
	if v == key.Revoking || v == key.Pausing {
		return db.Urgent(ctx)
	}
	return ctx
}

// Stop ends an act after the part that it is at; what is done stays done. Stopping one that is over does nothing. Faults: Forbidden, NotFound, Conflict for a
// preview.
func (s *Store) Stop(ctx context.Context, a actor.Actor, id db.ID) error {
	if !may(a, permission.StaffKeysManage) {
		return fault.Lacking(string(permission.StaffKeysManage), "")
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		b, err := locked(tx, id)
		switch {
		case err != nil:
			return err
		case b.StartedAt == nil:
			return fault.New(fault.Conflict, "This was not begun. There is nothing to stop.")
		case b.FinishedAt != nil || b.StoppedAt != nil:
			return nil
		}
		audit.Record(tx, a, audit.Event{Act: audit.KeysStopped, TargetKind: "key_bulk", TargetID: id, Details: map[string]string{"keys": strconv.Itoa(b.Keys), "done": strconv.Itoa(b.Done)}})
		if _, err := tx.Run("UPDATE key_bulks SET stopped_at = ? WHERE id = ?", tx.Now, id); err != nil {
			return err
		}
		return queue(tx, id) // it is told of even when the job that was at it is gone
	})
}

// payload of a job.
type payload struct{ Bulk db.ID }

func queue(tx *db.Tx, id db.ID) error { return job.Queue(tx, JobKind, "", payload{id}, tx.Now) }
