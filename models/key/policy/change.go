package policy

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
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

// bits are how a row of a hit key holds the rules that it breaks.
var bits = map[string]int{Life: 1, Idle: 2, Age: 4, Networks: 8}

// BreaksOf lists the rules that bits stand for.
func BreaksOf(n int) []string {
	var out []string
	for _, rule := range rulesHit {
		if n&bits[rule] != 0 {
			out = append(out, rule)
		}
	}
	return out
}

// hitKey is a key that the change hits, with the rules that it breaks as bits.
type hitKey struct {
	KeyID  db.ID
	Breaks int
}

// hits reads the keys that the change hits, of all or of those named.
func (c Change) hits(g *gorm.DB, dialect db.Dialect, among []db.ID, now time.Time) ([]hitKey, error) {
	breaks, args := "0", []any(nil)
	for _, rule := range Tightens(c.Before(), c.After()) {
		b := breaking(dialect, rule, c.After(), now)
		breaks += " + CASE WHEN " + b.SQL + " THEN " + strconv.Itoa(bits[rule]) + " ELSE 0 END"
		args = append(args, b.Args...)
	}
	source := Source{Kind: c.SubjectKind, ID: c.SubjectID}
	hit := Applies(source, time.Time{}, time.Time{}, now)
	if len(among) > 0 {
		hit = appliesAmong(source, among, now)
	}
	var out []hitKey
	err := g.Raw("SELECT y.key_id, y.breaks FROM (SELECT k.id AS key_id, "+breaks+" AS breaks"+Tables+" WHERE "+hit.SQL+") y WHERE y.breaks > 0 ORDER BY y.key_id", append(args, hit.Args...)...).Scan(&out).Error
	return out, err
}

func (c Change) insert(tx *db.Tx, list []hitKey) error {
	for some := range slices.Chunk(list, 500) {
		args := make([]any, 0, 3*len(some))
		for _, h := range some {
			args = append(args, c.ID, h.KeyID, h.Breaks)
		}
		if _, err := tx.Run("INSERT INTO key_policy_change_keys (change_id, key_id, breaks) VALUES "+db.Rows(3, len(some))+" ON CONFLICT (change_id, key_id) DO NOTHING", args...); err != nil {
			return err
		}
	}
	return nil
}

// sumUp counts what the change hits, so that its page need not.
func (c Change) sumUp(g *gorm.DB, now time.Time) (summary, error) {
	var rows []struct {
		Share
		Life, Idle, Age, Networks, EndBefore int
	}
	err := g.Raw(`SELECT y.organization_id, y.organization_name, COUNT(*) AS keys, SUM(y.used) AS used_last_hour, SUM(CASE WHEN y.breaks = 0 THEN 1 ELSE 0 END) AS end_before,
		SUM(CASE WHEN (y.breaks & 1) <> 0 THEN 1 ELSE 0 END) AS life, SUM(CASE WHEN (y.breaks & 2) <> 0 THEN 1 ELSE 0 END) AS idle,
		SUM(CASE WHEN (y.breaks & 4) <> 0 THEN 1 ELSE 0 END) AS age, SUM(CASE WHEN (y.breaks & 8) <> 0 THEN 1 ELSE 0 END) AS networks
		FROM (SELECT o.id AS organization_id, o.name AS organization_name, CASE WHEN k.last_used_at > ? THEN 1 ELSE 0 END AS used, CASE WHEN k.expires_at <= ? THEN 0 ELSE z.breaks END AS breaks
		FROM key_policy_change_keys z JOIN keys k ON k.id = z.key_id JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id WHERE z.change_id = ?) y
		GROUP BY y.organization_id, y.organization_name ORDER BY COUNT(*) DESC, y.organization_name, y.organization_id`,
		now.Add(-time.Hour), c.CreatedAt.AddDate(0, 0, ProposedNotice), c.ID).Scan(&rows).Error
	sum := summary{ByRule: map[string]int{}, Organizations: len(rows)}
	for i, r := range rows {
		sum.keys += r.Keys
		sum.UsedLastHour += r.UsedLastHour
		sum.EndBefore += r.EndBefore
		for rule, n := range map[string]int{Life: r.Life, Idle: r.Idle, Age: r.Age, Networks: r.Networks} {
			sum.ByRule[rule] += n
		}
		if i < MaxShares {
			sum.Shares = append(sum.Shares, r.Share)
		}
	}
	return sum, err
}

// count writes the sum: from then on the preview can be saved.
func (c *Change) count(tx *db.Tx, sum summary) error {
	text, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	c.Keys = sum.keys
	_, err = tx.Run("UPDATE key_policy_changes SET keys = ?, summary = ? WHERE id = ?", c.Keys, string(text), c.ID)
	return err
}

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

// changeLock is the PostgreSQL advisory lock under which rules are changed: who changes them must see what another has just changed.
const changeLock = 0x67_70_6f_6c // "gpol"

// oneByOne lets one transaction change rules at a time. It comes first, before what is judged is read.
func oneByOne(tx *db.Tx) error {
	if tx.Home.Dialect != db.Postgres {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", changeLock).Error
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

// Kinds of tightening by which a list of hit keys can be narrowed.
var rulesHit = []string{Life, Idle, Age, Networks}

// KnownRule reports whether there is such a rule.
func KnownRule(name string) bool { return slices.Contains(rulesHit, name) }
