package guide

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// How a step came to be ticked.
const (
	Seen     = "seen"   // from what happened
	ByPerson = "person" // by a button
)

// Tick is one step that is done.
type Tick struct {
	Step     string
	How      string
	TickedAt time.Time
}

// Progress tells which steps of a tutorial app has done, by id. What is seen for the first time is written down, so that it stays when keys are
// deleted and counts expire. The app is one of the actor's. Faults: NotFound.
func (s *Store) Progress(ctx context.Context, a actor.Actor, tutorial *content.Page, app db.ID) (map[string]Tick, error) {
	mine, err := s.app(ctx, a, app)
	if err != nil {
		return nil, err
	}
	ticks, err := s.ticks(ctx, mine, tutorial)
	if err != nil {
		return nil, err
	}
	var fresh []string
	for _, step := range tutorial.Steps {
		if _, done := ticks[step.ID]; done {
			continue
		}
		yes, err := s.happened(ctx, mine, step.Check)
		if err != nil {
			return nil, err
		}
		if yes {
			fresh = append(fresh, step.ID)
			ticks[step.ID] = Tick{step.ID, Seen, s.now()}
		}
	}
	if len(fresh) == 0 {
		return ticks, nil
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		for _, step := range fresh {
			if _, err := tx.Run(tickStep, mine.ID, tutorial.Slug, step, Seen, nil, tx.Now); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, db.ErrReadOnly) { // they are seen again on the next visit
		err = nil
	}
	return ticks, err
}

const tickStep = `INSERT INTO tutorial_ticks (app_id, tutorial, step, how, user_id, ticked_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (app_id, tutorial, step) DO NOTHING`

// ticks are those that are written down for steps that there still are.
func (s *Store) ticks(ctx context.Context, app App, tutorial *content.Page) (map[string]Tick, error) {
	var rows []Tick
	err := s.db.Read(ctx).Raw("SELECT step, how, ticked_at FROM tutorial_ticks WHERE app_id = ? AND tutorial = ?", app.ID, tutorial.Slug).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	ticks := map[string]Tick{}
	for _, r := range rows {
		ticks[r.Step] = r
	}
	return ticks, nil
}

// Mark ticks a step without check by hand, or takes such a tick back. Faults: NotFound for no app of the actor's or no such step, Forbidden
// for who may only read there, Conflict for a step that is seen and not said.
func (s *Store) Mark(ctx context.Context, a actor.Actor, tutorial *content.Page, app db.ID, step string, done bool) error {
	mine, err := s.app(ctx, a, app)
	if err != nil {
		return err
	}
	if !permission.Org(mine.Role, permission.KeysMake) {
		return fault.Lacking(string(permission.KeysMake), mine.OrganizationID.Show(org.Prefix))
	}
	found := false
	for _, x := range tutorial.Steps {
		if x.ID == step && x.Check.Kind != "" {
			return fault.New(fault.Conflict, "This step ticks itself when it is done.")
		}
		found = found || x.ID == step
	}
	if !found {
		return fault.Missing()
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		act := audit.TutorialTicked
		if done {
			_, err = tx.Run(tickStep, mine.ID, tutorial.Slug, step, ByPerson, a.UserID, tx.Now)
		} else {
			act = audit.TutorialUnticked
			_, err = tx.Run("DELETE FROM tutorial_ticks WHERE app_id = ? AND tutorial = ? AND step = ? AND how = 'person'", mine.ID, tutorial.Slug, step)
		}
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: act, TargetKind: "app", TargetID: mine.ID, OrganizationID: mine.OrganizationID, Details: map[string]string{"tutorial": tutorial.Slug, "step": step}})
		return nil
	})
}
