package catalog

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// Preset is a set of scopes that the publisher of an API puts together for one purpose. It ticks boxes on the form that makes a key, and grants nothing.
type Preset struct {
	ID        db.ID
	APIID     db.ID `gorm:"column:api_id"`
	Name      string
	Purpose   string // one sentence
	CreatedAt time.Time
	UpdatedAt time.Time // of name, purpose and scopes; moving it leaves it
	Scopes    []Scope   `gorm:"-"` // by name, also those withdrawn, which count for nothing
}

// Offered are the scopes that it ticks.
func (p Preset) Offered() []Scope { return p.scopes(false) }

// Withdrawn are the scopes that it held and that ended; they are left out of it.
func (p Preset) Withdrawn() []Scope { return p.scopes(true) }

func (p Preset) scopes(withdrawn bool) []Scope {
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(s Scope) bool { return (s.WithdrawnAt != nil) != withdrawn })
}

// MaxPresets bounds the presets of one API.
const MaxPresets = 20

// MaxPurpose bounds what a preset says it is for, in characters.
const MaxPurpose = 160

// PresetInput is what staff says of a preset.
type PresetInput struct {
	Name     string
	Purpose  string
	ScopeIDs []db.ID
}

func (in *PresetInput) check() error {
	var p fault.Problems
	in.Name = org.CheckName(&p, "preset", in.Name)
	in.Purpose = org.CheckText(&p, "purpose", in.Purpose, MaxPurpose)
	p.Check(in.Purpose != "", "purpose", "Say in a sentence what a key with these scopes is for.")
	p.Check(!strings.Contains(in.Purpose, "\n"), "purpose", "This is one sentence on one line.")
	p.Check(len(in.ScopeIDs) > 0, "scopes", "Choose at least one scope.")
	slices.SortFunc(in.ScopeIDs, func(a, b db.ID) int { return slices.Compare(a[:], b[:]) })
	in.ScopeIDs = slices.Compact(in.ScopeIDs)
	return p.Err()
}

// AddPreset adds a preset after those that there are. Faults: Forbidden, NotFound, Conflict, Invalid, also for a name that another has.
func (s *Store) AddPreset(ctx context.Context, a actor.Actor, apiID db.ID, in PresetInput) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		if err := in.check(); err != nil {
			return err
		}
		n, err := number(tx.DB, "SELECT COUNT(*) FROM scope_presets WHERE api_id = ?", apiID)
		if err != nil {
			return err
		}
		if n >= MaxPresets {
			return fault.BadField("preset", "An API has at most %d presets. Delete one first.", MaxPresets)
		}
		id := db.NewID()
		if _, err := tx.Run(`INSERT INTO scope_presets (id, api_id, name, purpose, position, created_at, updated_at)
			VALUES (?, ?, ?, ?, COALESCE((SELECT MAX(y.position) FROM scope_presets y WHERE y.api_id = ?), 0) + 1, ?, ?)`, id, apiID, in.Name, in.Purpose, apiID, tx.Now, tx.Now); err != nil {
			return taken(err, "preset", "This API has a preset of that name already.")
		}
		names, err := in.setScopes(tx, id)
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.PresetAdded, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"preset": in.Name, "scopes": names}})
		return nil
	})
}

// setScopes sets what an empty preset holds, and returns the names, parted by spaces.
func (in PresetInput) setScopes(tx *db.Tx, id db.ID) (string, error) {
	n, err := tx.Run("INSERT INTO scope_preset_scopes (preset_id, scope_id) SELECT p.id, c.id FROM scope_presets p JOIN scopes c ON c.api_id = p.api_id WHERE p.id = ? AND c.id IN ? AND c.withdrawn_at IS NULL", id, in.ScopeIDs)
	if err != nil {
		return "", err
	}
	if n != int64(len(in.ScopeIDs)) {
		return "", fault.BadField("scopes", "Choose scopes that this API offers. One of these was withdrawn meanwhile.")
	}
	var names []string
	err = tx.Raw("SELECT c.name FROM scope_preset_scopes ps JOIN scopes c ON c.id = ps.scope_id WHERE ps.preset_id = ? ORDER BY c.name", id).Scan(&names).Error
	return strings.Join(names, " "), err
}

