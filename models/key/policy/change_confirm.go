package policy

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// catchUp adds the keys that were made since the preview: they were made by the old rules. It asks about these alone, in parts, since all others wait
// meanwhile where there is one writer.
func (c *Change) catchUp(tx *db.Tx) error {
	var made []db.ID
	err := tx.Raw(`SELECT k.id FROM keys k WHERE k.created_at > ? AND NOT EXISTS (SELECT 1 FROM key_policy_change_keys z WHERE z.change_id = ? AND z.key_id = k.id)
		ORDER BY k.created_at, k.id`, c.CreatedAt.Add(-time.Second), c.ID).Scan(&made).Error
	if err != nil {
		return err
	}
	more := 0
	for part := range slices.Chunk(made, 500) {
		found, err := c.hits(tx.DB, tx.Home.Dialect, part, tx.Now)
		if err != nil {
			return err
		}
		if err := c.insert(tx, found); err != nil {
			return err
		}
		more += len(found)
	}
	if more == 0 {
		return nil
	}
	sum, err := c.sumUp(tx.DB, tx.Now)
	if err != nil {
		return err
	}
	return c.count(tx, sum)
}

// Confirm saves a change with a notice in days: new keys go by it at once, those that were there once the notice is over; a job tells their people, and
// nothing becomes of a key before they were. Doing it again does nothing. Faults: Forbidden, NotFound, Invalid (notice_days), Conflict when the preview is
// older than ChangeLife, or the subject's rules were changed since.
func (s *Store) Confirm(ctx context.Context, a actor.Actor, id db.ID, noticeDays int) error {
	if !may(a, permission.StaffPolicyManage) {
		return fault.Lacking(string(permission.StaffPolicyManage), "")
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := oneByOne(tx); err != nil {
			return err
		}
		c, err := lockChange(tx, id)
		if err != nil || c.MadeAt != nil {
			return err
		}
		if noticeDays < 1 || noticeDays > MaxNoticeDays {
			return fault.BadField("notice_days", "A notice is 1 to %d days: this hits keys that there are.", MaxNoticeDays)
		}
		of := Source{Kind: c.SubjectKind, ID: c.SubjectID}
		if err := c.stillFits(tx, of); err != nil {
			return err
		}
		if c.Keys == 0 {
			return fault.New(fault.Conflict, "This preview was cut short. Make a new one.")
		}
		if err := c.catchUp(tx); err != nil {
			return err
		}
		effective := tx.Now.AddDate(0, 0, noticeDays)
		if _, err := tx.Run("UPDATE key_policy_changes SET made_by = ?, made_at = ?, effective_at = ?, notice_days = ? WHERE id = ?", a.UserID.Ref(), tx.Now, effective, noticeDays, id); err != nil {
			return err
		}
		details := map[string]string{"change": id.Show(ChangePrefix), "keys": strconv.Itoa(c.Keys), "notice_days": strconv.Itoa(noticeDays), "effective": effective.UTC().Format(time.RFC3339)}
		if err := put(tx, a, of, c.Before(), c.After(), details); err != nil {
			return err
		}
		return job.Queue(tx, TellJob, TellJob+"/"+id.String(), Told{ChangeID: id}, tx.Now)
	})
}

func lockChange(tx *db.Tx, id db.ID) (Change, error) {
	query := "SELECT * FROM key_policy_changes WHERE id = ?"
	if tx.Home.Dialect == db.Postgres {
		query += " FOR UPDATE"
	}
	var found []Change
	if err := tx.Raw(query, id).Scan(&found).Error; err != nil {
		return Change{}, err
	}
	if len(found) == 0 {
		return Change{}, fault.Missing()
	}
	return found[0], nil
}

func (c Change) stillFits(tx *db.Tx, of Source) error {
	if !tx.Now.Before(c.ExpiresAt) {
		return fault.New(fault.Conflict, "This preview is more than an hour old. Make a new one: other keys may be hit by now.")
	}
	rules, err := readRules(tx.DB)
	if err == nil && !NewBook(rules, nil).Of(of).Equal(c.Before()) {
		return fault.New(fault.Conflict, "The policy was changed since this preview was made. Make a new one.")
	}
	return err
}
