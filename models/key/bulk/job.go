package bulk

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// JobKind names the job that carries acts out: give it to job.Worker.Handle with Store.Job.
const JobKind = "key.bulk"

// Bounds of the work. A run ends well within job.Longest and queues the next, so that no two replicas are at one act for long, and a restart loses one part.
const (
	PartSize = 500              // keys of one transaction
	maxParts = 100              // of one run
	maxRun   = 30 * time.Second // after which a run ends with the part that it is at
	stuck    = 5 * time.Minute  // without a part done: the job is queued again
)

// Job does parts of an act until it is through, and then mails who must know. It bears being run twice, at once or after a restart: a part takes what no
// part has done.
func (s *Store) Job(ctx context.Context, raw json.RawMessage) error {
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("bulk: %w", err)
	}
	until := s.db.Now().Add(maxRun)
	b, err := read(s.db.Read(ctx), p.Bulk)
	if err != nil {
		return err
	}
	ctx = forVerb(ctx, b.Verb)
	for range maxParts {
		more, err := s.step(ctx, p.Bulk)
		if err != nil || !more {
			return err
		}
		if !s.db.Now().Before(until) {
			break
		}
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return queue(tx, p.Bulk) })
}

// step does one part: some keys, or one organization's mails. more is false when nothing is left.
func (s *Store) step(ctx context.Context, id db.ID) (more bool, err error) {
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		more = true
		b, err := locked(tx, id)
		switch {
		case err != nil:
			return err
		case b.StartedAt == nil || b.ToldAt != nil:
			more = false
			return nil
		case b.FinishedAt != nil:
			more, err = s.tell(tx, b)
			return err
		}
		return s.part(tx, b)
	})
	return more, err
}

// part does some of the keys, or finds that all are done, or that staff stopped it.
func (s *Store) part(tx *db.Tx, b Bulk) error {
	var ids []db.ID
	if b.StoppedAt == nil {
		err := tx.Raw("SELECT key_id FROM key_bulk_keys WHERE bulk_id = ? AND result = 0 ORDER BY key_id LIMIT ?", b.ID, PartSize).Scan(&ids).Error
		if err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		audit.Record(tx, actor.ForSystem(), audit.Event{Act: audit.KeysFinished, TargetKind: "key_bulk", TargetID: b.ID, Details: b.outcome()})
		_, err := tx.Run("UPDATE key_bulks SET finished_at = ?, moved_at = ? WHERE id = ?", tx.Now, tx.Now, b.ID)
		return err
	}
	changed, err := s.apply(tx, b, ids)
	if err != nil {
		return err
	}
	if _, err := tx.Run("UPDATE key_bulk_keys SET result = 2, at = ? WHERE bulk_id = ? AND key_id IN ?", tx.Now, b.ID, ids); err != nil {
		return err
	}
	if len(changed) > 0 {
		if _, err := tx.Run("UPDATE key_bulk_keys SET result = 1 WHERE bulk_id = ? AND key_id IN ?", b.ID, changed); err != nil {
			return err
		}
	}
	_, err = tx.Run("UPDATE key_bulks SET done = done + ?, left_alone = left_alone + ?, moved_at = ? WHERE id = ?", len(changed), len(ids)-len(changed), tx.Now, b.ID)
	return err
}

func (b Bulk) outcome() map[string]string {
	d := b.details(b.Keys)
	d["done"], d["left_alone"], d["not_reached"] = strconv.Itoa(b.Done), strconv.Itoa(b.LeftAlone), strconv.Itoa(b.Keys-b.Done-b.LeftAlone)
	return d
}

// apply does what the act does to some keys, and tells of which it changed something.
func (s *Store) apply(tx *db.Tx, b Bulk, ids []db.ID) ([]db.ID, error) {
	who := actor.Actor{Kind: actor.User, UserID: db.Deref(b.StartedBy)}
	switch b.Verb {
	case key.Pausing:
		if err := rememberPauses(tx, b.ID, ids); err != nil {
			return nil, err
		}
		return s.keys.ApplyTx(tx, who, key.Effect{Verb: key.Pausing, Cause: key.PausedBulk}, ids)
	case key.Shortening:
		if b.EndsAt == nil || !b.EndsAt.After(tx.Now) { // the job came to it when that was over
			return nil, nil
		}
		return s.keys.ApplyTx(tx, who, key.Effect{Verb: key.Shortening, EndsAt: *b.EndsAt}, ids)
	case key.Resuming:
		return s.resume(tx, who, b, ids)
	}
	return s.keys.ApplyTx(tx, who, key.Effect{Verb: key.Revoking, Reason: b.Reason}, ids)
}

// rememberPauses keeps what paused keys before, so that resuming gives that back.
func rememberPauses(tx *db.Tx, bulk db.ID, ids []db.ID) error {
	if tx.Home.Dialect == db.Postgres {
		if err := tx.Exec("SELECT id FROM keys WHERE id IN ? ORDER BY id FOR UPDATE", ids).Error; err != nil {
			return err
		}
	}
	_, err := tx.Run(`UPDATE key_bulk_keys SET paused_before = (SELECT k.paused_cause FROM keys k WHERE k.id = key_bulk_keys.key_id AND k.paused_at IS NOT NULL)
		WHERE bulk_id = ? AND key_id IN ?`, bulk, ids)
	return err
}

// resume ends the pauses of an act; a key that was paused before it, is again paused as then.
func (s *Store) resume(tx *db.Tx, who actor.Actor, b Bulk, ids []db.ID) ([]db.ID, error) {
	var before []struct {
		KeyID        db.ID
		PausedBefore *string
	}
	err := tx.Raw("SELECT key_id, paused_before FROM key_bulk_keys WHERE bulk_id = ? AND result = 1 AND key_id IN ?", b.OfBulk, ids).Scan(&before).Error
	if err != nil {
		return nil, err
	}
	effects := map[key.Effect][]db.ID{}
	for _, z := range before {
		e := key.Effect{Verb: key.Resuming}
		if z.PausedBefore != nil {
			e = key.Effect{Verb: key.Returning, Cause: *z.PausedBefore}
		}
		effects[e] = append(effects[e], z.KeyID)
	}
	var all []db.ID
	for e, some := range effects {
		changed, err := s.keys.ApplyTx(tx, who, e, some)
		if err != nil {
			return nil, err
		}
		all = append(all, changed...)
	}
	return all, nil
}

// Sweep forgets previews that nobody carried out, and takes up acts that stand still because their job is gone. It is a job: run it every few minutes.
func (s *Store) Sweep(ctx context.Context) error {
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		for _, query := range []string{
			"DELETE FROM key_bulk_keys WHERE bulk_id IN (SELECT id FROM key_bulks WHERE started_at IS NULL AND expires_at < ?)",
			"DELETE FROM key_bulk_shares WHERE bulk_id IN (SELECT id FROM key_bulks WHERE started_at IS NULL AND expires_at < ?)",
			"DELETE FROM key_bulks WHERE started_at IS NULL AND expires_at < ?",
		} {
			if _, err := tx.Run(query, tx.Now.Add(-PreviewLife)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var still []db.ID
		if err := tx.Raw("SELECT id FROM key_bulks WHERE started_at IS NOT NULL AND told_at IS NULL AND moved_at < ?", tx.Now.Add(-stuck)).Scan(&still).Error; err != nil {
			return err
		}
		for _, id := range still {
			if err := job.Queue(tx, JobKind, fmt.Sprintf("%s/%s/%d", JobKind, id, tx.Now.Truncate(stuck).Unix()), payload{id}, tx.Now); err != nil {
				return err
			}
		}
		return nil
	})
}
