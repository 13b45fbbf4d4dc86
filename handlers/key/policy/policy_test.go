package policy_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	handlers "github.com/gatehouse-dev/gatehouse/handlers/key/policy"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/job"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/enforcement"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

const day = 24 * time.Hour

var bg = context.Background()

type world struct {
	*keytest.World
	t                           *testing.T
	site                        *webtest.Site
	policies                    *policy.Store
	worker                      *job.Worker
	dev, admin, auditor, viewer *webtest.Client
	ofOrders                    string
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{World: keytest.New(t, d, clock), t: t, policies: policy.NewStore(d)}
		w.Run("UPDATE users SET language = 'en', time_zone = 'UTC'")
		w.Run("UPDATE users SET staff_role = 'admin' WHERE id = ?", w.Staff.UserID)
		w.site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
			key.New(k, w.Keys, handover.NewStore(handover.Options{DB: d, Outbox: w.Outbox, Keys: w.Keys, Link: k.Link})).Routes(r)
			handlers.New(k, w.policies, w.Keys).Routes(r)
		})
		w.worker = job.NewWorker(d, "test")
		held := enforcement.NewStore(d, w.Keys)
		w.worker.Handle(policy.TellJob, held.Tell)
		w.worker.Every("key.policy", time.Hour, held.Enforce)
		w.dev, w.admin, w.viewer = w.as(w.Developer), w.as(w.Staff), w.as(w.Viewer)
		w.auditor = w.site.As(w.site.Person("aud@example.com", "auditor"))
		w.ofOrders = "/admin/policy/" + w.API.Show("api")
		body(t, w)
	})
}

func (w *world) as(a actor.Actor) *webtest.Client {
	w.t.Helper()
	u, err := account.NewStore(account.Options{DB: w.DB}).ByID(bg, a.UserID)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.site.As(u)
}

func has(t *testing.T, p webtest.Page, status int, words ...string) {
	t.Helper()
	if p.Status != status {
		t.Errorf("status %d, want %d", p.Status, status)
	}
	for _, s := range words {
		if !strings.Contains(p.Body, s) {
			t.Errorf("the page does not say %q", s)
		}
	}
}

func (w *world) step() {
	w.t.Helper()
	if err := w.worker.Step(bg); err != nil {
		w.t.Fatal(err)
	}
}

// K4: keys that end before the notice is over anyway are counted apart, and each says when it ends now and when it may at the latest.
func TestAPreviewSaysWhenEachKeyEndsAndMayEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Make(w.Developer, "Long one", 300)
		w.Make(w.Developer, "Soon over", 200)
		w.Run("UPDATE keys SET expires_at = ? WHERE name = 'Soon over'", w.Clock.Now().Add(9*day))
		w.Run("UPDATE keys SET created_at = ? WHERE name = 'Soon over'", w.Clock.Now().Add(-100*day))
		ends := func(after time.Duration) string { return text.Date(bg, w.Clock.Now().Add(after)) }

		asked := w.admin.Post(w.ofOrders, url.Values{"max_days": {"30"}})

		page := w.admin.Get(asked.Location)
		has(t, page, 200, "It ends within 30 days anyway", "1 ends before that anyway", "The latest ends are those after a notice of 30 days.",
			">"+ends(300*day)+"</td>", ">"+text.Date(bg, policy.LatestEnd(w.Clock.Now(), 30, w.Clock.Now().Add(30*day)))+"</td>", ">"+ends(9*day)+"</td>", ">Ends before that anyway</td>")
		if strings.Count(page.Body, "<span class=\"hint\">1 key</span>") != 2 {
			t.Error("the two keys are not counted apart")
		}
		has(t, w.admin.Post(asked.Location, url.Values{"notice_days": {"0"}}), 422, "Ends before that anyway")
	})
}

