package catalog

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// States of a version. Retired is final: its routes are refused.
const (
	Draft      = "draft"
	Live       = "live"
	Deprecated = "deprecated"
	Retired    = "retired"
)

// States are all of them, in their order.
var States = []string{Draft, Live, Deprecated, Retired}

// Version is one version of an API.
type Version struct {
	ID        db.ID
	APIID     db.ID `gorm:"column:api_id"`
	Name      string
	State     string
	SunsetAt  *time.Time // when a deprecated one is to end
	CreatedAt time.Time
	UpdatedAt time.Time
}

// VersionInput is what staff says of a version.
type VersionInput struct {
	Name     string
	State    string
	SunsetAt *time.Time
}

var versionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,29}$`)

func (in VersionInput) check(name, state string) error {
	var p fault.Problems
	p.Check(versionForm.MatchString(in.Name), name, "A version is letters, digits, dots and hyphens, such as v2 or 2026-11.")
	p.Check(slices.Contains(States, in.State), state, "Choose a state.")
	return p.Err()
}

func insertVersion(tx *db.Tx, a actor.Actor, api API, in VersionInput) error {
	id := db.NewID()
	_, err := tx.Run("INSERT INTO api_versions (id, api_id, name, state, sunset_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)", id, api.ID, in.Name, in.State, in.SunsetAt, tx.Now, tx.Now)
	if err != nil {
		return taken(err, "version", "This API has a version of that name already.")
	}
	audit.Record(tx, a, audit.Event{Act: audit.APIVersionAdded, TargetKind: "api", TargetID: api.ID, OrganizationID: api.PublisherID, Details: map[string]string{"version": in.Name, "state": in.State}})
	return nil
}

// AddVersion adds a version. Faults: Forbidden, NotFound, Conflict, Invalid.
func (s *Store) AddVersion(ctx context.Context, a actor.Actor, apiID db.ID, in VersionInput) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		if err := in.check("version", "state"); err != nil {
			return err
		}
		return insertVersion(tx, a, api, in)
	})
}

// ChangeVersion sets state and end of a version. What was live does not become a draft again, and retired is for ever. Faults: Forbidden,
// NotFound, Conflict, Invalid.
func (s *Store) ChangeVersion(ctx context.Context, a actor.Actor, apiID, versionID db.ID, state string, sunset *time.Time) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		v, err := one[Version](tx.DB, "SELECT * FROM api_versions WHERE id = ? AND api_id = ?", versionID, apiID)
		if err != nil {
			return err
		}
		var p fault.Problems
		p.Check(slices.Contains(States, state), "state", "Choose a state.")
		p.Check(v.State != Retired, "state", "This version is retired, which is for ever.")
		p.Check(state != Draft || v.State == Draft, "state", "What was published can’t become a draft again. Deprecate or retire it.")
		if err := p.Err(); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.APIVersionChanged, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"version": v.Name, "state": state}})
		_, err = tx.Run("UPDATE api_versions SET state = ?, sunset_at = ?, updated_at = ? WHERE id = ?", state, sunset, tx.Now, versionID)
		return err
	})
}
