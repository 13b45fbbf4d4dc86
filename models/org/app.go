package org

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// App is a program of an organization that calls APIs.
type App struct {
	ID              db.ID
	OrganizationID  db.ID
	Name            string
	Description     string
	HomepageURL     string
	Limited         bool // only owners, admins and chosen members reach it
	CreatedBy       *db.ID
	SuspendedAt     *time.Time
	SuspendedUntil  *time.Time
	SuspendedReason string
	DeletedAt       *time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Suspended reports whether the app is stopped at now.
func (a App) Suspended(now time.Time) bool { return suspended(a.SuspendedAt, a.SuspendedUntil, now) }

// AppRow is an app in a list: with its organization, the reader's role there, and how much hangs on it.
type AppRow struct {
	App
	OrganizationName        string
	OrganizationSuspendedAt *time.Time
	Role                    string // empty on staff's lists
	ActiveKeys              int64
	APIs                    int64 `gorm:"column:apis"`
}

// activeKey is the condition under which key k may still work: what the key itself says, not its app. One argument: now, twice.
const activeKey = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) AND (k.overlap_ends_at IS NULL OR k.overlap_ends_at > ?)"

const appColumns = `a.*, o.name AS organization_name, o.suspended_at AS organization_suspended_at,
	(SELECT COUNT(*) FROM keys k WHERE k.app_id = a.id AND ` + activeKey + `) AS active_keys,
	(SELECT COUNT(*) FROM access x WHERE x.app_id = a.id AND x.state = 'approved') AS apis`

// AppFilter narrows a list of apps; zero fields don't.
type AppFilter struct {
	OrganizationID db.ID
	Search         string // in name, and for staff in the organization's name
}

// Apps lists the apps of the actor's organizations, newest first unless sorted by name.
func (s *Store) Apps(ctx context.Context, a actor.Actor, f AppFilter, page db.PageRequest) (db.Page[AppRow], error) {
	now, like := s.db.Now(), Like(f.Search)
	one := ""
	if !f.OrganizationID.IsZero() {
		one = f.OrganizationID.String()
	}
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	return db.List(ctx, s.db, db.Listing[AppRow]{
		Name: "apps/" + one + "/" + f.Search,
		Select: "SELECT " + appColumns + ", m.role FROM " + members + ` m JOIN organizations o ON o.id = m.organization_id JOIN apps a ON a.organization_id = o.id
			WHERE o.deleted_at IS NULL AND a.deleted_at IS NULL AND LOWER(a.name) LIKE ? ESCAPE '!' AND (? = '' OR CAST(a.organization_id AS TEXT) = ?) AND a.id NOT IN ` + unseen,
		Args:   append([]any{now, now, arg, like, one, one}, hidden...),
		IDExpr: "a.id", ID: appID, Sorts: appSorts, Default: "-created",
	}, page)
}

func appID(r AppRow) db.ID { return r.ID }

var appSorts = map[string]db.Sort[AppRow]{
	"created": {Expr: "a.created_at", Value: func(r AppRow) any { return r.CreatedAt }},
	"name":    {Expr: "a.name", Value: func(r AppRow) any { return r.Name }},
}

// App reads one app of the actor's organizations. Faults: NotFound.
func (s *Store) App(ctx context.Context, a actor.Actor, id db.ID) (AppRow, error) {
	now := s.db.Now()
	var rows []AppRow
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	err := s.db.Read(ctx).Raw("SELECT "+appColumns+", m.role FROM "+members+` m JOIN organizations o ON o.id = m.organization_id JOIN apps a ON a.organization_id = o.id
		WHERE a.id = ? AND o.deleted_at IS NULL AND a.deleted_at IS NULL AND a.id NOT IN `+unseen, append([]any{now, now, arg, id}, hidden...)...).Scan(&rows).Error
	if err != nil {
		return AppRow{}, err
	}
	if len(rows) == 0 {
		return AppRow{}, fault.Missing()
	}
	return rows[0], nil
}

// AppInput is what people say of an app.
type AppInput struct {
	Name        string
	Description string
	HomepageURL string
}

