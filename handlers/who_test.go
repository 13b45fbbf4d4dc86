package handlers_test

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
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

// shareAsks are what a share's pages are asked for, by an app or a key; ":share" and ":object" stand for their ids, and told is what only who may is told.
var shareAsks = []struct {
	ask
	told string
}{
	{ask{permission.UsageRead, "app", "/console/shares/:share"}, `id="usage"`},
	{ask{permission.KeysRead, "app", "/console/shares/:share"}, "Keys of this app"},
	{ask{permission.KeysRead, "key", "/console/shares/:share"}, "Key of :object"},
	{ask{permission.KeysMake, "app", "/console/shares/:share"}, "/rotate"},
	{ask{permission.KeysMake, "key", "/console/shares/:share/keys/:object/rotate"}, ":object/rotate"},
	{ask{permission.KeysManageAll, "key", "/console/shares/:share/keys/:object/rotate"}, ":object/rotate"},
}

// Z6, A12: of a thousand random triples of who, what and on which, each is answered as the real request is, also of who lacks nothing but a second factor; and so are a
// thousand of what shares open, to whom they do.
func TestWhoCanIsWhatRequestsAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serveWith(t, d, clock, map[string]string{"GATEHOUSE_STAFF_FACTOR": "required"})
		w.inhabit()
		c := w.company()
		w.ok(w.house.Stores.Account.Suspend(t.Context(), webtest.ActorOf(w.admin), c.people[len(c.people)-1].ID, "To test", nil))
		r := rand.New(rand.NewPCG(6, 1000)) //nolint:gosec // repeatable on purpose
		w.asks(c, r)
		w.shareAsks(c, r)
	})
}

// who are those who may, at their next request, and those of them who need a second factor first.
func (w *world) who(p permission.Name, ref string, counts func(staff.Can) bool) (may, first map[db.ID]bool) {
	w.Helper()
	ctx, admin := w.Context(), webtest.ActorOf(w.admin)
	var object staff.Object
	var err error
	if ref != "" {
		object, err = w.house.Stores.Staff.Object(ctx, admin, ref)
		w.ok(err)
	}
	found, err := w.house.Stores.Staff.Who(ctx, admin, p, object)
	w.ok(err)
	may, first = map[db.ID]bool{}, map[db.ID]bool{}
	for _, can := range found {
		if counts(can) && can.NeedsFactor {
			first[can.ID] = true
		} else if counts(can) {
			may[can.ID] = true
		}
	}
	return may, first
}

func (w *world) asks(c company, r *rand.Rand) {
	asks, yes, needy := append(w.staffAsks(), memberAsks...), 0, 0
	for range 1000 {
		what, ref, from := asks[r.IntN(len(asks))], "", c.people
		if all := c.objects[what.kind]; what.kind != "" {
			ref = all[r.IntN(len(all))]
		}
		if of := c.of[ref]; of != nil && r.IntN(2) == 0 {
			from = of
		}
		who := from[r.IntN(len(from))]
		path := strings.Replace(what.path, ":object", ref, 1)
		may, first := w.who(what.permission, ref, func(can staff.Can) bool { return can.By != staff.ByShare })
		got := c.browsers[who.ID].Get(path)
		if may[who.ID] {
			yes++
		}
		if first[who.ID] {
			needy++
		}
		real := got.Status == http.StatusOK || got.Status == http.StatusUnprocessableEntity || got.Status == http.StatusFound || got.Status == http.StatusSeeOther && strings.HasPrefix(got.Location, "/admin/") // a form about nobody leads back to its list, or says so
		if real != may[who.ID] {
			w.Errorf("%s, %s on %s: said %v, the request answers %d", who.Email, what.permission, path, may[who.ID], got.Status)
		}
	}
	if yes < 100 || yes > 900 || needy < 20 {
		w.Errorf("%d of 1000 may, %d need a factor first: the triples tell little", yes, needy)
	}
}

func (w *world) shareAsks(c company, r *rand.Rand) {
	yes, needy := map[string]int{}, 0
	for range 1000 {
		what, lent := shareAsks[r.IntN(len(shareAsks))], c.shares[r.IntN(len(c.shares))]
		from := lent.to
		if r.IntN(3) == 0 {
			from = c.people
		}
		who, ref := from[r.IntN(len(from))], lent.app
		if keys := lent.keys; what.kind == "key" {
			if r.IntN(4) == 0 {
				keys = c.objects["key"] // most are of other apps
			}
			ref = keys[r.IntN(len(keys))]
		}
		in := strings.NewReplacer(":share", lent.id.Show(share.Prefix), ":object", ref)
		may, first := w.who(what.permission, ref, func(can staff.Can) bool { return can.By == staff.ByShare && can.ShareID == lent.id })
		got := c.browsers[who.ID].Get(in.Replace(what.path))
		if may[who.ID] {
			yes[string(what.permission)+" "+what.kind]++
		}
		if first[who.ID] {
			needy++
		}
		if real := got.Status == http.StatusOK && strings.Contains(got.Body, in.Replace(what.told)); real != may[who.ID] {
			w.Errorf("%s, %s of %s by the share %s: said %v, the request answers %d, %v", who.Email, what.permission, what.kind, lent.name, may[who.ID], got.Status, real)
		}
	}
	for _, what := range shareAsks {
		if n := yes[string(what.permission)+" "+what.kind]; n < 8 {
			w.Errorf("%s of %s: %d may by a share", what.permission, what.kind, n)
		}
	}
	if needy < 10 {
		w.Errorf("%d need a second factor before a share opens anything to them", needy)
	}
}

// Z6: the page for admins tells by which share, until when and to do what somebody of another organization may, and who needs a second factor first; what one may oneself is
// told until when, too.
func TestWhoCanTellsOfSharesAndFactors(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveWith(t, dbtest.SQLite(t, clock), clock, map[string]string{"GATEHOUSE_STAFF_FACTOR": "required"})
	w.inhabit()
	w.lend(w.them.user, w.them.app.ID, w.mine.user, w.mine.org, actor.RotateAll)
	w.site.Person("bare@company.example", permission.Auditor)
	admin := w.site.As(w.admin)

	byShare := admin.Get("/admin/who?permission=" + string(permission.KeysMake) + "&object=" + w.them.key.ID.Show("key")).Body
	staffed := admin.Get("/admin/who?permission=" + string(permission.StaffAuditRead)).Body

	ends := clock.Now().AddDate(0, 0, 91).Format("2 Jan 2006")
	if said := "By a share with mine until " + ends; !strings.Contains(byShare, said) || !strings.Contains(byShare, "Rotate all keys") || strings.Contains(byShare, "Needs a second factor first") {
		t.Errorf("not %q: %s", said, byShare[strings.Index(byShare, `id="who"`):])
	}
	if n := strings.Count(staffed, "Needs a second factor first"); n != 1 {
		t.Errorf("%d of the auditors need a factor first: %s", n, staffed[strings.Index(staffed, `id="who"`):])
	}
	if mine := w.site.As(w.mine.user).Get("/me/permissions").Body; !strings.Contains(mine, clock.Now().AddDate(0, 0, 91).Format("2006-01-02T")) {
		t.Error("what one may by a share is not told until when")
	}
}
