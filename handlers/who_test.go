package handlers_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff"
)

// ask is a real request that a permission decides, on an object of a kind; ":object" stands for its id.
type ask struct {
	permission permission.Name
	kind, path string
}

var memberAsks = []ask{
	{permission.OrgRead, "org", "/console/organizations/:object"},
	{permission.ActivityRead, "org", "/console/organizations/:object/activity"},
	{permission.MembersManage, "org", "/console/organizations/:object/invite"},
	{permission.OwnersManage, "org", "/console/organizations/:object/transfer"},
	{permission.OrgDelete, "org", "/console/organizations/:object/delete"},
	{permission.DomainsManage, "org", "/console/organizations/:object/domains"},
	{permission.AppsRead, "app", "/console/apps/:object"},
	{permission.AppsManage, "app", "/console/apps/:object/edit"},
	{permission.AppsManage, "app", "/console/apps/:object/delete"},
	{permission.AppsMove, "app", "/console/apps/:object/move"},
	{permission.KeysRead, "key", "/console/keys/:object"},
	{permission.KeysMake, "key", "/console/keys/:object/revoke"},
	{permission.KeysMake, "key", "/console/keys/:object/pause"},
	{permission.KeysMake, "key", "/console/keys/:object/limits"},
	{permission.KeysManageAll, "key", "/console/keys/:object/owner"},
}

// staffAsks are all pages of staff that are about no object, or about one of these kinds.
func (w *world) staffAsks() (out []ask) {
	kinds := map[string]string{"/admin/organizations/:id": "org", "/admin/apps/:id": "app", "/admin/keys/:key": "key"}
	for _, r := range w.house.Table {
		p := r.Access.Permission()
		kind, about := kinds[r.Path]
		switch {
		case p == "" || r.Mutates() || strings.Contains(r.Path, ":") && !about:
		case about:
			out = append(out, ask{p, kind, r.Path[:strings.LastIndex(r.Path, "/")] + "/:object"})
		default:
			out = append(out, ask{p, "", r.Path})
		}
	}
	return out
}

// Z6: of a thousand random triples of who, what and on which, each is answered as the real request is.
func TestWhoCanIsWhatRequestsAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		serve(t, d, clock).asks()
	})
}

func (w *world) asks() {
	t := w.T
	w.inhabit()
	people, objects := w.company()
	browsers := map[db.ID]*webtest.Client{}
	for _, u := range people {
		browsers[u.ID] = w.site.As(u)
	}
	w.ok(w.house.Stores.Account.Suspend(t.Context(), webtest.ActorOf(w.admin), people[len(people)-1].ID, "To test", nil))
	asks, r, admin := append(w.staffAsks(), memberAsks...), rand.New(rand.NewPCG(6, 1000)), webtest.ActorOf(w.admin) //nolint:gosec // repeatable on purpose
	yes := 0

	for range 1000 {
		who, what := people[r.IntN(len(people))], asks[r.IntN(len(asks))]
		path, object := what.path, staff.Object{}
		if what.kind != "" {
			all := objects[what.kind]
			ref := all[r.IntN(len(all))]
			path = strings.Replace(path, ":object", ref, 1)
			var err error
			object, err = w.house.Stores.Staff.Object(t.Context(), admin, ref)
			w.ok(err)
		}
		found, err := w.house.Stores.Staff.Who(t.Context(), admin, what.permission, object)
		w.ok(err)
		said := slices.ContainsFunc(found, func(c staff.Can) bool { return c.ID == who.ID })
		got := browsers[who.ID].Get(path)
		if said {
			yes++
		}
		if real := got.Status == http.StatusOK || got.Status == http.StatusUnprocessableEntity || got.Status == http.StatusFound || got.Status == http.StatusSeeOther && strings.HasPrefix(got.Location, "/admin/"); real != said { // a form about nobody leads back to its list, or says so
			t.Errorf("%s, %s on %s: said %v, the request answers %d", who.Email, what.permission, path, said, got.Status)
		}
	}
	if yes < 100 || yes > 900 {
		t.Errorf("%d of 1000 may: the triples tell little", yes)
	}
}

// company are two organizations with somebody of each role, an app and two keys each, people of each staff role and of composed ones, and one, the last, who will be
// suspended.
func (w *world) company() ([]account.User, map[string][]string) {
	w.Helper()
	ctx, s := context.Background(), w.house.Stores
	people, objects := []account.User{w.admin, w.mine.user, w.them.user}, map[string][]string{}
	for _, name := range []string{"bakery", "mill"} {
		owner := w.site.Person("owner@"+name+".example", "")
		o, err := s.Org.Create(ctx, webtest.ActorOf(owner), org.Input{Name: name})
		w.ok(err)
		people = append(people, owner)
		makers := []account.User{owner}
		for _, role := range []string{permission.Viewer, permission.Developer, permission.Developer, permission.Admin} {
			u := w.site.Person(role+db.NewID().String()+"@"+name+".example", "")
			w.ok(w.db.Tx(ctx, func(tx *db.Tx) error {
				_, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", o.ID, u.ID, role, tx.Now)
				return err
			}))
			people = append(people, u)
			if role == permission.Developer {
				makers = append(makers, u)
			}
		}
		app, err := s.Org.CreateApp(ctx, webtest.ActorOf(owner), o.ID, org.AppInput{Name: "App of " + name})
		w.ok(err)
		objects["org"], objects["app"] = append(objects["org"], o.ID.Show("org")), append(objects["app"], app.ID.Show("app"))
		for _, m := range makers[:2] {
			a := webtest.ActorOf(m)
			made, err := s.Key.Create(ctx, a, key.CreateRequest{Token: s.Key.NewFormToken(a, key.CreatePurpose()), AppID: app.ID, Environment: "live", Name: "Key", Expiry: key.Expiry{Days: 30}})
			w.ok(err)
			objects["key"] = append(objects["key"], made.Key.ID.Show("key"))
		}
	}
	for _, role := range []string{permission.Support, permission.Auditor} {
		people = append(people, w.site.Person(role+"@company.example", role))
	}
	for i, has := range [][]permission.Name{{permission.StaffUsageRead, permission.StaffUsersRead}, {permission.StaffMailManage, permission.StaffOrgsRead}, {permission.StaffQuestionsRead}} {
		u, _ := w.staffed("composed"+string(rune('a'+i))+"@company.example", has...)
		people = append(people, u)
	}
	return append(people, w.site.Person("suspended@company.example", permission.Support)), objects
}
