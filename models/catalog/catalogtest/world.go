// Package catalogtest makes a small company with APIs and developers, for tests of org, catalog and the pages around them.
package catalogtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// World is a portal with the company, its API orders (scopes orders:read and orders:write, the latter sensitive; plans Open and Trusted, the latter with
// approval) and an organization Northwind with an app Shop.
type World struct {
	DB      *db.DB
	Org     *org.Store
	Catalog *catalog.Store
	Outbox  *outbox.Outbox
	Staff   actor.Actor // admin of the portal, owner of the company's organization
	Support actor.Actor
	Owner   actor.Actor // of Northwind
	Other   actor.Actor // of Contoso
	Company db.ID
	North   db.ID
	Contoso db.ID
	Shop    db.ID // app of Northwind
	Foreign db.ID // app of Contoso
	API     db.ID
	Read    db.ID // scopes
	Write   db.ID
	Open    db.ID // plans
	Trusted db.ID

	t testing.TB
}

// New fills an empty database.
func New(t testing.TB, d *db.DB) *World {
	t.Helper()
	root, err := secret.Parse("b7Kq2Zx9Lm4Rt8Vw1Ny6Pc3Hd5Jf0GsAeUiOkTzBx", "")
	if err != nil {
		t.Fatal(err)
	}
	link := func(path string) string { return "http://portal.test" + path }
	w := &World{DB: d, Outbox: outbox.New(root.Sealer(secret.LabelMail)), t: t}
	w.Org = org.NewStore(org.Options{DB: d, Outbox: w.Outbox, Link: link})
	w.Catalog = catalog.NewStore(catalog.Options{DB: d, Outbox: w.Outbox, Link: link})
	w.Staff, w.Support = w.Person("Ada Admin", "admin"), w.Person("Sam Support", "support")
	w.Owner, w.Other = w.Person("Nora North", ""), w.Person("Carl Contoso", "")
	w.Company = db.NewID()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO organizations (id, kind, name, created_at, updated_at) VALUES (?, 'company', 'Fernhill Trading', ?, ?)", w.Company, tx.Now, tx.Now)
		if err == nil {
			err = w.Catalog.SeedPortal(tx, w.Staff, w.Company)
		}
		return err
	})
	w.Join(w.Company, w.Staff, "owner")
	w.North, w.Contoso = w.organization(w.Owner, "Northwind"), w.organization(w.Other, "Contoso")
	w.Shop, w.Foreign = w.app(w.Owner, w.North, "Shop"), w.app(w.Other, w.Contoso, "Warehouse")
	w.API = w.AddAPI("orders", catalog.Input{Name: "Orders", Summary: "Place and follow orders.", DataDomain: "customer", Visibility: catalog.Public})
	return w
}

// Tx runs fn and fails the test when it fails.
func (w *World) Tx(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.DB.Tx(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func must[T any](w *World, v T, err error) T {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// Person adds a verified user without any organization.
func (w *World) Person(name, staffRole string) actor.Actor {
	w.t.Helper()
	id := db.NewID()
	email := strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.com"
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO users (id, email, name, display_name, staff_role, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			id, email, name, name, staffRole, tx.Now, tx.Now, tx.Now, tx.Now)
		return err
	})
	return actor.Actor{Kind: actor.User, UserID: id, StaffRole: staffRole, Name: name, RequestID: "req_test"}
}

// Join makes somebody a member.
func (w *World) Join(organization db.ID, a actor.Actor, role string) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", organization, a.UserID, role, tx.Now)
		return err
	})
}

func (w *World) organization(a actor.Actor, name string) db.ID {
	w.t.Helper()
	o, err := w.Org.Create(context.Background(), a, org.Input{Name: name})
	return must(w, o, err).ID
}

func (w *World) app(a actor.Actor, organization db.ID, name string) db.ID {
	w.t.Helper()
	app, err := w.Org.CreateApp(context.Background(), a, organization, org.AppInput{Name: name, Description: "Sells things.", HomepageURL: "https://shop.example"})
	return must(w, app, err).ID
}

