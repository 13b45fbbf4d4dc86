package enforcement

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// Tell tells the people of the keys that a change hits, one digest a reader and organization, and writes down that nothing becomes of them before the
// notice is over. It is the job of policy.TellJob. It works in parts of at most atOnce keys, each in a transaction, so that a restart goes on where it stopped
// and tells nobody twice; what does not fit into one run a further job does.
func (s *Store) Tell(ctx context.Context, payload json.RawMessage) error {
	var p policy.Told
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("policy change: %w", err)
	}
	var found []policy.Change
	if err := s.db.Read(ctx).Raw("SELECT * FROM key_policy_changes WHERE id = ? AND made_at IS NOT NULL", p.ChangeID).Scan(&found).Error; err != nil || len(found) == 0 {
		return err
	}
	err := s.work(s.db.Now().Add(most), func() (all []waiting, err error) {
		err = s.db.Read(ctx).Raw(untold+" ORDER BY a.organization_id, COALESCE(k.responsible_id, k.created_by), k.id LIMIT ?", p.ChangeID, readMax).Scan(&all).Error
		return all, err
	}, func(_ string, ids []db.ID) error {
		return s.db.Tx(ctx, func(tx *db.Tx) error { return s.tellPart(tx, found[0], ids) })
	})
	if err != nil {
		return err
	}
	var left []waiting
	if err := s.db.Read(ctx).Raw(untold+" LIMIT 1", p.ChangeID).Scan(&left).Error; err != nil || len(left) == 0 {
		return err
	}
	p.Part++
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		return job.Queue(tx, policy.TellJob, policy.TellJob+"/"+p.ChangeID.String()+"/"+strconv.Itoa(p.Part), p, tx.Now)
	})
}

// untold are the keys whose people are not told yet; one argument.
const untold = `SELECT z.key_id, a.organization_id, '' AS rule FROM key_policy_change_keys z JOIN keys k ON k.id = z.key_id JOIN apps a ON a.id = k.app_id
	WHERE z.change_id = ? AND z.told_at IS NULL`

type hit struct {
	KeyID  db.ID
	Breaks int
}

// tellPart tells of some keys; those of which somebody was told meanwhile are left out.
func (s *Store) tellPart(tx *db.Tx, c policy.Change, ids []db.ID) error {
	var hits []hit
	err := tx.Raw("UPDATE key_policy_change_keys SET told_at = ? WHERE change_id = ? AND told_at IS NULL AND key_id IN ? RETURNING key_id, breaks", tx.Now, c.ID, ids).Scan(&hits).Error
	if err != nil || len(hits) == 0 {
		return err
	}
	book, err := policy.Load(tx.DB, tx.Now)
	if err != nil {
		return err
	}
	ids, breaks := make([]db.ID, len(hits)), map[db.ID][]string{}
	for i, h := range hits {
		ids[i], breaks[h.KeyID] = h.KeyID, policy.BreaksOf(h.Breaks)
	}
	rows, err := key.RowsTx(tx, ids)
	if err != nil {
		return err
	}
	of := map[db.ID][]key.Row{}
	for _, r := range rows {
		if r.Living(tx.Now) && r.OverlapEndsAt == nil {
			of[r.OrganizationID] = append(of[r.OrganizationID], r)
		}
	}
	source := book.Source(policy.Source{Kind: c.SubjectKind, ID: c.SubjectID})
	for _, org := range slices.SortedFunc(maps.Keys(of), func(a, b db.ID) int { return slices.Compare(a[:], b[:]) }) {
		if err := s.tellOrganization(tx, c, source, of[org], breaks); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) tellOrganization(tx *db.Tx, c policy.Change, source policy.Source, rows []key.Row, breaks map[db.ID][]string) error {
	var parts []part
	for _, rule := range []string{policy.Life, policy.Idle, policy.Age, policy.Networks} {
		p := part{rule: rule, number: policy.Number{Value: days(c.After(), rule), Source: source}, at: *c.EffectiveAt}
		for _, r := range rows {
			if slices.Contains(breaks[r.ID], rule) {
				p.rows = append(p.rows, r)
			}
		}
		if err := p.dues(tx); err != nil {
			return err
		}
		parts = append(parts, p)
	}
	return s.tellChange(tx, c.ID.String()+" "+rows[0].OrganizationID.String(), len(rows) >= atOnce, parts)
}

// part is the keys of one organization that a change hits by one rule.
type part struct {
	rule   string
	number policy.Number
	at     time.Time
	rows   []key.Row
}

func (p part) dues(tx *db.Tx) error {
	for rows := range slices.Chunk(p.rows, 100) {
		list := make([]told, len(rows))
		for i, r := range rows {
			list[i] = newTold(r, p.number, p.at)
		}
		if err := insertDues(tx, p.rule, list, 1); err != nil {
			return err
		}
	}
	return nil
}

// days is the number that a rule names.
func days(r policy.Rules, rule string) int {
	n := map[string]*int{policy.Life: r.MaxDays, policy.Idle: r.IdleDays, policy.Age: r.RotateDays}[rule]
	if n == nil {
		return 0
	}
	return *n
}