// ChangePreset sets name, purpose and scopes; scopes that were withdrawn leave it. With db.WithVersion it refuses when somebody changed it since. Faults:
// Forbidden, NotFound, Conflict, Invalid.
func (s *Store) ChangePreset(ctx context.Context, a actor.Actor, apiID, presetID db.ID, in PresetInput) error {
	return s.managePreset(ctx, a, apiID, presetID, func(tx *db.Tx, api API, p Preset) error {
		if err := tx.Unchanged(p.UpdatedAt); err != nil {
			return err
		}
		if err := in.check(); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE scope_presets SET name = ?, purpose = ?, updated_at = ? WHERE id = ?", in.Name, in.Purpose, tx.Now, p.ID); err != nil {
			return taken(err, "preset", "This API has a preset of that name already.")
		}
		if _, err := tx.Run("DELETE FROM scope_preset_scopes WHERE preset_id = ?", p.ID); err != nil {
			return err
		}
		names, err := in.setScopes(tx, p.ID)
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.PresetChanged, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"preset": in.Name, "scopes": names}})
		return nil
	})
}

// DeletePreset deletes a preset; keys that were made with it keep their scopes. With db.WithVersion it refuses when somebody changed it since. Faults:
// Forbidden, NotFound, Conflict.
func (s *Store) DeletePreset(ctx context.Context, a actor.Actor, apiID, presetID db.ID) error {
	return s.managePreset(ctx, a, apiID, presetID, func(tx *db.Tx, api API, p Preset) error {
		if err := tx.Unchanged(p.UpdatedAt); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.PresetDeleted, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"preset": p.Name}})
		if _, err := tx.Run("DELETE FROM scope_preset_scopes WHERE preset_id = ?", p.ID); err != nil {
			return err
		}
		_, err := tx.Run("DELETE FROM scope_presets WHERE id = ?", p.ID)
		return err
	})
}

// MovePreset moves a preset before the one that stands right above it, which must be above, as the actor saw it. Faults: Forbidden, NotFound, Conflict
// when the order was changed meanwhile.
func (s *Store) MovePreset(ctx context.Context, a actor.Actor, apiID, presetID, above db.ID) error {
	return s.managePreset(ctx, a, apiID, presetID, func(tx *db.Tx, api API, p Preset) error {
		var order []db.ID
		if err := tx.Raw("SELECT id FROM scope_presets WHERE api_id = ? ORDER BY position, id", apiID).Scan(&order).Error; err != nil {
			return err
		}
		i := slices.Index(order, presetID)
		if i < 1 || order[i-1] != above {
			return fault.New(fault.Conflict, "The order of the presets was changed meanwhile. Look again, and repeat it if it still makes sense.")
		}
		order[i-1], order[i] = order[i], order[i-1]
		for n, id := range order {
			if _, err := tx.Run("UPDATE scope_presets SET position = ? WHERE id = ? AND position <> ?", n+1, id, n+1); err != nil {
				return err
			}
		}
		audit.Record(tx, a, audit.Event{Act: audit.PresetMoved, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"preset": p.Name}})
		return nil
	})
}

// managePreset runs fn on a preset of an API as manage does.
func (s *Store) managePreset(ctx context.Context, a actor.Actor, apiID, presetID db.ID, fn func(tx *db.Tx, api API, p Preset) error) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		p, err := one[Preset](tx.DB, "SELECT * FROM scope_presets WHERE id = ? AND api_id = ?", presetID, apiID)
		if err != nil {
			return err
		}
		return fn(tx, api, p)
	})
}

// PresetsOf reads the presets of APIs by API, in their order, with their scopes: two queries. Who may see the APIs is for the caller to know.
func PresetsOf(q *gorm.DB, apiIDs []db.ID) (map[db.ID][]Preset, error) {
	var rows []Preset
	if err := q.Raw("SELECT id, api_id, name, purpose, created_at, updated_at FROM scope_presets WHERE api_id IN ? ORDER BY api_id, position, id", apiIDs).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return nil, err
	}
	var held []struct {
		PresetID db.ID
		Scope
	}
	if err := q.Raw(`SELECT ps.preset_id, c.id, c.api_id, c.name, c.sentence, c.sensitive, c.withdrawn_at, c.created_at FROM scope_presets p
		JOIN scope_preset_scopes ps ON ps.preset_id = p.id JOIN scopes c ON c.id = ps.scope_id WHERE p.api_id IN ? ORDER BY c.name`, apiIDs).Scan(&held).Error; err != nil {
		return nil, err
	}
	of := map[db.ID][]Scope{}
	for _, h := range held {
		of[h.PresetID] = append(of[h.PresetID], h.Scope)
	}
	out := map[db.ID][]Preset{}
	for _, p := range rows {
		p.Scopes = of[p.ID]
		out[p.APIID] = append(out[p.APIID], p)
	}
	return out, nil
}