// AddAPI adds an API of the company with the scopes resource:read and resource:write and the plans of World; the first one's ids are kept in w.
func (w *World) AddAPI(slug string, in catalog.Input) db.ID {
	w.t.Helper()
	ctx := context.Background()
	in.Slug = slug
	if in.PublisherID.IsZero() {
		in.PublisherID = w.Company
	}
	api, err := w.Catalog.Create(ctx, w.Staff, in, catalog.VersionInput{Name: "v2", State: catalog.Live})
	must(w, api, err)
	for _, s := range []catalog.ScopeInput{{Name: slug + ":read", Sentence: "Read " + slug}, {Name: slug + ":write", Sentence: "Create and change " + slug, Sensitive: true}} {
		must(w, 0, w.Catalog.AddScope(ctx, w.Staff, api.ID, s))
	}
	for _, p := range []catalog.PlanInput{{Name: "Open", Summary: "For trying things out.", RateRequests: 60, RatePeriodSeconds: 60, Burst: 20, QuotaMonth: 10000}, {Name: "Trusted", Summary: "For production.", RateRequests: 100, RatePeriodSeconds: 1, Burst: 200, NeedsApproval: true}} {
		must(w, 0, w.Catalog.AddPlan(ctx, w.Staff, api.ID, p))
	}
	for _, e := range []string{catalog.EnvLive, catalog.EnvTest} {
		must(w, 0, w.Catalog.SetEnvironment(ctx, w.Staff, api.ID, catalog.Environment{Environment: e, BaseURL: "https://" + e + ".api.example", ExampleMethod: "GET", ExamplePath: "/v2/" + slug + "?limit=10"}))
	}
	_, err = w.Catalog.AddRules(ctx, w.Staff, api.ID, db.ID{}, "GET /v2/"+slug+" "+slug+":read\nGET /v2/"+slug+"/{id} "+slug+":read\nPOST /v2/"+slug+" "+slug+":write")
	must(w, 0, err)
	d, err := w.Catalog.ByID(ctx, w.Staff, api.ID)
	must(w, d, err)
	if w.Read.IsZero() {
		w.Read, w.Write, w.Open, w.Trusted = d.Scopes[0].ID, d.Scopes[1].ID, d.Plans[0].ID, d.Plans[1].ID
	}
	return api.ID
}

// Request asks for access of Shop to orders.
func (w *World) Request(plan db.ID, scopes ...db.ID) catalog.Access {
	w.t.Helper()
	x, err := w.Catalog.Request(context.Background(), w.Owner, "orders", catalog.RequestInput{AppID: w.Shop, PlanID: plan, ScopeIDs: scopes, Purpose: "Show a customer their orders."})
	return must(w, x, err)
}

// Key puts a key of an app with grants into the database, not one that anybody holds.
func (w *World) Key(app db.ID, name string, api db.ID, scopes ...db.ID) db.ID {
	w.t.Helper()
	id := db.NewID()
	w.Tx(func(tx *db.Tx) error {
		expires := tx.Now.Add(90 * 24 * time.Hour)
		_, err := tx.Run("INSERT INTO keys (id, app_id, environment, name, prefix, last_four, digest_algorithm, pepper_version, digest, expires_at, created_at, updated_at) VALUES (?, ?, 'live', ?, 'gk_live_', 'x7Qa', 'hmac-sha256', '1', ?, ?, ?, ?)",
			id, app, name, id[:], expires, tx.Now, tx.Now)
		for _, s := range scopes {
			if err == nil {
				_, err = tx.Run("INSERT INTO key_grants (key_id, api_id, scope_id) VALUES (?, ?, ?)", id, api, s)
			}
		}
		return err
	})
	return id
}

// Mails are the kinds of mail that wait for an address.
func (w *World) Mails(email string) []string {
	w.t.Helper()
	var kinds []string
	if err := w.DB.Read(context.Background()).Raw("SELECT kind FROM mails WHERE recipient = ? ORDER BY created_at, id", email).Scan(&kinds).Error; err != nil {
		w.t.Fatal(err)
	}
	return kinds
}

// Changes are the kinds of change recorded after seq, and the newest seq.
func (w *World) Changes(seq int64) (map[string]int, int64) {
	w.t.Helper()
	var rows []db.Change
	if err := w.DB.Read(context.Background()).Raw("SELECT seq, kind, subject_id FROM changes WHERE seq > ? ORDER BY seq", seq).Scan(&rows).Error; err != nil {
		w.t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, r := range rows {
		kinds[r.Kind]++
		seq = r.Seq
	}
	return kinds, seq
}

// InForce are the scopes that keys of Shop can be granted now.
func (w *World) InForce() []string {
	w.t.Helper()
	var names []string
	err := w.DB.Read(context.Background()).Raw(`SELECT s.name FROM access x JOIN access_scopes c ON c.access_id = x.id JOIN scopes s ON s.id = c.scope_id JOIN apis i ON i.id = x.api_id
		WHERE x.app_id = ? AND (x.state = 'approved' OR (x.state = 'suspended' AND x.suspended_until <= ?)) AND s.withdrawn_at IS NULL AND i.retired_at IS NULL ORDER BY s.name`, w.Shop, w.DB.Now()).Scan(&names).Error
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}
