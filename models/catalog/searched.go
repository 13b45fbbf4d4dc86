package catalog

import (
	"context"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/index"
	"github.com/gatehouse-dev/gatehouse/models/job"
)

// OpennessJob is queued when an API becomes public or stops being so: what was written about it has to be indexed again, because words of what anybody
// may read are suggested to anybody. Its payload is the API's id.
const OpennessJob = "guide.openness"

// indexAPI keeps the search index as the API is. Whoever changes an API calls it last, in the same transaction.
func indexAPI(tx *db.Tx, id db.ID) error {
	api, err := one[API](tx.DB, "SELECT * FROM apis WHERE id = ?", id)
	if err != nil {
		return err
	}
	was, err := index.IsPublic(tx, index.API, id.String())
	if err != nil {
		return err
	}
	public := false
	if api.RetiredAt != nil {
		err = index.Remove(tx, index.API, id.String())
	} else {
		var d index.Document
		if d, err = document(tx, api); err == nil {
			public = d.Public
			err = index.Put(tx, d)
		}
	}
	if err != nil || was == public {
		return err
	}
	return job.Queue(tx, OpennessJob, "", id.String(), tx.Now)
}

// document is an API as it is found: its names, what it says of itself, and its scopes and routes as codes.
func document(tx *db.Tx, api API) (index.Document, error) {
	d := index.Document{Kind: index.API, Ref: api.ID.String(), Title: api.Name, Readers: index.InCatalogue(api.ID)}
	live, err := number(tx.DB, "SELECT COUNT(*) FROM api_versions WHERE api_id = ? AND state IN ('live', 'deprecated')", api.ID)
	if err != nil {
		return d, err
	}
	d.Public = api.Visibility == Public && live > 0
	d.Codes = []string{api.Slug}
	body := []string{api.Summary, api.Description}
	var scopes []Scope
	if err := tx.Raw("SELECT * FROM scopes WHERE api_id = ? AND withdrawn_at IS NULL ORDER BY name LIMIT 500", api.ID).Scan(&scopes).Error; err != nil {
		return d, err
	}
	for _, s := range scopes {
		d.Codes = append(d.Codes, s.Name)
		body = append(body, s.Name+": "+s.Sentence)
	}
	var routes []string
	if err := tx.Raw("SELECT r.path_template FROM route_rules r WHERE r.api_id = ? ORDER BY r.path_template LIMIT 1000", api.ID).Scan(&routes).Error; err != nil {
		return d, err
	}
	d.Codes = append(d.Codes, routes...)
	var plans []string
	err = tx.Raw("SELECT p.name || ' ' || p.summary FROM plans p WHERE p.api_id = ? AND p.retired_at IS NULL ORDER BY p.created_at, p.id LIMIT 200", api.ID).Scan(&plans).Error
	d.Body = strings.Join(append(body, plans...), "\n\n")
	return d, err
}

// IndexAll puts every API into the search index anew, each in a transaction of its own.
func (s *Store) IndexAll(ctx context.Context) error {
	var ids []db.ID
	if err := s.db.Read(ctx).Raw("SELECT id FROM apis ORDER BY id").Scan(&ids).Error; err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.db.Tx(ctx, func(tx *db.Tx) error { return indexAPI(tx, id) }); err != nil {
			return err
		}
	}
	return nil
}