func (in *AppInput) check() error {
	var p fault.Problems
	in.Name = CheckName(&p, "name", in.Name)
	in.Description = CheckText(&p, "description", in.Description, 1000)
	in.HomepageURL = CheckURL(&p, "homepage_url", in.HomepageURL)
	return p.Err()
}

// CreateApp makes an app. Faults: NotFound for no organization of the actor's, Forbidden below admin, Invalid, Conflict at MaxApps.
func (s *Store) CreateApp(ctx context.Context, a actor.Actor, organizationID db.ID, in AppInput) (App, error) {
	var app App
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := Require(tx.DB, a, organizationID, permission.AppsManage); err != nil {
			return err
		}
		if err := in.check(); err != nil {
			return err
		}
		if err := lockRow(tx, "SELECT 1 FROM organizations WHERE id = ? FOR UPDATE", organizationID); err != nil {
			return err
		}
		n, err := count(tx.DB, "SELECT COUNT(*) FROM apps WHERE organization_id = ? AND deleted_at IS NULL", organizationID)
		if err != nil {
			return err
		}
		if n >= MaxApps {
			return fault.New(fault.Conflict, "This organization has %d apps, which is the most that one can have.", int(n))
		}
		app, err = InsertApp(tx, a, organizationID, in)
		return err
	})
	return app, err
}

// InsertApp adds an app without asking who may: for callers that have asked.
func InsertApp(tx *db.Tx, a actor.Actor, organizationID db.ID, in AppInput) (App, error) {
	app := App{
		ID: db.NewID(), OrganizationID: organizationID, Name: in.Name, Description: in.Description, HomepageURL: in.HomepageURL,
		CreatedBy: a.UserID.Ref(), CreatedAt: tx.Now, UpdatedAt: tx.Now,
	}
	_, err := tx.Run("INSERT INTO apps (id, organization_id, name, description, homepage_url, created_by, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		app.ID, organizationID, app.Name, app.Description, app.HomepageURL, app.CreatedBy, tx.Now, tx.Now)
	if err != nil {
		return App{}, err
	}
	audit.Record(tx, a, audit.Event{Act: audit.AppCreated, TargetKind: "app", TargetID: app.ID, OrganizationID: organizationID, Details: map[string]string{"name": app.Name}})
	return app, nil
}

// ChangeApp sets name, description and homepage. Faults: NotFound, Forbidden below admin, Invalid.
func (s *Store) ChangeApp(ctx context.Context, a actor.Actor, id db.ID, in AppInput) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		app, err := lockedApp(tx, a, id, permission.AppsManage)
		if err != nil {
			return err
		}
		if err := tx.Unchanged(app.UpdatedAt); err != nil {
			return err
		}
		if err := in.check(); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE apps SET name = ?, description = ?, homepage_url = ?, updated_at = ? WHERE id = ?", in.Name, in.Description, in.HomepageURL, tx.Now, id); err != nil {
			return err
		}
		change.Record(tx, change.App, id)
		audit.Record(tx, a, audit.Event{Act: audit.AppChanged, TargetKind: "app", TargetID: id, OrganizationID: app.OrganizationID, Details: map[string]string{"name": in.Name}})
		return nil
	})
}

// DeleteApp ends an app; its keys stop at once. typedName must be its name. Faults: NotFound, Forbidden below admin, Invalid.
func (s *Store) DeleteApp(ctx context.Context, a actor.Actor, id db.ID, typedName string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		app, err := lockedApp(tx, a, id, permission.AppsManage)
		if err != nil {
			return err
		}
		if err := tx.Unchanged(app.UpdatedAt); err != nil {
			return err
		}
		if typedName != app.Name {
			return fault.BadField("confirm", "Type the name exactly: %s", app.Name)
		}
		if _, err := tx.Run("UPDATE apps SET deleted_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, id); err != nil {
			return err
		}
		change.Record(tx, change.App, id)
		audit.Record(tx, a, audit.Event{Act: audit.AppDeleted, TargetKind: "app", TargetID: id, OrganizationID: app.OrganizationID, Details: map[string]string{"name": app.Name}})
		return nil
	})
}
