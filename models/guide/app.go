package guide

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// App is an app that its reader does tutorials with, and whose key samples stand for.
type App struct {
	ID               db.ID
	Name             string
	OrganizationID   db.ID
	OrganizationName string
	Role             string // the reader's
	KeyID            db.ID  // the newest key that may work; zero when there is none
	KeyName          string
	Prefix           string
	LastFour         string
}

// Hint is what is shown of the key; "" when there is none.
func (a App) Hint() string {
	if a.KeyID.IsZero() {
		return ""
	}
	return a.Prefix + "…" + a.LastFour
}

// MaxApps is how many apps a reader may choose from: the newest.
const MaxApps = 50

const appsOf = `SELECT a.id, a.name, o.id AS organization_id, o.name AS organization_name, m.role FROM members m JOIN organizations o ON o.id = m.organization_id
	JOIN apps a ON a.organization_id = o.id WHERE m.user_id = ? AND o.deleted_at IS NULL AND a.deleted_at IS NULL`

// Apps lists the apps of the actor's organizations, newest first, without their keys. Who is not signed in has none.
func (s *Store) Apps(ctx context.Context, a actor.Actor) ([]App, error) {
	if !a.SignedIn() {
		return nil, nil
	}
	var rows []App
	unseen, hidden := a.Hidden()
	err := s.db.Read(ctx).Raw(appsOf+" AND a.id NOT IN "+unseen+" ORDER BY a.created_at DESC, a.id DESC LIMIT ?", append(append([]any{a.Membership("m")}, hidden...), MaxApps)...).Scan(&rows).Error
	return rows, err
}

// App is one app of the actor's with its newest key that may work. Faults: NotFound.
func (s *Store) App(ctx context.Context, a actor.Actor, id db.ID) (App, error) {
	app, err := s.app(ctx, a, id)
	if err != nil {
		return App{}, err
	}
	return s.withKey(ctx, app)
}

func (s *Store) app(ctx context.Context, a actor.Actor, id db.ID) (App, error) {
	var rows []App
	unseen, hidden := a.Hidden()
	if err := s.db.Read(ctx).Raw(appsOf+" AND a.id = ? AND a.id NOT IN "+unseen, append([]any{a.Membership("m"), id}, hidden...)...).Scan(&rows).Error; err != nil {
		return App{}, err
	}
	if len(rows) == 0 || !a.SignedIn() || !permission.Org(rows[0].Role, permission.KeysRead) {
		return App{}, fault.Missing()
	}
	return rows[0], nil
}

// NewestApp is the app that was made last, with its key; the zero App when the actor has none.
func (s *Store) NewestApp(ctx context.Context, a actor.Actor) (App, error) {
	apps, err := s.Apps(ctx, a)
	if err != nil || len(apps) == 0 {
		return App{}, err
	}
	return s.withKey(ctx, apps[0])
}

func (s *Store) withKey(ctx context.Context, app App) (App, error) {
	now := s.now()
	var keys []App
	err := s.db.Read(ctx).Raw(`SELECT k.id AS key_id, k.name AS key_name, k.prefix, k.last_four FROM keys k WHERE k.app_id = ? AND k.revoked_at IS NULL AND k.paused_at IS NULL
		AND (k.expires_at IS NULL OR k.expires_at > ?) AND (k.overlap_ends_at IS NULL OR k.overlap_ends_at > ?) ORDER BY k.created_at DESC, k.id DESC LIMIT 1`, app.ID, now, now).Scan(&keys).Error
	if err != nil || len(keys) == 0 {
		return app, err
	}
	app.KeyID, app.KeyName, app.Prefix, app.LastFour = keys[0].KeyID, keys[0].KeyName, keys[0].Prefix, keys[0].LastFour
	return app, nil
}
