package enforcement

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

const living = key.LivingSQL

// Arrived brings the keys of an app under the policy of the organization that it was moved to, in the transaction that moved it: each living key that
// breaks a rule of that policy, or will within the rule's lead, gets the day from which on it is held to it, and its people are told once. A key whose day by
// that rule stands already, whoever's policy it is of, keeps that day, and is held to it at once when it has come, so that going and coming wins no time. Keys
// that are paused or in their overlap get their day too.
func (s *Store) Arrived(tx *db.Tx, app, organization db.ID) error {
	var ids []db.ID
	if err := tx.Raw("SELECT k.id FROM keys k WHERE k.app_id = ? AND "+living+" ORDER BY k.id", app, tx.Now, tx.Now).Scan(&ids).Error; err != nil || len(ids) == 0 {
		return err
	}
	p, err := s.page(tx, ids)
	if err != nil {
		return err
	}
	stands, err := policy.DuesOf(tx.DB, ids)
	if err != nil {
		return err
	}
	source := p.book.Source(policy.Source{Kind: policy.Organization, ID: organization})
	var parts []part
	for _, rule := range []string{policy.Life, policy.Idle, policy.Age, policy.Networks} {
		list := p.arrived(rule, source, tx.Now, stands)
		for chunk := range slices.Chunk(list, 100) {
			if err := putDues(tx, rule, chunk, 1, thisDueWins); err != nil {
				return err
			}
		}
		parts = append(parts, arrivals(rule, list, tx.Now)...)
		if err := s.actOn(tx, rule, ids); err != nil {
			return err
		}
	}
	return s.tellArrived(tx, parts)
}

// arrived lists the keys that get a day by a rule of the source. A tightening of it whose notice runs counts, from its own day on.
func (p page) arrived(rule string, source policy.Source, now time.Time, stands map[db.ID][]policy.Due) []told {
	var out []told
	for _, r := range p.rows {
		from, n, ok := p.book.For(r.Subject()).Breach(rule, p.facts[r.ID])
		if !ok || n.Source.Kind != source.Kind || n.Source.ID != source.ID {
			continue
		}
		due := now.Add(policy.NetworksLead)
		if rule == policy.Idle || rule == policy.Age {
			due = now.Add(policy.Lead(rule, n.Value))
		}
		if i := slices.IndexFunc(stands[r.ID], func(d policy.Due) bool { return d.Rule == rule }); i >= 0 {
			d := stands[r.ID][i]
			if d.Source.Kind == source.Kind && d.Source.ID == source.ID && !d.Rests() {
				continue
			}
			due = d.At
		}
		if from.After(due) { // the hourly look finds it in time
			continue
		}
		for _, planned := range p.book.Planned(source) {
			if !r.CreatedAt.After(planned.MadeAt) && planned.EffectiveAt.After(due) {
				due = planned.EffectiveAt
			}
		}
		out = append(out, newTold(r, n, due))
	}
	return out
}

// arrivals puts keys together that are told of in the same words.
func arrivals(rule string, list []told, now time.Time) []part {
	var out []part
	for _, t := range list {
		if !t.at.After(now) {
			continue // it is held to it now, and a letter says so
		}
		if t.row.OverlapEndsAt != nil || t.row.PausedAt != nil && rule != policy.Life {
			continue // it comes to nothing while that lasts
		}
		i := slices.IndexFunc(out, func(p part) bool { return p.number == t.number && p.at.Equal(t.at) })
		if i < 0 {
			i, out = len(out), append(out, part{rule: rule, number: t.number, at: t.at})
		}
		out[i].rows = append(out[i].rows, t.row)
	}
	return out
}

// tellArrived mails what the organization's policy will make of keys, one letter a reader.
func (s *Store) tellArrived(tx *db.Tx, parts []part) error {
	if len(parts) == 0 {
		return nil
	}
	whose, err := label(tx, parts[0].number.Source)
	if err != nil {
		return err
	}
	var all []key.Row
	in := make([]map[db.ID]bool, len(parts))
	seen := map[db.ID]bool{}
	for i, p := range parts {
		in[i] = map[db.ID]bool{}
		for _, r := range p.rows {
			in[i][r.ID] = true
			if !seen[r.ID] {
				seen[r.ID], all = true, append(all, r)
			}
		}
	}
	return s.keys.MailEach(tx, all, func(ctx context.Context, rows []key.Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_policy_arrived", Subject: outbox.L("API keys came under the policy of another organization")}
		l.Lines = append(l.Lines, outbox.L("The app of these keys was moved to another organization, and its policy asks more of them."))
		for i, p := range parts {
			mine := slices.DeleteFunc(slices.Clone(rows), func(r key.Row) bool { return !in[i][r.ID] })
			if len(mine) > 0 {
				l.Lines = append(append(l.Lines, outbox.L("From %s on:", text.DateTime(ctx, p.at)), will(p.rule, whose, p.number.Value)), key.KeyLines(mine)...)
				l.Lines = append(l.Lines, help(p.rule))
			}
		}
		s.keys.Button(&l, rows)
		return l
	})
}
