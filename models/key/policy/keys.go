package policy

import (
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Tables is what conditions on keys are about.
const Tables = " FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id"

// Living is true of keys that a rule can still mean: not over, not rotated, and no keys of gateways; two arguments, both now.
const Living = `k.revoked_at IS NULL AND k.overlap_ends_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) AND a.deleted_at IS NULL AND o.deleted_at IS NULL
	AND k.id NOT IN (SELECT v.key_id FROM key_grants v JOIN scopes vs ON vs.id = v.scope_id JOIN apis vp ON vp.id = vs.api_id WHERE vp.is_portal AND vs.name = 'keys:verify')`

// Condition is SQL of our own about keys k, with its arguments.
type Condition struct {
	SQL  string
	Args []any
}

func (c *Condition) and(sql string, args ...any) {
	c.SQL, c.Args = c.SQL+" AND "+sql, append(c.Args, args...)
}

// Applies is true of living keys to which a source's rules apply and that were made after from and not after to; zero times are without bound.
func Applies(s Source, from, to, now time.Time) Condition {
	c := Condition{Living, []any{now}}
	switch s.Kind {
	case Organization:
		c.and("a.organization_id = ?", s.ID)
	case API:
		c.and("k.id IN (SELECT g.key_id FROM key_grants g WHERE g.api_id = ?)", s.ID)
	case Plan:
		c.and(`EXISTS (SELECT 1 FROM key_grants g JOIN access x ON x.app_id = k.app_id AND x.api_id = g.api_id AND x.state IN ('approved', 'suspended')
			WHERE g.key_id = k.id AND x.plan_id = ?)`, s.ID)
	case Scope:
		c.and("k.id IN (SELECT g.key_id FROM key_grants g WHERE g.scope_id = ?)", s.ID)
	}
	if !from.IsZero() {
		c.and("k.created_at > ?", from)
	}
	if !to.IsZero() {
		c.and("k.created_at <= ?", to)
	}
	return c
}

// appliesAmong is Applies for a few keys by id: whether it means them is asked of each, and never read for all.
func appliesAmong(s Source, ids []db.ID, now time.Time) Condition {
	c := Condition{Living, []any{now}}
	switch s.Kind {
	case API:
		c.and("EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.api_id = ?)", s.ID)
	case Scope:
		c.and("EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.scope_id = ?)", s.ID)
	default:
		c = Applies(s, time.Time{}, time.Time{}, now)
	}
	c.and("k.id IN ?", ids)
	return c
}

// breaking is true of keys that break a rule of r at the moment at. Paused keys break none but Life.
func breaking(dialect db.Dialect, rule string, r Rules, at time.Time) Condition {
	c := Condition{SQL: "1 = 1"}
	if rule != Life {
		c.SQL = "k.paused_at IS NULL"
	}
	switch rule {
	case Idle:
		cut := at.Add(-time.Duration(*r.IdleDays) * day)
		c.and("k.created_at <= ? AND (k.last_used_at IS NULL OR k.last_used_at <= ?) AND (k.resumed_at IS NULL OR k.resumed_at <= ?)", cut, cut, cut)
	case Age:
		c.and("k.created_at <= ?", at.Add(-time.Duration(*r.RotateDays)*day))
	case Networks:
		c.and("k.networks = ''")
	case Life:
		c.life(dialect, r)
	}
	return c
}

func (c *Condition) life(dialect db.Dialect, r Rules) {
	never, long := "1 = 0", "1 = 0"
	if r.forbidsNever() {
		never = "k.expires_at IS NULL"
	}
	var args []any
	if r.MaxDays != nil {
		seconds := int64((time.Duration(*r.MaxDays)*day + lifeSlack) / time.Second)
		long, args = "k.expires_at > k.created_at + ?", []any{seconds * 1_000_000} // microseconds: how SQLite keeps times here
		if dialect == db.Postgres {
			long, args = "k.expires_at > k.created_at + CAST(? AS interval)", []any{strconv.FormatInt(seconds, 10) + " seconds"}
		}
	}
	c.and("("+never+" OR "+long+")", args...)
}

// Warned is true of keys that a stage's rule will hit within its lead, and whose people were not told yet, or told of a day at which the rule did not reach them. ok is false when the stage has no such
// rule. A key that lives too long and ends before anything could come of it is left alone.
func (s Stage) Warned(dialect db.Dialect, rule string, now time.Time) (c Condition, days int, ok bool) {
	c = Applies(s.Source, s.From, s.To, now)
	switch {
	case rule == Idle && s.IdleDays != nil:
		days = *s.IdleDays
	case rule == Age && s.RotateDays != nil:
		days = *s.RotateDays
	case rule == Networks && s.needsNetworks():
	case rule == Life && s.MaxDays != nil:
		days = *s.MaxDays
	case rule == Life && s.forbidsNever():
	default:
		return c, 0, false
	}
	b := breaking(dialect, rule, s.Rules, now.Add(Lead(rule, days)))
	c.and(b.SQL, b.Args...)
	if rule == Life {
		c.and("(k.expires_at IS NULL OR k.expires_at > ?)", now.Add(LifeLead+LifeGrace+day))
	}
	c.and("NOT EXISTS (SELECT 1 FROM key_policy_dues z WHERE z.key_id = k.id AND z.rule = ? AND z.told <> ?)", rule, DueRests)
	c.and("(k.suspended_at IS NULL OR k.suspended_until <= ?)", now)
	return c, days, true
}
