package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// settingName is where the installation's rules were kept before they had a row, and where a program of then still reads them.
const settingName = "key_policy"

// old is the value of that setting.
type old struct {
	DefaultDays  int  `json:"default_days"`
	MaxDays      int  `json:"max_days"`
	NeverAllowed bool `json:"never_allowed"`
	KeysPerApp   int  `json:"keys_per_app"`
}

// Subject is what a key is and holds, as far as policies go by it.
type Subject struct {
	OrganizationID db.ID
	APIs           []db.ID
	PlanIDs        []db.ID
	ScopeIDs       []db.ID
}

// Under reports whether what the source says applies to the subject.
func (s Subject) Under(o Source) bool {
	switch o.Kind {
	case Installation:
		return true
	case Organization:
		return o.ID == s.OrganizationID
	case API:
		return slices.Contains(s.APIs, o.ID)
	case Plan:
		return slices.Contains(s.PlanIDs, o.ID)
	case Scope:
		return slices.Contains(s.ScopeIDs, o.ID)
	}
	return false
}

// Planned is a tightening that is saved and does not hold yet for keys that were there.
type Planned struct {
	ID          db.ID
	Source      Source
	Before      Rules
	MadeAt      time.Time // keys made after it go by the new rules at once
	EffectiveAt time.Time
}

// Book is all rules of all subjects at one moment, with what is planned. It is small: one row a subject that says something.
type Book struct {
	rules   []Rule
	planned []Planned
}

// NewBook makes a book of what it is given.
func NewBook(rules []Rule, planned []Planned) Book { return Book{rules, planned} }

// For is what holds for a key of the subject that is made now.
func (b Book) For(s Subject) Effective { return Merge(b.under(s)...) }

// Held is what holds at the moment of the book for a key of the subject that was made at created: a tightening whose notice runs does not count yet.
func (b Book) Held(s Subject, created time.Time) Effective {
	rules := b.under(s)
	for i, r := range rules {
		rules[i].Rules = b.at(r, created)
	}
	return Merge(rules...)
}

// at is what a source says to a key made at created.
func (b Book) at(r Rule, created time.Time) Rules {
	out := r.Rules
	for _, p := range b.planned {
		if p.Source.compare(r.Source) == 0 && !created.After(p.MadeAt) {
			out = loosest(out, p.Before)
		}
	}
	return out
}

func (b Book) under(s Subject) []Rule {
	var out []Rule
	for _, r := range b.rules {
		if s.Under(r.Source) {
			out = append(out, r)
		}
	}
	return out
}

// Rules lists what every subject says, widest first.
func (b Book) Rules() []Rule {
	return slices.SortedFunc(slices.Values(b.rules), func(x, y Rule) int { return x.Source.compare(y.Source) })
}

// Of is what one subject says; nothing when it says nothing.
func (b Book) Of(s Source) Rules {
	for _, r := range b.rules {
		if r.Source.compare(s) == 0 {
			return r.Rules
		}
	}
	return Rules{}
}

