package policy

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

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

// Kinds of tightening by which a list of hit keys can be narrowed.
var rulesHit = []string{Life, Idle, Age, Networks}

// KnownRule reports whether there is such a rule.
func KnownRule(name string) bool { return slices.Contains(rulesHit, name) }
