package bulk

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// List reads a page of the acts that were carried out, and of previews that can be, newest first. Faults: Forbidden.
func (s *Store) List(ctx context.Context, a actor.Actor, r db.PageRequest) (db.Page[Bulk], error) {
	if !may(a, permission.StaffKeysRead) {
		return db.Page[Bulk]{}, fault.Lacking(string(permission.StaffKeysRead), "")
	}
	return db.List(ctx, s.db, db.Listing[Bulk]{
		Name: "key bulks", Select: "SELECT * FROM key_bulks b WHERE (b.started_at IS NOT NULL OR b.expires_at > ? AND b.keys > 0)", Args: []any{s.db.Now()}, IDExpr: "b.id",
		ID: func(b Bulk) db.ID { return b.ID }, Default: "-created",
		Sorts: map[string]db.Sort[Bulk]{"created": {Expr: "b.created_at", Value: func(b Bulk) any { return b.CreatedAt }}},
	}, r)
}

// Result is what became of a key.
type Result int

// The results.
const (
	Waits Result = iota
	Done
	LeftAlone
)

// Part is one key of an act.
type Part struct {
	KeyID                     db.ID
	Name, Prefix, LastFour    string
	AppName, OrganizationName string
	Result                    Result
	At                        *time.Time
	IncidentID                *db.ID // open, while the key is paused because it was found where it should not be
}

// Hint is what is shown of the key's text.
func (p Part) Hint() string { return key.Key{Prefix: p.Prefix, LastFour: p.LastFour}.Hint() }

// Keys reads a page of the keys of an act. Faults: Forbidden.
func (s *Store) Keys(ctx context.Context, a actor.Actor, id db.ID, r db.PageRequest) (db.Page[Part], error) {
	if !may(a, permission.StaffKeysRead) {
		return db.Page[Part]{}, fault.Lacking(string(permission.StaffKeysRead), "")
	}
	return db.List(ctx, s.db, db.Listing[Part]{
		Name: "keys of " + id.String(), Select: `SELECT z.key_id, k.name, k.prefix, k.last_four, a.name AS app_name, o.name AS organization_name, z.result, z.at, i.id AS incident_id
			FROM key_bulk_keys z JOIN keys k ON k.id = z.key_id JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id
			LEFT JOIN leak_incidents i ON i.key_id = k.id AND i.closed_at IS NULL AND k.paused_cause = 'leak' AND k.paused_at IS NOT NULL AND k.revoked_at IS NULL WHERE z.bulk_id = ?`,
		Args: []any{id}, IDExpr: "z.key_id", ID: func(p Part) db.ID { return p.KeyID }, Default: "key",
		Sorts: map[string]db.Sort[Part]{"key": {Expr: "z.bulk_id", Value: func(Part) any { return id.String() }}},
	}, r)
}

// Mention is an act that changed a key, as the key's page tells of it.
type Mention struct {
	BulkID db.ID
	Verb   key.Verb
	Keys   int // of all that it changed
	Reason string
	At     time.Time
}

// OfKey reads the acts that changed a key, newest first, at most 20. The caller has found the key through Get or GetAny.
func (s *Store) OfKey(ctx context.Context, keyID db.ID) ([]Mention, error) {
	var out []Mention
	err := s.db.Read(ctx).Raw(`SELECT b.id AS bulk_id, b.verb, b.done AS keys, b.reason, z.at FROM key_bulk_keys z JOIN key_bulks b ON b.id = z.bulk_id
		WHERE z.key_id = ? AND z.result = 1 ORDER BY z.at DESC LIMIT 20`, keyID).Scan(&out).Error
	return out, err
}
