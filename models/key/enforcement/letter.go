package enforcement

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// told is what somebody is told of one key.
type told struct {
	row    key.Row
	number policy.Number
	at     time.Time
}

func newTold(r key.Row, n policy.Number, at time.Time) told { return told{r, n, at} }

// label names whose policy it is: for the installation's own, the portal.
func label(tx *db.Tx, s policy.Source) (string, error) {
	if s.Kind != policy.Installation {
		return s.Label(), nil
	}
	p := setting.Portal{Name: "Gatehouse"}
	_, err := setting.GetTx(tx, setting.PortalName, &p)
	return p.Name, err
}

// will says what a rule makes of keys that break it.
func will(rule, whose string, days int) outbox.Line {
	n := strconv.Itoa(days)
	switch {
	case rule == policy.Idle:
		return outbox.L("The policy of %[1]s pauses keys that are not used for %[2]d days:", whose, n)
	case rule == policy.Age:
		return outbox.L("The policy of %[1]s has keys rotated after %[2]d days, and pauses those that were not:", whose, n)
	case rule == policy.Networks:
		return outbox.L("The policy of %s asks each key to name the networks that it is used from, and pauses those that name none:", whose)
	case days == 0:
		return outbox.L("The policy of %s allows no key without end, and gives one to keys that have none:", whose)
	}
	return outbox.L("The policy of %[1]s lets a key live at most %[2]d days, and brings forward the end of those that live longer:", whose, n)
}

// help says what to do about it.
func help(rule string) outbox.Line {
	switch rule {
	case policy.Idle:
		return outbox.L("A key that is used once before then is not paused. A paused key is resumed on its page.")
	case policy.Age:
		return outbox.L("Rotate it before then: the new key has the same scopes, and both work for as long as you choose.")
	case policy.Networks:
		return outbox.L("Name its networks on its page before then.")
	}
	return outbox.L("You get the usual notices before a key ends. Rotate it before then.")
}

// tellDue mails that keys will be paused, one letter a reader; again says that it is the last time.
func (s *Store) tellDue(tx *db.Tx, rule string, list []told, again bool) error {
	by, rows := map[db.ID]told{}, make([]key.Row, len(list))
	whose := map[policy.Source]string{}
	for i, t := range list {
		by[t.row.ID], rows[i] = t, t.row
		if _, ok := whose[t.number.Source]; !ok {
			name, err := label(tx, t.number.Source)
			if err != nil {
				return err
			}
			whose[t.number.Source] = name
		}
	}
	return s.keys.MailEach(tx, rows, func(ctx context.Context, rows []key.Row) outbox.Letter {
		first := by[rows[0].ID]
		l := outbox.Letter{Kind: "key_policy_due", Subject: outbox.L("API keys will be paused")}
		switch {
		case rule == policy.Life && len(rows) == 1:
			l.Subject = outbox.L("The API key %[1]s gets an earlier end on %[2]s", rows[0].Hint(), text.Date(ctx, first.at))
		case rule == policy.Life:
			l.Subject = outbox.L("API keys get an earlier end")
		case len(rows) == 1:
			l.Subject = outbox.L("The API key %[1]s will be paused on %[2]s", rows[0].Hint(), text.Date(ctx, first.at))
		}
		var last policy.Number
		for i, r := range rows[:min(len(rows), key.Listed)] {
			t := by[r.ID]
			if i == 0 || t.number != last {
				l.Lines = append(l.Lines, will(rule, whose[t.number.Source], t.number.Value))
				last = t.number
			}
			l.Lines = append(l.Lines, outbox.L("“%[1]s” (%[2]s), app %[3]s of %[4]s: on %[5]s", r.Name, r.Hint(), r.AppName, r.OrganizationName, text.DateTime(ctx, t.at)))
		}
		if len(rows) > key.Listed {
			l.Lines = append(l.Lines, outbox.L("… and others: the list of keys shows them all."))
		}
		l.After = []outbox.Line{help(rule)}
		if again {
			l.After = append(l.After, outbox.L("This is the last notice."))
		}
		s.keys.Button(&l, rows)
		return l
	})
}