// K4, U1: seen before it is saved, with a notice, told, shown as a countdown, and done when the notice is over.
func TestATighteningIsSeenSavedToldAndCountedDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		long := w.Make(w.Developer, "Long one", 300).Key.ID
		page := "/console/keys/" + long.Show(keys.IDPrefix)
		w.Use(long, "203.0.113.0/24")
		w.Clock.Advance(time.Minute)
		has(t, w.admin.Get("/admin/policy"), 200, "All keys of this portal", "A key lives at most 365 days.", w.ofOrders)
		has(t, w.admin.Get(w.ofOrders), 200, "Plans and scopes", "orders:read")

		asked := w.admin.Post(w.ofOrders, url.Values{"max_days": {"30"}, "idle_days": {"60"}})

		if asked.Status != 303 || !strings.HasPrefix(asked.Location, "/admin/policy/changes/pol_") {
			t.Fatal(asked.Status, asked.Location)
		}
		change := asked.Location
		has(t, w.admin.Get(change), 200, "A stricter policy: Orders", "Northwind", "Long one", "It lives longer", "Save policy with this notice", `value="30"`)
		has(t, w.admin.Get(change+"?used=1"), 200, "Long one", "All of them")
		has(t, w.auditor.Get(change), 200, "Long one")
		if strings.Contains(w.auditor.Get(change).Body, "Save policy with this notice") {
			t.Error("an auditor saves nothing")
		}
		has(t, w.admin.Post(change, url.Values{"notice_days": {"0"}}), 422, "A notice is 1 to 365 days", `value="0"`)
		if got := w.admin.Post(change, url.Values{"notice_days": {"10"}}); got.Status != 303 {
			t.Fatal(got.Status)
		}
		has(t, w.admin.Get(change), 200, "Saved on", "still to be mailed")
		w.step()
		if diff := fmt.Sprint(keytest.Names(w.Mails())); diff != "[dev key_policy_changed ops key_policy_changed]" {
			t.Error(diff)
		}
		has(t, w.admin.Get("/admin/policy"), 200, "go by the rules of before until 1 Dec 2026")
		has(t, w.dev.Get(page), 200, "Gets an earlier end on 1 Dec 2026: policy of Orders")
		has(t, w.dev.Get("/console/keys"), 200, "Gets an earlier end on 1 Dec 2026: policy of Orders", "Policy")
		has(t, w.dev.Get("/console/policies"), 200, "Orders", "A key lives at most 30 days.", "this portal")
		has(t, w.dev.Get("/console/keys/new?grants=orders/orders:read"), 200, "A key lives at most 30 days. (policy of Orders)", "In 30 days")
		w.Clock.Advance(10*day + time.Hour)
		w.step()
		if r := w.Row(long); r.ExpiresAt.Sub(w.Clock.Now()) > 21*day { // ends are those of days
			t.Error("it keeps its end:", r.ExpiresAt)
		}
		has(t, w.as(w.Developer).Get(page), 200, "unless it is used: policy of Orders")
	})
}

// Works; 422; signed out; somebody without the right; another site: Z1, Z2, W1
func TestPoliciesAreChangedByTheRightPersonOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Make(w.Developer, "Long one", 300)
		change := w.admin.Post(w.ofOrders, url.Values{"max_days": {"30"}}).Location
		for path, form := range map[string]url.Values{w.ofOrders: {"idle_days": {"10"}}, change: {"notice_days": {"10"}}, "/admin/policy/installation": {"default_days": {"1"}, "max_days": {"400"}, "keys_per_app": {"1"}}} {
			got := []int{w.site.Visitor().Post(path, form).Status, w.dev.Post(path, form).Status, w.auditor.Post(path, form).Status, w.admin.CrossSite(path, form).Status}
			if fmt.Sprint(got) != "[401 403 403 403]" {
				t.Errorf("%s: %v", path, got)
			}
		}
		book, err := w.policies.Book(bg, w.Staff)
		if err != nil || len(book.Rules()) != 1 {
			t.Fatal(book, err)
		}
		has(t, w.admin.Post("/admin/policy/installation", url.Values{"default_days": {"100"}, "max_days": {"30"}, "keys_per_app": {"x"}}), 422, "can’t be longer than the longest lifetime, 30 days", "1 to 10,000 keys", `value="100"`)
		has(t, w.admin.Post("/admin/policy/installation", url.Values{"max_days": {"30"}, "keys_per_app": {"3"}}), 422, "needs a number here")
		good := w.admin.Post("/admin/policy/installation", url.Values{"default_days": {"10"}, "max_days": {"365"}, "keys_per_app": {"5"}, "never_allowed": {"yes"}})
		rules, err := w.Keys.Rules(bg, w.App, nil)
		if good.Status != 303 || err != nil || rules.Default.Value != 10 || !rules.Never.On || rules.PerApp[0].Value != 5 {
			t.Fatal(good.Status, rules, err)
		}
		for _, path := range []string{"/admin/policy/api_00000000000000000000000000", "/admin/policy/nonsense", "/admin/policy/" + db.NewID().Show("org"), "/admin/policy/changes/" + db.NewID().Show("pol")} {
			if got := w.admin.Get(path).Status; got != 404 {
				t.Error(path, got)
			}
		}
		for who, c := range map[string]*webtest.Client{"member": w.viewer, "auditor": w.auditor} {
			if got := c.Get("/console/policies").Status; got != 200 {
				t.Error(who, got)
			}
		}
		if got := w.as(w.Stranger).Get("/console/policies?org=" + w.Org.Show("org")).Body; strings.Contains(got, "Northwind") {
			t.Error("a stranger reads of another organization (Z2)")
		}
	})
}
