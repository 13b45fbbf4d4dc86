package policy

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// ChangePrefix is how the id of a change is shown.
const ChangePrefix = "pol"

// Bounds of a change.
const (
	ChangeLife    = time.Hour // for how long a preview can be saved
	MaxNoticeDays = 365

	ProposedNotice = 30 // days of notice, if nobody chooses others
)

// TellJob is the kind of the job that tells a change's keys' people; its payload is Told.
const TellJob = "key.policy.tell"

// Told is the payload of TellJob.
type Told struct {
	ChangeID db.ID `json:"change_id"`
	Part     int   `json:"part"`
}

// Change is a tightening: first a preview, which fixes the keys that it hits; then, once, saved.
type Change struct {
	ID          db.ID
	SubjectKind Kind
	SubjectID   db.ID
	MadeBy      *db.ID
	RulesBefore string // JSON of Rules
	RulesAfter  string
	NoticeDays  int
	Keys        int
	Summary     string     // JSON of what it hits
	ExpiresAt   time.Time  // of the preview
	MadeAt      *time.Time // nil: a preview
	EffectiveAt *time.Time // for keys that were there; new ones go by it from MadeAt on
	CreatedAt   time.Time
	Source      Source `gorm:"-"`
	Untold      int    `gorm:"-"` // keys whose people are not told yet, of a saved change
}

// Before and After are the rules as they were and as they are to be.
func (c Change) Before() Rules { return readRulesText(c.RulesBefore) }

// After is what the subject says once the change is saved.
func (c Change) After() Rules { return readRulesText(c.RulesAfter) }

func readRulesText(text string) Rules {
	var r Rules
	if json.Unmarshal([]byte(text), &r) != nil {
		return Rules{}
	}
	return r
}

// Propose sets what a subject says. What tightens nothing for keys that there are is saved at once, and the result is zero; else the keys that it hits
// are fixed, nothing else is changed, and the result is the id of the change that Confirm saves. Saving what is said does nothing. Faults: Forbidden,
// NotFound for a subject that there is not, Invalid (default_days, max_days, idle_days, rotate_days, keys_per_app).
func (s *Store) Propose(ctx context.Context, a actor.Actor, of Source, r Rules) (db.ID, error) {
	if !may(a, permission.StaffPolicyManage) {
		return db.ID{}, fault.Lacking(string(permission.StaffPolicyManage), "")
	}
	if err := r.check(of.Kind); err != nil {
		return db.ID{}, err
	}
	c := Change{ID: db.NewID(), SubjectKind: of.Kind, SubjectID: of.ID}
	open, err := s.open(ctx, a, of, r, &c)
	if err != nil || !open {
		return db.ID{}, err
	}
	return s.fill(ctx, a, of, c)
}

// open writes a preview without its keys. What tightens nothing, or is what the subject says, needs none: open is false.
func (s *Store) open(ctx context.Context, a actor.Actor, of Source, r Rules, c *Change) (open bool, err error) {
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		open = false
		if err := oneByOne(tx); err != nil {
			return err
		}
		if _, err := subject(tx, of); err != nil {
			return err
		}
		book, err := Load(tx.DB, tx.Now)
		if err != nil || book.Of(of).Equal(r) {
			return err
		}
		if len(Tightens(book.Of(of), r)) == 0 {
			return put(tx, a, of, book.Of(of), r, nil)
		}
		open = true
		return c.draft(tx, a, book.Of(of), r)
	})
	return open, err
}

// keysAtOnce is how many keys of a preview one transaction writes: SQLite has one writer, and all others wait for it meanwhile.
const keysAtOnce = 2000

// fill fixes the keys that the change hits, and last counts them: until then nobody can save it. A preview that is cut short is swept. One that hits no key is
// saved at once.
func (s *Store) fill(ctx context.Context, a actor.Actor, of Source, c Change) (db.ID, error) {
	found, err := c.hits(s.db.Read(ctx), s.db.Dialect, nil, s.db.Now())
	for part := range slices.Chunk(found, keysAtOnce) {
		if err == nil {
			err = s.db.Tx(ctx, func(tx *db.Tx) error { return c.insert(tx, part) })
		}
	}
	if err != nil {
		return db.ID{}, err
	}
	sum, err := c.sumUp(s.db.Read(ctx), s.db.Now())
	if err != nil {
		return db.ID{}, err
	}
	id := c.ID
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		if len(found) > 0 {
			audit.Record(tx, a, audit.Event{Act: audit.PolicyPreviewed, TargetKind: "policy_change", TargetID: c.ID, Details: map[string]string{
				"subject": string(of.Kind), "before": c.Before().Facts(), "after": c.After().Facts(), "keys": strconv.Itoa(sum.keys),
			}})
			return c.count(tx, sum)
		}
		id = db.ID{}
		if err := oneByOne(tx); err != nil {
			return err
		}
		if err := c.stillFits(tx, of); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM key_policy_changes WHERE id = ?", c.ID); err != nil {
			return err
		}
		return put(tx, a, of, c.Before(), c.After(), nil)
	})
	return id, err
}

// Save is Propose for what hits no key. Faults: those of Propose; Conflict when it hits keys: these need a notice.
func (s *Store) Save(ctx context.Context, a actor.Actor, of Source, r Rules) error {
	id, err := s.Propose(ctx, a, of, r)
	if err == nil && !id.IsZero() {
		return fault.New(fault.Conflict, "This hits keys that there are. Look at them and choose a notice first.")
	}
	return err
}

// draft writes the change as a preview.
func (c *Change) draft(tx *db.Tx, a actor.Actor, before, after Rules) error {
	was, err := json.Marshal(before)
	if err != nil {
		return err
	}
	will, err := json.Marshal(after)
	if err != nil {
		return err
	}
	c.RulesBefore, c.RulesAfter, c.CreatedAt, c.ExpiresAt = string(was), string(will), tx.Now, tx.Now.Add(ChangeLife)
	_, err = tx.Run(`INSERT INTO key_policy_changes (id, subject_kind, subject_id, made_by, rules_before, rules_after, keys, expires_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)`, c.ID, c.SubjectKind, c.SubjectID, a.UserID.Ref(), c.RulesBefore, c.RulesAfter, c.ExpiresAt, c.CreatedAt)
	return err
}

// changeLock is the PostgreSQL advisory lock under which rules are changed: who changes them must see what another has just changed.
const changeLock = 0x67_70_6f_6c // "gpol"

// oneByOne lets one transaction change rules at a time. It comes first, before what is judged is read.
func oneByOne(tx *db.Tx) error {
	if tx.Home.Dialect != db.Postgres {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", changeLock).Error
}

// subject reads the source that a policy is for, with its names. Faults: NotFound.
func subject(tx *db.Tx, s Source) (Source, error) {
	sources, err := named(tx.DB, []Source{s})
	if err == nil && len(sources) == 0 {
		err = fault.Missing()
	}
	if err != nil {
		return Source{}, err
	}
	return sources[0], nil
}

// Sweep deletes previews that nobody saved. It is a job.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run("DELETE FROM key_policy_change_keys WHERE change_id IN (SELECT id FROM key_policy_changes WHERE made_at IS NULL AND expires_at <= ?)", tx.Now); err != nil {
			return err
		}
		_, err := tx.Run("DELETE FROM key_policy_changes WHERE made_at IS NULL AND expires_at <= ?", tx.Now)
		return err
	})
}