// Planned lists what is planned for a subject, the next first.
func (b Book) Planned(s Source) []Planned {
	var out []Planned
	for _, p := range b.planned {
		if p.Source.compare(s) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// NoticeOver is when what a source says holds in full for a key made at created; zero when it does already.
func (b Book) NoticeOver(s Source, created time.Time) time.Time {
	var out time.Time
	for _, p := range b.Planned(s) {
		if !created.After(p.MadeAt) {
			out = later(out, p.EffectiveAt)
		}
	}
	return out
}

// Stage is what a source says to keys made after From and not after To, at the moment of the book; zero times are without bound.
type Stage struct {
	Source   Source
	From, To time.Time
	Rules
}

// Stages cuts what each source says at the moments at which tightenings were saved whose notice runs.
func (b Book) Stages() []Stage {
	var out []Stage
	for _, r := range b.Rules() {
		cuts := []time.Time{{}}
		for _, p := range b.Planned(r.Source) {
			cuts = append(cuts, p.MadeAt)
		}
		slices.SortFunc(cuts, time.Time.Compare)
		for i, from := range cuts {
			s := Stage{Source: r.Source, From: from, Rules: b.at(r, from.Add(time.Microsecond))}
			if i+1 < len(cuts) {
				s.To = cuts[i+1]
			}
			out = append(out, s)
		}
	}
	return out
}

// For reads what holds for a key of the subject that is made now.
func For(g *gorm.DB, s Subject) (Effective, error) {
	rules, err := readRules(g)
	return NewBook(rules, nil).For(s), err
}

// Load reads the book at now.
func Load(g *gorm.DB, now time.Time) (Book, error) {
	rules, err := readRules(g)
	if err != nil {
		return Book{}, err
	}
	planned, err := readPlanned(g, now)
	return NewBook(rules, planned), err
}

type ruleRow struct {
	SubjectKind            Kind
	SubjectID              db.ID
	Name, APIName, APISlug string
	Rules
}

const (
	sourceColumns = `COALESCE(o.name, i.name, l.name, c.name, '') AS name, COALESCE(pi.name, ci.name, '') AS api_name, COALESCE(i.slug, pi.slug, ci.slug, '') AS api_slug`
	sourceTables  = ` LEFT JOIN organizations o ON r.subject_kind = 'organization' AND o.id = r.subject_id
		LEFT JOIN apis i ON r.subject_kind = 'api' AND i.id = r.subject_id
		LEFT JOIN plans l ON r.subject_kind = 'plan' AND l.id = r.subject_id LEFT JOIN apis pi ON pi.id = l.api_id
		LEFT JOIN scopes c ON r.subject_kind = 'scope' AND c.id = r.subject_id LEFT JOIN apis ci ON ci.id = c.api_id`
)

func (r ruleRow) source() Source {
	return Source{Kind: r.SubjectKind, ID: r.SubjectID, Name: r.Name, API: r.APIName, Slug: r.APISlug}
}

// readRules reads what every subject says. The installation always says something: its row, or the setting of before, or the default.
func readRules(g *gorm.DB) ([]Rule, error) {
	var rows []ruleRow
	err := g.Raw(`SELECT r.subject_kind, r.subject_id, r.default_days, r.max_days, r.never_allowed, r.idle_days, r.rotate_days, r.keys_per_app, r.networks, ` +
		sourceColumns + " FROM key_policies r" + sourceTables).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	var out []Rule
	whole := false
	for _, r := range rows {
		whole = whole || r.SubjectKind == Installation
		out = append(out, Rule{r.source(), r.Rules})
	}
	if !whole {
		r, err := readSetting(g)
		if err != nil {
			return nil, err
		}
		out = append(out, Rule{Source{Kind: Installation}, r})
	}
	return out, nil
}

func readSetting(g *gorm.DB) (Rules, error) {
	var values []string
	if err := g.Raw("SELECT value FROM settings WHERE name = ?", settingName).Scan(&values).Error; err != nil {
		return Rules{}, err
	}
	if len(values) == 0 {
		return Default(), nil
	}
	d := Default()
	o := old{*d.DefaultDays, *d.MaxDays, *d.NeverAllowed, *d.KeysPerApp}
	if err := json.Unmarshal([]byte(values[0]), &o); err != nil {
		return Rules{}, fmt.Errorf("setting %s: %w", settingName, err)
	}
	return Rules{DefaultDays: &o.DefaultDays, MaxDays: &o.MaxDays, NeverAllowed: &o.NeverAllowed, KeysPerApp: &o.KeysPerApp}, nil
}

func readPlanned(g *gorm.DB, now time.Time) ([]Planned, error) {
	var rows []struct {
		ID                  db.ID
		SubjectKind         Kind
		SubjectID           db.ID
		RulesBefore         string
		MadeAt, EffectiveAt time.Time
	}
	err := g.Raw(`SELECT id, subject_kind, subject_id, rules_before, made_at, effective_at FROM key_policy_changes
		WHERE effective_at > ? AND made_at IS NOT NULL ORDER BY effective_at, id`, now).Scan(&rows).Error
	out := make([]Planned, len(rows))
	for i, r := range rows {
		out[i] = Planned{ID: r.ID, Source: Source{Kind: r.SubjectKind, ID: r.SubjectID}, MadeAt: r.MadeAt, EffectiveAt: r.EffectiveAt}
		if err := json.Unmarshal([]byte(r.RulesBefore), &out[i].Before); err != nil {
			return nil, fmt.Errorf("policy change %s: %w", r.ID, err)
		}
	}
	return out, err
}