// tellPaused mails that keys were paused.
func (s *Store) tellPaused(tx *db.Tx, rule string, w wrong) error {
	whose, err := label(tx, w.number.Source)
	if err != nil {
		return err
	}
	return s.keys.MailEach(tx, w.rows, func(_ context.Context, rows []key.Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_policy_paused", Subject: outbox.L("API keys were paused")}
		if len(rows) == 1 {
			l.Subject = outbox.L("The API key %s was paused", rows[0].Hint())
		}
		l.Lines = append([]outbox.Line{outbox.L("Paused, and refused for now:")}, key.KeyLines(rows)...)
		switch rule {
		case policy.Idle:
			l.Lines = append(l.Lines, outbox.L("They were not used for %[2]d days, and the policy of %[1]s pauses such keys.", whose, strconv.Itoa(w.number.Value)))
			l.After = []outbox.Line{outbox.L("Resume one on its page if it is still needed. Revoke it if not.")}
		case policy.Age:
			l.Lines = append(l.Lines, outbox.L("They are older than %[2]d days, and the policy of %[1]s has keys rotated by then.", whose, strconv.Itoa(w.number.Value)))
			l.After = []outbox.Line{outbox.L("Rotate one on its page: the new key works at once.")}
		default:
			l.Lines = append(l.Lines, outbox.L("They name no networks, and the policy of %s asks each key to.", whose))
			l.After = []outbox.Line{outbox.L("Name the networks on the key’s page, then resume it.")}
		}
		s.keys.Button(&l, rows)
		return l
	})
}

// tellShortened mails that keys were given an end.
func (s *Store) tellShortened(tx *db.Tx, n policy.Number, ended []told) error {
	whose, err := label(tx, n.Source)
	if err != nil {
		return err
	}
	at, rows := map[db.ID]time.Time{}, make([]key.Row, len(ended))
	for i, e := range ended {
		at[e.row.ID], rows[i] = e.at, e.row
	}
	return s.keys.MailEach(tx, rows, func(ctx context.Context, rows []key.Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_policy_shortened", Subject: outbox.L("API keys end sooner")}
		if len(rows) == 1 {
			l.Subject = outbox.L("The API key %[1]s now expires on %[2]s", rows[0].Hint(), text.Date(ctx, at[rows[0].ID]))
		}
		l.Lines = []outbox.Line{will(policy.Life, whose, n.Value)}
		for _, r := range rows[:min(len(rows), key.Listed)] {
			l.Lines = append(l.Lines, outbox.L("“%[1]s” (%[2]s), app %[3]s of %[4]s: stops working on %[5]s", r.Name, r.Hint(), r.AppName, r.OrganizationName, text.DateTime(ctx, at[r.ID])))
		}
		if len(rows) > key.Listed {
			l.Lines = append(l.Lines, outbox.L("… and others: the list of keys shows them all."))
		}
		l.After = []outbox.Line{help(policy.Life)}
		s.keys.Button(&l, rows)
		return l
	})
}

// tellChange mails the readers of one organization's keys, one digest each for all with the same name, what a stricter policy asks of them and from when on. cut says
// that there may be more keys than those.
func (s *Store) tellChange(tx *db.Tx, name string, cut bool, parts []part) error {
	var all []key.Row
	seen, in := map[db.ID]bool{}, map[string]map[db.ID]bool{}
	for _, p := range parts {
		in[p.rule] = map[db.ID]bool{}
		for _, r := range p.rows {
			in[p.rule][r.ID] = true
			if !seen[r.ID] {
				seen[r.ID] = true
				all = append(all, r)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	whose, err := label(tx, parts[0].number.Source)
	if err != nil {
		return err
	}
	return s.keys.MailOnce(tx, "policy change "+name, all, func(ctx context.Context, rows []key.Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_policy_changed", Subject: outbox.L("A policy for API keys becomes stricter on %s", text.Date(ctx, parts[0].at))}
		l.Lines = append(l.Lines, outbox.L("Until %s these keys go by the old rules. From then on:", text.DateTime(ctx, parts[0].at)))
		for _, p := range parts {
			var mine []key.Row
			for _, r := range rows {
				if in[p.rule][r.ID] {
					mine = append(mine, r)
				}
			}
			if len(mine) > 0 {
				l.Lines = append(append(append(l.Lines, will(p.rule, whose, p.number.Value)), key.KeyLines(mine)...), help(p.rule))
			}
		}
		if cut && len(rows) <= key.Listed {
			l.Lines = append(l.Lines, outbox.L("… and others: the list of keys shows them all."))
		}
		s.keys.Button(&l, rows)
		return l
	})
}
