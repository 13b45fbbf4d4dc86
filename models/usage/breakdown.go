package usage

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Breakdowns are the rows of each breakdown, most calls first; of Refused, those with the most refusals. The row of unknown keys has the zero ID.
type Breakdowns struct {
	Apps, Keys, Refused, APIs, Routes, Codes []Row
}

// Breakdowns returns at most limit rows of each breakdown, read together; by a Share none of keys, which are another right. Fault: Forbidden.
func (s *Store) Breakdowns(ctx context.Context, v View, limit int) (b Breakdowns, err error) {
	sums, err := s.sums(ctx, v)
	if err != nil {
		return b, err
	}
	b = Breakdowns{
		Apps: top(sums, limit, byApp), Keys: top(sums, limit, byKey), Refused: refusals(sums, limit), APIs: top(sums, limit, byAPI), Routes: top(sums, limit, byRoute),
		Codes: top(sums, limit, byCode),
	}
	if !v.Share.IsZero() {
		b.Keys, b.Refused = nil, nil
	}
	for _, of := range []struct {
		rows []Row
		name naming
	}{{b.Apps, appNames}, {b.Keys, keyNames}, {b.Refused, keyNames}, {b.APIs, apiNames}, {b.Routes, slugs}} {
		if err := s.name(ctx, of.rows, of.name); err != nil {
			return b, err
		}
	}
	return b, nil
}

// what a breakdown tells apart. Of a row only what stands there is filled in.
func byApp(s sum) Row   { return Row{ID: s.app} }
func byKey(s sum) Row   { return Row{ID: s.key} }
func byAPI(s sum) Row   { return Row{ID: s.api} }
func byRoute(s sum) Row { return Row{ID: s.api, Name: s.route} }
func byCode(s sum) Row  { return Row{Name: s.code} }

// top adds the sums up by what they are of, and returns the rows with the most calls.
func top(sums []sum, limit int, by func(sum) Row) []Row {
	return first(added(sums, by), limit, Count.All)
}

// refusals are the keys with the most refusals, those without any left out.
func refusals(sums []sum, limit int) []Row {
	rows := slices.DeleteFunc(added(sums, byKey), func(r Row) bool { return r.Bad == 0 })
	return first(rows, limit, func(c Count) int64 { return c.Bad })
}

func added(sums []sum, by func(sum) Row) []Row {
	at, rows := map[Row]int{}, []Row(nil)
	for _, n := range sums {
		of := by(n)
		i, seen := at[of]
		if !seen {
			i = len(rows)
			at[of], rows = i, append(rows, of)
		}
		if goodCode(n.code) {
			rows[i].Good += n.calls
		} else {
			rows[i].Bad += n.calls
		}
	}
	return rows
}

func first(rows []Row, limit int, most func(Count) int64) []Row {
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(most(b.Count), most(a.Count)), bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Name, b.Name))
	})
	return rows[:min(limit, len(rows))]
}

// naming is a query for what things are called, by id, and whether the name is filled in or only the detail.
type naming struct {
	query      string
	detailOnly bool
}

var (
	appNames = naming{"SELECT a.id, a.name, o.name AS detail FROM apps a JOIN organizations o ON o.id = a.organization_id WHERE a.id IN ?", false}
	keyNames = naming{"SELECT k.id, k.name, k.prefix || '…' || k.last_four AS detail FROM keys k WHERE k.id IN ?", false}
	apiNames = naming{"SELECT p.id, p.name, p.slug AS detail FROM apis p WHERE p.id IN ?", false}
	slugs    = naming{"SELECT p.id, p.name, p.slug AS detail FROM apis p WHERE p.id IN ?", true}
)

// name fills in what rows are called; what is gone stays without.
func (s *Store) name(ctx context.Context, rows []Row, by naming) error {
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	if len(ids) == 0 {
		return nil
	}
	var found []Row
	if err := s.db.Read(ctx).Raw(by.query, ids).Scan(&found).Error; err != nil {
		return err
	}
	for i := range rows {
		for _, f := range found {
			if f.ID == rows[i].ID {
				rows[i].Detail = f.Detail
				if !by.detailOnly {
					rows[i].Name = f.Name
				}
			}
		}
	}
	return nil
}

func (s *Store) by(ctx context.Context, v View, limit int, by func(sum) Row, name naming) ([]Row, error) {
	sums, err := s.sums(ctx, v)
	if err != nil {
		return nil, err
	}
	rows := top(sums, limit, by)
	if name.query == "" {
		return rows, nil
	}
	return rows, s.name(ctx, rows, name)
}

// ByApp returns the apps with the most verifications.
func (s *Store) ByApp(ctx context.Context, v View, limit int) ([]Row, error) {
	return s.by(ctx, v, limit, byApp, appNames)
}

// ByKey returns the keys with the most verifications. The row of unknown keys has the zero ID.
func (s *Store) ByKey(ctx context.Context, v View, limit int) ([]Row, error) {
	return s.by(ctx, v, limit, byKey, keyNames)
}

// MostRefused returns the keys with the most refusals.
func (s *Store) MostRefused(ctx context.Context, v View, limit int) ([]Row, error) {
	sums, err := s.sums(ctx, v)
	if err != nil {
		return nil, err
	}
	rows := refusals(sums, limit)
	return rows, s.name(ctx, rows, keyNames)
}

// ByAPI returns the APIs with the most verifications.
func (s *Store) ByAPI(ctx context.Context, v View, limit int) ([]Row, error) {
	return s.by(ctx, v, limit, byAPI, apiNames)
}

// ByRoute returns the routes with the most verifications: Name is the template, empty where none fitted or none was asked about.
func (s *Store) ByRoute(ctx context.Context, v View, limit int) ([]Row, error) {
	return s.by(ctx, v, limit, byRoute, slugs)
}

// ByCode returns the codes, most frequent first.
func (s *Store) ByCode(ctx context.Context, v View) ([]Row, error) {
	return s.by(ctx, v, 20, byCode, naming{})
}
